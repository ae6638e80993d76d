//! STREAM in the npm packages, which most wallets use, compared with `ilp-stream`.
//!
//! Encrypted packets go over and come back, encrypted by the other side; a payment is sent to
//! `@interledger/stream-receiver`, with its credentials and with ours; and credentials made by it
//! are valid for our receiver, so that a server can move here with its secret.

use bytes::{Bytes, BytesMut};
use ilp_stream::{
    Action, Amount, Asset, CloseCode, Credentials, Frame, Incoming, Keys, Outcome, Prober,
    ProberParameters, Rate, Receiver, Sender, SenderParameters, SharedSecret, StreamPacket,
    StreamPacketBuilder,
};
use interledger_packet::{PacketType, Prepare, PrepareBuilder, Reply, Timestamp};
use serde_json::{Value, json};

use crate::support::script::{OLD_STREAM_RECEIVER, STREAM_RECEIVER, Script};

const SERVER_SECRET: [u8; 32] = [11; 32];
const ADDRESS: &str = "test.receiver";

fn npm() -> Script {
    Script::start("packet/stream.js")
}

fn ask(script: &mut Script, question: &Value) -> Value {
    let answer = script.ask(question);
    assert_eq!(answer["error"], Value::Null, "{question}");
    answer
}

/// Returns a source of random bytes, the same in each run (splitmix64).
fn chance(seed: u64) -> impl FnMut(&mut [u8]) {
    let mut state = seed;
    move |bytes: &mut [u8]| {
        for byte in bytes {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = mixed.to_be_bytes()[0];
        }
    }
}

fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &Value) -> Vec<u8> {
    let digits = text.as_str().unwrap().as_bytes().chunks(2);
    let byte = |digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Returns a frame's type and its fields, in the order of the RFC, as stream.js writes them.
fn fields(frame: &Frame<'_>) -> Vec<String> {
    let code = |code: CloseCode| code.0.to_string();
    let numbers = |kind: u8, numbers: &[u64]| {
        let rest = numbers.iter().map(ToString::to_string);
        [kind.to_string()].into_iter().chain(rest).collect()
    };
    match *frame {
        Frame::ConnectionClose { code: why, message } => {
            vec!["1".to_owned(), code(why), text(message)]
        }
        Frame::ConnectionNewAddress { source_account } => {
            vec!["2".to_owned(), text(source_account)]
        }
        Frame::ConnectionMaxData { max_offset } => numbers(3, &[max_offset]),
        Frame::ConnectionDataBlocked { max_offset } => numbers(4, &[max_offset]),
        Frame::ConnectionMaxStreamId { max_stream_id } => numbers(5, &[max_stream_id]),
        Frame::ConnectionStreamIdBlocked { max_stream_id } => numbers(6, &[max_stream_id]),
        Frame::ConnectionAssetDetails { code, scale } => {
            vec!["7".to_owned(), code.to_owned(), scale.to_string()]
        }
        Frame::StreamClose { stream_id, code: why, message } => {
            vec!["16".to_owned(), stream_id.to_string(), code(why), text(message)]
        }
        Frame::StreamMoney { stream_id, shares } => numbers(17, &[stream_id, shares]),
        Frame::StreamMaxMoney { stream_id, receive_max, total_received } => {
            numbers(18, &[stream_id, receive_max, total_received])
        }
        Frame::StreamMoneyBlocked { stream_id, send_max, total_sent } => {
            numbers(19, &[stream_id, send_max, total_sent])
        }
        Frame::StreamData { stream_id, offset, data } => {
            vec!["20".to_owned(), stream_id.to_string(), offset.to_string(), hex(data)]
        }
        Frame::StreamMaxData { stream_id, max_offset } => numbers(21, &[stream_id, max_offset]),
        Frame::StreamDataBlocked { stream_id, max_offset } => numbers(22, &[stream_id, max_offset]),
        Frame::StreamReceipt { stream_id, receipt } => {
            vec!["23".to_owned(), stream_id.to_string(), hex(receipt)]
        }
    }
}

/// Makes one frame of each kind, with numbers of `bits` bits.
fn frames(bits: u32, data: &[u8]) -> [Frame<'_>; 15] {
    let [a, b, c] = [u64::MAX, u64::MAX / 3, u64::MAX / 5].map(|most| most >> (64 - bits));
    let (stream_id, max_offset, code) = (a, b, CloseCode(bits.to_be_bytes()[3]));
    [
        Frame::ConnectionClose { code, message: "é is two bytes".as_bytes() },
        Frame::ConnectionNewAddress { source_account: b"test.payer" },
        Frame::ConnectionMaxData { max_offset },
        Frame::ConnectionDataBlocked { max_offset },
        Frame::ConnectionMaxStreamId { max_stream_id: a },
        Frame::ConnectionStreamIdBlocked { max_stream_id: a },
        Frame::ConnectionAssetDetails { code: "EUR", scale: 9 },
        Frame::StreamClose { stream_id, code, message: b"" },
        Frame::StreamMoney { stream_id, shares: c },
        Frame::StreamMaxMoney { stream_id, receive_max: b, total_received: c },
        Frame::StreamMoneyBlocked { stream_id, send_max: b, total_sent: c },
        Frame::StreamData { stream_id, offset: c, data },
        Frame::StreamMaxData { stream_id, max_offset },
        Frame::StreamDataBlocked { stream_id, max_offset },
        Frame::StreamReceipt { stream_id, receipt: data },
    ]
}

#[test]
fn npm_reads_what_we_encrypt_and_we_read_what_npm_encrypts() {
    let mut script = npm();
    let mut random = chance(1);
    let secret = SharedSecret::new([21; 32]);
    let keys = Keys::new(&secret);
    let data: Vec<u8> = (0..=255).collect();
    let types = [PacketType::Prepare, PacketType::Fulfill, PacketType::Reject];
    for bits in 1..=64 {
        let frames = frames(bits, &data[..usize::try_from(bits * 3).unwrap()]);
        let packet_type = types[usize::try_from(bits % 3).unwrap()];
        let sequence = u64::MAX >> (64 - bits);
        let amount = sequence / 7;
        let padded_bytes = if bits == 9 { 32_739 } else { 0 };
        let frames = if bits % 8 == 0 { &[] } else { &frames[..] };
        let packet = StreamPacketBuilder { packet_type, sequence, amount, frames, padded_bytes };
        let encrypted = packet.encrypt(&keys, &mut random).unwrap();
        let question =
            json!({ "read": { "secret": hex(secret.reveal()), "data": hex(&encrypted) } });
        let theirs = ask(&mut script, &question);

        assert_eq!(theirs["type"], packet_type.to_byte().to_string());
        assert_eq!(theirs["sequence"], sequence.to_string());
        assert_eq!(theirs["amount"], amount.to_string());
        assert_eq!(theirs["frames"], json!(frames.iter().map(fields).collect::<Vec<_>>()));
        assert_eq!(theirs["fulfillment"], hex(&keys.fulfillment(&encrypted)));
        let mut again = from_hex(&theirs["again"]);
        let read = StreamPacket::parse(keys.decrypt(&mut again).unwrap()).unwrap();
        assert_eq!((read.packet_type(), read.sequence()), (packet_type, sequence));
        assert_eq!(read.amount(), amount);
        assert_eq!(read.frames().collect::<Vec<_>>(), frames);
    }
}

fn server(package: &str) -> Value {
    json!({ "secret": hex(&SERVER_SECRET), "address": ADDRESS, "package": package })
}

fn asset() -> Asset {
    Asset { code: "EUR".to_owned(), scale: 4 }
}

fn npm_credentials(script: &mut Script) -> Credentials {
    let asset = json!({ "code": "EUR", "scale": 4 });
    let server = server(STREAM_RECEIVER);
    let question = json!({ "credentials": { "server": server, "tag": "alice", "asset": asset } });
    let answer = ask(script, &question);
    Credentials {
        destination: answer["destination"].as_str().unwrap().parse().unwrap(),
        shared_secret: SharedSecret::new(from_hex(&answer["secret"]).try_into().unwrap()),
    }
}

fn our_receiver() -> Receiver {
    Receiver::new(&SERVER_SECRET, ADDRESS.parse().unwrap())
}

/// Returns npm's reply to a packet of which 92 in 100 arrive.
fn npm_reply(script: &mut Script, package: &str, mut prepare: Prepare) -> (Bytes, u64) {
    prepare.set_amount(prepare.amount() * 92 / 100);
    let prepare_hex = hex(prepare.as_bytes());
    let question = json!({ "answer": { "server": server(package), "prepare": prepare_hex } });
    let answer = ask(script, &question);
    let reply = Bytes::from(from_hex(&answer["reply"]));
    let is_money = matches!(Reply::parse(reply.clone()), Ok(Reply::Fulfill(_)));
    assert_eq!(answer["tag"], if is_money { json!("alice") } else { Value::Null });
    (reply, if is_money { prepare.amount() } else { 0 })
}

/// Sends 50,000 out of a fresh connection, or the amount that delivers 46,000, and returns the
/// amount that the receiver took.
fn pay_npm(package: &str, credentials: Credentials, is_fixed_send: bool) -> u64 {
    let (mut script, mut random) = (npm(), chance(2));
    let Credentials { destination, shared_secret } = credentials;
    let amount = match is_fixed_send {
        true => Amount::Send(50_000),
        false => Amount::Deliver { amount: 46_000, send_max: 50_600 },
    };
    let mut parameters = ProberParameters::new(destination.clone(), shared_secret.clone(), amount);
    parameters.packet_amount_max = Some(1_000);
    let mut prober = Prober::new(parameters, now());
    let path = loop {
        match prober.next(now(), &mut random) {
            Action::Send { id, prepare } => {
                prober.reply(id, Ok(npm_reply(&mut script, package, prepare).0), now());
            }
            Action::Done(path) => break path.unwrap(),
            Action::Wait { until } => panic!("{until:?}"),
        }
    };
    assert_eq!(path.asset, Some(asset()));
    assert_eq!(path.rate.lower(), Rate::new(92, 100).unwrap());

    // The path's rate is left out, so that a delivery has to ask for it with a packet of its own.
    let minimum_rate = path.rate.lower().less(100);
    let mut parameters = SenderParameters::new(destination, shared_secret, amount, minimum_rate);
    (parameters.asset, parameters.first_sequence) = (path.asset, path.next_sequence);
    parameters.packet_amount_max = Some(1_000);
    let mut sender = Sender::new(parameters, now());
    let mut received = 0;
    let outcome = loop {
        match sender.next(now(), &mut random) {
            Action::Send { id, prepare } => {
                let (reply, arrived) = npm_reply(&mut script, package, prepare);
                received += arrived;
                sender.reply(id, Ok(reply), now());
            }
            Action::Done(outcome) => break outcome,
            Action::Wait { until } => panic!("{until:?}"),
        }
    };
    assert!(matches!(outcome, Outcome::Completed { .. }), "{package}: {outcome:?}");
    assert_eq!((outcome.sent(), outcome.delivered()), (50_000, received), "{package}");
    if is_fixed_send {
        assert_eq!(sender.progress().packets_fulfilled, 50);
    }
    // The receiver answers the closing packet with F99.
    let farewell = sender.farewell(now(), &mut random).unwrap();
    let (reply, _) = npm_reply(&mut script, package, farewell);
    assert!(
        matches!(Reply::parse(reply), Ok(Reply::Reject(reject)) if reject.code().as_str() == "F99")
    );
    received
}

#[test]
fn our_sender_pays_npms_receivers_with_credentials_of_either() {
    let mut random = chance(4);
    for package in [OLD_STREAM_RECEIVER, STREAM_RECEIVER] {
        for is_fixed_send in [true, false] {
            let ours = our_receiver().credentials(Some(b"alice"), Some(&asset()), &mut random);
            for credentials in [ours.unwrap(), npm_credentials(&mut npm())] {
                assert_eq!(pay_npm(package, credentials, is_fixed_send), 46_000);
            }
        }
    }
}

#[test]
fn our_receiver_takes_what_npm_encrypts_for_credentials_of_npms() {
    let mut script = npm();
    let mut random = chance(3);
    let Credentials { destination, shared_secret } = npm_credentials(&mut script);
    let keys = Keys::new(&shared_secret);
    let packet = StreamPacketBuilder {
        packet_type: PacketType::Prepare,
        sequence: 7,
        amount: 90,
        frames: &[Frame::StreamMoney { stream_id: 1, shares: 1 }],
        padded_bytes: 0,
    };
    let encrypted = packet.encrypt(&keys, &mut random).unwrap();
    let secret = hex(shared_secret.reveal());
    let question = json!({ "read": { "secret": secret, "data": hex(&encrypted) } });
    let again = from_hex(&ask(&mut script, &question)["again"]);
    let question = json!({ "read": { "secret": secret, "data": hex(&again) } });
    let fulfillment = from_hex(&ask(&mut script, &question)["fulfillment"]);
    let condition = ilp_stream::condition_of(&fulfillment.clone().try_into().unwrap());
    let prepare = PrepareBuilder {
        amount: 95,
        expires_at: now(),
        execution_condition: &condition,
        destination: destination.as_addr(),
        data: &again,
    };
    let prepare = Prepare::parse(BytesMut::from(prepare.build().unwrap().as_bytes())).unwrap();
    let Incoming::Money(money) = our_receiver().open(&prepare, 95).unwrap() else {
        panic!("it is money")
    };
    assert_eq!(money.tag().unwrap(), "alice");
    let Reply::Fulfill(fulfill) = money.accept(None, &mut random) else {
        panic!("it was accepted")
    };
    assert_eq!(fulfill.fulfillment(), &fulfillment[..]);
    let question = json!({ "read": { "secret": secret, "data": hex(fulfill.data()) } });
    let reply = ask(&mut script, &question);
    assert_eq!((&reply["type"], &reply["sequence"]), (&json!("13"), &json!("7")));
    assert_eq!(reply["amount"], "95");
}
