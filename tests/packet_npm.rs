//! The npm package `ilp-packet`, which most senders use, as an oracle for `interledger-packet`.
//!
//! Both sides parse thousands of packets, valid and damaged ones, the same in each run. Where both
//! accept a packet, the fields must be equal, and encoding them again must give the same bytes.
//! Where only one does, a function under "Permitted differences" must recognise the reason by the
//! bytes.

#[path = "../crates/interledger-packet/tests/published/anatomy.rs"]
#[allow(dead_code, reason = "the test it belongs to uses more of it")]
mod anatomy;

use std::{
    fmt::Write as _,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use anatomy::{Anatomy, CALENDAR, is_moment, lengthen, split_envelope};
use bytes::{Bytes, BytesMut};
use interledger_packet::{
    Address, ErrorCode, FulfillBuilder, MAX_DATA_BYTES, MAX_MESSAGE_CHARACTERS, MAX_PACKET_BYTES,
    Prepare, PrepareBuilder, RejectBuilder, Reply, Timestamp,
};
use serde_json::{Value, json};

const PACKETS: usize = 6_000;

// --- Permitted differences: where ilp-packet deviates
// ---------------------------------------------

/// ilp-packet ignores bytes after the last field inside the envelope, and writes the packet without
/// them.
fn drops_unknown_fields(anatomy: &Anatomy) -> bool {
    anatomy.bytes_after_data > 0
}

/// `ilp-packet` takes five and six length bytes for canonical regardless of their value, since `1
/// << 32` is 1.
fn accepts_wide_lengths(anatomy: &Anatomy) -> bool {
    anatomy.has_wide_long_length
}

/// `ilp-packet` makes a date of any digits: month 13 is January of the next year.
fn accepts_bad_expiry(anatomy: &Anatomy) -> bool {
    anatomy.expiry.is_some_and(|digits| !is_moment(&digits))
}

/// `ilp-packet` takes any three bytes for an error code.
fn accepts_any_code(anatomy: &Anatomy) -> bool {
    anatomy.code.is_some_and(|code| ErrorCode::from_bytes(code).is_none())
}

/// ilp-packet bounds neither data nor message, nor the packet with its unknown fields.
fn accepts_overlong_fields(anatomy: &Anatomy) -> bool {
    anatomy.data_bytes.is_some_and(|length| length > MAX_DATA_BYTES)
        || anatomy.message_bytes.is_some_and(|length| length > MAX_MESSAGE_CHARACTERS)
        || anatomy.packet_bytes.is_some_and(|length| length > MAX_PACKET_BYTES)
}

/// `ilp-packet` drops the highest bit of each byte of an address, so that 0xe7 reads as `g`.
fn accepts_high_bits_in_addresses(anatomy: &Anatomy) -> bool {
    !anatomy.address.is_ascii()
}

/// `ilp-packet` takes the first millisecond of 1970, which is 0, for no date at all.
fn refuses_the_epoch(anatomy: &Anatomy) -> bool {
    anatomy.expiry.as_ref() == Some(b"19700101000000000")
}

/// `ilp-packet` puts U+FFFD into a message that is not UTF-8, so it writes such a Reject otherwise.
fn rewrites_messages_that_are_not_text(ours: &Value) -> bool {
    ours["message"].as_str().is_some_and(|message| message.contains('\u{fffd}'))
}

// --- The comparison -----------------------------------------------------------------------------

#[test]
fn npm_ilp_packet_reads_packets_as_we_do() {
    let packets = packets();
    let answers = ask_npm(&packets);
    assert_eq!(answers.len(), packets.len(), "one answer for each packet");
    let mut accepted_by_both = 0;
    for (packet, theirs) in packets.iter().zip(answers) {
        let ours = read(packet);
        let anatomy = Anatomy::of(packet);
        let permitted = match (&ours, theirs["ok"] == true) {
            (Some(ours), true) => {
                accepted_by_both += 1;
                *ours == theirs["fields"]
                    && (theirs["again"] == hex(&packet[..anatomy.packet_bytes.unwrap_or(0)])
                        || drops_unknown_fields(&anatomy)
                        || rewrites_messages_that_are_not_text(ours))
            }
            (None, false) => true,
            (None, true) => {
                accepts_wide_lengths(&anatomy)
                    || accepts_bad_expiry(&anatomy)
                    || accepts_any_code(&anatomy)
                    || accepts_overlong_fields(&anatomy)
                    || accepts_high_bits_in_addresses(&anatomy)
            }
            (Some(_), false) => refuses_the_epoch(&anatomy),
        };
        assert!(permitted, "{}\nours {ours:?}\ntheirs {theirs}\n{anatomy:?}", hex(packet));
    }
    assert!(accepted_by_both > PACKETS / 4, "only {accepted_by_both} packets were good");
}

/// Returns our reading of a packet, in the form of decode.js.
fn read(packet: &[u8]) -> Option<Value> {
    if packet.first() == Some(&12) {
        let prepare = Prepare::parse(BytesMut::from(packet)).ok()?;
        return Some(json!({
            "amount": prepare.amount().to_string(),
            "expires_at": prepare.expires_at().unix_ms().to_string(),
            "condition": hex(prepare.execution_condition()),
            "destination": prepare.destination().as_str(),
            "data": hex(prepare.data()),
        }));
    }
    Some(match Reply::parse(Bytes::copy_from_slice(packet)).ok()? {
        Reply::Fulfill(fulfill) => json!({
            "fulfillment": hex(fulfill.fulfillment()),
            "data": hex(fulfill.data()),
        }),
        Reply::Reject(reject) => json!({
            "code": reject.code().as_str(),
            "triggered_by": reject.triggered_by().map_or("", |address| address.as_str()),
            "message": reject.message_lossy(),
            "data": hex(reject.data()),
        }),
    })
}

fn ask_npm(packets: &[Vec<u8>]) -> Vec<Value> {
    let interop = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/interop");
    let mut node = Command::new("node")
        .arg(interop.join("packet/decode.js"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node (20 or later) is needed: install it, then npm ci --prefix tests/interop");
    let mut stdin = node.stdin.take().expect("stdin is piped");
    let lines: String = packets.iter().map(|packet| hex(packet) + "\n").collect();
    // Both pipes fill up, so one thread writes while the other reads. A failed write means that
    // node has ended; its exit status says why.
    let writer = thread::spawn(move || drop(stdin.write_all(lines.as_bytes())));
    let output = node.wait_with_output().expect("node ends once its input does");
    writer.join().expect("the writer doesn't panic");
    assert!(
        output.status.success(),
        "decode.js failed ({}); are its packages there? npm ci --prefix tests/interop",
        output.status,
    );
    let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all");
        text
    })
}

// --- The packets --------------------------------------------------------------------------------

/// SplitMix64: the same packets on every machine, with no dependency.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    fn bytes(&mut self, below: usize) -> Vec<u8> {
        (0..self.below(below)).map(|_| self.byte()).collect()
    }

    fn array(&mut self) -> [u8; 32] {
        std::array::from_fn(|_| self.byte())
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn data(&mut self) -> Vec<u8> {
        match self.below(50) {
            0 => vec![1; MAX_DATA_BYTES],
            1 => vec![2; 128],
            _ => self.bytes(300),
        }
    }

    fn address(&mut self) -> Address {
        let mut text =
            self.pick(&["g", "private", "example", "peer", "self", "test2", "local"]).to_owned();
        for _ in 0..=self.below(5) {
            text.push('.');
            for _ in 0..=self.below(30) {
                text.push(char::from(self.pick(b"abcxyzABCXYZ0129_~-")));
            }
        }
        Address::try_from(text).expect("made of what addresses are made of")
    }

    fn packet(&mut self) -> Vec<u8> {
        let (data, address) = (self.data(), self.address());
        match self.below(4) {
            0 | 1 => {
                let unix_ms = self.next() % (Timestamp::MAX.unix_ms() + 1);
                let builder = PrepareBuilder {
                    amount: self.next() >> self.below(64),
                    expires_at: Timestamp::from_unix_ms(unix_ms),
                    execution_condition: &self.array(),
                    destination: address.as_addr(),
                    data: &data,
                };
                builder.build().unwrap().as_bytes().to_vec()
            }
            2 => {
                let builder = FulfillBuilder { fulfillment: &self.array(), data: &data };
                builder.build().unwrap().as_bytes().to_vec()
            }
            _ => {
                let message = match self.below(2) {
                    0 => self.bytes(200),
                    _ => "no route to é".repeat(self.below(30)).into_bytes(),
                };
                let codes = [*b"F02", *b"F08", *b"T04", *b"T99", *b"R00", *b"R99"];
                let builder = RejectBuilder {
                    code: ErrorCode::from_bytes(self.pick(&codes)).unwrap(),
                    triggered_by: (self.below(4) > 0).then_some(address.as_addr()),
                    message: &message,
                    data: &data,
                };
                builder.build().unwrap().as_bytes().to_vec()
            }
        }
    }

    /// Returns a valid packet with some damage.
    fn damaged(&mut self) -> Vec<u8> {
        let mut packet = self.packet();
        let place = self.below(packet.len().min(150));
        let telling =
            self.pick(&[0, 1, 12, 13, 14, 0x7f, 0x80, 0x81, 0x82, 0x85, 0x88, 0xff, b'.']);
        let byte = if self.below(2) == 0 { telling } else { self.byte() };
        let (contents_at, contents) = split_envelope(&packet);
        let mut contents = contents.to_vec();
        let zeros = 1 + self.below(5);
        match self.below(11) {
            10 => {
                contents.extend(self.bytes(20));
                return [anatomy::enveloped(packet[0], &contents), self.bytes(3)].concat();
            }
            0 => packet[place] = byte,
            1 => packet[place] ^= 0x80,
            2 => packet.insert(place, byte),
            3 => drop(packet.remove(place)),
            4 => packet.truncate(place),
            5 => packet.push(byte),
            6 => return self.odd_reject(),
            7 if packet[0] == 12 => {
                let digits = self.pick(&CALENDAR);
                packet[contents_at + 8..contents_at + 25].copy_from_slice(digits.as_bytes());
            }
            _ => {
                // The envelope's length has more bytes than it needs, or that of the data does
                // within a valid envelope.
                if packet[0] == 13 {
                    lengthen(&mut contents, 32, zeros);
                }
                let zeros = if packet[0] == 13 { 0 } else { zeros };
                packet.truncate(1);
                packet.extend(anatomy::length(contents.len(), zeros));
                packet.extend(contents);
            }
        }
        packet
    }
}

impl Random {
    /// Returns a Reject whose code may be invalid, or one of whose fields may be a byte too long.
    fn odd_reject(&mut self) -> Vec<u8> {
        let mut code = *b"F08";
        if self.below(2) == 0 {
            code[self.below(3)] = self.byte();
            return anatomy::reject_of(code, self.below(9), self.below(9));
        }
        let message_bytes = MAX_MESSAGE_CHARACTERS + self.below(2);
        anatomy::reject_of(code, message_bytes, MAX_DATA_BYTES + self.below(2))
    }
}

fn packets() -> Vec<Vec<u8>> {
    let mut random = Random(2026);
    (0..PACKETS)
        .map(|index| match index % 8 {
            0..=3 => random.packet(),
            4..=6 => random.damaged(),
            _ => {
                let noise = random.bytes(100);
                let mut packet = vec![random.pick(&[12, 13, 14])];
                packet.extend(anatomy::length(noise.len(), 0));
                packet.extend(noise);
                packet
            }
        })
        .collect()
}
