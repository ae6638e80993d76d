use bytes::BytesMut;
use interledger_packet::{ErrorCode, FulfillBuilder, PacketType, Reject, RejectBuilder};

use super::*;
use crate::{
    crypto::{Keys, SharedSecret, condition_of},
    packet::{StreamPacket, StreamPacketBuilder},
    receiver::{Incoming, Receiver},
};

const SECRET: [u8; 32] = [3; 32];

fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000)
}

fn random(bytes: &mut [u8]) {
    bytes.fill(9);
}

fn receiver() -> Receiver {
    Receiver::new(&SECRET, "test.receiver".parse().unwrap())
}

fn parameters(amount: Amount) -> SenderParameters {
    let credentials = receiver().credentials(None, None, &mut random).unwrap();
    let (destination, shared_secret) = (credentials.destination, credentials.shared_secret);
    SenderParameters::new(destination, shared_secret, amount, Rate::ONE)
}

fn sender(amount: u64) -> Sender {
    Sender::new(parameters(Amount::Send(amount)), now())
}

fn sent(action: Action<Outcome>) -> (PacketId, Prepare) {
    match action {
        Action::Send { id, prepare } => (id, prepare),
        other => panic!("{other:?}"),
    }
}

fn done(action: Action<Outcome>) -> Outcome {
    match action {
        Action::Done(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

fn fulfill(prepare: &Prepare) -> Bytes {
    match receiver().open(prepare, prepare.amount()).unwrap() {
        Incoming::Money(money) => money.accept(None, &mut random).into_bytes(),
        Incoming::Question(question) => panic!("{question:?}"),
    }
}

/// Returns the frames that a packet has for the recipient.
fn frames_of(prepare: &Prepare, secret: &SharedSecret) -> String {
    let mut data = BytesMut::from(prepare.data());
    let packet = StreamPacket::parse(Keys::new(secret).decrypt(&mut data).unwrap()).unwrap();
    packet.frames().map(|frame| format!("{frame:?}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn one_packet_there_and_back() {
    let mut sender = sender(100);
    let (id, prepare) = sent(sender.next(now(), &mut random));
    assert_eq!(prepare.amount(), 100);
    assert_eq!(prepare.expires_at(), now().saturating_add_ms(20_000));
    let in_flight = sender.progress();
    assert_eq!((in_flight.in_flight, in_flight.packets_in_flight, in_flight.sent), (100, 1, 0));
    let Action::Wait { until } = sender.next(now(), &mut random) else { panic!("nothing to do") };
    assert_eq!(until, Some(now().saturating_add_ms(1_000)), "when the packet is overdue");
    let later = now().saturating_add_ms(80);
    sender.reply(id, Ok(fulfill(&prepare)), later);
    let expected = Outcome::Completed { sent: 100, delivered: 100 };
    assert_eq!(done(sender.next(later, &mut random)), expected);
    assert_eq!(done(sender.next(later, &mut random)), expected, "asked again");
    let progress = sender.progress();
    assert_eq!((progress.packets_fulfilled, progress.packets_rejected), (1, 0));
    assert_eq!((progress.round_trip_ms, progress.in_flight), (Some(80), 0));
    assert_eq!(progress.rate.unwrap().lower(), Rate::ONE);
}

#[test]
fn a_second_reply_to_a_packet_counts_for_nothing() {
    let mut sender = sender(100);
    let (id, prepare) = sent(sender.next(now(), &mut random));
    sender.reply(id, Err(NoReply::InTime), now());
    sender.reply(id, Ok(fulfill(&prepare)), now());
    sender.reply(PacketId(77), Ok(fulfill(&prepare)), now());
    assert_eq!((sender.progress().sent, sender.progress().packets_rejected), (0, 1));
    let (second, _) = sent(sender.next(now(), &mut random));
    assert_ne!(second, id, "a retry is another packet");
}

#[test]
fn the_greeting_is_left_out_once_the_recipient_has_answered() {
    let mut parameters = parameters(Amount::Send(200));
    parameters.packet_amount_max = Some(100);
    parameters.packets_in_flight_max = 1;
    let secret = parameters.shared_secret.clone();
    let mut sender = Sender::new(parameters, now());
    let (id, prepare) = sent(sender.next(now(), &mut random));
    let money = "StreamMoney { stream_id: 1, shares: 1 }";
    let greeting =
        " ConnectionMaxStreamId { max_stream_id: 1 } ConnectionMaxData { max_offset: 0 }";
    assert_eq!(frames_of(&prepare, &secret), format!("{money}{greeting}"));
    sender.reply(id, Ok(fulfill(&prepare)), now());
    let (_, prepare) = sent(sender.next(now(), &mut random));
    assert_eq!(frames_of(&prepare, &secret), money);
    let farewell = sender.farewell(now(), &mut random).unwrap();
    assert_eq!(farewell.amount(), 0);
    let close = "ConnectionClose { code: NoError, message: [] }";
    assert_eq!(frames_of(&farewell, &secret), close);
}

#[test]
fn stopping_waits_for_what_is_under_way() {
    let mut sender = sender(100);
    let (id, prepare) = sent(sender.next(now(), &mut random));
    sender.stop();
    let waits = matches!(sender.next(now(), &mut random), Action::Wait { until: None });
    assert!(waits, "only a reply can change anything");
    let mut other = sender.clone();
    sender.reply(id, Ok(fulfill(&prepare)), now());
    // All was sent after all.
    let completed = Outcome::Completed { sent: 100, delivered: 100 };
    assert_eq!(done(sender.next(now(), &mut random)), completed);
    other.reply(id, Err(NoReply::FromLink), now());
    let failed = Outcome::Failed { reason: EndReason::Stopped };
    assert_eq!(done(other.next(now(), &mut random)), failed);
}

#[test]
fn the_last_sequence_number_is_the_last() {
    let mut parameters = parameters(Amount::Send(100));
    parameters.first_sequence = 1 << 31;
    let mut sender = Sender::new(parameters, now());
    let (id, _) = sent(sender.next(now(), &mut random));
    sender.reply(id, Err(NoReply::FromLink), now());
    let later = now().saturating_add_ms(1_000);
    let failed = Outcome::Failed { reason: EndReason::SequenceLimit };
    assert_eq!(done(sender.next(later, &mut random)), failed);
    assert!(sender.farewell(later, &mut random).is_none());
}

#[test]
fn a_claim_beyond_64_bits_is_a_violation() {
    let mut parameters = parameters(Amount::Send(2));
    parameters.packet_amount_max = Some(1);
    let keys = Keys::new(&parameters.shared_secret);
    let mut sender = Sender::new(parameters, now());
    for sequence in [1, 2] {
        let (id, prepare) = sent(sender.next(now(), &mut random));
        let packet = StreamPacketBuilder {
            packet_type: PacketType::Fulfill,
            sequence,
            amount: u64::MAX,
            frames: &[],
            padded_bytes: 0,
        };
        let data = packet.encrypt(&keys, &mut random).unwrap();
        let fulfillment = keys.fulfillment(prepare.data());
        assert_eq!(condition_of(&fulfillment), *prepare.execution_condition());
        let reply = FulfillBuilder { fulfillment: &fulfillment, data: &data }.build().unwrap();
        sender.reply(id, Ok(reply.into_bytes()), now());
    }
    let outcome = done(sender.next(now(), &mut random));
    let reason = EndReason::ProtocolViolation;
    assert_eq!(outcome, Outcome::PartlyDelivered { sent: 2, delivered: u64::MAX, reason });
}

/// `@interledger/stream-receiver` 0.3.3-alpha.4 gives the reason of a final refusal as data.
#[test]
fn the_reason_that_a_recipient_gives_as_data_is_told() {
    let parameters = parameters(Amount::Send(100));
    let keys = Keys::new(&parameters.shared_secret);
    let mut sender = Sender::new(parameters, now());
    let (id, _) = sent(sender.next(now(), &mut random));
    let frames = [
        Frame::ConnectionClose { code: CloseCode::NO_ERROR, message: b"" },
        Frame::StreamData { stream_id: 1, offset: 0, data: b"on a sanctions list" },
    ];
    let (packet_type, sequence) = (PacketType::Reject, 1);
    let packet = StreamPacketBuilder {
        packet_type,
        sequence,
        amount: 100,
        frames: &frames,
        padded_bytes: 0,
    };
    let data = &packet.encrypt(&keys, &mut random).unwrap();
    let code = ErrorCode::F99_APPLICATION_ERROR;
    let reject = RejectBuilder { code, triggered_by: None, message: b"", data }.build().unwrap();
    sender.reply(id, Ok(reject.into_bytes()), now());
    let outcome = done(sender.next(now(), &mut random));
    let told = "the recipient closed the connection: NoError on a sanctions list";
    assert_eq!(outcome.reason().unwrap().to_string(), told);
}

#[test]
fn nothing_to_send_is_done_at_once() {
    let mut sender = sender(0);
    let completed = Outcome::Completed { sent: 0, delivered: 0 };
    assert_eq!(done(sender.next(now(), &mut random)), completed);
}

#[test]
fn reasons_are_sentences_and_strangers_texts_are_harmless() {
    let mut sender = sender(100);
    let (id, _) = sent(sender.next(now(), &mut random));
    let code = ErrorCode::F02_UNREACHABLE;
    let node = "test.node".parse::<interledger_packet::Address>().unwrap();
    let message = "no \u{1b}[31mroute\n".to_owned() + &"x".repeat(1_000);
    let reject = Reject::new(code, Some(node.as_addr()), &message);
    sender.reply(id, Ok(reject.into_bytes()), now());
    let outcome = done(sender.next(now(), &mut random));
    let text = outcome.reason().unwrap().to_string();
    let expected =
        r"a packet was refused for good: F02 (Unreachable) from test.node: no \u{1b}[31mroute\nxxx";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.len() < 400);
}

#[test]
fn no_secret_is_printed() {
    let parameters = parameters(Amount::Send(100));
    let secret = format!("{:?}", parameters.shared_secret.reveal());
    let mut sender = Sender::new(parameters.clone(), now());
    let action = sender.next(now(), &mut random);
    let shown = format!("{parameters:?} {sender:?} {action:?}");
    assert!(!shown.contains(&secret), "{shown}");
    let (_, prepare) = sent(action);
    let fulfillment = sender.in_flight.remove(1).unwrap().fulfillment.unwrap();
    assert_eq!(condition_of(&fulfillment), *prepare.execution_condition());
    assert!(!shown.contains(&format!("{fulfillment:?}")), "{shown}");
}
