//! Limits the packets and amounts of one peer that may be under way at once, so that packets which
//! are never fulfilled can't lock up what other peers need.
//!
//! A peer's own credit line bounds what it can lose, and not what it can hold up: requests, places
//! in the books, and the node's stock of an asset are there for all. So each peer has counters of
//! its own, and each packet a place in them that is given back when it is dropped.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    account::Account,
    peer::Peer,
    peer_limits::{PeerLimits, Percent},
    refusal::Refusal,
};

const PPM: u64 = 1_000_000;
const PPM_PER_PERCENT: u64 = PPM / 100;

/// The limits for peers without limits of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InFlightDefaults {
    /// Packets under way at once.
    pub packets_max: u64,
    /// The most packets under way at once that any peer's own limit allows: a part of what the node
    /// takes from all of them.
    pub packets_ceiling: u64,
    /// Amount under way at once, in the smallest unit of the peer's asset; `None` is no limit.
    pub amount_max: Option<u64>,
    /// Share of the node's stock of an asset, in percent.
    pub asset_share_percent_max: u8,
}

/// The bounds of a peer's packets under way, and how far the packets are within them. Their number
/// and amount are in the peer's [`Traffic`](crate::traffic::Traffic).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occupancy {
    /// The most packets that may be under way at once.
    pub packets_max: u64,
    /// The largest amount of the peer's asset that may be under way at once; `None` is no limit.
    pub amount_max: Option<u64>,
    /// The part that they hold of the node's stock of other assets, in millionths, over all packets.
    pub asset_share_ppm: u64,
    /// The part that they may hold.
    pub asset_share_ppm_max: u64,
}

/// The limits for the place of one packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlaceLimits {
    packets_max: u64,
    amount_max: Option<u64>,
    asset_share_ppm_max: u64,
}

impl InFlightDefaults {
    /// Returns the limits of a peer: its own, and the node's where the peer has none.
    pub(crate) fn under(&self, own: &PeerLimits) -> PlaceLimits {
        let percent = own.asset_share_in_flight_percent_max.map(Percent::get);
        let percent = percent.unwrap_or(self.asset_share_percent_max);
        let packets_max = own.packets_in_flight_max.unwrap_or(self.packets_max);
        PlaceLimits {
            packets_max: packets_max.min(self.packets_ceiling),
            amount_max: self.amount_max_under(own),
            asset_share_ppm_max: u64::from(percent) * PPM_PER_PERCENT,
        }
    }

    /// Returns the maximum amount of a peer's packets under way.
    pub(crate) fn amount_max_under(&self, own: &PeerLimits) -> Option<u64> {
        own.amount_in_flight_max.or(self.amount_max)
    }
}

/// The counts of one peer's packets under way. Every access is relaxed: each number stands for
/// itself, and an update never loses a count.
#[derive(Debug, Default)]
pub(crate) struct UnderWay {
    packets: AtomicU64,
    /// In the smallest unit of the peer's asset; counted while there is a limit.
    amount: AtomicU64,
    /// The sum over the packets of each one's part, in millionths, of what the asset had available
    /// when the packet came. One number replaces one for each asset. It errs to the safe side: a
    /// later packet is measured against what is left, so there is always something left for another
    /// peer.
    asset_share_ppm: AtomicU64,
}

impl UnderWay {
    /// Returns the number of packets under way.
    pub(crate) fn packets(&self) -> u64 {
        self.packets.load(Ordering::Relaxed)
    }
}

/// One packet's place among what its peer has under way. Dropping it gives the place back, so no
/// path, panic included, keeps one.
#[must_use = "a place that is dropped is given back"]
#[derive(Debug)]
pub(crate) struct Place {
    /// Kept alive by the packet: its peer may be deleted meanwhile.
    peer: Arc<Peer>,
    amount: u64,
    asset_share_ppm: u64,
}

impl PlaceLimits {
    /// Returns the most that a peer's packets may hold of a stock of which `available` is
    /// available.
    pub(crate) fn share_of(self, available: u128) -> u64 {
        // No packet carries more than 64 bits, and the product with a million fits into 84.
        let available = available.min(u64::MAX.into());
        let share = available * u128::from(self.asset_share_ppm_max) / u128::from(PPM);
        u64::try_from(share).unwrap_or(u64::MAX)
    }

