//! Payers that break STREAM's rules, over the socket of a peer.

use bytes::BytesMut;
use data_encoding::BASE64;
use ilp_stream::{
    CloseCode, Frame, Keys, SharedSecret, StreamPacket, StreamPacketBuilder, condition_of,
};
use interledger_packet::{Address, ErrorCode, PacketType, PrepareBuilder, Reply};
use serde_json::{Value, json};

use crate::support::{
    Node,
    packets::{Sender, in_ms},
    receiver::random,
};

const MONEY: Frame<'static> = Frame::StreamMoney { stream_id: 1, shares: 1 };

/// A payer with a connection of its own to a wallet or an incoming payment of the node.
struct Payer {
    sender: Sender,
    destination: Address,
    keys: Keys,
    next_sequence: u64,
}

/// The answer to a packet.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    /// The code of a Reject; `None` for a Fulfill.
    code: Option<ErrorCode>,
    close: Option<CloseCode>,
    receive_max: Option<u64>,
    total_received: Option<u64>,
}

impl Payer {
    fn new(node: &Node, token: &str, url: &str) -> Self {
        let told = node.spsp(url);
        let secret = BASE64.decode(told["shared_secret"].as_str().unwrap().as_bytes()).unwrap();
        Self {
            sender: node.sender(token),
            destination: told["destination_account"].as_str().unwrap().try_into().unwrap(),
            keys: Keys::new(&SharedSecret::new(secret.try_into().unwrap())),
            next_sequence: 1,
        }
    }

    fn send(&mut self, amount: u64, frames: &[Frame<'_>]) -> Answer {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let packet_type = PacketType::Prepare;
        let packet = StreamPacketBuilder { packet_type, sequence, amount, frames, padded_bytes: 0 };
        let data = packet.encrypt(&self.keys, &mut random).unwrap();
        let prepare = PrepareBuilder {
            amount,
            expires_at: in_ms(20_000),
            execution_condition: &condition_of(&self.keys.fulfillment(&data)),
            destination: self.destination.as_addr(),
            data: &data,
        };
        let reply = self.sender.send(prepare.build().unwrap().as_bytes());
        let (code, data) = match &reply {
            Reply::Fulfill(fulfill) => (None, fulfill.data()),
            Reply::Reject(reject) => (Some(reject.code()), reject.data()),
        };
        let mut data = BytesMut::from(data);
        let packet = StreamPacket::parse(self.keys.decrypt(&mut data).unwrap()).unwrap();
        let close = packet.frames().find_map(|frame| match frame {
            Frame::ConnectionClose { code, .. } => Some(code),
            _ => None,
        });
        let limits = packet.frames().find_map(|frame| match frame {
            Frame::StreamMaxMoney { receive_max, total_received, .. } => {
                Some((receive_max, total_received))
            }
            _ => None,
        });
        let (receive_max, total_received) = limits.unzip();
        Answer { code, close, receive_max, total_received }
    }
}

/// Starts a node with a wallet address, and a peer that sends to it. Returns the wallet's id and
/// URL.
fn node() -> (Node, String, String) {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    node.create_peer(&asset, "test.sender", "http://127.0.0.1:1", json!({}));
    let (id, url) = node.create_wallet(&asset, "bob");
    (node, id, url)
}

fn incoming_payment(node: &Node, wallet: &str, asked: u64) -> (String, String) {
    let made = node.query(
        "mutation($input: CreateIncomingPaymentInput!) {
           createIncomingPayment(input: $input) { payment { id url } } }",
        json!({ "input": {
            "walletAddressId": wallet,
            "incomingAmount": { "value": asked.to_string(), "assetCode": "USD", "assetScale": 2 },
        }}),
    );
    let made = &made["createIncomingPayment"]["payment"];
    (made["id"].as_str().unwrap().to_owned(), made["url"].as_str().unwrap().to_owned())
}

fn received(node: &Node, id: &str) -> Value {
    let query = "query($id: String!) { incomingPayment(id: $id) { receivedAmount { value } } }";
    node.query(query, json!({ "id": id }))["incomingPayment"]["receivedAmount"]["value"].clone()
}

const REFUSED: Option<ErrorCode> = Some(ErrorCode::F99_APPLICATION_ERROR);

