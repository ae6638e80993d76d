//! A payment whose every reply is made up: no more than the payment may be fulfilled and under way,
//! and it must end.

#![no_main]

use bytes::Bytes;
use ilp_stream::{
    Action, Amount, Keys, NoReply, PacketId, Rate, Sender, SenderParameters, SharedSecret,
};
use interledger_packet::{ErrorCode, FulfillBuilder, Prepare, RejectBuilder, Timestamp};
use libfuzzer_sys::fuzz_target;

const SECRET: SharedSecret = SharedSecret::new([6; 32]);
const SEND_MAX: u64 = 1_000;

fn random(bytes: &mut [u8]) {
    bytes.fill(7);
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, mut script)) = bytes.split_first() else { return };
    let amount = match first % 2 {
        0 => Amount::Send(SEND_MAX),
        _ => Amount::Deliver { amount: 900, send_max: SEND_MAX },
    };
    let destination = "test.receiver.token".parse().expect("an address");
    let minimum_rate = Rate::new(u64::from(first), 100).expect("100 is not 0");
    let parameters = SenderParameters::new(destination, SECRET, amount, minimum_rate);
    let keys = Keys::new(&SECRET);
    let mut now = Timestamp::from_unix_ms(1_800_000_000_000);
    let mut sender = Sender::new(parameters, now);
    let mut under_way: Vec<(PacketId, Prepare)> = Vec::new();
    for _ in 0..10_000 {
        let progress = sender.progress();
        assert!(progress.sent + progress.in_flight <= SEND_MAX);
        match sender.next(now, &mut random) {
            Action::Send { id, prepare } => under_way.push((id, prepare)),
            Action::Done(outcome) => {
                assert!(under_way.is_empty());
                assert!(outcome.sent() <= SEND_MAX);
                drop(format!("{outcome:?} {:?}", outcome.reason().map(ToString::to_string)));
                return;
            }
            Action::Wait { until } => match under_way.pop() {
                Some((id, prepare)) => {
                    let (reply, rest) = reply(script, &prepare, &keys);
                    script = rest;
                    sender.reply(id, reply, now);
                }
                None => now = until.expect("it waits for the time if for nothing else"),
            },
        }
    }
    panic!("the payment doesn't end");
});

/// Takes a few bytes of the script for what becomes of a packet.
fn reply<'a>(
    script: &'a [u8],
    prepare: &Prepare,
    keys: &Keys,
) -> (Result<Bytes, NoReply>, &'a [u8]) {
    let Some((&[kind, length], rest)) = script.split_first_chunk() else {
        return (Err(NoReply::InTime), &[]);
    };
    let (data, rest) = rest.split_at(usize::from(length).min(rest.len()));
    let data = match kind % 2 {
        0 => keys.encrypt(data, &mut random),
        _ => Bytes::copy_from_slice(data),
    };
    let codes = [*b"F08", *b"F99", *b"R01", *b"T04", *b"T05", *b"R00", *b"F02"];
    let reply = match codes.get(usize::from(kind / 16)) {
        Some(code) => {
            let code = ErrorCode::from_bytes(*code).expect("a code");
            let builder = RejectBuilder { code, triggered_by: None, message: b"", data: &data };
            builder.build().expect("short").into_bytes()
        }
        None if kind < 128 => data,
        None => {
            let fulfillment = &keys.fulfillment(prepare.data());
            let builder = FulfillBuilder { fulfillment, data: &data };
            builder.build().expect("short").into_bytes()
        }
    };
    (Ok(reply), rest)
}
