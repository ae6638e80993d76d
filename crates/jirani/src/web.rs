//! The client for requests that carry no packet: the certificates that it trusts, its proxies, and
//! the messages for its failures.

use std::{io, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use ilp_http::{
    client::ConnectError,
    tls,
    web::{Proxies, WebClient, WebError, WebOptions},
};
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime;

use crate::{
    commands::Failure,
    run::{no_runtime, no_tls},
};

/// The parts that all web clients of a node share. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Web {
    tls: Arc<ClientConfig>,
    proxies: Arc<Proxies>,
}

impl Web {
    /// Makes the common parts, which trust the machine's own roots, as connections to peers do.
    pub(crate) fn new(proxies: Arc<Proxies>) -> Result<Self, Failure> {
        Ok(Self { tls: tls::client_config().map_err(no_tls)?, proxies })
    }

    /// Returns the TLS configuration, which connections to peers use too.
    pub(crate) fn tls(&self) -> &Arc<ClientConfig> {
        &self.tls
    }

    /// Returns the proxies that requests go through.
    pub(crate) fn proxies(&self) -> &Arc<Proxies> {
        &self.proxies
    }

    /// Returns a client with bounds of its own.
    pub(crate) fn client(&self, options: WebOptions) -> WebClient {
        WebClient::new(&self.tls, Arc::clone(&self.proxies), options)
    }
}

/// Sends one request of a command and waits for its answer.
///
/// # Errors
/// The system gives no event queue or no TLS. The outcome of the request is in the inner result.
pub(crate) fn send_and_wait(
    request: Request<Bytes>,
    options: WebOptions,
) -> Result<Result<Response<Bytes>, WebError>, Failure> {
    let (proxies, _) = Proxies::from_variables(|name| std::env::var(name).ok());
    send_through(proxies, request, options)
}

/// Sends one request of a command to a node on this machine, through no proxy whatever address it
/// listens on, and waits for the answer.
///
/// # Errors
/// The system gives no event queue or no TLS. The outcome of the request is in the inner result.
pub(crate) fn send_directly_and_wait(
    request: Request<Bytes>,
    options: WebOptions,
) -> Result<Result<Response<Bytes>, WebError>, Failure> {
    send_through(Proxies::none(), request, options)
}

fn send_through(
    proxies: Proxies,
    request: Request<Bytes>,
    options: WebOptions,
) -> Result<Result<Response<Bytes>, WebError>, Failure> {
    let is_clear_text = request.uri().scheme_str() == Some("http") && proxies.is_empty();
    // The machine's roots are read only for a URL that needs them: that takes longer than a
    // request.
    let tls = if is_clear_text {
        tls::client_config_with_roots(RootCertStore::empty())
    } else {
        tls::client_config()
    };
    let tls = tls.map_err(no_tls)?;
    let client = WebClient::new(&tls, Arc::new(proxies), options);
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(no_runtime)?.block_on(client.send(request)))
}

/// The cause that a person has to check after a request that got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The host's name has no address.
    Name,
    /// The host refuses the connection: no program listens on that port.
    NotListening,
    Other,
}

/// Returns the cause that a person has to check.
pub(crate) fn cause(error: &WebError) -> Cause {
    match error {
        WebError::Connect(ConnectError::Unreachable(error)) => match error.kind() {
            io::ErrorKind::ConnectionRefused => Cause::NotListening,
            // Errors of the resolver have no number of the system's.
            _ if error.raw_os_error().is_none() => Cause::Name,
            _ => Cause::Other,
        },
        _ => Cause::Other,
    }
}

/// Returns what went wrong with a request to `whom`, in words that don't repeat the URL, which may
/// carry a token.
pub(crate) fn reason(error: &WebError, whom: &str) -> String {
    match error {
        WebError::Timeout(_) | WebError::Connect(ConnectError::Timeout) => {
            format!("{whom} did not answer in time")
        }
        WebError::Connect(ConnectError::Unreachable(error)) => {
            format!("{whom} can't be reached: {}", unreachable(error))
        }
        WebError::Connect(ConnectError::NoDescriptor) => {
            format!("no file descriptor is left for a connection to {whom}")
        }
        WebError::Connect(ConnectError::Tls(error)) => format!("TLS with {whom} failed: {error}"),
        WebError::Connect(ConnectError::Name) => {
            format!("{whom}'s name can't be in any certificate")
        }
        WebError::Connect(ConnectError::Handshake(_)) | WebError::Http(_) => {
            format!("{whom} broke the connection off, or its answer is not HTTP")
        }
        WebError::Proxy(words) => format!("the HTTP proxy does not lead to {whom}: {words}"),
        WebError::Url => format!("{whom}'s URL can't be sent to"),
        WebError::NotPublic => {
            format!("{whom} is unknown, or on this machine or in a private network")
        }
        WebError::TooLong(bytes) => format!("{whom}'s answer is longer than {bytes} bytes"),
        WebError::Elsewhere(_) => format!(
            "{whom} points to another host, or to one without encryption: configure that URL if it \
             is meant"
        ),
        WebError::Redirects => {
            format!("{whom} redirects without saying where to, or too often")
        }
    }
}

/// Returns the kind of a system error, or the text of a resolver error, which has no kind.
fn unreachable(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => error.kind().to_string(),
        None => error.to_string(),
    }
}
