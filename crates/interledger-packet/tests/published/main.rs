//! The published crate `interledger-packet` 0.4.0 as an oracle.
//!
//! Whatever both crates accept must have the same fields and be rewritten to the same bytes. Where
//! only one accepts a packet, one of the functions under "Permitted differences" must recognise
//! why, by looking at the bytes alone; there is no other excuse.

#![expect(
    clippy::unwrap_used,
    reason = "a test that can't go on ends with a panic, which is how it fails"
)]

mod anatomy;
mod packets;

use std::{
    cell::Cell,
    panic::{catch_unwind, set_hook, take_hook},
    sync::Once,
    time::{Duration, SystemTime},
};

use anatomy::{Anatomy, CALENDAR, is_moment};
use bytes::{Bytes, BytesMut};
use interledger_packet::{
    Addr, ErrorCode, Fulfill, MAX_DATA_BYTES, MAX_MESSAGE_CHARACTERS, MAX_PACKET_BYTES, Prepare,
    Reject, Timestamp,
};
use packets::{addresses, packets, prepares};
use proptest::{collection::vec, prelude::*, sample::select};

// --- Permitted differences: faults of the published crate -------------------------------------

/// The published crate panics on a length byte 0x80, which announces a length of no bytes.
fn panics_on_empty_length(anatomy: &Anatomy) -> bool {
    anatomy.has_empty_length
}

/// The published crate takes lengths that are not in their shortest form.
fn accepts_long_lengths(anatomy: &Anatomy) -> bool {
    anatomy.has_long_length
}

/// The published crate takes second 60, years before 1970, and signs and blanks among the digits.
fn accepts_bad_expiry(anatomy: &Anatomy) -> bool {
    anatomy.expiry.is_some_and(|digits| !is_moment(&digits))
}

/// The published crate takes any three bytes for an error code.
fn accepts_any_code(anatomy: &Anatomy) -> bool {
    anatomy.code.is_some_and(|code| {
        !(b"FTR".contains(&code[0]) && code[1].is_ascii_digit() && code[2].is_ascii_digit())
    })
}

/// The published crate bounds neither data nor message, nor the packet with its unknown fields.
fn accepts_overlong_fields(anatomy: &Anatomy) -> bool {
    anatomy.data_bytes.is_some_and(|length| length > MAX_DATA_BYTES)
        || anatomy.message_bytes.is_some_and(|length| length > MAX_MESSAGE_CHARACTERS)
        || anatomy.packet_bytes.is_some_and(|length| length > MAX_PACKET_BYTES)
}

/// The published crate refuses a Reject whose triggeredBy is empty.
fn refuses_empty_triggered_by(anatomy: &Anatomy) -> bool {
    anatomy.triggered_by_bytes == Some(0)
}

// --- The comparison ----------------------------------------------------------------------------

/// The fields of a packet, with numbers as numbers.
#[derive(Debug, PartialEq)]
enum Fields {
    Prepare {
        amount: u64,
        expires_at_ms: u64,
        condition: [u8; 32],
        destination: String,
        data: Vec<u8>,
    },
    Fulfill {
        fulfillment: [u8; 32],
        data: Vec<u8>,
    },
    Reject {
        code: [u8; 3],
        triggered_by: String,
        message: Vec<u8>,
        data: Vec<u8>,
    },
}

fn ours(packet: &[u8]) -> Option<Fields> {
    let shared = Bytes::copy_from_slice(packet);
    Some(match packet.first()? {
        12 => {
            let prepare = Prepare::parse(BytesMut::from(packet)).ok()?;
            Fields::Prepare {
                amount: prepare.amount(),
                expires_at_ms: prepare.expires_at().unix_ms(),
                condition: *prepare.execution_condition(),
                destination: prepare.destination().to_string(),
                data: prepare.data().to_vec(),
            }
        }
        13 => {
            let fulfill = Fulfill::parse(shared).ok()?;
            Fields::Fulfill { fulfillment: *fulfill.fulfillment(), data: fulfill.data().to_vec() }
        }
        14 => {
            let reject = Reject::parse(shared).ok()?;
            Fields::Reject {
                code: reject.code().to_bytes(),
                triggered_by: reject.triggered_by().map(|a| a.to_string()).unwrap_or_default(),
                message: reject.message().to_vec(),
                data: reject.data().to_vec(),
            }
        }
        _ => return None,
    })
}

