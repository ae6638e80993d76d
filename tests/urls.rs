//! URLs that RFC 3986 calls equivalent: each spelling names the same wallet address and the same
//! peering.

use serde_json::{Value, json};

use crate::support::{Node, http::Connection};

const BY_URL: &str = "query($url: String!) { walletAddressByUrl(url: $url) { id address } }";

impl Node {
    fn add_wallet(&self, asset: &str, address: &str) -> Value {
        let input = json!({ "assetId": asset, "address": address, "additionalProperties": [] });
        let create = "mutation($input: CreateWalletAddressInput!) {
            createWalletAddress(input: $input) { code message walletAddress { id address } } }";
        self.query(create, json!({ "input": input }))["createWalletAddress"].clone()
    }
}

#[test]
fn a_wallet_address_is_one_however_its_characters_are_encoded() {
    let node = Node::start();
    let asset = node.create_asset("USD", 2);
    let origin = format!("http://{}", node.wallet);
    let made = node.add_wallet(&asset, &format!("{origin}/%7Ealice"));
    assert_eq!(made["code"], "200", "{made}");
    assert_eq!(made["walletAddress"]["address"], format!("{origin}/~alice"));
    let id = &made["walletAddress"]["id"];

    let spellings = ["~alice", "%7Ealice", "%7ealice", "~%61lice", "%7E%41LICE", "~alice/"];
    for spelling in spellings {
        let url = format!("{origin}/{spelling}");
        let found = node.query(BY_URL, json!({ "url": url }));
        assert_eq!(&found["walletAddressByUrl"]["id"], id, "{spelling}");
        let again = node.add_wallet(&asset, &url);
        assert_eq!(again["code"], "409", "{spelling}: {again}");

        let mut wallets = Connection::open(node.wallet).unwrap();
        let host = node.wallet.to_string();
        let headers = [("host", host.as_str()), ("accept", "application/spsp4+json")];
        let answer = wallets.request("GET", &format!("/{spelling}"), &headers, b"").unwrap();
        assert_eq!(answer.status, 200, "{spelling}: {}", answer.text());
    }

    // A payment to any of these URLs stays within the node.
    let payer = node.add_wallet(&asset, &format!("{origin}/payer"));
    for spelling in spellings {
        let input = json!({
            "walletAddressId": payer["walletAddress"]["id"],
            "receiver": format!("{origin}/{spelling}"),
            "debitAmount": { "value": "5", "assetCode": "USD", "assetScale": 2 },
        });
        let create = "mutation($input: CreateQuoteInput!) {
            createQuote(input: $input) { code message quote { receiver } } }";
        let quoted = node.query(create, json!({ "input": input }));
        assert_eq!(quoted["createQuote"]["code"], "200", "{spelling}: {quoted}");
    }
    // An encoded slash makes another path.
    let other = node.query(BY_URL, json!({ "url": format!("{origin}/~alice%2F") }));
    assert_eq!(other["walletAddressByUrl"], json!(null));
}
