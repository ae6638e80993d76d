use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
};

use interledger_packet::{ErrorCode, FulfillBuilder, Reject};

use super::*;

/// Takes requests on loopback, and tells the head and the body of each.
fn collector() -> (String, mpsc::Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, requests) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(request) = take(&mut stream.unwrap()) else { continue };
            if tell.send(request).is_err() {
                break;
            }
        }
    });
    (url, requests)
}

fn take(stream: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4_096]);
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&buffer[..read]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        let body = &bytes[end + 4..];
        if body.len() == length {
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(answer.as_bytes())?;
            return Ok((head, body.to_vec()));
        }
    }
}

fn fulfill() -> Bytes {
    FulfillBuilder { fulfillment: &[1; 32], data: &[] }.build().unwrap().into_bytes()
}

fn times() -> Times {
    Times {
        total: Duration::from_millis(30),
        own: Duration::from_millis(5),
        next_hop: Some(Duration::from_millis(25)),
        durability: None,
    }
}

fn holds(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_collector_gets_a_span_for_each_packet_in_one_request() {
    let (url, requests) = collector();
    let traces = Traces::start(Some(&Secret::new(url)), "test node").unwrap();
    traces.packet(Source::Own, &fulfill(), &times());
    let reject = Reject::new(ErrorCode::T04_INSUFFICIENT_LIQUIDITY, None, "no").into_bytes();
    traces.packet(Source::Own, &reject, &times());
    traces.end();
    let (head, body) = requests.recv_timeout(Duration::from_secs(60)).unwrap();
    assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
    assert!(head.contains("content-type: application/x-protobuf"), "{head}");
    for text in ["jirani", "test node", "packet", "ilp.reply", "fulfill", "T04"] {
        assert!(holds(&body, text), "no {text} in the request");
    }
    assert!(holds(&body, "jirani.next_hop_us") && !holds(&body, "jirani.durability_us"));
    assert!(requests.try_recv().is_err(), "both spans went at once");
}

#[test]
fn nothing_is_prepared_and_nothing_sent_unless_it_is_configured() {
    let traces = Traces::start(None, "test node").unwrap();
    assert!(traces.to.is_none());
    traces.packet(Source::Own, &fulfill(), &times());
    traces.end();
}

#[test]
fn a_collector_that_takes_nothing_holds_up_no_packet() {
    // It accepts connections, since the system does, and never reads.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let traces = Traces::start(Some(&Secret::new(url)), "test node").unwrap();
    let started = std::time::Instant::now();
    for _ in 0..2 * QUEUE_MAX {
        traces.packet(Source::Own, &fulfill(), &times());
    }
    assert!(started.elapsed() < TIMEOUT, "{:?}", started.elapsed());
}

#[test]
fn a_url_without_a_path_gets_the_usual_one() {
    for (given, expected) in [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("https://collector.example/", "https://collector.example/v1/traces"),
        ("https://collector.example/otlp/t?key=1", "https://collector.example/otlp/t?key=1"),
    ] {
        assert_eq!(with_path(given), expected);
    }
}
