//! The results of a prober, and the amounts of a payment over that path.

use super::Sample;
use crate::{
    rate::{Rate, RateBounds},
    receiver::Asset,
};

/// The maximum number of corrections of the amount to send for what rounding takes.
const CORRECTIONS_MAX: u32 = 64;

/// The properties of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The path's rate, after a packet as large as the payment's.
    pub rate: RateBounds,
    /// The most that a packet may carry, in the payer's units; `None` if the whole payment fits
    /// into one packet and no node has set a limit.
    pub packet_amount_max: Option<u64>,
    /// The recipient's asset, if it was known or the recipient has named it.
    pub asset: Option<Asset>,
    /// The total that the recipient takes, in its units, if it names one.
    pub receive_max: Option<u64>,
    /// The time of the last reply's round trip, in milliseconds.
    pub round_trip_ms: u64,
    /// The first sequence that is free, for a [`crate::Sender`] that goes on with the connection.
    pub next_sequence: u64,
    /// Whether no packet of the payment delivers less than it carries, between two wallets of one
    /// asset.
    pub is_lossless: bool,
    pub(super) samples: Vec<Sample>,
}

impl Path {
    /// Returns the amount that arrives if `sent` is cut into packets as a [`crate::Sender`] does.
    /// The amount is exact where packets of these amounts were probed, and otherwise the least if
    /// one node on the path rounds.
    #[must_use]
    pub fn delivered_for(&self, sent: u64) -> u64 {
        let cuts = Cuts::of(sent, self.packet_amount_max.unwrap_or(u64::MAX));
        let brought = cuts.0.iter().map(|&(amount, count)| {
            let sample = self.samples.iter().find(|sample| sample.sent == amount);
            let delivered = sample.map(|sample| sample.delivered);
            let delivered = delivered.unwrap_or_else(|| self.rate.lower().delivered_for(amount));
            u128::from(delivered) * u128::from(count)
        });
        u64::try_from(brought.fold(0, u128::saturating_add)).unwrap_or(u64::MAX)
    }

    /// Returns the amount to send so that `delivered` or more arrives, by [`Path::delivered_for`].
    /// `None` if that takes more than 64 bits, or if nothing ever arrives.
    #[must_use]
    pub fn sent_for(&self, delivered: u64) -> Option<u64> {
        let mut sent = self.rate.lower().sent_for(delivered)?;
        for _ in 0..CORRECTIONS_MAX {
            let brought = self.delivered_for(sent);
            if brought >= delivered {
                return Some(sent);
            }
            // The amount is doubled where nothing arrives, since tiny packets may be rounded to
            // nothing.
            let scaled = u128::from(sent) * u128::from(delivered);
            let scaled = scaled.div_ceil(u128::from(brought).max(1));
            let scaled = scaled.min(u128::from(sent) * 2).max(u128::from(sent) + 1);
            sent = u64::try_from(scaled).ok()?;
        }
        None
    }

    /// Returns the lowest rate of delivered to carried amount among the probed packets.
    #[must_use]
    pub fn worst_rate(&self) -> Rate {
        let rates =
            self.samples.iter().filter_map(|sample| Rate::new(sample.delivered, sample.sent));
        rates.chain([self.rate.lower()]).min().unwrap_or(Rate::ZERO)
    }
}

/// The packets into which a [`crate::Sender`] cuts an amount: amounts, and the number of packets of
/// each. The packets of the greatest amount come first, and the last two are even.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cuts([(u64, u64); 3]);

impl Cuts {
    pub(super) fn of(amount: u64, maximum: u64) -> Self {
        let maximum = maximum.max(1);
        // Packets carry the maximum as long as half of the rest, rounded up, is no less than the
        // maximum.
        let two = maximum.saturating_mul(2).saturating_sub(1);
        let full = amount.checked_sub(two).map_or(0, |more| (more / maximum).saturating_add(1));
        let left = amount.saturating_sub(full.saturating_mul(maximum));
        let (first, second) = if left > maximum { (left.div_ceil(2), left / 2) } else { (left, 0) };
        let count = |amount: u64| u64::from(amount > 0);
        Self([(maximum, full), (first, count(first)), (second, count(second))])
    }

    pub(super) fn packets(&self) -> u64 {
        self.0.iter().map(|&(_, count)| count).fold(0, u64::saturating_add)
    }

    /// Returns the amounts of which there are packets.
    pub(super) fn amounts(&self) -> impl Iterator<Item = u64> {
        self.0.into_iter().filter(|&(_, count)| count > 0).map(|(amount, _)| amount)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sender::PacketSize;

    fn path(samples: &[(u64, u64)], packet_amount_max: u64) -> Path {
        let samples: Vec<_> =
            samples.iter().map(|&(sent, delivered)| Sample { sent, delivered }).collect();
        let Sample { sent, delivered } = samples[0];
        Path {
            rate: RateBounds::of_packet(sent, delivered).unwrap(),
            packet_amount_max: Some(packet_amount_max),
            asset: None,
            receive_max: None,
            round_trip_ms: 0,
            next_sequence: 1,
            is_lossless: false,
            samples,
        }
    }

    #[test]
    fn each_packet_is_rounded_by_itself() {
        // Cents are converted to hundredths of cents at 0.9137: no amount delivers 11.1036 exactly,
        // and two packets of 608 pay for it.
        let path = path(&[(1_000, 91_370)], 1_000);
        assert_eq!(path.sent_for(111_036), Some(1_216));
        assert_eq!(path.delivered_for(1_216), 2 * 55_552);
        assert_eq!(path.delivered_for(10_000), 913_700);
        // Probed packets count with the amounts that they delivered.
        let path = self::path(&[(1_000, 1_000), (608, 606)], 1_000);
        assert_eq!((path.delivered_for(1_216), path.delivered_for(3_216)), (1_212, 3_212));
        assert_eq!(path.worst_rate(), Rate::new(606, 608).unwrap());
    }

    proptest! {
        #[test]
        fn the_cuts_are_those_of_the_sender(
            amount in 0..1_000_000_u64,
            maximum in 1..5_000_u64,
        ) {
            let size = PacketSize::new(Some(maximum));
            let (mut left, mut packets) = (amount, Vec::new());
            while left > 0 {
                let packet = size.cut(left, false);
                packets.push(packet);
                left -= packet;
            }
            let cuts = Cuts::of(amount, maximum);
            let expected = cuts.0.iter().flat_map(|&(amount, count)| (0..count).map(move |_| amount));
            prop_assert_eq!(expected.collect::<Vec<_>>(), packets);
            prop_assert_eq!(cuts.packets(), amount.div_ceil(maximum));
        }

        #[test]
        fn no_amount_overflows(
            amount in any::<u64>(),
            maximum in any::<u64>(),
            delivered in 1..u64::MAX,
        ) {
            let cuts = Cuts::of(amount, maximum);
            let sum = cuts.0.iter().map(|&(amount, count)| u128::from(amount) * u128::from(count));
            prop_assert_eq!(sum.sum::<u128>(), u128::from(amount));
            let path = path(&[(1_000, 917)], maximum);
            if let Some(sent) = path.sent_for(delivered) {
                prop_assert!(path.delivered_for(sent) >= delivered);
            }
        }
    }
}
