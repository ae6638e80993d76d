//! From an amount of one asset to an amount of another: exact, and rounded down once, at the end.
//!
//! The converted amount is a fraction of integers: the rate, the two assets' scales and the spread
//! are multiplied before anything is divided, so no digit is lost on the way and none is won. The
//! remainder of the one division stays with the node.

use std::sync::LazyLock;

use ruint::Uint;

use crate::rate::Rate;

/// Room for the greatest product: a mantissa of 28 digits, 52 places and the basis points' 4 make
/// 10^84, which with an amount of 64 bits takes 344 bits.
type Wide = Uint<384, 6>;

/// Beyond this many places every amount is too much or nothing. The least that a fraction is
/// without its places is 10^-28 for the rate times 10^-4 for the spread, which 53 places bring to
/// 10^21 and so above 64 bits; the most is 10^28, of which 53 places leave less than one even of
/// the greatest amount.
const PLACES_MAX: usize = 52;

static POWERS_OF_TEN: LazyLock<[Wide; PLACES_MAX + 1]> =
    LazyLock::new(|| std::array::from_fn(|power| Wide::from(10).pow(Wide::from(power))));

/// The part of a peer's amounts that the node keeps, in basis points: hundredths of a percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread(u16);

impl Spread {
    /// Nothing is kept.
    pub const NONE: Self = Self(0);
    /// The whole, in basis points.
    const WHOLE: u16 = 10_000;

    /// A spread of 0 to 10,000 basis points; `None` for more.
    #[must_use]
    pub fn new(basis_points: u16) -> Option<Self> {
        (basis_points <= Self::WHOLE).then_some(Self(basis_points))
    }

    /// How many basis points it is.
    #[must_use]
    pub fn basis_points(self) -> u16 {
        self.0
    }

    /// Returns the part that passes, as a fraction.
    fn fraction(self) -> (u64, u64) {
        match self {
            Self::NONE => (1, 1),
            Self(kept) => (u64::from(Self::WHOLE - kept), u64::from(Self::WHOLE)),
        }
    }
}

/// Why an amount can't be converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inconvertible {
    /// The amount is not zero, and its worth is less than the smallest unit.
    ToZero,
    /// The amount is worth more than may pass, or than 64 bits can say.
    TooMuch {
        /// The greatest amount that passes, in the unit of what was to be converted.
        maximum: u64,
    },
}

/// The worth of amounts of one asset in another.
#[derive(Clone, Copy, Debug)]
pub struct Conversion(Factor);

#[derive(Clone, Copy, Debug)]
enum Factor {
    /// One for one.
    One,
    /// A fraction whose product with any amount fits 128 bits.
    Narrow {
        numerator: u64,
        denominator: u64,
    },
    Wide {
        numerator: Wide,
        denominator: Wide,
    },
    /// No amount is worth one unit.
    Nothing,
    /// Every amount but zero is worth more than 64 bits can say.
    TooMuch,
}

impl Conversion {
    /// One asset on both sides, with nothing kept.
    pub const IDENTITY: Self = Self(Factor::One);

    /// From amounts at `scale_in` decimal places to amounts at `scale_out`.
    #[must_use]
    pub fn new(rate: Rate, scale_in: u8, scale_out: u8, spread: Spread) -> Self {
        let (passes, whole) = spread.fraction();
        let rate_places =
            if rate.is_inverted { i32::from(rate.scale) } else { -i32::from(rate.scale) };
        let places = i32::from(scale_out) - i32::from(scale_in) + rate_places;
        if passes == 0 {
            return Self(Factor::Nothing);
        }
        let Some(shift) = usize::try_from(places.unsigned_abs()).ok().filter(|n| *n <= PLACES_MAX)
        else {
            return Self(if places > 0 { Factor::TooMuch } else { Factor::Nothing });
        };
        let (up, down) = if rate.is_inverted { (1, rate.mantissa) } else { (rate.mantissa, 1) };
        let (shift_up, shift_down) = if places > 0 { (shift, 0) } else { (0, shift) };
        let narrow = narrow(up, passes, shift_up).zip(narrow(down, whole, shift_down));
        Self(match narrow {
            Some((1, 1)) => Factor::One,
            Some((numerator, denominator)) => Factor::Narrow { numerator, denominator },
            None => Factor::Wide {
                numerator: wide(up, passes, shift_up),
                denominator: wide(down, whole, shift_down),
            },
        })
    }

    /// Returns the worth of `amount`, rounded down, if that is at most `maximum_out`.
    ///
    /// # Errors
    /// [`Inconvertible`]; never for an amount of zero, which is worth zero.
    pub fn convert(&self, amount: u64, maximum_out: u64) -> Result<u64, Inconvertible> {
        match self.worth(amount) {
            Some(0) if amount > 0 => Err(Inconvertible::ToZero),
            Some(worth) if worth <= maximum_out => Ok(worth),
            _ => Err(Inconvertible::TooMuch { maximum: self.max_input(maximum_out) }),
        }
    }

    /// The greatest amount that converts to `maximum_out` at most, and to something: zero where
    /// every other amount is worth more, or nothing.
    #[must_use]
    pub fn max_input(&self, maximum_out: u64) -> u64 {
        let (numerator, denominator) = match self.0 {
            Factor::One => return maximum_out,
            Factor::Nothing | Factor::TooMuch => return 0,
            Factor::Narrow { numerator, denominator } => {
                (Wide::from(numerator), Wide::from(denominator))
            }
            Factor::Wide { numerator, denominator } => (numerator, denominator),
        };
        // The greatest a with a * numerator < (maximum_out + 1) * denominator. Neither factor is
        // zero, so there is a one to take away.
        let too_much = (Wide::from(maximum_out) + Wide::from(1)) * denominator;
        let greatest = (too_much - Wide::from(1)) / numerator;
        let greatest = u64::try_from(greatest).unwrap_or(u64::MAX);
        if self.worth(greatest) == Some(0) { 0 } else { greatest }
    }

    /// Returns the worth of `amount`, rounded down; `None` where 64 bits can't say it.
    fn worth(&self, amount: u64) -> Option<u64> {
        match self.0 {
            Factor::One => Some(amount),
            Factor::Narrow { numerator, denominator } => {
                let product = u128::from(amount) * u128::from(numerator);
                u64::try_from(product / u128::from(denominator)).ok()
            }
            Factor::Wide { numerator, denominator } => {
                u64::try_from(Wide::from(amount) * numerator / denominator).ok()
            }
            Factor::TooMuch if amount > 0 => None,
            Factor::TooMuch | Factor::Nothing => Some(0),
        }
    }
}

fn narrow(mantissa: u128, share: u64, places: usize) -> Option<u64> {
    let power = 10u64.checked_pow(u32::try_from(places).ok()?)?;
    u64::try_from(mantissa).ok()?.checked_mul(share)?.checked_mul(power)
}

#[expect(clippy::indexing_slicing, reason = "`places` is at most PLACES_MAX, the table's end")]
fn wide(mantissa: u128, share: u64, places: usize) -> Wide {
    Wide::from(mantissa) * Wide::from(share) * POWERS_OF_TEN[places]
}

#[cfg(test)]
mod tests;
