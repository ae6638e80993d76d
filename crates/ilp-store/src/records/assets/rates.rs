//! The exchange rates that operators set, which stay until they are taken back.

use ilp_connector::rate::Rate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::{StoreError, TransactionError},
    records::{
        forms::{
            keys::{self, Kind, hexadecimal},
            stored_form::position_of,
        },
        idempotency::snapshot::SnapshotRecord,
    },
    store::{
        reading::{Reader, Reading},
        transaction::Transaction,
    },
};

/// A rate between two assets, as an operator set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateRecord {
    /// The code of the asset that is converted; at most 255 bytes.
    pub base: String,
    /// The code of the asset that it is converted to.
    pub quote: String,
    /// Units of the quote asset for one unit of the base asset; not an inverse.
    pub rate: Rate,
    /// Milliseconds since 1970.
    pub updated_at_ms: u64,
}

/// The form on disk, one JSON object. The rate is its decimal text.
#[derive(Serialize, Deserialize)]
struct RateForm {
    base: String,
    quote: String,
    rate: String,
    updated_at_ms: u64,
}

impl RateRecord {
    fn to_form(&self) -> RateForm {
        RateForm {
            base: self.base.clone(),
            quote: self.quote.clone(),
            rate: self.rate.to_string(),
            updated_at_ms: self.updated_at_ms,
        }
    }

    fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(&self.to_form()).expect("a struct of texts and integers becomes JSON")
    }

    /// The record from the bytes stored under `key`.
    pub(crate) fn decode(key: &[u8], bytes: &[u8]) -> Result<Self, StoreError> {
        let broken = |detail: String| StoreError::Record {
            tree: Kind::Rate.name(),
            key: hexadecimal(key.get(1..).unwrap_or_default()),
            detail,
        };
        let form: RateForm =
            serde_json::from_slice(bytes).map_err(|cause| broken(position_of(&cause)))?;
        let rate = form.rate.parse().map_err(|error| broken(format!("{error}")))?;
        if keys::rate(&form.base, &form.quote) != key {
            return Err(broken("its codes aren't those of its key".to_owned()));
        }
        let RateForm { base, quote, updated_at_ms, .. } = form;
        Ok(Self { base, quote, rate, updated_at_ms })
    }
}

impl SnapshotRecord for RateRecord {
    fn to_value(&self) -> Value {
        serde_json::to_value(self.to_form()).expect("a struct of texts and integers becomes JSON")
    }

    fn from_value(value: &Value) -> Option<Self> {
        let RateForm { base, quote, rate, updated_at_ms } =
            serde_json::from_value(value.clone()).ok()?;
        Some(Self { base, quote, rate: rate.parse().ok()?, updated_at_ms })
    }
}

impl Reader {
    /// Returns the rate that is set between two asset codes.
    ///
    /// # Errors
    /// When the store or the record can't be read.
    pub fn rate(&self, base: &str, quote: &str) -> Result<Option<RateRecord>, StoreError> {
        let key = keys::rate(base, quote);
        self.get(&key)?.map(|bytes| RateRecord::decode(&key, &bytes)).transpose()
    }

    /// Returns every rate that is set.
    ///
    /// # Errors
    /// When the store or a record can't be read.
    pub fn all_rates(&self) -> Result<Vec<RateRecord>, StoreError> {
        let entries = self.scan_prefix(&[Kind::Rate.byte()]);
        entries
            .map(|entry| {
                let (key, bytes) = entry?;
                RateRecord::decode(&key, &bytes)
            })
            .collect()
    }
}

impl Transaction<'_> {
    /// Removes a rate, and returns whether there was one.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn delete_rate(&mut self, base: &str, quote: &str) -> Result<bool, TransactionError> {
        let key = keys::rate(base, quote);
        let is_there = self.has(&key)?;
        if is_there {
            self.remove(key);
        }
        Ok(is_there)
    }

    /// Sets, or replaces, a rate.
    ///
    /// # Errors
    /// When it is too large or can't be written.
    pub fn set_rate(&mut self, rate: &RateRecord) -> Result<(), TransactionError> {
        let key = keys::rate(&rate.base, &rate.quote);

        self.put_bytes(key, &rate.encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    fn record(base: &str, quote: &str, rate: &str) -> RateRecord {
        let rate = rate.parse().unwrap();
        RateRecord { base: base.to_owned(), quote: quote.to_owned(), rate, updated_at_ms: 5 }
    }

    #[test]
    fn rates_survive_a_restart_to_the_last_digit() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let exact = record("USD", "EUR", "0.9234567890123456789012345678");
        store.change(|tx| tx.set_rate(&record("USD", "EUR", "0.5"))).unwrap();
        store.change(|tx| tx.set_rate(&exact)).unwrap();
        // The same letters, split elsewhere.
        store.change(|tx| tx.set_rate(&record("US", "DEUR", "3"))).unwrap();
        store.change(|tx| tx.set_rate(&record("EUR", "USD", "1.09"))).unwrap();
        assert!(store.change(|tx| tx.delete_rate("EUR", "USD")).unwrap());
        assert!(!store.change(|tx| tx.delete_rate("EUR", "USD")).unwrap());
        drop(store);
        let store = Store::open(directory.path()).unwrap();
        assert_eq!(store.all_rates().unwrap(), [record("US", "DEUR", "3"), exact]);
    }

    #[test]
    fn a_rate_that_makes_no_sense_has_a_name() {
        let key = keys::rate("USD", "EUR");
        let form = |rate: &str| {
            format!(r#"{{"base":"USD","quote":"EUR","rate":"{rate}","updated_at_ms":5}}"#)
        };
        assert!(RateRecord::decode(&key, form("0.92").as_bytes()).is_ok());
        for wrong in ["", "0", "-1", "1/0.92", "NaN"] {
            let error = RateRecord::decode(&key, form(wrong).as_bytes()).unwrap_err();
            assert!(error.to_string().contains("records/rates"), "{error}");
        }
        assert!(RateRecord::decode(&keys::rate("EUR", "USD"), form("0.92").as_bytes()).is_err());
    }
}
