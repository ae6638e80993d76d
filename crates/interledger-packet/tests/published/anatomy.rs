//! A packet taken apart without judgement, to see what is odd about it.
//!
//! It reads as leniently as any implementation does, and shares no code with the crate under test.

/// Digits that calendars and clocks are known to stumble over.
pub(crate) const CALENDAR: [&str; 12] = [
    "20161231235960852",
    "20161231235961000",
    "20170229000000000",
    "20000229000000000",
    "19000229000000000",
    "21000229000000000",
    "19691231235959999",
    "00000101000000000",
    "19700101000000000",
    "99991231235959999",
    "20171224240000000",
    "20170431000000000",
];

/// The parts that can be seen in a packet's bytes. A field that the bytes don't reach is `None`.
#[derive(Debug, Default)]
pub(crate) struct Anatomy {
    /// A length is the byte 0x80.
    pub(crate) has_empty_length: bool,
    /// A length is not in its shortest form.
    pub(crate) has_long_length: bool,
    /// Such a length has five digits or more.
    #[allow(dead_code, reason = "tests/packet_npm.rs at the workspace's root reads it")]
    pub(crate) has_wide_long_length: bool,
    /// The packet's own length, without what follows it.
    pub(crate) packet_bytes: Option<usize>,
    pub(crate) bytes_after_envelope: usize,
    pub(crate) bytes_after_data: usize,
    pub(crate) expiry: Option<[u8; 17]>,
    pub(crate) code: Option<[u8; 3]>,
    /// The destination or triggeredBy, whatever it is made of.
    #[allow(dead_code, reason = "tests/packet_npm.rs at the workspace's root reads it")]
    pub(crate) address: Vec<u8>,
    pub(crate) triggered_by_bytes: Option<usize>,
    pub(crate) message_bytes: Option<usize>,
    pub(crate) data_bytes: Option<usize>,
}

impl Anatomy {
    pub(crate) fn of(packet: &[u8]) -> Self {
        let mut anatomy = Self::default();
        // Whatever was seen before the bytes ended stays in place.
        let _ = anatomy.walk(packet);
        anatomy
    }

    fn walk(&mut self, packet: &[u8]) -> Option<()> {
        let (&kind, rest) = packet.split_first()?;
        let (contents, after) = self.octets(rest)?;
        self.packet_bytes = Some(packet.len() - after.len());
        self.bytes_after_envelope = after.len();
        let rest = match kind {
            12 => {
                self.expiry = contents.get(8..25)?.try_into().ok();
                let (destination, rest) = self.octets(contents.get(57..)?)?;
                self.address = destination.to_vec();
                rest
            }
            13 => contents.get(32..)?,
            14 => {
                self.code = contents.get(..3)?.try_into().ok();
                let (triggered_by, rest) = self.octets(&contents[3..])?;
                self.address = triggered_by.to_vec();
                self.triggered_by_bytes = Some(triggered_by.len());
                let (message, rest) = self.octets(rest)?;
                self.message_bytes = Some(message.len());
                rest
            }
            _ => return None,
        };
        let (data, after) = self.octets(rest)?;
        self.data_bytes = Some(data.len());
        self.bytes_after_data = after.len();
        Some(())
    }

    fn octets<'a>(&mut self, bytes: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let (&first, rest) = bytes.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x80 => {
                self.has_empty_length = true;
                return None;
            }
            0x81..=0x88 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = digits.iter().fold(0_u64, |sum, &digit| sum << 8 | u64::from(digit));
                let is_long = digits[0] == 0 || length < 0x80;
                self.has_long_length |= is_long;
                self.has_wide_long_length |= is_long && digits.len() >= 5;
                (usize::try_from(length).ok()?, rest)
            }
            _ => return None,
        };
        rest.split_at_checked(length)
    }
}

/// Whether 17 bytes are a moment from 1970 to 9999, reckoned the plain way.
pub(crate) fn is_moment(digits: &[u8; 17]) -> bool {
    if !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let number = |from: usize, to: usize| -> u32 {
        digits[from..to].iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
    };
    let (year, month, day) = (number(0, 4), number(4, 6), number(6, 8));
    let leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
    let days = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    year >= 1970
        && (1..=12).contains(&month)
        && (1..=days[month as usize - 1]).contains(&day)
        && number(8, 10) < 24
        && number(10, 12) < 60
        && number(12, 14) < 60
}

/// A length, written with `zeros` bytes more than needed.
pub(crate) fn length(length: usize, zeros: usize) -> Vec<u8> {
    if length < 0x80 && zeros == 0 {
        return vec![length as u8];
    }
    let bytes = length.to_be_bytes();
    let digits = bytes.len() - length.leading_zeros() as usize / 8;
    let digits = (digits.max(1) + zeros - usize::from(length < 0x80)).max(1);
    let mut written = vec![0x80 | digits as u8];
    written.extend(&bytes[bytes.len() - digits..]);
    written
}

/// A packet of any contents, in an envelope that fits.
pub(crate) fn enveloped(kind: u8, contents: &[u8]) -> Vec<u8> {
    [&[kind], &length(contents.len(), 0)[..], contents].concat()
}

/// Makes a Reject without `triggeredBy` whose message and data are as many zeros as given.
pub(crate) fn reject_of(code: [u8; 3], message_bytes: usize, data_bytes: usize) -> Vec<u8> {
    let mut contents = [&code[..], &[0]].concat();
    for count in [message_bytes, data_bytes] {
        contents.extend(length(count, 0));
        contents.resize(contents.len() + count, 0);
    }
    enveloped(14, &contents)
}

/// Where the contents of a good packet begin, and the contents.
pub(crate) fn split_envelope(packet: &[u8]) -> (usize, &[u8]) {
    let begin = match packet[1] {
        0..=0x7f => 2,
        long => 2 + usize::from(long & 0x7f),
    };
    (begin, &packet[begin..])
}

/// Writes the length at `place` with `zeros` bytes more than needed.
pub(crate) fn lengthen(contents: &mut Vec<u8>, place: usize, zeros: usize) {
    let (begin, found) = match contents[place] {
        short @ 0..=0x7f => (place + 1, usize::from(short)),
        long => {
            let end = place + 1 + usize::from(long & 0x7f);
            let digits = &contents[place + 1..end];
            (end, digits.iter().fold(0, |sum, &digit| sum << 8 | usize::from(digit)))
        }
    };
    contents.splice(place..begin, length(found, zeros));
}
