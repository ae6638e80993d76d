mod strategies;
mod vectors;

use bytes::BytesMut;
use data_encoding::BASE64;
use interledger_packet::{MAX_DATA_BYTES, oer::put_var_octets};
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{crypto::SharedSecret, frame::CloseCode};
use strategies::{any_frame, as_frame};
use vectors::{VECTORS, Vector};

fn written(builder: &StreamPacketBuilder<'_>) -> Vec<u8> {
    let mut buffer = BytesMut::new();
    builder.put(&mut buffer);
    assert_eq!(buffer.len(), builder.bytes());
    buffer.to_vec()
}

fn from_hex(hex: &str) -> Vec<u8> {
    let byte = |digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    hex.as_bytes().chunks(2).map(byte).collect()
}

/// A packet of one money frame, with `junk` behind it.
fn packet(frames: &[Frame<'_>], junk: &[u8]) -> Vec<u8> {
    let packet_type = PacketType::Prepare;
    let builder =
        StreamPacketBuilder { packet_type, sequence: 1, amount: 9, frames, padded_bytes: 0 };
    [&written(&builder), junk].concat()
}

#[test]
fn the_examples_of_the_rfc() {
    for Vector { name, packet_type, sequence, amount, frame, bytes, is_decode_only } in VECTORS {
        let bytes = from_hex(bytes);
        let packet = StreamPacket::parse(&bytes).unwrap();
        assert_eq!(packet.packet_type().to_byte(), packet_type, "{name}");
        assert_eq!((packet.sequence(), packet.amount()), (sequence, amount), "{name}");
        let frames: Vec<_> = packet.frames().collect();
        assert_eq!(frames, frame.into_iter().collect::<Vec<_>>(), "{name}");
        let builder = StreamPacketBuilder {
            packet_type: packet.packet_type(),
            sequence,
            amount,
            frames: &frames,
            padded_bytes: 0,
        };
        assert_eq!(written(&builder) == bytes, !is_decode_only, "{name}");
    }
}

/// Where the RFC's own file is at hand, ours must say the same.
#[test]
fn the_examples_are_those_of_the_file() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors/stream-packets.json");
    let Ok(text) = std::fs::read_to_string(path) else { return };
    // The names and bytes are enough: what the bytes say is in the test above.
    let values = |key: &str| -> Vec<String> {
        let key = format!("\"{key}\": \"");
        let parts = text.split(&key).skip(1);
        parts.map(|part| part.split('"').next().unwrap().to_owned()).collect()
    };
    let buffers = values("buffer");
    assert_eq!(buffers.len(), VECTORS.len());
    for (ours, theirs) in VECTORS.iter().zip(&buffers) {
        let bytes = BASE64.decode(theirs.as_bytes()).unwrap();
        assert_eq!(bytes, from_hex(ours.bytes), "{}", ours.name);
        assert!(text.contains(&format!("\"name\": \"{}\"", ours.name)), "{}", ours.name);
    }
}

#[test]
fn unknown_frames_and_whatever_follows_the_last_one_are_ignored() {
    let money = Frame::StreamMoney { stream_id: 1, shares: 1 };
    let mut bytes = packet(&[money, money, money], b"junk");
    // The second of the three becomes a frame of an unknown type.
    let second = 8 + money.bytes();
    assert_eq!(bytes[second], 0x11);
    bytes[second] = 0x99;
    let packet = StreamPacket::parse(&bytes).unwrap();
    assert_eq!(packet.frames().collect::<Vec<_>>(), [money, money]);
}

#[test]
fn fields_of_a_later_version_in_a_frame_are_ignored() {
    let bytes = [1, 12, 1, 1, 1, 9, 1, 1, 0x05, 4, 1, 7, 0xaa, 0xbb];
    let packet = StreamPacket::parse(&bytes).unwrap();
    let frames: Vec<_> = packet.frames().collect();
    assert_eq!(frames, [Frame::ConnectionMaxStreamId { max_stream_id: 7 }]);
}

