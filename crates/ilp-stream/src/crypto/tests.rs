use proptest::{collection::vec, prelude::*};

use super::*;

const SECRET: SharedSecret = SharedSecret::new(*b"the shared secret of a test ....");

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    }
    assert_eq!(hex.len(), 2 * N);
    bytes
}

/// The values that the tests of `ilp-protocol-stream` hold (there in base64).
#[test]
fn keys_are_those_of_other_implementations() {
    assert_eq!(
        hmac_sha256(b"foo", ENCRYPTION_LABEL),
        bytes("cdf386314fee63e10e50213ab4ddd6844efb6c5fcdea94b4c123a63201003040")
    );
    assert_eq!(
        hmac_sha256(b"foo", FULFILLMENT_LABEL),
        bytes("961f27189089a2cbdf51e3da534bb1c572b78cdbd5d98fb98afb75187d4cba1b")
    );
    assert_eq!(
        hmac_sha256(&[0; 32], b"foo"),
        bytes("0c0d98f7e3d9d45e72e8877bc1b104327efb9c07b18f2ffeced76d81307f1fff")
    );
    assert_eq!(
        condition_of(&[0; 32]),
        bytes("66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925")
    );
}

/// Encrypted by OpenSSL, through Node.js: the IV, the tag and then the ciphertext.
#[test]
fn data_encrypted_by_others() {
    const DATA: &str = "000102030405060708090a0b7864fdd9eb43f6db090831e1d5235a12eabc84334c03ad";
    let keys = Keys::new(&SECRET);
    let mut data = bytes::<35>(DATA);
    let fulfillment = keys.fulfillment(&data);
    assert_eq!(
        fulfillment,
        bytes("0f043b225db93538383c9c0f2f4d3fb5f567a5a586ec65323a16d6f4c49d8529")
    );
    assert_eq!(
        condition_of(&fulfillment),
        bytes("f090e9e1cd216a5d71af61c68fb20dfa4a7b3bdfad392210b1cfd79a3c5a197f")
    );
    assert_eq!(keys.decrypt(&mut data).unwrap(), b"foo bar");
    let iv = bytes("000102030405060708090a0b");
    let encrypted = keys.encryption().encrypt(iv, 0, |buffer| buffer.extend(b"foo bar"));
    assert_eq!(encrypted, bytes::<35>(DATA)[..]);
}

#[test]
fn no_secret_is_printed() {
    assert_eq!(format!("{SECRET:?}"), "SharedSecret(..)");
    assert_eq!(format!("{:?}", Keys::new(&SECRET)), "Keys(..)");
    assert_eq!(format!("{:?}", Keys::new(&SECRET).encryption()), "EncryptionKey(..)");
}

proptest! {
    #[test]
    fn what_is_encrypted_decrypts_and_no_bit_of_it_can_be_changed(
        plaintext in vec(any::<u8>(), 0..300),
        iv in any::<[u8; 12]>(),
        place in any::<proptest::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let keys = Keys::new(&SECRET);
        let data = keys.encryption().encrypt(iv, plaintext.len(), |buffer| buffer.extend(&plaintext));
        prop_assert_eq!(data.len(), plaintext.len() + ENCRYPTION_OVERHEAD_BYTES);
        let mut copy = data.to_vec();
        prop_assert_eq!(keys.decrypt(&mut copy).unwrap(), &plaintext[..]);
        let mut changed = data.to_vec();
        changed[place.index(data.len())] ^= 1 << bit;
        prop_assert!(keys.decrypt(&mut changed).is_none());
        let other = Keys::new(&SharedSecret::new([7; 32]));
        prop_assert!(other.decrypt(&mut data.to_vec()).is_none());
    }

    #[test]
    fn other_bytes_do_not_decrypt(mut bytes in vec(any::<u8>(), 0..100)) {
        prop_assert!(Keys::new(&SECRET).decrypt(&mut bytes).is_none());
    }
}
