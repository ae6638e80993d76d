//! The TLS that outgoing connections speak: ring's cryptography, the machine's own trusted roots.

use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsSetupError {
    /// The compiled-in cryptography offers no protocol version that rustls accepts.
    #[error("the TLS library refuses its own protocol versions")]
    Versions(#[source] rustls::Error),
}

/// The client configuration for peers with `https://` endpoints, offering HTTP/2 and HTTP/1.1.
///
/// Roots come from the operating system, or from the files that `SSL_CERT_FILE` and `SSL_CERT_DIR`
/// name. A machine without any root still gets a configuration, with a warning in the log: every
/// `https://` peer will fail its handshake, and `http://` peers work.
///
/// # Errors
/// Only if the TLS library itself refuses to be set up.
pub fn client_config() -> Result<Arc<ClientConfig>, TlsSetupError> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "part of the trusted certificates can't be read");
    }
    let mut roots = RootCertStore::empty();
    let (taken, unusable) = roots.add_parsable_certificates(found.certs);
    if taken == 0 {
        tracing::warn!(
            unusable,
            "no trusted root certificates found: peers with https:// endpoints can't be reached; \
             install the system's CA certificates or point SSL_CERT_FILE at a PEM file"
        );
    }
    client_config_with_roots(roots)
}

/// Returns a configuration that trusts exactly `roots`.
///
/// # Errors
/// Only if the TLS library itself refuses to be set up.
pub fn client_config_with_roots(roots: RootCertStore) -> Result<Arc<ClientConfig>, TlsSetupError> {
    // The provider is given here: a process-wide default could be missing, or be another's choice.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsSetupError::Versions)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