#[test]
fn what_is_wrong_is_named() {
    let error = |bytes: &[u8]| StreamPacket::parse(bytes).unwrap_err().to_string();
    assert_eq!(error(&[]), "version: 1 bytes expected at byte 0, 0 left");
    assert_eq!(error(&[2, 12]), "version: 2 found, 1 expected");
    assert_eq!(error(&[1, 15]), "packet type: 15 found, 12, 13 or 14 expected");
    assert_eq!(
        error(&[1, 12, 2, 0, 1]),
        "sequence: integer of 2 bytes at byte 3, the shortest of 1 to 8 expected"
    );
    let nine = [1, 12, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    assert!(error(&nine).starts_with("sequence: integer of 9 bytes"));
    // A claim of 2^64 - 1 frames ends with the bytes.
    let claim = [1, 12, 1, 0, 1, 0, 8, 255, 255, 255, 255, 255, 255, 255, 255, 0x99, 0];
    assert_eq!(error(&claim), "frame type: 1 bytes expected at byte 17, 0 left");
    let asset = [1, 12, 1, 0, 1, 0, 1, 1, 0x07, 3, 1, 0xff, 2];
    assert_eq!(error(&asset), "sourceAssetCode: at byte 1, UTF-8 expected");
}

#[test]
fn messages_that_are_not_text_are_no_error() {
    let close = Frame::ConnectionClose { code: CloseCode(77), message: &[0xff] };
    let bytes = packet(&[close], b"");
    assert_eq!(StreamPacket::parse(&bytes).unwrap().frames().collect::<Vec<_>>(), [close]);
    assert_eq!(format!("{} {}", CloseCode(77), CloseCode::NO_ERROR), "error 77 NoError");
}

#[test]
fn padding_hides_the_length_and_is_ignored() {
    let keys = Keys::new(&SharedSecret::new([1; 32]));
    let mut random = |bytes: &mut [u8]| bytes.fill(5);
    let builder = |frames, padded_bytes| StreamPacketBuilder {
        packet_type: PacketType::Fulfill,
        sequence: 1,
        amount: 9,
        frames,
        padded_bytes,
    };
    let money = [Frame::StreamMoney { stream_id: 1, shares: 1 }];
    for frames in [&money[..], &[]] {
        let encrypted = builder(frames, MAX_PLAINTEXT_BYTES).encrypt(&keys, &mut random).unwrap();
        assert_eq!(encrypted.len(), MAX_DATA_BYTES);
        let mut data = encrypted.to_vec();
        let packet = StreamPacket::parse(keys.decrypt(&mut data).unwrap()).unwrap();
        assert_eq!(packet.frames().collect::<Vec<_>>(), frames);
    }
    let too_long = builder(&money, MAX_PLAINTEXT_BYTES + 1).encrypt(&keys, &mut random);
    assert_eq!(
        too_long.unwrap_err().to_string(),
        "STREAM packet: 32740 long, at most 32739 bytes allowed"
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        packet_type in prop_oneof![
            Just(PacketType::Prepare), Just(PacketType::Fulfill), Just(PacketType::Reject)
        ],
        sequence in any::<u64>(),
        amount in any::<u64>(),
        shift in 0..64_u32,
        frames in vec(any_frame(), 0..6),
        junk in vec(any::<u8>(), 0..20),
    ) {
        let (sequence, amount) = (sequence >> shift, amount >> shift);
        let frames: Vec<_> = frames.iter().map(as_frame).collect();
        let builder =
            StreamPacketBuilder { packet_type, sequence, amount, frames: &frames, padded_bytes: 0 };
        let bytes = [written(&builder), junk].concat();
        let packet = StreamPacket::parse(&bytes)?;
        prop_assert_eq!(packet.packet_type(), packet_type);
        prop_assert_eq!(packet.sequence(), sequence);
        prop_assert_eq!(packet.amount(), amount);
        prop_assert_eq!(packet.frames().collect::<Vec<_>>(), frames);
    }

    /// Adds the fields of a later version to each frame, behind those that this version knows.
    #[test]
    fn a_later_versions_fields_in_any_frame_are_ignored(
        frames in vec((any_frame(), vec(any::<u8>(), 0..20)), 1..6),
    ) {
        let plain: Vec<_> = frames.iter().map(|(frame, _)| as_frame(frame)).collect();
        let mut bytes = packet(&plain, b"");
        bytes.truncate(bytes.len() - plain.iter().map(Frame::bytes).sum::<usize>());
        for (frame, (_, extension)) in plain.iter().zip(&frames) {
            let mut written = Vec::new();
            frame.put(&mut written);
            let contents = Reader::new(&written[1..]).var_octets("frame", MAX_DATA_BYTES)?;
            bytes.push(written[0]);
            put_var_octets(&mut bytes, &[contents, extension].concat());
        }
        let packet = StreamPacket::parse(&bytes)?;
        prop_assert_eq!(packet.frames().collect::<Vec<_>>(), plain);
    }

    /// Bytes of a stranger's: never a panic, and what is read is written the same, as far as it
    /// was of known frames, in 64 bits and without anything behind it.
    #[test]
    fn damaged_packets_are_refused_or_read(
        frames in vec(any_frame(), 1..4),
        place in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<proptest::sample::Index>(),
    ) {
        let frames: Vec<_> = frames.iter().map(as_frame).collect();
        let mut bytes = packet(&frames, b"");
        let place = place.index(bytes.len());
        bytes[place] = byte;
        for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
            if let Ok(packet) = StreamPacket::parse(bytes) {
                let frames: Vec<_> = packet.frames().collect();
                let again = StreamPacketBuilder {
                    packet_type: packet.packet_type(),
                    sequence: packet.sequence(),
                    amount: packet.amount(),
                    frames: &frames,
                    padded_bytes: 0,
                };
                let again = written(&again);
                let read = StreamPacket::parse(&again)?;
                prop_assert_eq!(read.frames().collect::<Vec<_>>(), frames);
            }
        }
    }

    #[test]
    fn noise_is_refused_or_read(bytes in vec(any::<u8>(), 0..200)) {
        let bytes = [&[1, 12, 1, 0, 1, 0], &bytes[..]].concat();
        if let Ok(packet) = StreamPacket::parse(&bytes) {
            prop_assert!(packet.frames().count() * 2 <= bytes.len());
        }
    }
}
