//! Snapshots in the database, which stand for the pages that were removed.

use std::{
    fs::File,
    io::{self, Read},
};

use ilp_store::{LogFolder, SnapshotCopy, Store};
use tokio_postgres::Transaction;

use crate::{ClusterError, book, pages::first_of_segment, schema::BOOK, session::Session};

/// How much of a snapshot a row has, in bytes.
const PART_BYTES: usize = 1024 * 1024;

/// How many snapshots are kept in the database.
const KEPT: i64 = 2;

/// How many pages are removed in one transaction.
const REMOVED_MAX: i64 = 10_000;

/// A snapshot in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) next_sequence: i64,
    pub(crate) segment: u32,
}

/// Returns the snapshots, newest first.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn stored(session: &Session) -> Result<Vec<Stored>, ClusterError> {
    let rows = session
        .query(
            "SELECT next_sequence, segment FROM jirani.snapshot WHERE part = 0 \
              ORDER BY next_sequence DESC",
            &[],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let segment = u32::try_from(row.try_get::<_, i64>(1)?).unwrap_or(0);
            Ok(Stored { next_sequence: row.try_get(0)?, segment })
        })
        .collect()
}

/// Puts a snapshot into the database, as it lies in the folder.
///
/// # Errors
/// When the database refuses, or the file can't be read.
pub(crate) async fn upload(
    transaction: &Transaction<'_>,
    snapshot: &SnapshotCopy,
) -> Result<(), ClusterError> {
    let insert =
        "INSERT INTO jirani.snapshot (next_sequence, part, segment, body) VALUES ($1, $2, $3, $4)";
    let insert = transaction.prepare(insert).await?;
    let mut file = File::open(&snapshot.path).map_err(unreadable)?;
    let next_sequence = i64::try_from(snapshot.next_sequence).unwrap_or(i64::MAX);
    let segment = i64::from(snapshot.segment);
    for part in 0_i32.. {
        let mut body = Vec::with_capacity(PART_BYTES);
        let limit = u64::try_from(PART_BYTES).unwrap_or(u64::MAX);
        (&mut file).take(limit).read_to_end(&mut body).map_err(unreadable)?;
        if body.is_empty() {
            break;
        }
        transaction.execute(&insert, &[&next_sequence, &part, &segment, &body]).await?;
    }
    Ok(())
}

fn unreadable(cause: io::Error) -> ClusterError {
    ClusterError::Unreadable(cause)
}

/// Copies a snapshot into a folder.
///
/// # Errors
/// When the database refuses, or the folder can't be written.
pub(crate) async fn download(
    session: &Session,
    snapshot: Stored,
    folder: &LogFolder,
) -> Result<(), ClusterError> {
    let next_sequence = u64::try_from(snapshot.next_sequence).unwrap_or(0);
    let mut draft = folder.begin_snapshot(next_sequence)?;
    let select = "SELECT body FROM jirani.snapshot WHERE next_sequence = $1 AND part = $2";
    let select = session.prepare(select).await?;
    for part in 0_i32.. {
        let rows = session.query(&select, &[&snapshot.next_sequence, &part]).await?;
        let Some(row) = rows.first() else { break };
        draft.push(row.try_get(0)?)?;
    }
    draft.finish().map_err(ClusterError::Store)
}

/// Puts the store's newest snapshot into the database, and removes the pages that two snapshots stand
/// for. Returns how many pages went.
///
/// # Errors
/// When the database refuses, or the store can't be read.
pub(crate) async fn retire(
    session: &mut Session,
    store: &Store,
    epoch: i64,
) -> Result<u64, ClusterError> {
    let Some(newest) = store.snapshots()?.into_iter().next() else { return Ok(0) };
    let there = stored(session).await?;
    let is_there = |known: &Stored| u64::try_from(known.next_sequence) == Ok(newest.next_sequence);
    if !there.iter().any(is_there) {
        let transaction = session.client.transaction().await?;
        upload(&transaction, &newest).await?;
        transaction
            .execute(
                "DELETE FROM jirani.snapshot WHERE next_sequence < (SELECT min(newest.next_sequence) \
                   FROM (SELECT DISTINCT next_sequence FROM jirani.snapshot \
                          ORDER BY next_sequence DESC LIMIT $1) AS newest)",
                &[&KEPT],
            )
            .await?;
        transaction.commit().await?;
    }
    // Nothing is removed on the strength of a snapshot that a failover may take away.
    if !book::vouch(session, epoch).await? {
        return Ok(0);
    }
    let there = stored(session).await?;
    let Some(older) = there.get(1) else { return Ok(0) };
    let Some(first_kept) = first_of_segment(session, older.segment).await? else { return Ok(0) };
    let mut gone = 0;
    loop {
        let removed = session.execute(
                "DELETE FROM jirani.page WHERE book = $1 AND number IN (SELECT number FROM jirani.page \
                  WHERE book = $1 AND number < $2 ORDER BY number LIMIT $3)",
                &[&BOOK, &first_kept, &REMOVED_MAX],
            )
            .await?;
        gone += removed;
        if removed == 0 {
            return Ok(gone);
        }
    }
}
