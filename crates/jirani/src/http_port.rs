//! A server for any HTTP/1.1 port except that of packets: connections are bounded, and requests,
//! answers and the shutdown have deadlines.

use std::{
    error::Error,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::{
    Request, Response, StatusCode, Version,
    body::{Body, Frame, Incoming, SizeHint},
    header::HOST,
    server::conn::http1,
    service::Service,
};
use hyper_util::rt::TokioIo;
use ilp_http::port::{
    Arrival, PlaceHandle, Port, PortLimits, PortStats, Running, Socket, Supervised, Turns,
};
use tokio::net::TcpListener;

/// A port, and the HTTP options of its connections.
pub(crate) struct HttpPort {
    pub(crate) limits: PortLimits,
    pub(crate) http: http1::Builder,
    /// The longest life of a connection, where it is bounded regardless of the client.
    pub(crate) connection_time_max: Option<Duration>,
    /// The time that requests in progress may take once the port is to stop.
    pub(crate) drain: Duration,
}

impl HttpPort {
    /// Serves each connection with the service that `service` makes for it, until `stop` is ready.
    pub(crate) async fn serve<S, B>(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()>,
        service: impl Fn(SocketAddr, &PlaceHandle) -> S,
    ) where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let name = self.limits.name;
        let stats = Arc::new(PortStats::default());
        let port = Port::new(self.limits, Arc::clone(&stats));
        let turns = Arc::<Turns>::default();
        let take = |Arrival { stream, from, place }| {
            let handle = place.handle();
            let service = Counted { service: service(from, &handle), place: handle.clone() };
            let io = TokioIo::new(Socket::new(stream, place, Arc::clone(&turns)));
            let connection = self.http.serve_connection(io, service).with_upgrades();
            let served = Supervised::new(connection, &handle);
            let time_max = self.connection_time_max;
            tokio::spawn(async move {
                let ended = match time_max {
                    Some(time_max) => {
                        tokio::time::timeout(time_max, served).await.unwrap_or(Ok(()))
                    }
                    None => served.await,
                };
                if let Err(error) = ended {
                    tracing::debug!(port = name, %error, "a connection ended early");
                }
            });
        };
        let serving = async {
            port.accept(listener, stop, take).await;
            if !port.drain(self.drain, stats.quiet()).await {
                tracing::warn!(port = name, "requests were still under way when the node ended");
                port.cut_all();
            }
        };
        tokio::select! {
            () = serving => {}
            () = turns.run() => {}
        }
    }
}

/// A service that counts a request until its answer has been written.
struct Counted<S> {
    service: S,
    place: PlaceHandle,
}

impl<S, B> Service<Request<Incoming>> for Counted<S>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes>,
{
    type Response = Response<CountedBody<B>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let running = self.place.begin(false);
        if !has_one_host(&request) {
            return Box::pin(async move { Ok(not_one_host(running)) });
        }
        let answering = self.service.call(request);
        Box::pin(async move {
            let response = answering.await?;
            Ok(response.map(|body| CountedBody { part: Part::Body(body), _running: running }))
        })
    }
}

/// Returns whether a request of HTTP/1.1 has one Host field (RFC 9112, 3.2); older clients need
/// none.
fn has_one_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let has_any = hosts.next().is_some();
    hosts.next().is_none() && (has_any || request.version() != Version::HTTP_11)
}

fn not_one_host<B>(running: Running) -> Response<CountedBody<B>> {
    let text = "The request must have one Host field, and has none or several.\n";
    let part = Part::Text(Some(Bytes::from_static(text.as_bytes())));
    let mut response = Response::new(CountedBody { part, _running: running });
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

/// An answer's body, which ends the request once it has been written.
struct CountedBody<B> {
    part: Part<B>,
    _running: Running,
}

enum Part<B> {
    Body(B),
    Text(Option<Bytes>),
}

impl<B: Body<Data = Bytes> + Unpin> Body for CountedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match &mut self.part {
            Part::Body(body) => Pin::new(body).poll_frame(context),
            Part::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.part {
            Part::Body(body) => body.is_end_stream(),
            Part::Text(text) => text.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.part {
            Part::Body(body) => body.size_hint(),
            Part::Text(text) => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
        }
    }
}
