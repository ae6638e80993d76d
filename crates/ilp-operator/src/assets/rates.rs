//! Exchange rates: what the operator sets, and what is in use.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ilp_connector::{
    rate::Rate,
    rates::{Quote, RateInUse, RateOrigin},
};
use ilp_store::{RateRecord, Snapshot, shown};
use interledger_packet::Timestamp;

use crate::{
    assets::error::{RateError, SET_RATES_MAX},
    changes::{changing::Changing, outcome::Outcome, recorded::Recorded},
    node::operator::Operator,
    vocabulary::{check, error::OperatorError},
};

/// A rate to be set.
#[derive(Clone, Debug)]
pub struct NewRate {
    /// The code of the asset that is converted.
    pub base: String,
    /// The code of the asset that it is converted to.
    pub quote: String,
    /// Units of the quote asset for one unit of the base asset, as decimal text.
    pub rate: String,
}

/// A handle that reads exchange rates, and tells how the rates service does.
#[derive(Clone, Copy, Debug)]
pub struct Rates<'a> {
    on: &'a Operator,
}

/// A handle that changes exchange rates.
#[derive(Clone, Copy, Debug)]
pub struct RateChanges<'a> {
    on: &'a Recorded,
}

impl Operator {
    /// Returns the handle that reads exchange rates.
    #[must_use]
    pub fn rates(&self) -> Rates<'_> {
        Rates { on: self }
    }
}

impl Recorded {
    /// Returns the handle that changes exchange rates.
    #[must_use]
    pub fn rates(&self) -> RateChanges<'_> {
        RateChanges { on: self }
    }
}

impl RateChanges<'_> {
    /// Sets a rate, in the place of the one of this direction that was set before. It stays until
    /// it is deleted, and wins over what the rates service tells.
    ///
    /// # Errors
    /// Bad input; forbidden when there are too many.
    pub async fn set(self, new: NewRate) -> Result<RateInUse, OperatorError> {
        self.on.given(&new);
        check::rate_codes(&new.base, &new.quote)?;
        let rate = check::rate(&new.rate)?;
        self.on.change(move |changing| async move { changing.set_rate(new, rate).await }).await
    }

    /// Takes a rate back that was set.
    ///
    /// # Errors
    /// Not found when none of this direction was set.
    pub async fn delete(self, base: String, quote: String) -> Result<(), OperatorError> {
        self.on.given(&shown! { "base": base, "quote": quote });
        self.on.change(move |changing| async move { changing.delete_rate(base, quote).await }).await
    }
}

impl Rates<'_> {
    /// Returns every rate that packets are converted at, in the order of the codes.
    #[must_use]
    pub fn list(self) -> Vec<RateInUse> {
        self.on.inner.parts.connector.rates().in_use()
    }

    /// Returns the codes of all assets, each once.
    #[must_use]
    pub fn asset_codes(self) -> BTreeSet<String> {
        self.on.inner.assets.read().values().map(|asset| asset.code.clone()).collect()
    }

    /// Ready when there is an asset more than the last time, so that other rates may be needed.
    pub async fn wanted(self) {
        self.on.inner.rates_wanted.notified().await;
    }

    /// Notes why the rates service doesn't tell the rates of this code, or that it does.
    pub fn service_fails(self, base: &str, why: Option<String>) {
        let mut failing = self.on.inner.rates_failing.lock();
        match why {
            Some(why) => failing.insert(base.to_owned(), why),
            None => failing.remove(base),
        };
    }

    /// The codes whose rates the rates service doesn't tell, each with why.
    #[must_use]
    pub fn service_failures(self) -> BTreeMap<String, String> {
        self.on.inner.rates_failing.lock().clone()
    }
}