    /// Returns the part of these limits that a peer occupies.
    pub(crate) fn occupancy(self, peer: &Peer) -> Occupancy {
        Occupancy {
            packets_max: self.packets_max,
            amount_max: self.amount_max,
            asset_share_ppm: peer.under_way.asset_share_ppm.load(Ordering::Relaxed),
            asset_share_ppm_max: self.asset_share_ppm_max,
        }
    }
}

impl Place {
    /// Takes a place for a packet of `amount`. `from_asset` is what the node pays out of its stock
    /// of another asset for it, and that stock.
    ///
    /// # Errors
    /// The refusal that says which limit is reached; nothing is taken then.
    pub(crate) fn take(
        peer: &Arc<Peer>,
        limits: PlaceLimits,
        amount: u64,
        from_asset: Option<(u64, &Account)>,
    ) -> Result<Self, Refusal> {
        let under_way = &peer.under_way;
        if !add(&under_way.packets, 1, limits.packets_max) {
            return Err(Refusal::PacketsInFlight);
        }
        // From here on whatever returns drops the place, and with it what was counted so far.
        let mut place = Self { peer: Arc::clone(peer), amount: 0, asset_share_ppm: 0 };
        if let Some(amount_max) = limits.amount_max {
            if !add(&under_way.amount, amount, amount_max) {
                return Err(Refusal::AmountInFlight);
            }
            place.amount = amount;
        }
        if let Some((amount_out, asset)) = from_asset {
            let share_ppm = share_ppm(amount_out, asset.own_part().available());
            if !add(&under_way.asset_share_ppm, share_ppm, limits.asset_share_ppm_max) {
                return Err(Refusal::AssetShare);
            }
            place.asset_share_ppm = share_ppm;
        }
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let under_way = &self.peer.under_way;
        under_way.packets.fetch_sub(1, Ordering::Relaxed);
        // Most packets took none of these, and then the line is not written once more.
        if self.amount > 0 {
            under_way.amount.fetch_sub(self.amount, Ordering::Relaxed);
        }
        if self.asset_share_ppm > 0 {
            under_way.asset_share_ppm.fetch_sub(self.asset_share_ppm, Ordering::Relaxed);
        }
    }
}

/// Adds to a counter unless it would go above `maximum`.
fn add(counter: &AtomicU64, amount: u64, maximum: u64) -> bool {
    counter
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |sum| {
            sum.checked_add(amount).filter(|sum| *sum <= maximum)
        })
        .is_ok()
}