/// Rafiki 2.4 sends the data of its travel rule. A Fulfill would acknowledge data that the node
/// drops.
#[test]
fn data_that_goes_nowhere_is_not_acknowledged() {
    let (node, wallet, url) = node();
    let mut payer = Payer::new(&node, "test.sender", &url);
    let data = Frame::StreamData { stream_id: 1, offset: 0, data: b"{\"sender\":\"Alice\"}" };
    let answer = payer.send(100, &[MONEY, data]);
    assert_eq!((answer.code, answer.close), (REFUSED, Some(CloseCode::FLOW_CONTROL_ERROR)));
    let answer = payer.send(0, &[data]);
    assert_eq!((answer.code, answer.close), (REFUSED, Some(CloseCode::FLOW_CONTROL_ERROR)));
    assert_eq!(node.wallet_liquidity(&wallet), 0);
    assert_eq!(payer.send(100, &[MONEY]).code, None);
    assert_eq!(node.wallet_liquidity(&wallet), 100);
}

#[test]
fn streams_that_a_payer_may_not_open_and_too_many_packets_end_the_connection() {
    let (node, wallet, url) = node();
    let mut payer = Payer::new(&node, "test.sender", &url);
    for stream_id in [0, 2] {
        let answer = payer.send(100, &[Frame::StreamMoney { stream_id, shares: 1 }]);
        assert_eq!((answer.code, answer.close), (REFUSED, Some(CloseCode::PROTOCOL_VIOLATION)));
    }
    assert_eq!(node.wallet_liquidity(&wallet), 0);
    payer.next_sequence = 1 << 31;
    let last = payer.send(100, &[MONEY]);
    assert_eq!((last.code, last.close), (None, Some(CloseCode::NO_ERROR)));
    let answer = payer.send(100, &[MONEY]);
    assert_eq!((answer.code, answer.close), (REFUSED, Some(CloseCode::PROTOCOL_VIOLATION)));
    assert_eq!(node.wallet_liquidity(&wallet), 100);
}

/// The total that a connection takes never falls, regardless of other payments in between, and also
/// after a restart. The connection of a payer that knows the total and sends more is closed.
#[test]
fn what_a_payer_is_told_to_send_never_falls() {
    let (node, wallet, _) = node();
    let (id, url) = incoming_payment(&node, &wallet, 100);
    let [mut first, mut second] = [(); 2].map(|()| Payer::new(&node, "test.sender", &url));
    let answer = first.send(10, &[MONEY]);
    assert_eq!(
        (answer.code, answer.receive_max, answer.total_received),
        (None, Some(100), Some(10))
    );
    let answer = second.send(60, &[MONEY]);
    assert_eq!(
        (answer.code, answer.receive_max, answer.total_received),
        (None, Some(100), Some(60))
    );
    // The first payer's total is still 100, though only 30 are left.
    let answer = first.send(0, &[]);
    assert_eq!(
        (answer.code, answer.receive_max, answer.total_received),
        (None, Some(100), Some(10))
    );
    let answer = first.send(50, &[MONEY]);
    assert_eq!((answer.code, answer.close, answer.receive_max), (REFUSED, None, Some(100)));

    // A new payer learns the remaining amount.
    let mut third = Payer::new(&node, "test.sender", &url);
    let answer = third.send(5, &[MONEY]);
    assert_eq!((answer.code, answer.receive_max, answer.total_received), (None, Some(30), Some(5)));
    // The payer knows the total, and sends more.
    let answer = third.send(60, &[MONEY]);
    assert_eq!((answer.code, answer.close), (REFUSED, Some(CloseCode::FLOW_CONTROL_ERROR)));
    assert_eq!(received(&node, &id), "75");

    let node = node.kill().start();
    (first.sender, third.sender) = (node.sender("test.sender"), node.sender("test.sender"));
    assert_eq!(first.send(0, &[]).receive_max, Some(100));
    let answer = third.send(25, &[MONEY]);
    assert_eq!((answer.code, answer.receive_max), (None, Some(30)));
    let over = first.send(1, &[MONEY]);
    assert_eq!((over.code, over.close), (REFUSED, Some(CloseCode::NO_ERROR)));
    assert_eq!(received(&node, &id), "100");
}
