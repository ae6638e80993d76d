//! One connection to the database.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
    time::timeout,
};
use tokio_postgres::{
    AsyncMessage, Client, Connection, Row, Statement, ToStatement,
    error::{DbError, SqlState},
    types::ToSql,
};

use crate::ClusterError;

/// How long the database may take for an answer: a page of rows, or a commit.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// A connection whose commits wait for the synchronous standby.
pub(crate) struct Session {
    pub(crate) client: Client,
    /// Whether a notice said that a commit was not waited for.
    unwaited: Arc<AtomicBool>,
    /// Whether a commit counts that waits for no standby.
    accepts_one_disk: bool,
    task: JoinHandle<()>,
}

/// The knowledge of a write that succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written<T> {
    /// The standby has it.
    Durable(T),
    /// The write may be there or not, and may go.
    InDoubt,
}

impl Session {
    /// Starts the task that carries the connection's messages.
    pub(crate) fn start<S, T>(
        client: Client,
        mut connection: Connection<S, T>,
        accepts_one_disk: bool,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let unwaited = Arc::new(AtomicBool::new(false));
        let noted = Arc::clone(&unwaited);
        let task = tokio::spawn(async move {
            // A notice comes before the completion of the command that it is about.
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await
            {
                if let AsyncMessage::Notice(notice) = message
                    && is_unwaited(&notice)
                {
                    noted.store(true, Ordering::Release);
                }
            }
        });
        Self { client, unwaited, accepts_one_disk, task }
    }

    /// Sets what a role or a database may have set otherwise: a commit waits for the standby's disk, and
    /// no time-out cancels that wait.
    ///
    /// # Errors
    /// As [`Session::query`].
    pub(crate) async fn set_up(&self) -> Result<(), ClusterError> {
        let settings = "SET synchronous_commit = on; SET statement_timeout = 0; SET lock_timeout = 0; \
                        SET idle_in_transaction_session_timeout = 10000; \
                        SET client_min_messages = notice";
        in_time(self.client.batch_execute(settings)).await
    }

    /// Runs a statement, and returns its rows.
    ///
    /// # Errors
    /// When the database refuses, can't be reached, or doesn't answer in time.
    pub(crate) async fn query(
        &self,
        statement: &(impl ToStatement + ?Sized + Sync),
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, ClusterError> {
        in_time(self.client.query(statement, parameters)).await
    }

    /// Runs a statement that has one row.
    ///
    /// # Errors
    /// As [`Session::query`].
    pub(crate) async fn query_one(
        &self,
        statement: &(impl ToStatement + ?Sized + Sync),
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, ClusterError> {
        in_time(self.client.query_one(statement, parameters)).await
    }

    /// Runs a statement, and returns how many rows it changed.
    ///
    /// # Errors
    /// As [`Session::query`].
    pub(crate) async fn execute(
        &self,
        statement: &(impl ToStatement + ?Sized + Sync),
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, ClusterError> {
        in_time(self.client.execute(statement, parameters)).await
    }

    /// Prepares a statement.
    ///
    /// # Errors
    /// As [`Session::query`].
    pub(crate) async fn prepare(&self, statement: &str) -> Result<Statement, ClusterError> {
        in_time(self.client.prepare(statement)).await
    }

    /// Tells whether a write that succeeded is durable, where a standby was named meanwhile or not. Call
    /// it once after each commit.
    pub(crate) fn written<T>(&self, value: T, has_standby: bool) -> Written<T> {
        let is_unwaited = self.unwaited.swap(false, Ordering::AcqRel);
        if !is_unwaited && (has_standby || self.accepts_one_disk) {
            Written::Durable(value)
        } else {
            Written::InDoubt
        }
    }
}

/// Waits for an answer of the database. A network that swallows bytes may never bring it.
///
/// # Errors
/// [`ClusterError::Silent`], and the database's own.
pub(crate) async fn in_time<T>(
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, ClusterError> {
    match timeout(ANSWER_MAX, answer).await {
        Ok(answered) => answered.map_err(ClusterError::Database),
        Err(_) => Err(ClusterError::Silent),
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns whether a notice says that a commit's wait for the standby was cancelled: the transaction is
/// committed on the primary, and perhaps there alone.
fn is_unwaited(notice: &DbError) -> bool {
    // PostgreSQL gives these notices no code of their own, and translates their words.
    *notice.code() == SqlState::WARNING
}
