//! Exchange rates along a path, exact.

use std::{cmp::Ordering, fmt};

/// Slippage is counted in parts of ten thousand.
const BASIS_POINTS: u128 = 10_000;

/// How many of the recipient's smallest units arrive for one of the payer's, as an exact fraction.
/// The scales of both assets are in it.
///
/// Two rates are equal when their fractions are: 1/2 is 2/4.
#[derive(Clone, Copy)]
pub struct Rate {
    delivered: u64,
    /// Never 0.
    sent: u64,
}

impl Rate {
    /// Nothing arrives; as a minimum, whatever arrives is enough.
    pub const ZERO: Self = Self { delivered: 0, sent: 1 };

    /// Unit for unit.
    pub const ONE: Self = Self { delivered: 1, sent: 1 };

    /// `delivered` for `sent`. `None` if `sent` is 0.
    #[must_use]
    pub const fn new(delivered: u64, sent: u64) -> Option<Self> {
        if sent == 0 { None } else { Some(Self { delivered, sent }) }
    }

    /// Makes a rate of terms of any size. It is exact if the fraction fits in terms of 64 bits, and
    /// else rounded down to one that does.
    #[must_use]
    pub fn rounded_down(delivered: u128, sent: u128) -> Option<Self> {
        let divisor = greatest_common_divisor(delivered, sent);
        let (delivered, sent) = (delivered.checked_div(divisor)?, sent.checked_div(divisor)?);
        if let (Ok(delivered), Ok(sent)) = (u64::try_from(delivered), u64::try_from(sent)) {
            return Self::new(delivered, sent);
        }
        // 63 bits are kept, so that rounding up still fits in 64. The one term is rounded down and
        // the other one up, so the fraction never grows.
        let shift = (u128::BITS - (delivered | sent).leading_zeros()).saturating_sub(63);
        let delivered = u64::try_from(delivered >> shift).ok()?;
        let sent = u64::try_from(sent.div_ceil(1_u128.checked_shl(shift)?)).ok()?;
        Self::new(delivered, sent)
    }

    /// The two terms: what is delivered, and for how much.
    #[must_use]
    pub const fn terms(self) -> (u64, u64) {
        (self.delivered, self.sent)
    }

    /// Returns the amount that arrives for `sent`, rounded down; at most `u64::MAX`.
    #[must_use]
    pub fn delivered_for(self, sent: u64) -> u64 {
        let product = u128::from(self.delivered) * u128::from(sent);
        u64::try_from(product / u128::from(self.sent)).unwrap_or(u64::MAX)
    }

    /// Returns the amount that arrives for `sent`, rounded up; at most `u64::MAX`.
    #[must_use]
    pub fn delivered_for_rounded_up(self, sent: u64) -> u64 {
        let product = u128::from(self.delivered) * u128::from(sent);
        u64::try_from(product.div_ceil(u128::from(self.sent))).unwrap_or(u64::MAX)
    }

    /// Returns the amount that must be sent for `delivered` to arrive, rounded up. `None` if that
    /// takes more than 64 bits, or if nothing ever arrives.
    #[must_use]
    pub fn sent_for(self, delivered: u64) -> Option<u64> {
        if self.delivered == 0 {
            return (delivered == 0).then_some(0);
        }
        let product = u128::from(self.sent) * u128::from(delivered);
        u64::try_from(product.div_ceil(u128::from(self.delivered))).ok()
    }

    /// The rate less `basis_points` ten-thousandths of itself, rounded as
    /// [`Rate::rounded_down`] does; 0 from 10,000 on.
    #[must_use]
    pub fn less(self, basis_points: u16) -> Self {
        let left = BASIS_POINTS.saturating_sub(u128::from(basis_points));
        // 64 bits times 14 can't overflow, and the second term isn't 0.
        let delivered = u128::from(self.delivered) * left;
        Self::rounded_down(delivered, u128::from(self.sent) * BASIS_POINTS).unwrap_or(Self::ZERO)
    }
}

impl PartialEq for Rate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Rate {}

impl PartialOrd for Rate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rate {
    fn cmp(&self, other: &Self) -> Ordering {
        let ours = u128::from(self.delivered) * u128::from(other.sent);
        ours.cmp(&(u128::from(other.delivered) * u128::from(self.sent)))
    }
}

/// `delivered/sent`, such as `92/100`.
impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.delivered, self.sent)
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Between what two bounds a path's rate lies, from what packets brought.
///
/// A node rounds what it forwards down, so of a packet that brought `d` for `s` we know that the
/// rate is at least d/s and below (d + 1)/s. Each packet narrows the bounds; one that contradicts
/// them says that the rate has changed, and its own bounds replace them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateBounds {
    lower: Rate,
    upper: Rate,
}

impl RateBounds {
    /// Returns the rate that one packet shows. `None` if nothing was sent with it.
    #[must_use]
    pub fn of_packet(sent: u64, delivered: u64) -> Option<Self> {
        let lower = Rate::new(delivered, sent)?;
        Some(Self { lower, upper: Rate::new(delivered.saturating_add(1), sent)? })
    }

    /// The greatest rate that is surely reached.
    #[must_use]
    pub const fn lower(self) -> Rate {
        self.lower
    }

    /// The least rate that is surely not reached.
    #[must_use]
    pub const fn upper(self) -> Rate {
        self.upper
    }

    /// Learns from another packet.
    pub(crate) fn observe(&mut self, sent: u64, delivered: u64) {
        let Some(packet) = Self::of_packet(sent, delivered) else { return };
        let lower = self.lower.max(packet.lower);
        let upper = self.upper.min(packet.upper);
        *self = if lower < upper { Self { lower, upper } } else { packet };
    }

    /// The most that `sent` can bring.
    pub(crate) fn most_delivered_for(self, sent: u64) -> u64 {
        self.upper.delivered_for_rounded_up(sent).saturating_sub(1)
    }

    /// Returns the amount that can be sent so that surely no more than `delivered` arrives.
    pub(crate) fn sent_at_most_for(self, delivered: u64) -> u64 {
        // The upper bound is above 0, and never reached.
        let (upper_delivered, upper_sent) = self.upper.terms();
        let product = u128::from(upper_sent) * u128::from(delivered);
        u64::try_from(product / u128::from(upper_delivered.max(1))).unwrap_or(u64::MAX)
    }

    /// Returns the amount to send by the lower bound, so that surely `delivered` arrives.
    pub(crate) fn sent_for(self, delivered: u64) -> Option<u64> {
        self.lower.sent_for(delivered)
    }
}

/// 0 only if both are 0.
fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests;
