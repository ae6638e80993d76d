use crate::support::{post, quick, read_all, read_one, serve, until};
use ilp_http::Limits;
use interledger_packet::MAX_PACKET_BYTES;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

const POST: &str = "POST /any/path?x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
const TOKEN: &str = "Authorization: Bearer right\r\n";
const OCTETS: &str = "Content-Type: application/octet-stream\r\n";

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or(answer)
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

#[tokio::test]
async fn each_row_of_the_table() {
    let server = serve(Limits::default()).await;
    let too_long = MAX_PACKET_BYTES + 1;
    let long_chunk = format!("{too_long:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(too_long));
    let packet = "Content-Length: 4\r\n\r\nping";
    let chunked = "Transfer-Encoding: chunked\r\n\r\n";
    let rows = [
        (format!("{POST}{TOKEN}{OCTETS}{packet}"), "200", "echo:ping"),
        (format!("{POST}authorization: bEARER  right \r\n{OCTETS}{packet}"), "200", "echo:ping"),
        (
            format!("{POST}{TOKEN}content-type: Application/Octet-Stream ; a=b\r\n{packet}"),
            "200",
            "echo:ping",
        ),
        (
            format!("{POST}{TOKEN}{OCTETS}{chunked}2\r\npi\r\n2\r\nng\r\n0\r\n\r\n"),
            "200",
            "echo:ping",
        ),
        // The content types of connectors older than RFC 35, in JavaScript and in Java.
        (
            format!("{POST}{TOKEN}content-type: application/ilp+octet-stream\r\n{packet}"),
            "200",
            "echo:ping",
        ),
        (
            format!("{POST}{TOKEN}content-type: application/ilp-octet-stream; a\r\n{packet}"),
            "200",
            "echo:ping",
        ),
        (format!("{POST}Host: y\r\n{TOKEN}{OCTETS}{packet}"), "400", "one Host field"),
        (
            format!("POST / HTTP/1.1\r\nConnection: close\r\n{TOKEN}{OCTETS}{packet}"),
            "400",
            "one Host field",
        ),
        (format!("POST / HTTP/1.0\r\n{TOKEN}{OCTETS}{packet}"), "200", "echo:ping"),
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_owned(), "405", "POST"),
        (format!("PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{packet}"), "405", "POST"),
        (format!("{POST}{OCTETS}{packet}"), "401", "Bearer"),
        (format!("{POST}Authorization: Bearer wrong\r\n{OCTETS}{packet}"), "401", "Bearer"),
        (format!("{POST}Authorization: Bearer\r\n{OCTETS}{packet}"), "401", "Bearer"),
        (format!("{POST}Authorization: Basic right\r\n{OCTETS}{packet}"), "401", "Bearer"),
        (format!("{POST}{TOKEN}{packet}"), "415", "application/octet-stream"),
        (format!("{POST}{TOKEN}Content-Type: application/json\r\n{packet}"), "415", "octet-stream"),
        (format!("{POST}{TOKEN}{OCTETS}Content-Length: {too_long}\r\n\r\n"), "413", "33857"),
        (format!("{POST}{TOKEN}{OCTETS}{chunked}{long_chunk}"), "413", "33857"),
        (format!("{POST}{TOKEN}{OCTETS}Content-Length: 4\r\n\r\njunk"), "400", "byte 0"),
        (format!("{POST}{TOKEN}{OCTETS}Content-Length: 5\r\n\r\npanic"), "500", "error"),
    ];
    for (request, expected, says) in rows {
        let answer = server.raw(request.as_bytes()).await;
        let shown = &request[..request.len().min(200)];
        assert_eq!(status(&answer), expected, "{shown}\n{answer}");
        assert!(body(&answer).contains(says), "{shown}\n{answer}");
    }
    assert_eq!(server.stats.handler_panics(), 1);
}

