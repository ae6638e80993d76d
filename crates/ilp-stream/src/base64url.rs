//! Bytes as a segment of an ILP address: base64url without padding (RFC 4648, section 5).

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The text for `bytes`, 4 characters for every 3 of them.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3).saturating_mul(4));
    for chunk in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|place| u32::from(*chunk.get(place).unwrap_or(&0)));
        let bits = (a << 16) | (b << 8) | c;
        // One byte fills two characters, two fill three.
        let characters = [18, 12, 6, 0].into_iter().take(chunk.len().saturating_add(1));
        text.extend(characters.map(|shift| character((bits >> shift) & 63)));
    }
    text
}

/// The bytes of a text. `None` for any character outside the alphabet, for a length that no bytes
/// have, and for bits set behind the last byte, so that no two texts stand for the same bytes.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len().div_ceil(4).saturating_mul(3));
    for chunk in text.chunks(4) {
        let mut bits = 0_u32;
        for &character in chunk {
            bits = (bits << 6) | u32::from(value(character)?);
        }
        let [_, a, b, c] = match chunk.len() {
            4 => bits.to_be_bytes(),
            3 if bits & 0b11 == 0 => (bits << 6).to_be_bytes(),
            2 if bits & 0b1111 == 0 => (bits << 12).to_be_bytes(),
            _ => return None,
        };
        bytes.extend([a, b, c].into_iter().take(chunk.len().saturating_sub(1)));
    }
    Some(bytes)
}

fn character(six_bits: u32) -> char {
    let place = usize::try_from(six_bits).unwrap_or(0);
    char::from(*ALPHABET.get(place).unwrap_or(&b'A'))
}

const fn value(character: u8) -> Option<u8> {
    Some(match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn the_examples_of_the_rfc_and_the_two_characters_of_its_own() {
        let cases: [(&[u8], &str); 6] = [
            (b"", ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"foobar", "Zm9vYmFy"),
            (&[0xfb, 0xff], "-_8"),
        ];
        for (bytes, text) in cases {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text.as_bytes()).unwrap(), bytes);
        }
        for bad in ["A", "Zg==", "Zh", "Zm9", "Zm+v", "Zm9vA", "Zm9v\u{e9}"] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn bytes_round_trip(bytes in vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(decode(encode(&bytes).as_bytes()), Some(bytes));
        }

        #[test]
        fn each_text_stands_for_bytes_of_its_own(text in vec(any::<u8>(), 0..20)) {
            if let Some(bytes) = decode(&text) {
                let again = encode(&bytes);
                prop_assert_eq!(again.as_bytes(), &text[..]);
            }
        }
    }
}