fn theirs(packet: &[u8]) -> Option<Fields> {
    let packet = published::Packet::try_from(published_bytes::BytesMut::from(packet)).ok()?;
    Some(match packet {
        published::Packet::Prepare(prepare) => Fields::Prepare {
            amount: prepare.amount(),
            expires_at_ms: unix_ms(prepare.expires_at()),
            condition: prepare.execution_condition().try_into().unwrap(),
            destination: prepare.destination().to_string(),
            data: prepare.data().to_vec(),
        },
        published::Packet::Fulfill(fulfill) => Fields::Fulfill {
            fulfillment: fulfill.fulfillment().try_into().unwrap(),
            data: fulfill.data().to_vec(),
        },
        published::Packet::Reject(reject) => Fields::Reject {
            code: <[u8; 3]>::from(reject.code()),
            triggered_by: reject.triggered_by().map(|a| a.to_string()).unwrap_or_default(),
            message: reject.message().to_vec(),
            data: reject.data().to_vec(),
        },
    })
}

/// Compares the two crates on one packet; says what is wrong with the outcome.
fn compare(packet: &[u8]) -> Result<(), String> {
    let ours = ours(packet);
    let theirs = quietly(|| theirs(packet));
    let anatomy = Anatomy::of(packet);
    let permitted = match (&ours, &theirs) {
        (Some(ours), Ok(Some(theirs))) => ours == theirs,
        (None, Ok(None)) => true,
        (None, Err(())) => panics_on_empty_length(&anatomy),
        (None, Ok(Some(_))) => {
            accepts_long_lengths(&anatomy)
                || accepts_bad_expiry(&anatomy)
                || accepts_any_code(&anatomy)
                || accepts_overlong_fields(&anatomy)
        }
        (Some(_), Ok(None)) => refuses_empty_triggered_by(&anatomy),
        (Some(_), Err(())) => false,
    };
    match permitted {
        true => Ok(()),
        false => Err(format!("{packet:02x?}\nours {ours:?}\ntheirs {theirs:?}\n{anatomy:?}")),
    }
}

/// Runs what may panic, without a message on the terminal; `Err` if it did.
fn quietly<T>(run: impl FnOnce() -> T + std::panic::UnwindSafe) -> Result<T, ()> {
    thread_local!(static QUIET: Cell<bool> = const { Cell::new(false) });
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let hook = take_hook();
        set_hook(Box::new(move |info| {
            if !QUIET.get() {
                hook(info);
            }
        }));
    });
    QUIET.set(true);
    let result = catch_unwind(run).map_err(drop);
    QUIET.set(false);
    result
}

fn unix_ms(time: SystemTime) -> u64 {
    // Before 1970 there is no number; it never equals one of ours, for ours doesn't parse.
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(u64::MAX, |since| u64::try_from(since.as_millis()).unwrap())
}

// --- The properties -----------------------------------------------------------------------------

