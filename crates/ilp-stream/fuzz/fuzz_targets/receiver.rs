//! Any bytes as data, as an encrypted STREAM packet and as a token. Each is answered, and money is
//! taken only if enough arrived.

#![no_main]

use std::sync::LazyLock;

use ilp_stream::{Credentials, Incoming, Keys, Limits, Receiver, StreamPacket, condition_of};
use interledger_packet::{Address, PacketType, Prepare, PrepareBuilder, Reply, Timestamp};
use libfuzzer_sys::fuzz_target;

/// Not random, which is how a find can be repeated.
fn random(bytes: &mut [u8]) {
    bytes.fill(7);
}

static RECEIVER: LazyLock<Receiver> =
    LazyLock::new(|| Receiver::new(&[5; 32], "test.receiver".parse().expect("an address")));

static CREDENTIALS: LazyLock<Credentials> =
    LazyLock::new(|| RECEIVER.credentials(Some(b"alice"), None, &mut random).expect("a short tag"));

fuzz_target!(|bytes: &[u8]| {
    let Some((&[kind, amount], rest)) = bytes.split_first_chunk() else { return };
    let amount = u64::from(amount);
    let destination = CREDENTIALS.destination.clone();
    match kind % 3 {
        0 => answer(&prepare(&destination, rest), amount, None),
        1 => {
            let keys = Keys::new(&CREDENTIALS.shared_secret);
            let data = keys.encrypt(rest, &mut random);
            answer(&prepare(&destination, &data), amount, Some(rest));
        }
        _ => {
            let Ok(segment) = std::str::from_utf8(rest) else { return };
            let Ok(destination) = RECEIVER.address().with_suffix(segment) else { return };
            answer(&prepare(&destination, b"data"), amount, None);
        }
    }
});

fn prepare(destination: &Address, data: &[u8]) -> Prepare {
    let keys = Keys::new(&CREDENTIALS.shared_secret);
    let builder = PrepareBuilder {
        amount: 1,
        expires_at: Timestamp::MAX,
        execution_condition: &condition_of(&keys.fulfillment(data)),
        destination: destination.as_addr(),
        data,
    };
    builder.build().expect("the fuzzer's inputs are short")
}

fn answer(prepare: &Prepare, amount: u64, plaintext: Option<&[u8]>) {
    let limits = Some(Limits { receive_max: 100, total_received: amount });
    match RECEIVER.open(prepare, amount) {
        Err(reject) => assert!(reject.data().is_empty()),
        Ok(Incoming::Question(question)) => drop(question.answer(limits, &mut random)),
        Ok(Incoming::Money(money)) => {
            let plaintext = plaintext.expect("what isn't encrypted for us is no money");
            let packet = StreamPacket::parse(plaintext).expect("it was read");
            assert_eq!(packet.packet_type(), PacketType::Prepare);
            assert!(amount > 0 && amount >= packet.amount());
            let Reply::Fulfill(fulfill) = money.accept(limits, &mut random) else {
                panic!("money that is accepted is fulfilled");
            };
            assert_eq!(condition_of(fulfill.fulfillment()), *prepare.execution_condition());
        }
    }
}
