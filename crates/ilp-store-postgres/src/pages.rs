//! The pages in the database: reading them, finding one, and putting those of a folder there.

use ilp_store::{LogFolder, LogPage, PageName};
use tokio_postgres::{Transaction, types::ToSql};

use crate::{ClusterError, schema::BOOK, session::Session, snapshots};

/// How many pages are read at once. A page has at most 1 MiB.
const READ_MAX: i64 = 32;

/// A page of the log, as the database has it.
pub(crate) struct Row {
    pub(crate) number: i64,
    pub(crate) segment: u32,
    pub(crate) offset: u32,
    pub(crate) body: Vec<u8>,
}

impl Row {
    /// Returns the page in it.
    ///
    /// # Errors
    /// [`ClusterError::DamagedPage`].
    pub(crate) fn page(&self) -> Result<LogPage<'_>, ClusterError> {
        LogPage::read(self.segment, self.offset, &self.body)
            .ok_or(ClusterError::DamagedPage { number: self.number })
    }
}

/// The next pages of the log.
pub(crate) struct Batch {
    pub(crate) rows: Vec<Row>,
    /// The number of the last page that was looked at, fences included; `None` where there was none.
    pub(crate) last_number: Option<i64>,
}

/// Reads the next pages behind a number, in their order. A fence counts and has no row.
///
/// # Errors
/// [`ClusterError::PagesGone`] where the next one isn't there and later ones are, and when the database
/// refuses.
pub(crate) async fn next(session: &Session, behind: i64) -> Result<Batch, ClusterError> {
    let found = session
        .query(
            "SELECT number, segment, place, body FROM jirani.page \
              WHERE book = $1 AND number > $2 ORDER BY number LIMIT $3",
            &[&BOOK, &behind, &READ_MAX],
        )
        .await?;
    let mut batch = Batch { rows: Vec::new(), last_number: None };
    let mut needed = behind + 1;
    for row in found {
        let number: i64 = row.try_get(0)?;
        if number != needed {
            return Err(ClusterError::PagesGone { oldest: number, needed });
        }
        needed = number + 1;
        batch.last_number = Some(number);
        let body: Vec<u8> = row.try_get(3)?;
        if body.is_empty() {
            continue;
        }
        let damaged = |_| ClusterError::DamagedPage { number };
        let segment = u32::try_from(row.try_get::<_, i64>(1)?).map_err(damaged)?;
        let offset = u32::try_from(row.try_get::<_, i64>(2)?).map_err(damaged)?;
        batch.rows.push(Row { number, segment, offset, body });
    }
    Ok(batch)
}

/// Returns the number of a page, if the database has it. Numbers and sequences rise together, so it is
/// searched for by halves.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn number_of(
    session: &Session,
    name: &PageName,
) -> Result<Option<i64>, ClusterError> {
    let wanted = i64::try_from(name.last_sequence).unwrap_or(i64::MAX);
    // A fence repeats the sequence of the page before it, so the first row of a sequence is the page.
    let Some(number) = first_with(session, "last_sequence", wanted).await? else { return Ok(None) };
    let row = session
        .query_one(
            "SELECT segment, place, checksum FROM jirani.page WHERE book = $1 AND number = $2",
            &[&BOOK, &number],
        )
        .await?;
    let is_it = row.try_get::<_, i64>(0)? == i64::from(name.segment)
        && row.try_get::<_, i64>(1)? == i64::from(name.offset)
        && row.try_get::<_, &[u8]>(2)? == name.checksum.to_be_bytes();
    Ok(is_it.then_some(number))
}

/// Returns the last entry of the oldest page; 0 for the first fence.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn first_sequence(session: &Session) -> Result<u64, ClusterError> {
    let oldest = "SELECT last_sequence FROM jirani.page WHERE book = $1 ORDER BY number LIMIT 1";
    let sequence: i64 = session.query_one(oldest, &[&BOOK]).await?.try_get(0)?;
    Ok(u64::try_from(sequence).unwrap_or(0))
}

/// Returns the number of the first page in this segment or a later one, if there is one.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn first_of_segment(
    session: &Session,
    segment: u32,
) -> Result<Option<i64>, ClusterError> {
    let segment = i64::from(segment);
    first_with(session, "segment", segment).await
}

/// Returns the first number whose row has at least `wanted` in a column that rises with the numbers.
async fn first_with(
    session: &Session,
    column: &str,
    wanted: i64,
) -> Result<Option<i64>, ClusterError> {
    let bounds = session
        .query_one("SELECT min(number), max(number) FROM jirani.page WHERE book = $1", &[&BOOK])
        .await?;
    let (Some(mut low), Some(mut high)): (Option<i64>, Option<i64>) =
        (bounds.try_get(0)?, bounds.try_get(1)?)
    else {
        return Ok(None);
    };
    let select = format!("SELECT {column} FROM jirani.page WHERE book = $1 AND number = $2");
    let select = session.prepare(&select).await?;
    let value = async |number: i64| -> Result<i64, ClusterError> {
        Ok(session.query_one(&select, &[&BOOK, &number]).await?.try_get(0)?)
    };
    while low < high {
        let middle = low + (high - low) / 2;
        if value(middle).await? < wanted { low = middle + 1 } else { high = middle }
    }
    Ok((value(low).await? >= wanted).then_some(low))
}

/// Puts the log of a folder behind the first fence of a new cluster: all of it, or a snapshot and what is
/// behind it.
///
/// # Errors
/// [`ClusterError::NoBeginning`], [`ClusterError::NotWhole`], or when database or folder refuse.
pub(crate) async fn upload(
    transaction: &Transaction<'_>,
    folder: &LogFolder,
) -> Result<(), ClusterError> {
    let insert = "INSERT INTO jirani.page (book, number, epoch, segment, place, last_sequence, checksum, body) \
                  VALUES ($1, $2, 0, $3, $4, $5, $6, $7)";
    let insert = transaction.prepare(insert).await?;
    let snapshot = folder.snapshots()?.into_iter().next();
    let from = snapshot.as_ref().map_or(0, |snapshot| snapshot.segment);
    // Without a snapshot the first page follows none.
    let mut before = if snapshot.is_none() { Some(0) } else { None };
    let (mut number, mut found) = (0_i64, 0);
    for segment in folder.segments()?.into_iter().filter(|segment| *segment >= from) {
        // A segment has at most some 16 MiB.
        let mut pages: Vec<(PageName, Vec<u8>)> = Vec::new();
        folder.pages(segment, |page| {
            if before.is_some_and(|checksum| checksum != page.follows) {
                return Err(ClusterError::NoBeginning);
            }
            (before, found) = (Some(page.name.checksum), page.name.last_sequence);
            pages.push((page.name, page.bytes.to_owned()));
            Ok(())
        })?;
        for (name, body) in pages {
            number += 1;
            let last_sequence = i64::try_from(name.last_sequence).unwrap_or(i64::MAX);
            let (segment, place) = (i64::from(name.segment), i64::from(name.offset));
            let checksum = name.checksum.to_be_bytes();
            let checksum = checksum.as_slice();
            let row: [&(dyn ToSql + Sync); 7] =
                [&BOOK, &number, &segment, &place, &last_sequence, &checksum, &body];
            transaction.execute(&insert, &row).await?;
        }
    }
    if let Some(snapshot) = &snapshot {
        found = found.max(snapshot.next_sequence.saturating_sub(1));
        snapshots::upload(transaction, snapshot).await?;
    }
    let answered = folder.answered()?;
    if found < answered {
        return Err(ClusterError::NotWhole { found, answered });
    }
    Ok(())
}