/// Bytes that stand for something in a packet, or for nothing.
fn telling_bytes() -> impl Strategy<Value = u8> {
    prop_oneof![
        select(vec![0, 1, 12, 13, 14, 0x7f, 0x80, 0x81, 0x82, 0x88, 0x89, 0xff]),
        select(b"F0.g~ +-:6".to_vec()),
        any::<u8>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn good_packets_agree(packet in packets()) {
        compare(&packet).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn damaged_packets_agree(
        packet in packets(),
        changes in vec((0..200_usize, telling_bytes(), 0..5_u8), 1..4),
    ) {
        let mut packet = packet;
        for (place, byte, kind) in changes {
            let place = place % packet.len().max(1);
            match kind {
                0 if place < packet.len() => packet[place] = byte,
                1 if place < packet.len() => drop(packet.remove(place)),
                2 => packet.truncate(packet.len().saturating_sub(place)),
                3 => packet.push(byte),
                _ => packet.insert(place, byte),
            }
        }
        compare(&packet).map_err(TestCaseError::fail)?;
    }

    /// Compares packets with fields of a later version and with bytes behind the packet.
    #[test]
    fn longer_packets_agree(
        packet in packets(),
        extension in vec(any::<u8>(), 0..300),
        behind in vec(any::<u8>(), 0..3),
    ) {
        let (_, contents) = anatomy::split_envelope(&packet);
        let mut longer = anatomy::enveloped(packet[0], &[contents, &extension].concat());
        longer.extend(behind);
        compare(&longer).map_err(TestCaseError::fail)?;
    }

    /// A length is lengthened and its envelope mended, so that the crates read on behind it.
    #[test]
    fn odd_lengths_agree(packet in packets(), zeros in 1..4_usize, envelope in any::<bool>()) {
        let (header, contents) = anatomy::split_envelope(&packet);
        let mut contents = contents.to_vec();
        if !envelope && packet[0] == 12 {
            anatomy::lengthen(&mut contents, 57, zeros);
        }
        let mut odd = vec![packet[0]];
        odd.extend(anatomy::length(contents.len(), if envelope { zeros } else { 0 }));
        odd.extend(contents);
        prop_assert!(header < packet.len());
        compare(&odd).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn odd_expiries_agree(
        packet in prepares(),
        digits in "[ +-]?[0-9]{4}[01][0-9][0-3][0-9][0-2][0-9][0-6][0-9][0-6][0-9][0-9]{3}",
        place in 0..CALENDAR.len(),
    ) {
        let (contents_at, _) = anatomy::split_envelope(&packet);
        for digits in [&digits[..17], CALENDAR[place]] {
            let mut packet = packet.clone();
            packet[contents_at + 8..contents_at + 25].copy_from_slice(digits.as_bytes());
            compare(&packet).map_err(TestCaseError::fail)?;
        }
    }

    #[test]
    fn noise_agrees(kind in 12..15_u8, noise in vec(telling_bytes(), 0..120)) {
        let mut packet = vec![kind];
        packet.extend(&noise);
        compare(&packet).map_err(TestCaseError::fail)?;
        // The same noise with a right length, so that the fields are looked at.
        let mut packet = vec![kind];
        packet.extend(anatomy::length(noise.len(), 0));
        packet.extend(noise);
        compare(&packet).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn odd_codes_agree(code in any::<[u8; 3]>(), place in 0..3_usize, byte in any::<u8>()) {
        let mut nearly = *b"F08";
        nearly[place] = byte;
        for code in [code, nearly] {
            // The published crate refuses an empty triggeredBy, so there must be one.
            let contents = [&code[..], b"\x03g.a\0\0"].concat();
            compare(&anatomy::enveloped(14, &contents)).map_err(TestCaseError::fail)?;
        }
    }

    #[test]
    fn rewriting_agrees(packet in prepares(), amount in any::<u64>(), unix_ms in 0..=253_402_300_799_999_u64) {
        let mut ours = Prepare::parse(BytesMut::from(&packet[..]))?;
        ours.set_amount(amount);
        ours.set_expires_at(Timestamp::from_unix_ms(unix_ms));
        let mut theirs = published::Prepare::try_from(published_bytes::BytesMut::from(&packet[..])).unwrap();
        theirs.set_amount(amount);
        theirs.set_expires_at(SystemTime::UNIX_EPOCH + Duration::from_millis(unix_ms));
        prop_assert_eq!(ours.as_bytes(), theirs.as_ref());
    }

    #[test]
    fn addresses_agree(
        good in addresses(),
        odd in "(g|h|test[0-4]?|local|self|)([.]{0,2}[a-zA-Z0-9_~ -]{0,300}){0,5}",
    ) {
        for text in [good.as_str(), &odd] {
            let theirs = text.parse::<published::Address>();
            prop_assert_eq!(Addr::try_from(text).is_ok(), theirs.is_ok(), "{:?}", text);
        }
    }
}

#[test]
fn overlong_fields_agree() {
    for (message, data) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let fulfill = [&[0; 32][..], &anatomy::length(MAX_DATA_BYTES + data, 0)].concat();
        let fulfill = [fulfill, vec![0; MAX_DATA_BYTES + data]].concat();
        compare(&anatomy::enveloped(13, &fulfill)).unwrap();
        let (message, data) = (MAX_MESSAGE_CHARACTERS + message, MAX_DATA_BYTES + data);
        compare(&anatomy::reject_of(*b"F00", message, data)).unwrap();
    }
}

#[test]
fn the_known_faults_are_still_there() {
    // If one of these stops failing, its permission above must go.
    assert!(quietly(|| theirs(&[0x0c, 0x80])).is_err());
    assert!(ours(&[0x0c, 0x80]).is_none());
    let nobody = Reject::new(ErrorCode::T01_PEER_UNREACHABLE, None, "");
    assert!(ours(nobody.as_bytes()).is_some());
    assert!(theirs(nobody.as_bytes()).is_none());
    let behind = [b"\x0d\x21", &[0; 33][..], &[1]].concat();
    let kept = published::Fulfill::try_from(published_bytes::BytesMut::from(&behind[..])).unwrap();
    assert_eq!(published_bytes::BytesMut::from(kept), behind);
    assert_eq!(Fulfill::parse(behind.clone().into()).unwrap().as_bytes(), &behind[..35]);
    let long = [b"\x0d\x81\x21", &[0; 33][..]].concat();
    assert!(theirs(&long).is_some());
    assert!(ours(&long).is_none());
}
