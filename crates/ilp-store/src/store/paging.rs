//! Reading records by the page. A page costs what its rows cost, wherever it lies.

use std::ops::Bound::{self, Excluded, Included};

use uuid::Uuid;

use super::reading::Reader;
use crate::{
    error::StoreError,
    index::KeyValue,
    records::forms::{
        keys::Kind,
        page::{Order, Page, Rows},
        stored_form::Stored,
    },
};

impl Reader {
    /// All records of a kind, oldest first, each read when it is asked for.
    pub(crate) fn scan<R: Stored>(
        &self,
        kind: Kind,
    ) -> impl Iterator<Item = Result<R, StoreError>> + Send + use<R> {
        self.scan_prefix(&[kind.byte()]).map(move |entry| {
            let (key, bytes) = entry?;
            R::decode(kind, &key, &bytes)
        })
    }

    /// One page of the records of a kind.
    pub(crate) fn page<R: Stored>(&self, kind: Kind, page: Page) -> Result<Rows<R>, StoreError> {
        self.page_where(kind, page, |_| true)
    }

    /// Returns one page of the wanted records of a kind. Costs what it takes to find them among the
    /// others.
    pub(crate) fn page_where<R: Stored>(
        &self,
        kind: Kind,
        page: Page,
        is_wanted: impl Fn(&R) -> bool,
    ) -> Result<Rows<R>, StoreError> {
        self.page_in(&[kind.byte()], page, |key, bytes| {
            Ok(Some(R::decode(kind, key, bytes)?).filter(&is_wanted))
        })
    }

    /// One page of the entries whose keys are `prefix` and an id, of which `row` makes a row or
    /// passes it over.
    pub(crate) fn page_in<R>(
        &self,
        prefix: &[u8],
        page: Page,
        row: impl Fn(&[u8], &[u8]) -> Result<Option<R>, StoreError>,
    ) -> Result<Rows<R>, StoreError> {
        // From here on in the order of the keys, which is oldest first.
        let newest_first = page.order == Order::NewestFirst;
        let (low, high) =
            if newest_first { (page.before, page.after) } else { (page.after, page.before) };
        let from_high = newest_first != page.from_end;
        // No key is the prefix alone, and none has this many bytes after it, so these can stand for
        // the two ends.
        let (start, end) = (prefix.to_vec(), [prefix, &[u8::MAX; 17]].concat());
        let key = |id: Uuid| [prefix, id.as_bytes()].concat();
        let low = low.map_or_else(|| start.clone(), key);
        let high = high.map_or_else(|| end.clone(), key);

        let rows = self.between((&low, &high), from_high, page.limit, &row)?;
        // An empty page lies at that end of the window from which it would have taken.
        let (below, above) = match (rows.first(), rows.last()) {
            (Some((first, _)), Some((last, _))) => {
                (Excluded(first.clone()), Excluded(last.clone()))
            }
            _ if from_high => (Excluded(high.clone()), Included(high)),
            _ => (Included(low.clone()), Excluded(low)),
        };
        let any_below = self.any_where(Excluded(start), below, &row)?;
        let any_above = self.any_where(above, Excluded(end), &row)?;

        let rows = rows.into_iter().map(|(_, row)| row);
        Ok(if newest_first {
            Rows { rows: rows.rev().collect(), has_previous: any_above, has_next: any_below }
        } else {
            Rows { rows: rows.collect(), has_previous: any_below, has_next: any_above }
        })
    }

    /// The lowest or highest `limit` rows between two keys, with their keys and in the order of
    /// these.
    fn between<R>(
        &self,
        (low, high): (&[u8], &[u8]),
        from_high: bool,
        limit: usize,
        row: impl Fn(&[u8], &[u8]) -> Result<Option<R>, StoreError>,
    ) -> Result<Vec<(Vec<u8>, R)>, StoreError> {
        let entries = self.range(Excluded(low.to_vec()), Excluded(high.to_vec()));
        let row = |entry: Result<KeyValue, StoreError>| {
            // An error goes through, so that it ends the page and not the row.
            let made = entry
                .and_then(|(key, bytes)| Ok(row(&key, &bytes)?.map(|row| (key.to_vec(), row))));
            made.transpose()
        };
        if from_high {
            let rows = entries.rev().filter_map(row).take(limit);
            let mut rows = rows.collect::<Result<Vec<_>, StoreError>>()?;
            rows.reverse();
            Ok(rows)
        } else {
            entries.filter_map(row).take(limit).collect()
        }
    }

    /// Whether an entry between two keys makes a row.
    fn any_where<R>(
        &self,
        low: Bound<Vec<u8>>,
        high: Bound<Vec<u8>>,
        row: impl Fn(&[u8], &[u8]) -> Result<Option<R>, StoreError>,
    ) -> Result<bool, StoreError> {
        for entry in self.range(low, high) {
            let (key, bytes) = entry?;
            if row(&key, &bytes)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests;
