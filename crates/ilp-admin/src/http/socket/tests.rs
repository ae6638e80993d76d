use async_graphql::futures_util::SinkExt;
use ilp_operator::{Auth, PageArguments};
use ilp_store::AuditFilter;
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Error, Message as Frame,
        client::IntoClientRequest,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use super::*;
use crate::{
    http::tests::{Port, SECRET, signed_at},
    schema::tests::clock,
};

struct Client(WebSocketStream<TcpStream>);

impl Client {
    async fn open(port: &Port, headers: &[(&'static str, &str)]) -> Result<Self, Error> {
        let mut request = format!("ws://{}/graphql", port.address).into_client_request()?;
        let subprotocol = ("sec-websocket-protocol", SUBPROTOCOL);
        for (name, value) in headers.iter().chain([&subprotocol]) {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(port.address).await.unwrap();
        client_async(request, stream).await.map(|(socket, _)| Self(socket))
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Frame::text(message.to_string())).await.unwrap();
    }

    /// Returns the next message; a number for the code of a close.
    async fn read(&mut self) -> Value {
        loop {
            match self.0.next().await {
                Some(Ok(Frame::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Frame::Close(Some(frame)))) => return json!(u16::from(frame.code)),
                Some(Ok(Frame::Ping(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn init(&mut self, payload: Value) -> Value {
        self.send(json!({"type": "connection_init", "payload": payload})).await;
        self.read().await
    }
}

fn status(refused: Result<Client, Error>) -> u16 {
    match refused {
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
        Ok(_) => 101,
    }
}

#[tokio::test]
async fn requests_run_once_the_operator_is_known() {
    let ack = json!({"type": "connection_ack"});
    let bearer = format!("Bearer {SECRET}");
    let signature = signed_at(clock().unix_ms(), r#"{"lang":"en"}"#);
    for (headers, payload, known) in [
        (vec![("authorization", bearer.as_str())], json!(null), true),
        (vec![], json!({"Authorization": bearer}), true),
        (vec![], json!({"signature": signature, "tenant-id": "t", "lang": "en"}), true),
        (vec![], json!({"signature": signature, "tenant-id": "t", "lang": "sw"}), false),
        (vec![], json!({"authorization": "Bearer guess"}), false),
        (vec![], json!({"authorization": 1}), false),
        (vec![], json!(null), false),
    ] {
        let port = Port::with_secret().await;
        let mut client = Client::open(&port, &headers).await.unwrap();
        let answer = client.init(payload.clone()).await;
        if !known {
            assert_eq!(answer, json!(4403), "{payload}");
            continue;
        }
        assert_eq!(answer, ack, "{payload}");
        let query = "subscription { outgoingPaymentProgress(id: \"1\") { state } }";
        client.send(json!({"type": "subscribe", "id": "a", "payload": {"query": query}})).await;
        let told = client.read().await;
        assert_eq!(told["payload"]["errors"][0]["extensions"]["code"], "NOT_FOUND", "{told}");
        assert_eq!(client.read().await, json!({"type": "complete", "id": "a"}));
        let query = "{ whoami { isOperator } }";
        client.send(json!({"type": "subscribe", "id": "b", "payload": {"query": query}})).await;
        assert_eq!(client.read().await["payload"]["data"]["whoami"]["isOperator"], true);
    }
}

/// A signed query may be sent again, but not here: its signature would open the whole socket.
#[tokio::test]
async fn the_signature_of_a_query_opens_no_socket() {
    let port = Port::with_secret().await;
    let signature = signed_at(clock().unix_ms(), r#"{"query":"{ whoami { isOperator } }"}"#);
    let mut client = Client::open(&port, &[]).await.unwrap();
    let query = "{ whoami { isOperator } }";
    let answer = client.init(json!({"signature": signature, "query": query})).await;
    assert_eq!(answer, json!(4403));
    let signature = signed_at(clock().unix_ms(), "{}");
    for expected in [json!({"type": "connection_ack"}), json!(4403)] {
        let mut client = Client::open(&port, &[]).await.unwrap();
        assert_eq!(client.init(json!({"signature": signature})).await, expected, "once");
    }
}

#[tokio::test]
async fn a_close_is_answered_and_each_wrong_message_has_its_code() {
    let port = Port::open(|_| Auth::loopback(Vec::new())).await;
    let mut client = Client::open(&port, &[]).await.unwrap();
    client.init(json!({})).await;
    let frame = |code| CloseFrame { code, reason: "enough".into() };
    let code = CloseCode::from(4321);
    client.0.send(Frame::Close(Some(frame(code)))).await.unwrap();
    assert_eq!(client.read().await, json!(4321));
    assert!(client.0.next().await.is_none(), "and then the connection ends");

    let init = json!({"type": "connection_init"});
    let follow = |id: &str| {
        let query = "subscription { packets { passedOver } }";
        json!({"type": "subscribe", "id": id, "payload": {"query": query}})
    };
    for (messages, code) in [
        (vec![json!({"type": "start"})], 4400),
        (vec![json!({"type": "connection_init", "payload": "secret"})], 4400),
        (vec![follow("a")], 4401),
        (vec![init.clone(), follow("a"), follow("b"), follow("a")], 4409),
        (vec![init.clone(), init.clone()], 4429),
        (vec![init.clone(), json!("é".repeat(1_000))], 4400),
    ] {
        let mut client = Client::open(&port, &[]).await.unwrap();
        for message in &messages {
            client.send(message.clone()).await;
        }
        let mut told = client.read().await;
        while told.is_object() {
            told = client.read().await;
        }
        assert_eq!(told, json!(code), "{messages:?}");
    }
    let mut client = Client::open(&port, &[]).await.unwrap();
    client.0.send(Frame::binary(vec![0, 1])).await.unwrap();
    assert_eq!(client.read().await, json!(4400));
    let mut client = Client::open(&port, &[]).await.unwrap();
    client.0.get_mut().write_all(&[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xff]).await.unwrap();
    assert_eq!(client.read().await, json!(1007));
    let mut client = Client::open(&port, &[]).await.unwrap();
    client.0.get_mut().write_all(&[0xf1, 0x80, 0, 0, 0, 0]).await.unwrap();
    assert_eq!(client.read().await, json!(1002));
}

/// The clock is put forward once the socket is open, which takes real time.
#[tokio::test]
async fn a_client_that_never_says_who_it_is_is_told_that_its_time_is_over() {
    let port = Port::with_secret().await;
    let mut client = Client::open(&port, &[]).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(INIT_TIME_MAX).await;
    assert_eq!(client.read().await, json!(4408));
}

#[tokio::test]
async fn a_node_that_stops_says_goodbye_and_waits_for_the_answer() {
    let port = Port::with_secret().await;
    let authorization = json!({"authorization": format!("Bearer {SECRET}")});
    let (mut known, mut unknown) =
        (Client::open(&port, &[]).await.unwrap(), Client::open(&port, &[]).await.unwrap());
    assert_eq!(known.init(authorization).await, json!({"type": "connection_ack"}));
    port.stop.cancel();
    assert_eq!(known.read().await, json!(1001));
    assert_eq!(unknown.read().await, json!(1001));
    assert!(known.0.next().await.is_none(), "and then the connection ends");
    port.sockets.closed().await;
}

/// Checks that a client which doesn't wait for the acknowledgement is answered in order.
#[tokio::test]
async fn messages_right_behind_the_first_one_wait_for_it() {
    let port = Port::with_secret().await;
    let mut client = Client::open(&port, &[]).await.unwrap();
    let payload = json!({"signature": signed_at(clock().unix_ms(), "{}")});
    let subscribe =
        |id: &str, payload: Value| json!({"type": "subscribe", "id": id, "payload": payload});
    let persisted = json!({"extensions": {"persistedQuery": {"sha256Hash": "00"}}});
    for message in [
        json!({"type": "ping", "payload": {"n": 1}}),
        json!({"type": "connection_init", "payload": payload}),
        json!({"type": "ping"}),
        subscribe("a", json!({"query": "{ whoami { isOperator } }"})),
        json!({"type": "complete", "id": "never"}),
        json!({"type": "pong"}),
    ] {
        client.0.feed(Frame::text(message.to_string())).await.unwrap();
    }
    client.0.flush().await.unwrap();
    for expected in [
        json!({"type": "pong", "payload": {"n": 1}}),
        json!({"type": "connection_ack"}),
        json!({"type": "pong"}),
        json!({"type": "next", "id": "a",
            "payload": {"data": {"whoami": {"isOperator": true}}}}),
        json!({"type": "complete", "id": "a"}),
    ] {
        assert_eq!(client.read().await, expected);
    }
    for (payload, code) in [
        (json!({"query": "{ nothing }"}), "GRAPHQL_VALIDATION_FAILED"),
        (persisted, "PERSISTED_QUERY_NOT_SUPPORTED"),
    ] {
        client.send(subscribe("b", payload)).await;
        let told = client.read().await;
        assert_eq!((&told["type"], &told["id"]), (&json!("error"), &json!("b")), "{told}");
        assert_eq!(told["payload"][0]["extensions"]["code"], code, "{told}");
    }
}

/// Starts as many requests as may run, of which one is ended to make room.
#[tokio::test]
async fn requests_on_one_socket_are_bounded() {
    let port = Port::open(|_| Auth::loopback(Vec::new())).await;
    let mut client = Client::open(&port, &[]).await.unwrap();
    client.init(json!({})).await;
    let query = "subscription { packets { passedOver } }";
    let follow = |id: &str| json!({"type": "subscribe", "id": id, "payload": {"query": query}});
    for number in 0..=REQUESTS_MAX {
        client.send(follow(&number.to_string())).await;
    }
    let told = client.read().await;
    assert_eq!((&told["type"], &told["id"]), (&json!("error"), &json!(REQUESTS_MAX.to_string())));
    client.send(json!({"type": "complete", "id": "0"})).await;
    client.send(follow("0")).await;
    client.send(follow("more")).await;
    assert_eq!(client.read().await["id"], "more");
}

#[tokio::test]
async fn nothing_runs_before_that_and_no_page_of_another_site_gets_in() {
    let port = Port::open(|_| Auth::loopback(Vec::new())).await;
    let mut client = Client::open(&port, &[]).await.unwrap();
    client.send(json!({"type": "subscribe", "id": "a", "payload": {"query": "{ x }"}})).await;
    assert_eq!(client.read().await, json!(4401));
    assert_eq!(status(Client::open(&port, &[("origin", "https://evil.example")]).await), 403);
    assert_eq!(status(Client::open(&port, &[("origin", "null")]).await), 403);
    assert_eq!(status(Client::open(&port, &[("host", "evil.example")]).await), 403);
    let own = format!("http://{}", port.address);
    assert_eq!(status(Client::open(&port, &[("origin", &own)]).await), 101);
}

#[tokio::test]
async fn sockets_are_bounded_and_what_is_no_message_ends_one() {
    let port = Port::open(|_| Auth::loopback(Vec::new())).await;
    let mut open = Vec::new();
    for _ in 0..SOCKETS_MAX {
        let mut client = Client::open(&port, &[]).await.unwrap();
        assert_eq!(client.init(json!({})).await["type"], "connection_ack");
        open.push(client);
    }
    let mut one_too_many = Client::open(&port, &[]).await.unwrap();
    assert_eq!(one_too_many.init(json!({})).await, json!(1013));
    let mut client = open.pop().unwrap();
    client.send(json!({"type": "nonsense"})).await;
    assert_eq!(client.read().await, json!(4400));
    drop(client);
    for _ in 0..500 {
        let mut client = Client::open(&port, &[]).await.unwrap();
        if client.init(json!({})).await["type"] == "connection_ack" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("its place was never free");
}

#[tokio::test]
async fn no_frame_is_taken_that_is_longer_than_a_message_may_be() {
    let port = Port::open(|_| Auth::loopback(Vec::new())).await;
    let mut client = Client::open(&port, &[]).await.unwrap();
    // Only announced: 16 MB of text, of which nothing comes.
    let announced = [&[0x81, 0xff][..], &16_000_000_u64.to_be_bytes(), &[0; 4]].concat();
    client.0.get_mut().write_all(&announced).await.unwrap();
    let ended = timeout(Duration::from_secs(60), client.read()).await;
    assert_eq!(ended.expect("it waits for the rest"), json!(1009));
    let mut client = Client::open(&port, &[]).await.unwrap();
    client.init(json!({})).await;
    let comment = "#".repeat(200_000);
    let query = format!("{{ node {{ version }} }} {comment}");
    client.send(json!({"type": "subscribe", "id": "a", "payload": {"query": query}})).await;
    assert_eq!(client.read().await["payload"]["data"]["node"]["version"], "0.1.0");
}

#[tokio::test]
async fn a_change_is_ended_and_noted_when_the_client_hangs_up() {
    let port = Port::open(|_| Auth::loopback(Vec::new())).await;
    let page = PageArguments { first: Some(1), ..PageArguments::default() };
    let last = async || {
        let noted = port.operator.audit().list(&page, AuditFilter::default()).await.unwrap();
        noted.rows.into_iter().next()
    };
    // Often, since some will be done before the node hears of it.
    for scale in 0..20 {
        let before = last().await.map(|noted| noted.id);
        let mut client = Client::open(&port, &[]).await.unwrap();
        client.init(json!({})).await;
        let query = "mutation($scale: UInt8!) {
            createAsset(input: {code: \"USD\", scale: $scale}) { code } }";
        let payload = json!({"query": query, "variables": {"scale": scale}});
        client.send(json!({"type": "subscribe", "id": "a", "payload": payload})).await;
        let begun = async { while last().await.map(|noted| noted.id) == before {} };
        timeout(Duration::from_secs(60), begun).await.unwrap();
        drop(client);
        let ended = async { while last().await.unwrap().outcome.is_none() {} };
        timeout(Duration::from_secs(60), ended).await.expect("what became of it is noted");
        assert_eq!(last().await.unwrap().outcome.unwrap().code, "200");
    }
}
