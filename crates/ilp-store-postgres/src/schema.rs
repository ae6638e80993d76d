//! The tables of a cluster.

use tokio_postgres::{Transaction, error::SqlState};
use uuid::Uuid;

use crate::{ClusterError, session::Session};

/// The version of the tables that this program makes and reads.
const VERSION: i32 = 1;

/// The one book of the cluster.
pub(crate) const BOOK: i16 = 0;

/// The tables. A page of the log is a row of `page`; one without a body is a fence. Numbers have no gaps.
/// `beat` has a row of its own, since it is written every second. A snapshot is the file as it lies in a
/// folder, in parts.
const TABLES: &str = "
CREATE SCHEMA jirani;
CREATE TABLE jirani.cluster (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    id      text    NOT NULL,
    version integer NOT NULL,
    closed  boolean NOT NULL DEFAULT false
);
CREATE TABLE jirani.book (
    id     smallint PRIMARY KEY,
    epoch  bigint NOT NULL,
    holder text,
    name   text
);
CREATE TABLE jirani.beat (
    book smallint PRIMARY KEY REFERENCES jirani.book,
    at   timestamptz NOT NULL
) WITH (fillfactor = 10);
CREATE TABLE jirani.page (
    book          smallint NOT NULL REFERENCES jirani.book,
    number        bigint   NOT NULL,
    epoch         bigint   NOT NULL,
    segment       bigint   NOT NULL,
    place         bigint   NOT NULL,
    last_sequence bigint   NOT NULL,
    checksum      bytea    NOT NULL,
    body          bytea    NOT NULL,
    PRIMARY KEY (book, number)
);
CREATE TABLE jirani.snapshot (
    next_sequence bigint  NOT NULL,
    part          integer NOT NULL,
    segment       bigint  NOT NULL,
    body          bytea   NOT NULL,
    PRIMARY KEY (next_sequence, part)
);
INSERT INTO jirani.book (id, epoch) VALUES (0, 0);
INSERT INTO jirani.beat (book, at) VALUES (0, clock_timestamp());
INSERT INTO jirani.page (book, number, epoch, segment, place, last_sequence, checksum, body)
    VALUES (0, 0, 0, 0, 0, 0, '', '');
";

/// Makes the tables, and returns the id of the new cluster.
///
/// # Errors
/// [`ClusterError::Exists`], or when the database refuses.
pub(crate) async fn make(transaction: &mut Transaction<'_>) -> Result<Uuid, ClusterError> {
    let there = "SELECT to_regclass('jirani.cluster') IS NOT NULL";
    if transaction.query_one(there, &[]).await?.try_get(0)? {
        let id: String =
            transaction.query_one("SELECT id FROM jirani.cluster", &[]).await?.try_get(0)?;
        let cluster = id.parse().map_err(|_| ClusterError::NoCluster)?;
        return Err(ClusterError::Exists { cluster });
    }
    let cluster = Uuid::new_v4();
    transaction.batch_execute(TABLES).await?;
    // lz4 takes a third of the CPU that PostgreSQL's own compression takes; it may not be built in.
    let compressed = transaction.savepoint("compression").await?;
    let lz4 = "ALTER TABLE jirani.page ALTER COLUMN body SET COMPRESSION lz4";
    match compressed.batch_execute(lz4).await {
        Ok(()) => compressed.commit().await?,
        Err(error) if error.code().is_some() => compressed.rollback().await?,
        Err(error) => return Err(error.into()),
    }
    transaction
        .execute(
            "INSERT INTO jirani.cluster (id, version) VALUES ($1, $2)",
            &[&cluster.to_string(), &VERSION],
        )
        .await?;
    Ok(cluster)
}

/// Returns the id of the cluster in the database.
///
/// # Errors
/// [`ClusterError::NoCluster`], [`ClusterError::Schema`], or when the database refuses.
pub(crate) async fn cluster_id(session: &Session) -> Result<Uuid, ClusterError> {
    let row = session.query_one("SELECT id, version FROM jirani.cluster", &[]).await;
    let row = row.map_err(|error| match error.code() {
        Some(code) if [SqlState::UNDEFINED_TABLE, SqlState::INVALID_SCHEMA_NAME].contains(code) => {
            ClusterError::NoCluster
        }
        _ => error,
    })?;
    let found: i32 = row.try_get(1)?;
    if found != VERSION {
        return Err(ClusterError::Schema { found, known: VERSION });
    }
    let id: String = row.try_get(0)?;
    id.parse().map_err(|_| ClusterError::NoCluster)
}
