//! How much one packet may carry, from what is known and from F08 rejects.

use interledger_packet::AmountTooLarge;

/// The greatest amount of a packet along a path. It is only ever lowered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PacketSize {
    maximum: u64,
    /// Whether `maximum` is the path's, or only the greatest amount not known to be too large.
    is_precise: bool,
    /// The greatest amount that has reached the recipient, at most `maximum`.
    verified: u64,
}

/// Not even one unit fits through the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NothingFits;

impl PacketSize {
    /// `maximum` is what we know by ourselves, such as the next hop's limit.
    pub(crate) fn new(maximum: Option<u64>) -> Self {
        Self { maximum: maximum.unwrap_or(u64::MAX).max(1), is_precise: true, verified: 0 }
    }

    /// Returns the largest amount that passes; `None` until a node has set a limit.
    pub(crate) fn limit(self) -> Option<u64> {
        (self.maximum < u64::MAX).then_some(self.maximum)
    }

    /// The greatest amount that has reached the recipient.
    pub(crate) const fn verified(self) -> u64 {
        self.verified
    }

    /// The amount to try next: the maximum, or halfway to it while it is not precise.
    pub(crate) fn to_try(self) -> u64 {
        if self.is_precise {
            return self.maximum;
        }
        let unknown = self.maximum.saturating_sub(self.verified);
        self.verified.saturating_add(unknown.div_ceil(2))
    }

    /// Whether a packet of this amount would be a step of the search for the maximum.
    pub(crate) const fn is_search(self, amount: u64) -> bool {
        !self.is_precise && amount > self.verified
    }

    /// How to cut `left` into packets: the amount of the next one. The last two are cut evenly, so
    /// that no tiny one remains, which rounding could make worthless.
    ///
    /// A search takes one step at a time: without `may_search`, while a step is not answered, it is
    /// what has reached the recipient before, and 0 if nothing has.
    pub(crate) fn cut(self, left: u64, may_search: bool) -> u64 {
        let most = if self.is_precise || may_search { self.to_try() } else { self.verified };
        if left <= most {
            left
        } else if left.div_ceil(2) < most {
            left.div_ceil(2)
        } else {
            most
        }
    }

    /// A packet of `amount` has reached the recipient.
    pub(crate) fn reached(&mut self, amount: u64) {
        self.verified = self.verified.max(amount.min(self.maximum));
        if self.verified == self.maximum {
            self.is_precise = true;
        }
    }

    /// A packet of `amount` was rejected as too large.
    ///
    /// The connector's numbers are in its own units, so its maximum is scaled by what the packet
    /// was for us and for it. Without numbers, or with such that contradict themselves, less than
    /// the packet is all we know, and the maximum is searched for.
    pub(crate) fn too_large(
        &mut self,
        amount: u64,
        details: Option<AmountTooLarge>,
    ) -> Result<(), NothingFits> {
        let scaled = details.filter(|told| told.received > told.maximum).map(|told| {
            // Less than `amount`, since maximum / received is below 1; so it fits in 64 bits.
            let product = u128::from(amount) * u128::from(told.maximum);
            u64::try_from(product / u128::from(told.received)).unwrap_or(u64::MAX)
        });
        let maximum = scaled.unwrap_or(amount.saturating_sub(1));
        if maximum == 0 {
            return Err(NothingFits);
        }
        if maximum < self.maximum {
            self.maximum = maximum;
            self.is_precise = scaled.is_some();
            // An amount that once reached the recipient is now too large, so nothing is known below
            // either.
            self.verified = if self.verified > maximum { 0 } else { self.verified };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(received: u64, maximum: u64) -> Option<AmountTooLarge> {
        Some(AmountTooLarge { received, maximum })
    }

    #[test]
    fn a_connectors_numbers_are_scaled_to_our_units_and_only_lower() {
        let mut size = PacketSize::new(None);
        assert_eq!(size.limit(), None);
        // It received 920 for our 1,000 and takes 500: 543.47 of ours.
        assert_eq!(size.too_large(1_000, told(920, 500)), Ok(()));
        assert_eq!((size.limit(), size.to_try()), (Some(543), 543));
        assert_eq!(size.too_large(1_000, told(920, 900)), Ok(()));
        assert_eq!(size.limit(), Some(543));
        // A product that 64 bits don't hold.
        let mut size = PacketSize::new(None);
        assert_eq!(size.too_large(u64::MAX, told(u64::MAX, u64::MAX - 1)), Ok(()));
        assert_eq!(size.limit(), Some(u64::MAX - 1));
    }

    #[test]
    fn a_maximum_of_nothing_is_an_error() {
        assert_eq!(PacketSize::new(Some(10)).too_large(10, told(10, 0)), Err(NothingFits));
        assert_eq!(PacketSize::new(Some(10)).too_large(1, None), Err(NothingFits));
        assert_eq!(PacketSize::new(Some(10)).too_large(10, told(1_000, 1)), Err(NothingFits));
    }

    #[test]
    fn numbers_that_contradict_themselves_count_as_none() {
        let mut size = PacketSize::new(Some(100));
        assert_eq!(size.too_large(100, told(5, 5)), Ok(()));
        assert_eq!((size.limit(), size.to_try()), (Some(99), 50));
        assert!(size.is_search(50));
        assert_eq!((size.cut(1_000, true), size.cut(1_000, false)), (50, 0));
        size.reached(50);
        assert_eq!((size.cut(1_000, true), size.cut(1_000, false)), (75, 50));
    }

    #[test]
    fn the_last_two_packets_are_even() {
        let size = PacketSize::new(Some(1_000));
        assert_eq!(size.cut(5_000, true), 1_000);
        assert_eq!(size.cut(2_000, true), 1_000);
        assert_eq!(size.cut(1_001, true), 501);
        assert_eq!(size.cut(1_000, true), 1_000);
        assert_eq!(size.cut(1, true), 1);
    }

    proptest! {
        /// A path that says nothing but F08: the search ends at its maximum within 2 x 64 tries.
        #[test]
        fn without_numbers_the_maximum_is_searched_for(
            path_maximum in 1..u64::MAX,
            known in proptest::option::of(1..u64::MAX),
        ) {
            let mut size = PacketSize::new(known);
            for _ in 0..130 {
                let amount = size.to_try();
                if amount <= path_maximum {
                    size.reached(amount);
                } else {
                    prop_assert_eq!(size.too_large(amount, None), Ok(()));
                }
            }
            prop_assert_eq!(size.to_try(), path_maximum.min(known.unwrap_or(u64::MAX)));
        }

        #[test]
        fn cutting_uses_no_more_packets_than_needed(left in 1..1_000_000_u64, most in 1..5_000_u64) {
            let size = PacketSize::new(Some(most));
            let (mut rest, mut packets) = (left, 0);
            while rest > 0 {
                let amount = size.cut(rest, false);
                prop_assert!(amount > 0 && amount <= most);
                rest -= amount;
                packets += 1;
            }
            prop_assert_eq!(packets, left.div_ceil(most));
        }
    }
}
