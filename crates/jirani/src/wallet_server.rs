//! The server of the wallets' port, which tells payers who is paid at a URL, and how. Any client
//! may ask, so every resource that a connection can take is bounded.

use std::{convert::Infallible, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioTimer;
use ilp_http::{
    port::{Holder, PortLimits, Source},
    spsp::server::{self, Receivers},
};
use tokio::net::TcpListener;

use crate::http_port::HttpPort;

/// The bounds of the port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WalletLimits {
    /// The most connections open at once: about 16 KiB each, so 16 MiB. Half of them are for
    /// clients that have sent no request yet, of which the oldest makes room for the next.
    pub(crate) connections_max: usize,
    /// The longest life of a connection. A payer asks once and gets less than 2 KiB, so a client
    /// that takes longer is stuck or hostile; no connection is kept for a second request.
    pub(crate) connection_time_max: Duration,
}

impl Default for WalletLimits {
    fn default() -> Self {
        Self { connections_max: 1_024, connection_time_max: Duration::from_secs(10) }
    }
}

/// The longest head of a request, which is the smallest buffer that hyper takes.
const HEAD_BYTES_MAX: usize = 8 * 1_024;

/// Serves until `stop` is ready; requests in progress may then take `drain` to end. `public_origin`
/// is the origin under which payers reach the port, such as `https://wallet.example.com`.
pub(crate) async fn serve<R: Receivers>(
    listener: TcpListener,
    receivers: Arc<R>,
    public_origin: Option<String>,
    limits: WalletLimits,
    stop: impl Future<Output = ()>,
    drain: Duration,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(None)
        .keep_alive(false)
        .max_buf_size(HEAD_BYTES_MAX);
    let public_origin: Option<Arc<str>> = public_origin.map(Arc::from);
    let time_max = limits.connection_time_max;
    let half = u32::try_from(limits.connections_max / 2).unwrap_or(u32::MAX).max(1);
    let port = PortLimits {
        name: "wallet",
        known_max: half,
        strangers_max: half,
        stranger_timeout: None,
        head_timeout: time_max,
        body_timeout: time_max,
        idle_timeout: time_max,
        take_timeout: time_max,
    };
    let port = HttpPort { limits: port, http, connection_time_max: Some(time_max), drain };
    port.serve(listener, stop, |address, place| {
        let (receivers, origin) = (Arc::clone(&receivers), public_origin.clone());
        let (place, source) = (place.clone(), Source::from(address.ip()));
        service_fn(move |request| {
            // A payer has no proof of identity beyond a whole request.
            place.know(Holder::Source(source), 1);
            let (receivers, origin) = (Arc::clone(&receivers), origin.clone());
            async move {
                let origin = origin.as_deref();
                Ok::<_, Infallible>(server::answer(&*receivers, origin, &request).await)
            }
        })
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use ilp_http::spsp::{
        Credentials,
        server::{Found, Target, Unavailable},
    };
    use ilp_net::WalletUrl;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        sync::oneshot,
        task::JoinHandle,
        time::timeout,
    };

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// A stub that pays every recipient at one address.
    struct OneRecipient;

    impl Receivers for OneRecipient {
        async fn find(&self, url: &WalletUrl) -> Result<Found, Unavailable> {
            Ok(Found::Target(Target {
                tag: url.to_string(),
                url: url.to_string(),
                public_name: None,
                asset_code: "EUR".to_owned(),
                asset_scale: 2,
                invoice: None,
            }))
        }

        fn credentials(&self, _: &Target) -> Result<Credentials, Unavailable> {
            let destination = "g.node.bob".parse().unwrap();
            Ok(Credentials { destination, shared_secret: [7; 32] })
        }
    }

    async fn start(limits: WalletLimits) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopping) = oneshot::channel();
        let stopped = async {
            let _ = stopping.await;
        };
        let served = serve(listener, Arc::new(OneRecipient), None, limits, stopped, PATIENCE);
        (address, stop, tokio::spawn(served))
    }

    /// Reads until the server closes the connection.
    async fn read(stream: &mut TcpStream) -> String {
        let mut answer = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an end in time");
        String::from_utf8(answer).unwrap()
    }

    async fn ask(address: SocketAddr) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request =
            "GET /bob HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/spsp4+json\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        read(&mut stream).await
    }

    #[tokio::test]
    async fn a_payer_is_answered_and_the_connection_closed() {
        let (address, stop, served) = start(WalletLimits::default()).await;
        let answer = ask(address).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("\"destination_account\":\"g.node.bob\""), "{answer}");
        drop(stop);
        timeout(PATIENCE, served).await.expect("the server ends").unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn slow_clients_are_cut_and_make_room_for_the_next() {
        let connection_time_max = Duration::from_millis(200);
        let limits = WalletLimits { connections_max: 2, connection_time_max };
        let (address, _stop, _served) = start(limits).await;
        let mut slow = TcpStream::connect(address).await.unwrap();
        let mut silent = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET /bob HTTP/1.1\r\nHost:").await.unwrap();
        let answer = ask(address).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert_eq!(
            (read(&mut slow).await, read(&mut silent).await),
            (String::new(), String::new())
        );
    }

    #[tokio::test]
    async fn a_head_without_end_is_refused() {
        let (address, _stop, _served) = start(WalletLimits::default()).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("GET /bob HTTP/1.1\r\nX: {}", "x".repeat(HEAD_BYTES_MAX));
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = read(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
}
