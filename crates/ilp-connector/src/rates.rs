//! The exchange rates that packets are converted at.

use std::collections::{BTreeMap, BTreeSet};

use interledger_packet::Timestamp;
use papaya::{Equivalent, HashMap};
use parking_lot::Mutex;
use strum::VariantArray;

use crate::{rate::Rate, refusal::Refusal};

/// The origin of a rate. An earlier one has precedence over a later one.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum RateOrigin {
    /// An operator set it while the node ran.
    Set,
    /// The rates service told it.
    Service,
    /// The configuration has it.
    Fixed,
}

impl RateOrigin {
    /// A short constant name, for metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        self.into()
    }
}

/// A rate as its origin gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Units of the quote asset for one unit of the base asset.
    pub rate: Rate,
    /// The time at which the rate was given.
    pub updated_at: Timestamp,
    /// From when on it is too old; `None` for a rate that stays until it is taken back.
    pub good_until: Option<Timestamp>,
}

impl Quote {
    /// Returns whether the rate is too old at `now`.
    #[must_use]
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.good_until.is_some_and(|good_until| good_until <= now)
    }
}

/// A rate that packets are converted at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateInUse {
    /// The code of the asset that is converted.
    pub base: String,
    /// The code of the asset that it is converted to.
    pub quote: String,
    /// The rate and its times.
    pub given: Quote,
    /// The origin of the rate.
    pub origin: RateOrigin,
    /// Whether the origin gave the opposite direction, of which this is the exact inverse.
    pub is_inverse: bool,
}

/// All rates, by the codes of two assets. A packet looks its pair up without a lock; changing one
/// pair costs the same however many there are.
///
/// Of the rates that a pair may have, the first that exists is in use, stale or not, since another
/// origin's could be years older: what an operator set, for this direction or as the inverse of the
/// other; then what the service told; then what the configuration has.
#[derive(Debug, Default)]
pub struct Rates {
    in_use: HashMap<Pair, Quote, foldhash::fast::RandomState>,
    /// Codes of which the rates service has still to tell its first rates.
    awaited: HashMap<Box<str>, (), foldhash::fast::RandomState>,
    /// The rates that every origin gave. The lock admits one change at a time; packets never take
    /// it.
    given: Mutex<BTreeMap<(Pair, RateOrigin), Quote>>,
}

/// Two codes of assets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Pair {
    base: Box<str>,
    quote: Box<str>,
}

/// A [`Pair`] that owns nothing, so that looking one up allocates nothing. The order of the fields
/// is the other's, and so is the hash.
#[derive(Hash)]
struct PairRef<'a> {
    base: &'a str,
    quote: &'a str,
}

impl Equivalent<Pair> for PairRef<'_> {
    fn equivalent(&self, pair: &Pair) -> bool {
        *self.base == *pair.base && *self.quote == *pair.quote
    }
}

impl Pair {
    fn new(base: &str, quote: &str) -> Self {
        Self { base: base.into(), quote: quote.into() }
    }

    fn reversed(&self) -> Self {
        Self { base: self.quote.clone(), quote: self.base.clone() }
    }
}

impl Rates {
    /// The rate for a packet: units of `quote` for one unit of `base`. Between assets of one code
    /// it is one.
    ///
    /// # Errors
    /// [`Refusal::NoRate`], [`Refusal::StaleRate`], and [`Refusal::AwaitedRate`] where the rates
    /// service may still tell one.
    pub fn find(&self, base: &str, quote: &str, now: Timestamp) -> Result<Rate, Refusal> {
        if base == quote {
            return Ok(Rate::ONE);
        }
        let found = self.in_use.pin().get(&PairRef { base, quote }).copied();
        let Some(found) = found else {
            let awaited = self.awaited.pin();
            let is_awaited = awaited.contains_key(base) || awaited.contains_key(quote);
            return Err(if is_awaited { Refusal::AwaitedRate } else { Refusal::NoRate });
        };
        if found.is_stale(now) { Err(Refusal::StaleRate) } else { Ok(found.rate) }
    }

