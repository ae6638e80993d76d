//! A receiver whose answers a test decides, packet by packet: STREAM and SPSP on one port.

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

use data_encoding::BASE64;
use ilp_stream::{
    Asset, Frame, Incoming, Keys, Receiver, SharedSecret, StreamPacket, condition_of,
};
use interledger_packet::{AmountTooLarge, ErrorCode, Prepare, Reject};
use parking_lot::Mutex;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;

use super::{
    packets::parse_prepare,
    stub::{Answer, Request, Stub},
};

/// The ILP address of the receiver, which is a peer of the node.
pub(crate) const ADDRESS: &str = "test.receiver";

/// A packet as the receiver sees it.
pub(crate) struct Arrived {
    pub(crate) amount: u64,
    /// The address in a `ConnectionNewAddress` frame, if there is one.
    pub(crate) greeting: Option<Vec<u8>>,
    /// Whether the packet can be fulfilled and has an amount.
    pub(crate) is_money: bool,
    /// Whether the packet closes the connection.
    pub(crate) is_farewell: bool,
}

/// The receiver's reaction to a packet.
pub(crate) enum Reaction {
    /// Fulfills the packet, or answers the probe.
    Accept,
    /// Answers with this code alone, as the receiver or a node before it.
    Refuse(ErrorCode),
    /// Answers F08 with this maximum.
    TakeAtMost(u64),
    /// Never answers.
    NoAnswer,
}

/// A scripted receiver on a free port.
pub(crate) struct ScriptedReceiver {
    stub: Stub,
    spsp_status: Arc<AtomicU16>,
    taken: Arc<Mutex<Vec<u64>>>,
}

impl ScriptedReceiver {
    /// Starts a receiver of `asset` that reacts to each packet as `decide` says.
    pub(crate) fn start(
        asset: (&str, u8),
        decide: impl Fn(&Arrived) -> Reaction + Send + Sync + 'static,
    ) -> Self {
        let asset = Asset { code: asset.0.to_owned(), scale: asset.1 };
        let receiver = Receiver::new(&[5; 32], ADDRESS.parse().unwrap());
        let credentials = receiver.credentials(None, Some(&asset), &mut random).unwrap();
        let destination = credentials.destination.as_str().to_owned();
        let secret = credentials.shared_secret;
        let spsp_status = Arc::new(AtomicU16::new(200));
        let taken = Arc::new(Mutex::new(Vec::new()));
        let (status, all) = (Arc::clone(&spsp_status), Arc::clone(&taken));
        let stub = Stub::start(move |request: &Request| {
            if request.method == "GET" {
                return spsp(status.load(Ordering::SeqCst), &destination, &secret);
            }
            let prepare = parse_prepare(&request.body);
            let arrived = arrived(&prepare, &secret);
            match decide(&arrived) {
                Reaction::Accept => {
                    if arrived.is_money {
                        all.lock().push(arrived.amount);
                    }
                    Answer::Reply(reply(&receiver, &prepare))
                }
                Reaction::Refuse(code) => {
                    Answer::Reply(Reject::new(code, None, "refused").into_bytes().into())
                }
                Reaction::TakeAtMost(maximum) => {
                    let told = AmountTooLarge { received: arrived.amount, maximum };
                    Answer::Reply(Reject::amount_too_large(None, told).into_bytes().into())
                }
                Reaction::NoAnswer => Answer::Silence,
            }
        });
        Self { stub, spsp_status, taken }
    }

    /// Returns the endpoint for the receiver's packets, as a peer's endpoint.
    pub(crate) fn endpoint(&self) -> String {
        self.stub.endpoint()
    }

    /// Returns the URL at which a payer asks for the receiver's details.
    pub(crate) fn url(&self) -> String {
        format!("{}/bob", self.stub.endpoint())
    }

    /// Makes the receiver answer payers who ask for its details with this status from now on.
    pub(crate) fn answer_spsp_with(&self, status: u16) {
        self.spsp_status.store(status, Ordering::SeqCst);
    }

    /// Returns the amounts of the packets that it has taken.
    pub(crate) fn taken(&self) -> Vec<u64> {
        self.taken.lock().clone()
    }

    /// Returns the number of packets that have arrived.
    pub(crate) fn packets(&self) -> usize {
        self.stub.requests().iter().filter(|request| request.method == "POST").count()
    }
}

pub(crate) fn random(bytes: &mut [u8]) {
    SystemRandom::new().fill(bytes).unwrap();
}

fn arrived(prepare: &Prepare, secret: &SharedSecret) -> Arrived {
    let keys = Keys::new(secret);
    let mut data = prepare.data().to_vec();
    let packet = StreamPacket::parse(keys.decrypt(&mut data).unwrap()).unwrap();
    let condition = condition_of(&keys.fulfillment(prepare.data()));
    let is_fulfillable = condition == *prepare.execution_condition();
    Arrived {
        amount: prepare.amount(),
        greeting: packet.frames().find_map(|frame| match frame {
            Frame::ConnectionNewAddress { source_account } => Some(source_account.to_vec()),
            _ => None,
        }),
        is_money: is_fulfillable && prepare.amount() > 0,
        is_farewell: packet.frames().any(|frame| matches!(frame, Frame::ConnectionClose { .. })),
    }
}

fn reply(receiver: &Receiver, prepare: &Prepare) -> Vec<u8> {
    let reply = match receiver.open(prepare, prepare.amount()).unwrap() {
        Incoming::Money(money) => money.accept(None, &mut random),
        Incoming::Question(question) => question.answer(None, &mut random),
    };
    reply.into_bytes().into()
}

/// Makes the answer to a payer's query, without the asset.
fn spsp(status: u16, destination: &str, secret: &SharedSecret) -> Answer {
    let body = json!({
        "destination_account": destination,
        "shared_secret": BASE64.encode(secret.reveal()),
    });
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/spsp4+json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    Answer::Raw([head.as_bytes(), body.as_bytes()].concat())
}