/// The part that `amount` is of `available`, in millionths, rounded up. Of nothing, anything is
/// more than all.
fn share_ppm(amount: u64, available: u128) -> u64 {
    if amount == 0 {
        return 0;
    }
    if available == 0 {
        return u64::MAX;
    }
    // An amount of 64 bits times a million fits into 84.
    let share = (u128::from(amount) * u128::from(PPM)).div_ceil(available);
    u64::try_from(share).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::{
        account::{AccountId, Balance},
        testing::peer,
    };

    const NONE: PlaceLimits =
        PlaceLimits { packets_max: u64::MAX, amount_max: None, asset_share_ppm_max: PPM };

    fn asset(available: u128) -> Account {
        let balance = Balance { credits: available, ..Balance::default() };
        Account::new(AccountId::asset(Uuid::now_v7()), balance)
    }

    fn counts(peer: &Peer) -> (u64, u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let under_way = &peer.under_way;
        (read(&under_way.packets), read(&under_way.amount), read(&under_way.asset_share_ppm))
    }

    #[test]
    fn each_limit_refuses_for_itself_and_a_refusal_takes_nothing() {
        let (peer, stock) = (peer("g.alice"), asset(1_000));
        let limits = PlaceLimits {
            packets_max: 3,
            amount_max: Some(100),
            asset_share_ppm_max: 50 * PPM_PER_PERCENT,
        };
        let take = |amount, out| Place::take(&peer, limits, amount, Some((out, &stock)));
        let first = take(60, 300).expect("within all limits");
        assert_eq!(take(41, 1).expect_err("41 and 60"), Refusal::AmountInFlight);
        assert_eq!(take(1, 201).expect_err("more than half"), Refusal::AssetShare);
        assert_eq!(counts(&peer), (1, 60, 300_000));
        let second = take(40, 200).expect("exactly the limits");
        let third = Place::take(&peer, limits, 0, None).expect("the last one");
        assert_eq!(take(0, 0).expect_err("the fourth"), Refusal::PacketsInFlight);
        drop((first, second, third));
        assert_eq!(counts(&peer), (0, 0, 0));
    }

    #[test]
    fn a_peers_own_limits_come_before_the_nodes_and_stay_below_the_ceiling() {
        let defaults = InFlightDefaults {
            packets_max: 4,
            packets_ceiling: 8,
            amount_max: Some(7),
            asset_share_percent_max: 50,
        };
        let limits = defaults.under(&PeerLimits::default());
        assert_eq!((limits.packets_max, limits.amount_max), (4, Some(7)));
        assert_eq!(limits.asset_share_ppm_max, 500_000);
        let own = PeerLimits {
            packets_in_flight_max: Some(1_000),
            amount_in_flight_max: Some(u64::MAX),
            asset_share_in_flight_percent_max: Percent::new(100),
            ..PeerLimits::default()
        };
        let limits = defaults.under(&own);
        assert_eq!((limits.packets_max, limits.amount_max), (8, Some(u64::MAX)));
        assert_eq!(limits.asset_share_ppm_max, PPM);
    }

    #[test]
    fn a_panic_gives_the_place_back() {
        let peer = peer("g.alice");
        let place = Place::take(&peer, NONE, 5, None).expect("there is room");
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _place = place;
            panic!("a bug while the packet is under way");
        }));
        assert!(caught.is_err());
        assert_eq!(counts(&peer), (0, 0, 0));
    }

    #[test]
    fn an_empty_stock_has_no_share_to_give_and_nothing_is_no_share() {
        assert_eq!(share_ppm(1, 0), u64::MAX);
        assert_eq!(share_ppm(0, 0), 0);
        assert_eq!(share_ppm(u64::MAX, 1), u64::MAX);
        assert_eq!(share_ppm(1, u128::MAX), 1);
        assert_eq!((share_ppm(1, 3), share_ppm(1, 4)), (333_334, 250_000));
    }

    #[test]
    fn threads_at_once_never_go_beyond_a_limit() {
        let peer = peer("g.alice");
        let limits = PlaceLimits { packets_max: 10, amount_max: Some(25), ..NONE };
        let places: Vec<_> = std::thread::scope(|scope| {
            let take = || Place::take(&peer, limits, 3, None);
            let threads: Vec<_> = (0..40).map(|_| scope.spawn(take)).collect();
            threads.into_iter().filter_map(|it| it.join().expect("no panic").ok()).collect()
        });
        assert_eq!(places.len(), 8, "eight times three is 24");
        assert_eq!(counts(&peer), (8, 24, 0));
    }

    proptest! {
        /// However a peer's packets come and go, what it holds of a stock is never more than its
        /// share of what the stock had, and all is given back.
        #[test]
        fn a_peer_never_holds_more_than_its_share(
            steps in prop::collection::vec((1..2_000u64, any::<bool>()), 1..100),
            percent in 0..=100u64,
            stock in 1..10_000u64,
        ) {
            let (peer, account) = (peer("g.alice"), asset(u128::from(stock)));
            let limits = PlaceLimits { asset_share_ppm_max: percent * PPM_PER_PERCENT, ..NONE };
            let mut places = Vec::new();
            for (amount, is_end) in steps {
                if is_end && !places.is_empty() {
                    let (place, amount): (Place, u64) = places.swap_remove(0);
                    account.release(amount);
                    drop(place);
                } else if let Ok(place) =
                    Place::take(&peer, limits, amount, Some((amount, &account)))
                {
                    account.reserve(amount).expect("a share of it is no more than all of it");
                    places.push((place, amount));
                }
                let held: u64 = places.iter().map(|(_, amount)| amount).sum();
                prop_assert!(held * 100 <= stock * percent, "{held} of {stock}");
            }
            places.clear();
            prop_assert_eq!(counts(&peer), (0, 0, 0));
        }
    }
}
