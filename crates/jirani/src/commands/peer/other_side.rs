//! The configuration that the other operator has to enter for the peering, ready to be sent.

use ilp_admin_client::{
    Id,
    asset::Unit,
    peer::{CreatePeerInput, HttpInput},
};
use serde_json::{Value, json};

use crate::commands::{Failure, admin_client::plain, lookup::optional_amount_in};

/// The peering from the other node's side.
#[derive(Debug)]
pub(super) struct OtherSide<'a> {
    pub(super) our_address: String,
    pub(super) our_endpoint: String,
    /// The token that this node sends to the other.
    pub(super) incoming_token: String,
    /// The token that the other node sends to this one.
    pub(super) outgoing_token: String,
    pub(super) asset: &'a Unit,
    pub(super) max_packet_amount: Option<&'a str>,
}

impl OtherSide<'_> {
    /// Returns the command for an operator of jirani.
    pub(super) fn command(&self) -> String {
        let code = plain(&self.asset.code);
        let mut options = vec![
            ("--address", self.our_address.as_str()),
            ("--asset", &code),
            ("--endpoint", &self.our_endpoint),
            ("--incoming-token", &self.incoming_token),
            ("--outgoing-token", &self.outgoing_token),
        ];
        options.extend(self.max_packet_amount.map(|amount| ("--max-packet-amount", amount)));
        let options: Vec<_> =
            options.iter().map(|(name, value)| format!("{name} {}", quoted(value))).collect();
        format!("jirani peer add {}", options.join(" "))
    }

    /// Returns the variables for any node that has the `createPeer` mutation, such as Rafiki. The
    /// asset's id is to be replaced by the other node's own.
    pub(super) fn variables(&self) -> Result<Value, Failure> {
        let (code, scale) = (plain(&self.asset.code), self.asset.scale);
        let asset_id = Id::new(format!("(the id of your asset {code}, scale {scale})"));
        let http = HttpInput::new(
            self.incoming_token.clone(),
            self.our_endpoint.clone(),
            self.outgoing_token.clone(),
        );
        let input = CreatePeerInput {
            max_packet_amount: optional_amount_in(self.max_packet_amount, scale)?,
            ..CreatePeerInput::new(self.our_address.clone(), asset_id, http)
        };
        Ok(json!({ "input": input }))
    }

    /// Returns both forms with an introduction.
    pub(super) fn lines(&self) -> Result<Vec<String>, Failure> {
        let (code, scale) = (plain(&self.asset.code), self.asset.scale);
        Ok(vec![
            String::new(),
            "Send this to the peer's operator, where nobody else reads it, since it holds both \
             tokens."
                .to_owned(),
            format!("With jirani (after jirani asset add {code} {scale}, where that is missing):"),
            String::new(),
            format!("  {}", self.command()),
            String::new(),
            "With Rafiki, the variables of the mutation createPeer:".to_owned(),
            String::new(),
            self.variables()?.to_string(),
        ])
    }
}

/// Returns a value quoted for a shell as one word.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/@%+=,".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_side_sees_the_same_peering_from_there() {
        let asset = Unit { id: Id::new("ours"), code: "USD".to_owned(), scale: 2 };
        let other = OtherSide {
            our_address: "g.mywallet".to_owned(),
            our_endpoint: "https://ilp.mywallet.com".to_owned(),
            incoming_token: "for-them".to_owned(),
            outgoing_token: "for-us".to_owned(),
            asset: &asset,
            max_packet_amount: Some("12.50"),
        };
        assert_eq!(
            other.command(),
            "jirani peer add --address g.mywallet --asset USD --endpoint https://ilp.mywallet.com \
             --incoming-token for-them --outgoing-token for-us --max-packet-amount 12.50"
        );
        let input = &other.variables().unwrap()["input"];
        assert_eq!(input["maxPacketAmount"], "1250");
        assert_eq!(input["http"]["incoming"]["authTokens"], json!(["for-them"]));
        assert_eq!(input["http"]["outgoing"]["authToken"], "for-us");
        let asset_id = input["assetId"].to_string();
        assert!(asset_id.contains("USD") && !asset_id.contains("ours"), "{asset_id}");
    }

    #[test]
    fn words_stay_one_word_in_a_shell() {
        assert_eq!(quoted("https://ilp.example.com:3002/a"), "https://ilp.example.com:3002/a");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's $x"), "'it'\\''s $x'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("http://[::1]:3002"), "'http://[::1]:3002'");
    }
}
