use crate::support::{PATIENCE, read_request};
use bytes::Bytes;
use h2::{RecvStream, server};
use http::{Request, Response};
use std::{
    future::Future,
    net::SocketAddr,
    task::{Context, Poll},
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A connection as the peer has it.
pub(super) type Connection = server::Connection<TcpStream, Bytes>;
/// The handle by which the peer answers a stream.
pub(super) type Respond = server::SendResponse<Bytes>;

/// A peer that speaks HTTP/2, and answers a packet by HTTP/1.1 with `http1`.
pub(super) struct Peer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    pub(super) fn endpoint(&self) -> String {
        format!("http://{}/ilp", self.address)
    }
}

/// Starts a peer that gives each connection that begins as HTTP/2 to `each`.
pub(super) async fn raw_peer<F, W>(each: F) -> Peer
where
    F: Fn(TcpStream) -> W + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut start = [0];
            if stream.peek(&mut start).await.is_ok_and(|bytes| bytes == 1) && start == *b"P" {
                let mut second = [0; 2];
                while stream.peek(&mut second).await.is_ok_and(|bytes| bytes == 1) {
                    tokio::task::yield_now().await;
                }
                if second == *b"PR" {
                    tokio::spawn(each(stream));
                    continue;
                }
            }
            tokio::spawn(async move {
                while read_request(&mut stream).await.is_some() {
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhttp1";
                    stream.write_all(answer).await.unwrap();
                }
            });
        }
    });
    Peer { address, task }
}

/// A peer that gives each HTTP/2 connection to `each`.
pub(super) async fn peer<F, W>(builder: server::Builder, each: F) -> Peer
where
    F: Fn(Connection) -> W + Clone + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    raw_peer(move |stream| {
        let (builder, each) = (builder.clone(), each.clone());
        async move {
            if let Ok(connection) = builder.handshake(stream).await {
                each(connection).await;
            }
        }
    })
    .await
}

/// A peer that gives each stream to `each`, many at once.
pub(super) async fn answering<F, W>(builder: server::Builder, each: F) -> Peer
where
    F: Fn(Request<RecvStream>, Respond) -> W + Clone + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    peer(builder, move |mut connection| {
        let each = each.clone();
        async move {
            while let Some(Ok((request, respond))) = connection.accept().await {
                tokio::spawn(each(request, respond));
            }
        }
    })
    .await
}

/// Reads a packet to its end, and lets the client send on as it does.
pub(super) async fn packet(request: Request<RecvStream>) -> Vec<u8> {
    let (mut body, mut packet) = (request.into_body(), Vec::new());
    while let Some(Ok(data)) = body.data().await {
        body.flow_control().release_capacity(data.len()).unwrap();
        packet.extend_from_slice(&data);
    }
    packet
}

/// Answers 200 with a body in one piece.
pub(super) fn answer(mut respond: Respond, body: &'static str) {
    let mut stream = respond.send_response(Response::new(()), false).unwrap();
    stream.send_data(Bytes::from_static(body.as_bytes()), true).unwrap();
}

/// Waits for the client to reset a stream, and tells why it did.
pub(super) async fn reset(
    poll_reset: impl FnMut(&mut Context<'_>) -> Poll<Result<h2::Reason, h2::Error>>,
) -> h2::Reason {
    let reset = tokio::time::timeout(PATIENCE, std::future::poll_fn(poll_reset)).await;
    reset.expect("a reset in time").unwrap()
}
