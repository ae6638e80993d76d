//! Who has the book: taking it over, keeping it, giving it back.

use std::time::Duration;

use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::{
    ClusterError, Lost,
    schema::BOOK,
    session::{Session, Written, in_time},
};

/// The pause between two attempts at a write whose outcome isn't known.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);

/// The state of the book, as the database shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookState {
    /// Rises by one with each takeover.
    pub epoch: i64,
    /// The node that has the book; `None` where it was given back.
    pub holder: Option<Uuid>,
    /// The name of that node, for people.
    pub name: Option<String>,
    /// How long ago the node last showed that it lives, by the database's clock.
    pub silent: Duration,
    /// The number of the newest page.
    pub last_number: i64,
    /// Whether PostgreSQL names a standby whose disk commits wait for.
    pub is_synchronous: bool,
    /// Whether the books were exported for good: no node takes them any more.
    pub is_closed: bool,
}

/// The right to write the book's pages, as long as nobody takes it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) epoch: i64,
    /// The number of the last page of the log, or of the fence.
    pub(crate) number: i64,
}

/// Reads the state of the book.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn state(session: &Session) -> Result<BookState, ClusterError> {
    let row = session
        .query_one(
            "SELECT b.epoch, b.holder, b.name, \
                    (extract(epoch FROM clock_timestamp() - t.at) * 1000)::bigint, \
                    (SELECT max(number) FROM jirani.page WHERE book = b.id), \
                    current_setting('synchronous_standby_names') <> '', \
                    (SELECT closed FROM jirani.cluster) \
               FROM jirani.book b JOIN jirani.beat t ON t.book = b.id WHERE b.id = $1",
            &[&BOOK],
        )
        .await?;
    let holder: Option<String> = row.try_get(1)?;
    let silent_ms: i64 = row.try_get(3)?;
    Ok(BookState {
        epoch: row.try_get(0)?,
        holder: holder.and_then(|id| id.parse().ok()),
        name: row.try_get(2)?,
        silent: Duration::from_millis(u64::try_from(silent_ms).unwrap_or(0)),
        last_number: row.try_get(4)?,
        is_synchronous: row.try_get(5)?,
        is_closed: row.try_get(6)?,
    })
}