    /// Takes a rate from an origin, in the place of what the same origin gave before.
    pub fn give(&self, origin: RateOrigin, base: &str, quote: &str, given: Quote) {
        let pair = Pair::new(base, quote);
        let mut all = self.given.lock();
        all.insert((pair.clone(), origin), given);
        self.publish(&all, &pair);
    }

    /// Takes back what an origin gave for this direction. False when it gave nothing.
    pub fn take_back(&self, origin: RateOrigin, base: &str, quote: &str) -> bool {
        let pair = Pair::new(base, quote);
        let mut all = self.given.lock();
        let was_given = all.remove(&(pair.clone(), origin)).is_some();
        self.publish(&all, &pair);
        was_given
    }

    /// Notes that the rates service has still to tell its first rates of `code`, or has told them.
    /// Senders give up where there is no rate, and wait where there is none yet.
    pub fn set_awaited(&self, code: &str, is_awaited: bool) {
        if is_awaited {
            self.awaited.pin().insert(code.into(), ());
        } else {
            self.awaited.pin().remove(code);
        }
    }

    /// Moves the times of all rates by `step_ms`, the step by which the wall clock was set, so that
    /// the age and the remaining validity of each rate don't change.
    pub fn clock_stepped(&self, step_ms: i64) {
        let mut all = self.given.lock();
        for given in all.values_mut() {
            given.updated_at = moved(given.updated_at, step_ms);
            given.good_until = given.good_until.map(|until| moved(until, step_ms));
        }
        let pairs: Vec<_> = all.keys().map(|(pair, _)| pair.clone()).collect();
        pairs.iter().for_each(|pair| self.publish(&all, pair));
    }

    /// Every rate in use, in the order of the codes.
    #[must_use]
    pub fn in_use(&self) -> Vec<RateInUse> {
        let all = self.given.lock();
        let both = |pair: &Pair| [pair.clone(), pair.reversed()];
        let pairs: BTreeSet<_> = all.keys().flat_map(|(pair, _)| both(pair)).collect();
        pairs.iter().filter_map(|pair| resolve(&all, pair)).collect()
    }

    /// The pairs whose rate in use is too old at `now`.
    #[must_use]
    pub fn stale(&self, now: Timestamp) -> Vec<RateInUse> {
        let mut all = self.in_use();
        all.retain(|rate| rate.given.is_stale(now));
        all
    }

    /// Puts in use what a pair's two directions have now.
    fn publish(&self, all: &BTreeMap<(Pair, RateOrigin), Quote>, pair: &Pair) {
        let in_use = self.in_use.pin();
        for pair in [pair.clone(), pair.reversed()] {
            match resolve(all, &pair) {
                Some(rate) => in_use.insert(pair, rate.given),
                None => in_use.remove(&pair),
            };
        }
    }
}

/// Returns the moment `by_ms` milliseconds later, or earlier if that is negative.
fn moved(at: Timestamp, by_ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(at.unix_ms().saturating_add_signed(by_ms))
}

/// Returns the rate that is to be in use for a pair.
fn resolve(all: &BTreeMap<(Pair, RateOrigin), Quote>, pair: &Pair) -> Option<RateInUse> {
    let given = |pair: &Pair, origin| all.get(&(pair.clone(), origin)).copied();
    let reversed = pair.reversed();
    let (origin, given, is_inverse) = RateOrigin::VARIANTS.iter().find_map(|&origin| {
        let direct = given(pair, origin).map(|given| (origin, given, false));
        direct.or_else(|| {
            let opposite = given(&reversed, origin)?;
            Some((origin, Quote { rate: opposite.rate.inverse(), ..opposite }, true))
        })
    })?;
    let (base, quote) = (pair.base.to_string(), pair.quote.to_string());
    Some(RateInUse { base, quote, given, origin, is_inverse })
}

#[cfg(test)]
mod tests;
