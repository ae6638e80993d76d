//! The HTTP client for requests that are rare and may block a thread: webhooks, exchange rates, spans,
//! other nodes' auto-peering.

mod bounded;

use std::time::Duration;

use ureq::{
    tls::{Certificate, RootCerts, TlsConfig},
    unversioned::resolver::DefaultResolver,
};

/// Makes a client whose requests take `timeout` at the most. For `https` the machine's own roots are
/// trusted, as for peers. Redirects are not followed, since a server of the private network or of a
/// stranger may be behind one, and requests have secrets inside.
pub(crate) fn agent(timeout: Duration) -> ureq::Agent {
    let roots = rustls_native_certs::load_native_certs().certs;
    let roots: Vec<_> = roots.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&roots)).build();
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .tls_config(tls)
        .user_agent(concat!("jirani/", env!("CARGO_PKG_VERSION")))
        .build();
    ureq::Agent::with_parts(config, bounded::connector(), DefaultResolver::default())
}

/// What went wrong with a request to `whom`, in words that don't repeat the URL, which may carry a
/// token.
pub(crate) fn reason(error: &ureq::Error, whom: &str) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("{whom} did not answer in time"),
        ureq::Error::HostNotFound => format!("{whom}'s name is unknown"),
        ureq::Error::ConnectionFailed => format!("{whom} takes no connection"),
        ureq::Error::Io(error) => format!("the connection failed: {}", error.kind()),
        ureq::Error::Rustls(error) => format!("TLS failed: {error}"),
        ureq::Error::BadUri(_) => format!("{whom}'s URL is none that can be sent to"),
        ureq::Error::BodyExceedsLimit(limit) => {
            format!("{whom}'s answer is longer than {limit} bytes")
        }
        _ => format!("{whom}'s answer is no HTTP answer"),
    }
}