/// Takes the book over from the holder of an epoch: the next page number is the fence. `None` where
/// another node was faster, or the outcome isn't known; then the state is to be read again.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn take_over(
    session: &mut Session,
    seen_epoch: i64,
    node: Uuid,
    name: &str,
) -> Result<Option<Held>, ClusterError> {
    match in_time(fence(session, seen_epoch, node, name)).await {
        Ok(None) => Ok(None),
        // The commit's own wait may have been cancelled: the beat's acknowledgement counts.
        Ok(Some(held)) => Ok(vouch(session, held.epoch).await?.then_some(held)),
        // The node that had the book lived a moment longer, and inserted the page of this number.
        Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn fence(
    session: &mut Session,
    seen_epoch: i64,
    node: Uuid,
    name: &str,
) -> Result<Option<Held>, tokio_postgres::Error> {
    let transaction = session.client.transaction().await?;
    let epoch = seen_epoch + 1;
    let taken = transaction
        .execute(
            "UPDATE jirani.book SET epoch = $2, holder = $3, name = $4 WHERE id = $1 AND epoch = $5",
            &[&BOOK, &epoch, &node.to_string(), &name, &seen_epoch],
        )
        .await?;
    if taken == 0 {
        return Ok(None);
    }
    // The insert waits for one of the same number that is under way, its commit and the standby
    // included. So there is no moment in which a page of the former holder could slip in.
    let row = transaction
        .query_one(
            "INSERT INTO jirani.page (book, number, epoch, segment, place, last_sequence, checksum, body) \
             SELECT book, number + 1, $2, segment, place, last_sequence, '', '' FROM jirani.page \
              WHERE book = $1 ORDER BY number DESC LIMIT 1 RETURNING number",
            &[&BOOK, &epoch],
        )
        .await?;
    let number = row.try_get(0)?;
    transaction
        .execute("UPDATE jirani.beat SET at = clock_timestamp() WHERE book = $1", &[&BOOK])
        .await?;
    transaction.commit().await?;
    Ok(Some(Held { epoch, number }))
}

/// Writes once more on a session that has seen a write, and returns whether the book is still the
/// epoch's. The write's clean acknowledgement makes durable all that was seen before: the database's
/// log is one sequence.
///
/// # Errors
/// When the database refuses, or can't be reached.
pub(crate) async fn vouch(session: &Session, epoch: i64) -> Result<bool, ClusterError> {
    loop {
        if let Written::Durable(is_held) = beat(session, epoch).await? {
            return Ok(is_held);
        }
        // No standby is named, or an administrator cancels waits.
        tokio::time::sleep(PAUSE).await;
    }
}

/// Writes on a session that has seen a page, whoever has the book, and returns once that is
/// acknowledged: then the page is durable as well.
///
/// # Errors
/// When the database refuses, or can't be reached.
pub(crate) async fn acknowledge(session: &Session) -> Result<(), ClusterError> {
    loop {
        let row = session
            .query_one(
                "UPDATE jirani.beat SET at = at WHERE book = $1 \
                 RETURNING current_setting('synchronous_standby_names') <> ''",
                &[&BOOK],
            )
            .await?;
        if let Written::Durable(()) = session.written((), row.try_get(0)?) {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Shows that the holder of an epoch lives. Returns whether it still has the book.
///
/// # Errors
/// When the database refuses, or can't be reached.
pub(crate) async fn beat(session: &Session, epoch: i64) -> Result<Written<bool>, ClusterError> {
    let rows = session
        .query(
            "UPDATE jirani.beat SET at = clock_timestamp() WHERE book = $1 \
                AND EXISTS (SELECT 1 FROM jirani.book WHERE id = $1 AND epoch = $2) \
             RETURNING current_setting('synchronous_standby_names') <> ''",
            &[&BOOK, &epoch],
        )
        .await?;
    match rows.first() {
        Some(row) => Ok(session.written(true, row.try_get(0)?)),
        // Nothing was written. That the book is another's is known all the same.
        None => Ok(Written::Durable(false)),
    }
}

/// Notes, on a session whose node has just taken the book over, that no node takes it any more.
///
/// # Errors
/// When the database refuses, or can't be reached.
pub(crate) async fn close(session: &Session, held: Held) -> Result<(), ClusterError> {
    session.execute("UPDATE jirani.cluster SET closed = true", &[]).await?;
    vouch(session, held.epoch).await?;
    Ok(())
}

/// Gives the book back, so that another node takes it at once.
///
/// # Errors
/// When the database refuses, or can't be reached.
pub(crate) async fn give_back(session: &Session, epoch: i64) -> Result<(), ClusterError> {
    session
        .execute(
            "UPDATE jirani.book SET holder = NULL WHERE id = $1 AND epoch = $2",
            &[&BOOK, &epoch],
        )
        .await?;
    Ok(())
}

/// Why a page was not inserted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotInserted {
    /// The page is there already, from an attempt whose outcome wasn't known.
    IsThere,
    /// Nothing stands in the page's way any more.
    MayFollow,
    /// The node has lost the book.
    Lost(Lost),
}

/// Finds out why the page behind `held` could not be inserted.
///
/// # Errors
/// When the database refuses, or can't be reached.
pub(crate) async fn why_not_inserted(
    session: &Session,
    held: Held,
    checksum: &[u8],
) -> Result<NotInserted, ClusterError> {
    let (before, number) = (held.number, held.number + 1);
    let rows = session
        .query(
            "SELECT number, epoch, checksum = $4 FROM jirani.page \
              WHERE book = $1 AND number IN ($2, $3) ORDER BY number DESC",
            &[&BOOK, &before, &number, &checksum],
        )
        .await?;
    // The newest of the two decides.
    let Some(row) = rows.first() else {
        return Ok(NotInserted::Lost(Lost::WentBack { number: before }));
    };
    let (found, epoch, is_alike): (i64, i64, bool) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    Ok(if epoch != held.epoch || (found == number && !is_alike) {
        NotInserted::Lost(Lost::TakenOver { epoch })
    } else if found == number {
        NotInserted::IsThere
    } else {
        NotInserted::MayFollow
    })
}