#[tokio::test]
async fn the_headers_of_answers() {
    let server = serve(Limits::default()).await;
    let allow = server.raw(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(allow.contains("allow: POST\r\n"), "{allow}");
    let strip = |answer: String| {
        let lines = answer.lines().filter(|line| !line.starts_with("date:"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let packet = "Content-Length: 4\r\n\r\nping";
    let missing = server.raw(format!("{POST}{OCTETS}{packet}").as_bytes()).await;
    let wrong = format!("{POST}Authorization: Bearer wrong\r\n{OCTETS}{packet}");
    let unknown = server.raw(wrong.as_bytes()).await;
    assert!(missing.contains("www-authenticate: Bearer\r\n"), "{missing}");
    assert_eq!(strip(missing), strip(unknown));
    let reply = server.raw(format!("{POST}{TOKEN}{OCTETS}{packet}").as_bytes()).await;
    assert!(reply.contains("content-type: application/octet-stream\r\n"), "{reply}");
}

#[tokio::test]
async fn the_longest_packet_is_taken() {
    let server = serve(Limits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(&post(&"x".repeat(MAX_PACKET_BYTES))).await.unwrap();
    assert_eq!(body(&read_one(&mut stream).await).len(), "echo:".len() + MAX_PACKET_BYTES);
}

#[tokio::test]
async fn a_connection_is_kept_after_replies_and_refusals() {
    let server = serve(Limits::default()).await;
    let mut stream = server.connect().await;
    for (packet, expected) in [("a", "200"), ("junk", "400"), ("panic", "500"), ("b", "200")] {
        stream.write_all(&post(packet)).await.unwrap();
        assert_eq!(status(&read_one(&mut stream).await), expected, "{packet}");
    }
    assert_eq!(server.stats.connections_accepted(), 1);
    let answered: Vec<_> = server.stats.responses().filter(|(_, count)| *count > 0).collect();
    assert_eq!(answered, [(200, 2), (400, 1), (500, 1)]);
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let server = serve(Limits::default()).await;
    let request = format!("{POST}X: {}\r\n\r\n", "x".repeat(100_000));
    let answer = server.raw(request.as_bytes()).await;
    assert_eq!(status(&answer), "431", "{answer}");
}

#[tokio::test]
async fn a_body_cut_short_ends_only_its_own_connection() {
    let server = serve(Limits::default()).await;
    let mut stream = server.connect().await;
    let start = format!("{POST}{TOKEN}{OCTETS}Content-Length: 10\r\n\r\npin");
    stream.write_all(start.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.is_empty() || status(&answer) == "400", "{answer}");
    assert_eq!(server.handler.entered(), 0);
    until("the connection ends", || server.stats.connections_open() == 0).await;
}

#[tokio::test]
async fn slow_heads_are_cut() {
    let server = serve(quick()).await;
    for start in ["", "PRI * HT", "POST / HTTP/1.1\r\nHo"] {
        let mut stream = server.connect().await;
        stream.write_all(start.as_bytes()).await.unwrap();
        assert_eq!(read_all(&mut stream).await, "", "{start}");
    }
    // Also on a connection that has served a request.
    let mut stream = server.connect().await;
    stream.write_all(&post("a")).await.unwrap();
    read_one(&mut stream).await;
    stream.write_all(b"POST / HT").await.unwrap();
    assert_eq!(read_all(&mut stream).await, "");
    assert_eq!(server.stats.connections_timed_out(), 4);
}

#[tokio::test]
async fn a_slow_body_is_answered_400() {
    let server = serve(quick()).await;
    let start = format!("{POST}{TOKEN}{OCTETS}Content-Length: 10\r\n\r\npin");
    let answer = server.raw(start.as_bytes()).await;
    assert_eq!(status(&answer), "400", "{answer}");
    assert!(body(&answer).contains("slowly"), "{answer}");
    assert_eq!(server.stats.requests_in_flight(), 0);
}

#[tokio::test]
async fn a_slow_handler_is_not_cut() {
    let server = serve(quick()).await;
    let mut stream = server.connect().await;
    stream.write_all(&post("hold")).await.unwrap();
    until("the handler runs", || server.handler.entered() == 1).await;
    // Another connection is cut meanwhile, so several timeouts have passed.
    assert_eq!(server.raw(b"").await, "");
    server.handler.gate.add_permits(1);
    assert_eq!(body(&read_one(&mut stream).await), "echo:hold");
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let limits = Limits { idle_timeout: Duration::from_millis(50), ..Limits::default() };
    let server = serve(limits).await;
    let mut stream = server.connect().await;
    stream.write_all(&post("a")).await.unwrap();
    read_one(&mut stream).await;
    assert_eq!(read_all(&mut stream).await, "");
}

#[tokio::test]
async fn one_connection_too_many_is_answered_503() {
    let server = serve(Limits { connections_max: 1, ..Limits::default() }).await;
    let mut first = server.connect().await;
    first.write_all(&post("a")).await.unwrap();
    read_one(&mut first).await;
    let answer = server.raw(&post("b")).await;
    assert_eq!(status(&answer), "503", "{answer}");
    assert_eq!(server.stats.connections_refused(), 1);
    drop(first);
    until("there is room again", || server.stats.connections_open() == 0).await;
    let mut second = server.connect().await;
    second.write_all(&post("c")).await.unwrap();
    assert_eq!(status(&read_one(&mut second).await), "200");
}

#[tokio::test]
async fn one_packet_too_many_is_answered_503() {
    let server = serve(Limits { requests_max: 1, ..Limits::default() }).await;
    let mut first = server.connect().await;
    first.write_all(&post("hold")).await.unwrap();
    until("the handler runs", || server.handler.entered() == 1).await;
    let mut second = server.connect().await;
    second.write_all(&post("b")).await.unwrap();
    assert_eq!(status(&read_one(&mut second).await), "503");
    server.handler.gate.add_permits(1);
    assert_eq!(status(&read_one(&mut first).await), "200");
}

#[tokio::test]
async fn a_client_that_hangs_up_cancels_nothing() {
    let server = serve(Limits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(&post("hold")).await.unwrap();
    until("the handler runs", || server.handler.entered() == 1).await;
    drop(stream);
    let handler = server.handler.clone();
    // The drain waits for the packet although its client is gone.
    let ended = server.shut_down();
    assert_eq!(handler.finished(), 0);
    handler.gate.add_permits(1);
    let drained = ended.await.unwrap();
    assert_eq!((drained.connections_cut, drained.packets_unfinished), (0, 0));
    assert_eq!(handler.finished(), 1);
}

#[tokio::test]
async fn a_packet_whose_connection_is_cut_goes_on() {
    let server =
        serve(Limits { drain_timeout: Duration::from_millis(20), ..Limits::default() }).await;
    let mut stream = server.connect().await;
    stream.write_all(&post("hold")).await.unwrap();
    until("the handler runs", || server.handler.entered() == 1).await;
    let (handler, stats) = (server.handler.clone(), server.stats.clone());
    let drained = server.shut_down().await.unwrap();
    assert_eq!((drained.connections_cut, drained.packets_unfinished), (1, 1));
    until("the packet goes on without", || stats.requests_detached() == 1).await;
    handler.gate.add_permits(1);
    until("the handler ends", || handler.finished() == 1).await;
}

#[tokio::test]
async fn a_client_that_has_nothing_more_to_say_gets_its_answer() {
    let server = serve(Limits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(&post("hold")).await.unwrap();
    stream.shutdown().await.unwrap();
    until("the handler runs", || server.handler.entered() == 1).await;
    server.handler.gate.add_permits(1);
    assert_eq!(status(&read_one(&mut stream).await), "200");
    until("the connection ends", || server.stats.connections_open() == 0).await;
}

#[tokio::test]
async fn a_drain_finishes_what_is_in_flight() {
    let server = serve(Limits::default()).await;
    let mut idle = server.connect().await;
    idle.write_all(&post("a")).await.unwrap();
    read_one(&mut idle).await;
    let mut busy = server.connect().await;
    busy.write_all(&post("hold")).await.unwrap();
    until("the handler runs", || server.handler.entered() == 2).await;
    let (address, handler) = (server.address, server.handler.clone());
    let ended = server.shut_down();
    // The idle connection is closed at once, and the port no longer answers.
    assert_eq!(read_all(&mut idle).await, "");
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    assert!(!ended.is_finished());
    handler.gate.add_permits(1);
    let answer = read_all(&mut busy).await;
    assert_eq!(body(&answer), "echo:hold");
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(ended.await.unwrap().connections_cut, 0);
}

#[tokio::test]
async fn a_drain_is_bounded() {
    let server = serve(Limits { drain_timeout: Duration::from_millis(20), ..quick() }).await;
    let mut busy = server.connect().await;
    busy.write_all(&post("hold")).await.unwrap();
    until("the handler runs", || server.handler.entered() == 1).await;
    let drained = server.shut_down().await.unwrap();
    assert_eq!((drained.connections_cut, drained.packets_unfinished), (1, 1));
    assert_eq!(read_all(&mut busy).await, "");
}

#[tokio::test]
async fn workers_take_turns_on_their_own_threads() {
    use crate::support::Echo;
    use ilp_http::{Server, Worker};
    let mut threads = Vec::new();
    let mut workers = Vec::new();
    for _ in 0..2 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        workers.push(Worker { runtime: runtime.handle().clone(), handler: Echo::new() });
        let thread = std::thread::spawn(move || {
            let _ = runtime.block_on(stopped);
        });
        threads.push((stop, thread));
    }
    let handlers: Vec<_> = workers.iter().map(|worker| worker.handler.clone()).collect();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (shutdown, told) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(Server::new(Limits::default()).serve(listener, workers, async {
        let _ = told.await;
    }));
    for _ in 0..4 {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(&post("a")).await.unwrap();
        assert_eq!(status(&read_one(&mut stream).await), "200");
    }
    assert_eq!(handlers.iter().map(Echo::finished).collect::<Vec<_>>(), [2, 2]);
    shutdown.send(()).unwrap();
    server.await.unwrap();
    for (stop, thread) in threads {
        let _ = stop.send(());
        thread.join().unwrap();
    }
}
