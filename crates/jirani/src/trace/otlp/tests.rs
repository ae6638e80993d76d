use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, mpsc},
    thread,
};

use interledger_packet::{ErrorCode, FulfillBuilder, Reject};

use super::*;

/// Takes requests on loopback, and returns the head and the body of each.
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
        asking: Some((Duration::from_millis(3), Duration::from_millis(28))),
    }
}

/// Returns the fields of a protobuf message that are bytes or 64-bit numbers; others are skipped.
fn fields(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let length = match key & 7 {
            0 => {
                varint(&mut message);
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut message)).unwrap(),
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (field, rest) = message.split_at(length);
        fields.push((key >> 3, field));
        message = rest;
    }
    fields
}

fn varint(message: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let (byte, rest) = message.split_first().unwrap();
        *message = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    number
}

fn inner(messages: &[u8], number: u64) -> Vec<&[u8]> {
    fields(messages).into_iter().filter(|(found, _)| *found == number).map(|(_, it)| it).collect()
}

/// A span as the collector received it.
#[derive(Debug)]
struct ReceivedSpan {
    name: String,
    trace: Vec<u8>,
    id: Vec<u8>,
    parent: Option<Vec<u8>>,
    from_ns: u64,
    to_ns: u64,
}

/// Reads the spans of a request: ExportTraceServiceRequest.resource_spans.scope_spans.spans have
/// the numbers 1, 2, 2.
fn spans(body: &[u8]) -> Vec<ReceivedSpan> {
    let scopes = inner(body, 1).into_iter().flat_map(|resource| inner(resource, 2));
    let spans = scopes.flat_map(|scope| inner(scope, 2));
    spans
        .map(|span| {
            let bytes = |number| inner(span, number).first().map(|bytes| bytes.to_vec());
            let ns = |number| u64::from_le_bytes(bytes(number).unwrap().try_into().unwrap());
            ReceivedSpan {
                name: String::from_utf8(bytes(5).unwrap()).unwrap(),
                trace: bytes(1).unwrap(),
                id: bytes(2).unwrap(),
                parent: bytes(4).filter(|id| !id.is_empty()),
                from_ns: ns(7),
                to_ns: ns(8),
            }
        })
        .collect()
}

fn web() -> Web {
    Web::new(Arc::default()).unwrap()
}

#[test]
fn below_a_packets_span_lies_what_its_time_was_made_of() {
    let (url, requests) = collector();
    let traces = Traces::start(Some(&url.parse().unwrap()), "test node", &web()).unwrap();
    let ms = Duration::from_millis;
    let durable = Times { total: ms(40), durability: Some(ms(10)), ..times() };
    traces.packet(Source::Own, &fulfill(), &durable);
    // A packet that was answered here, and never waited.
    let (next_hop, asking) = (None, None);
    traces.packet(Source::Own, &fulfill(), &Times { own: ms(30), next_hop, asking, ..times() });
    traces.end();
    let (_, body) = requests.recv_timeout(Duration::from_secs(60)).unwrap();
    let spans = spans(&body);
    let packets: Vec<_> = spans.iter().filter(|span| span.name == "packet").collect();
    let below = |packet: &ReceivedSpan| -> Vec<(&str, u64, u64)> {
        let of_it = spans.iter().filter(|span| span.parent.as_ref() == Some(&packet.id));
        let after = |ns| (ns - packet.from_ns) / 1_000_000;
        of_it
            .inspect(|span| assert_eq!(span.trace, packet.trace))
            .map(|span| (span.name.as_str(), after(span.from_ns), after(span.to_ns)))
            .collect()
    };
    let [first, second] = packets[..] else { panic!("{spans:?}") };
    assert!(first.parent.is_none() && second.parent.is_none() && first.trace != second.trace);
    assert_eq!(
        below(first),
        [("own work", 0, 3), ("next hop", 3, 28), ("own work", 28, 30), ("durability", 30, 40)]
    );
    assert_eq!(below(second), [("own work", 0, 30)]);
    assert_eq!(spans.len(), 2 + 4 + 1);
}

fn holds(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_collector_gets_a_span_for_each_packet_in_one_request() {
    let (url, requests) = collector();
    let traces = Traces::start(Some(&url.parse().unwrap()), "test node", &web()).unwrap();
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
    let traces = Traces::start(None, "test node", &web()).unwrap();
    assert!(traces.to.is_none());
    traces.packet(Source::Own, &fulfill(), &times());
    traces.end();
}

#[test]
fn a_collector_that_takes_nothing_holds_up_no_packet() {
    // The system accepts the connections, and the test never reads.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let traces = Traces::start(Some(&url.parse().unwrap()), "test node", &web()).unwrap();
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
