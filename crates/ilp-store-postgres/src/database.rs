//! Where the database is.

use std::{fmt, sync::Arc, time::Duration};

use rustls::ClientConfig;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    ClusterError,
    session::{Session, in_time},
};

/// How long a connection may take, for each host, unless the URL says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Where a cluster's database is and how to sign in: `postgres://USER:PASSWORD@HOST1,HOST2/DATABASE`. Of
/// several hosts the one that takes writes is used. With `sslmode=require` the connection is encrypted.
#[derive(Clone)]
pub struct DatabaseUrl(tokio_postgres::Config);

impl DatabaseUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`ClusterError::Url`], without the URL, which may hold a password.
    pub fn parse(url: &str) -> Result<Self, ClusterError> {
        let mut config: tokio_postgres::Config = url.parse().map_err(|_| ClusterError::Url)?;
        if config.get_hosts().is_empty() || config.get_user().is_none() {
            return Err(ClusterError::Url);
        }
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.application_name("jirani");
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        Ok(Self(config))
    }
}

impl fmt::Debug for DatabaseUrl {
    /// Shows the hosts alone.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("DatabaseUrl").field(&self.0.get_hosts()).finish()
    }
}

/// The database of a cluster, and the certificates that it is checked against.
#[derive(Clone)]
pub struct Database {
    url: DatabaseUrl,
    tls: MakeRustlsConnect,
    accepts_one_disk: bool,
}

impl Database {
    /// A database whose certificate is checked against the roots of `tls`, where its URL asks for TLS.
    #[must_use]
    pub fn new(url: DatabaseUrl, tls: Arc<ClientConfig>) -> Self {
        let tls = MakeRustlsConnect::new(ClientConfig::clone(&tls));
        Self { url, tls, accepts_one_disk: false }
    }

    /// Accepts commits that wait for no standby of PostgreSQL's, where the provider replicates below it.
    #[must_use]
    pub fn accept_one_disk(self) -> Self {
        Self { accepts_one_disk: true, ..self }
    }

    /// Opens a session. Its task runs on the runtime of the caller.
    ///
    /// # Errors
    /// When no host can be reached or takes writes.
    pub(crate) async fn connect(&self) -> Result<Session, ClusterError> {
        let (client, connection) = in_time(self.url.0.connect(self.tls.clone())).await?;
        let session = Session::start(client, connection, self.accepts_one_disk);
        session.set_up().await?;
        Ok(session)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Database").field("url", &self.url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_hosts_and_a_user_and_is_never_shown() {
        let url = "postgres://jirani:pass%20word@db1:5433,db2/books";
        let shown = format!("{:?}", DatabaseUrl::parse(url).unwrap());
        assert!(shown.contains("db1") && shown.contains("db2"), "{shown}");
        assert!(!shown.contains("pass"), "{shown}");
        for wrong in ["", "books", "postgres://db1/books", "http://jirani@db1/books"] {
            let error = DatabaseUrl::parse(wrong).unwrap_err();
            assert!(error.to_string().contains("postgres://USER"), "{wrong}: {error}");
        }
    }
}
