//! The contents of a receiver's answer, read strictly where money depends on them.

use super::{Credentials, SpspError};
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};
use interledger_packet::Address;
use serde::Deserialize;

/// The details by which a receiver is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentDetails {
    /// The destination of the packets, and their secret.
    pub credentials: Credentials,
    /// The receiver's asset, if the answer names it; STREAM names it in any case.
    pub asset: Option<AssetDetails>,
    /// The amount of an invoice that is left to pay, in the smallest unit of its asset.
    pub outstanding: Option<u64>,
}

/// An asset as the other side names it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AssetDetails {
    /// Such as `USD`.
    pub code: String,
    /// Decimal places of the smallest unit.
    pub scale: u8,
}

/// The members that are read. All others may have any type: servers add their own, such as
/// `receipts_enabled`.
#[derive(Deserialize)]
struct Answer {
    destination_account: String,
    shared_secret: String,
    asset_info: Option<AssetDetails>,
    balance: Option<Balance>,
}

/// A balance: negative for the amount that may be paid in, positive for the one that may be drawn
/// out.
#[derive(Deserialize)]
struct Balance {
    current: String,
}

impl PaymentDetails {
    /// Reads the body of an answer.
    pub(super) fn read(body: &[u8]) -> Result<Self, SpspError> {
        // The JSON library's message may repeat a part of the body, and so of the secret.
        let answer: Answer =
            serde_json::from_slice(body).map_err(|error| SpspError::Answer(unreadable(&error)))?;
        let destination = Address::try_from(answer.destination_account.as_str())
            .map_err(|_| SpspError::Answer("destination_account is no ILP address"))?;
        let shared_secret = read_shared_secret(&answer.shared_secret)
            .ok_or(SpspError::Answer("shared_secret is not 32 bytes in base64"))?;
        let outstanding = answer.balance.map(|balance| balance.outstanding()).transpose()?;
        Ok(Self {
            credentials: Credentials { destination, shared_secret },
            asset: answer.asset_info,
            outstanding,
        })
    }
}

impl Balance {
    fn outstanding(&self) -> Result<u64, SpspError> {
        let magnitude = match self.current.strip_prefix('-') {
            Some(digits) => digits,
            None if self.current == "0" => "0",
            None => return Err(SpspError::Answer("it is for drawing money, not for paying it in")),
        };
        let is_digits = !magnitude.is_empty() && magnitude.bytes().all(|b| b.is_ascii_digit());
        let amount = magnitude.parse().ok().filter(|_| is_digits);
        amount.ok_or(SpspError::Answer("balance.current is no integer that fits 64 bits"))
    }
}

fn unreadable(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Data => {
            "destination_account or shared_secret is missing, or a member has another form than \
             IL-RFC 9 gives it"
        }
        _ => "it is no JSON",
    }
}

/// Reads the body of a receiver's answer, for the fuzz target. Only cargo-fuzz builds this.
///
/// # Errors
/// [`SpspError::Answer`].
#[cfg(fuzzing)]
pub fn read_details(body: &[u8]) -> Result<PaymentDetails, SpspError> {
    PaymentDetails::read(body)
}

/// Reads 32 bytes in base64 of either alphabet, with padding or without. IL-RFC 9 says base64 with
/// padding; Rafiki sends the alphabet for URLs, without padding. Both mean the same bytes.
#[must_use]
pub fn read_shared_secret(text: &str) -> Option<[u8; 32]> {
    // The padding of 32 bytes is one character.
    let digits = text.strip_suffix('=').unwrap_or(text).as_bytes();
    let bytes = BASE64_NOPAD.decode(digits).or_else(|_| BASE64URL_NOPAD.decode(digits)).ok()?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "6jR5iNIVRvqeasJeCty6C+YB5X9FhSOUPCL/5nha5Vs=";

    fn read(body: &str) -> Result<PaymentDetails, SpspError> {
        PaymentDetails::read(body.as_bytes())
    }

    fn words(body: &str) -> &'static str {
        match read(body) {
            Err(SpspError::Answer(words)) => words,
            other => panic!("{body}: {other:?}"),
        }
    }

    fn with(more: &str) -> String {
        format!(r#"{{"destination_account":"g.bob","shared_secret":"{SECRET}"{more}}}"#)
    }

    #[test]
    fn the_rfcs_answers_are_read() {
        let plain = read(&with("")).unwrap();
        assert_eq!(plain.credentials.destination.as_str(), "g.bob");
        assert_eq!(plain.credentials.shared_secret[..3], [0xea, 0x34, 0x79]);
        assert_eq!((plain.asset, plain.outstanding), (None, None));
        let invoice = with(
            r#","balance":{"maximum":"-10000","current":"-5360"},
               "asset_info":{"code":"USD","scale":2},"receiver_info":{"name":"XYZ Store"}"#,
        );
        let invoice = read(&invoice).unwrap();
        assert_eq!(invoice.asset, Some(AssetDetails { code: "USD".to_owned(), scale: 2 }));
        assert_eq!(invoice.outstanding, Some(5_360));
    }

    #[test]
    fn the_secret_may_be_in_either_alphabet() {
        let plain = read(&with("")).unwrap();
        let rafikis = "6jR5iNIVRvqeasJeCty6C-YB5X9FhSOUPCL_5nha5Vs";
        let body = with(r#","receipts_enabled":false"#).replace(SECRET, rafikis);
        assert_eq!(read(&body).unwrap(), plain);
        for wrong in ["", "aGFja2Vk", "6jR5iNIVRvqeasJeCty6C+YB5X9FhSOUPCL_5nha5Vs=", "%%%"] {
            assert!(words(&with("").replace(SECRET, wrong)).contains("32 bytes"), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_answer_is_refused_without_repeating_it() {
        for (body, said) in [
            ("<html>", "no JSON"),
            ("", "no JSON"),
            ("[]", "missing"),
            (r#"{"id":"https://example.com/bob","assetCode":"USD"}"#, "missing"),
            (r#"{"destination_account":5,"shared_secret":"x"}"#, "missing"),
        ] {
            assert!(words(body).contains(said), "{body}");
        }
        for (more, said) in [
            (r#","asset_info":{"code":"USD","scale":256}"#, "another form"),
            (r#","asset_info":{"code":"USD","scale":2.5}"#, "another form"),
            (r#","balance":{"current":"100","maximum":"500"}"#, "drawing"),
            (r#","balance":{"current":"-"}"#, "64 bits"),
            (r#","balance":{"current":"-+5"}"#, "64 bits"),
            (r#","balance":{"current":"-18446744073709551616"}"#, "64 bits"),
            (r#","shared_secret":"again""#, "another form"),
        ] {
            assert!(words(&with(more)).contains(said), "{more}");
        }
        let address = with("").replace("g.bob", "not an address");
        assert!(words(&address).contains("destination_account"));
    }

    #[test]
    fn the_secret_is_in_no_debug_print() {
        let shown = format!("{:?}", read(&with("")).unwrap());
        assert!(shown.contains("g.bob") && !shown.contains("234"), "{shown}");
    }
}