impl Operator {
    /// Which rates that somebody needs are missing or too old, and why; `None` when there are none.
    pub(crate) fn rates_trouble(&self) -> Option<String> {
        let needed = self.codes_in_use();
        let now = (self.inner.parts.clock)();
        let stale = self.inner.parts.connector.rates().stale(now);
        let stale = stale
            .iter()
            .filter(|rate| needed.contains(&rate.base) && needed.contains(&rate.quote))
            .map(|rate| {
                format!("the rate {}/{} is older than its lifetime", rate.base, rate.quote)
            });
        let failing = self.inner.rates_failing.lock();
        let failing = failing
            .iter()
            .filter(|(base, _)| needed.contains(*base))
            .map(|(base, why)| format!("the rates service fails for {base}: {why}"));
        let mut troubles: Vec<_> = failing.chain(stale).collect();
        let more = troubles.len().saturating_sub(TROUBLES_TOLD_MAX);
        troubles.truncate(TROUBLES_TOLD_MAX);
        if more > 0 {
            troubles.push(format!("and {more} more"));
        }
        (!troubles.is_empty()).then(|| troubles.join("; "))
    }

    /// The codes of the assets that some peer or account counts in; none when there is only one of
    /// them, since then nothing is converted.
    fn codes_in_use(&self) -> BTreeSet<String> {
        let assets = self.inner.assets.read();
        // Whoever counts in an asset shares it with this table, so counting owners spares a walk
        // over all peers.
        let in_use = assets.values().filter(|asset| Arc::strong_count(asset) > 1);
        let codes: BTreeSet<_> = in_use.map(|asset| asset.code.clone()).collect();
        if codes.len() > 1 { codes } else { BTreeSet::new() }
    }
}

/// Returns the first of a rate's two codes, the base before the quote, that no asset has.
#[must_use]
pub fn without_asset<'a>(
    known: &BTreeSet<String>,
    base: &'a str,
    quote: &'a str,
) -> Option<&'a str> {
    [base, quote].into_iter().find(|code| !known.contains(*code))
}

/// How many troubles a health check tells.
const TROUBLES_TOLD_MAX: usize = 5;

impl Changing {
    async fn set_rate(&self, new: NewRate, rate: Rate) -> Result<RateInUse, OperatorError> {
        let now = self.now();
        let NewRate { base, quote, .. } = new;
        let stored = self.store(|store| store.all_rates()).await?;
        let is_new = !stored.iter().any(|old| (&old.base, &old.quote) == (&base, &quote));
        if is_new && stored.len() >= SET_RATES_MAX {
            return Err(RateError::TooMany.into());
        }
        let record = RateRecord { base, quote, rate, updated_at_ms: now.unix_ms() };
        let in_use = in_use(record.clone());
        let known = self.inner.assets.read().values().map(|asset| asset.code.clone()).collect();
        if let Some(missing) = without_asset(&known, &record.base, &record.quote) {
            // Rates may be configured before the assets that they are between exist.
            tracing::warn!(
                base = record.base,
                quote = record.quote,
                "a rate is set for {missing}, of which there is no asset: it is used once there is"
            );
        }
        self.commit(&in_use, move |tx| tx.set_rate(&record)).await?;
        Ok(in_use)
    }

    async fn delete_rate(&self, base: String, quote: String) -> Result<(), OperatorError> {
        if !self.commit(&(), move |tx| tx.delete_rate(&base, &quote)).await? {
            return Err(RateError::Unknown.into());
        }
        Ok(())
    }

    /// Makes the stored rates live.
    pub(crate) async fn load_rates(&self) -> Result<(), OperatorError> {
        for record in self.store(|store| store.all_rates()).await? {
            self.inner.give_rate(&record);
        }
        Ok(())
    }
}

fn in_use(record: RateRecord) -> RateInUse {
    let RateRecord { base, quote, rate, updated_at_ms } = record;
    let updated_at = Timestamp::from_unix_ms(updated_at_ms);
    let given = Quote { rate, updated_at, good_until: None };
    RateInUse { base, quote, given, origin: RateOrigin::Set, is_inverse: false }
}

/// The outcome of setting a rate: the rate that was set.
impl Outcome for RateInUse {
    fn keep(&self) -> Snapshot {
        let record = RateRecord {
            base: self.base.clone(),
            quote: self.quote.clone(),
            rate: self.given.rate,
            updated_at_ms: self.given.updated_at.unix_ms(),
        };
        Snapshot::new().with_record("rate", &record)
    }

    fn recall(kept: &Snapshot, _operator: &Operator) -> Option<Self> {
        kept.record("rate").map(in_use)
    }
}
