use ilp_connector::{PeerLimits, Percent, conversion::Spread};

use super::*;
use crate::records::forms::peer_records::{PeerRecord, PeerTerms};

#[test]
fn a_peer_from_before_spreads_keeps_nothing_of_what_it_sends() {
    let peer = crate::testing::peer(Uuid::now_v7(), "g.bob", &[]);
    let mut json: serde_json::Value = serde_json::from_slice(&peer.encode()).unwrap();
    let decode = |json: &serde_json::Value| {
        let key = Kind::Peer.key(peer.id.as_bytes());
        PeerRecord::decode(Kind::Peer, &key, json.to_string().as_bytes())
    };
    assert_eq!(decode(&json).unwrap(), peer);
    json["spread_basis_points"] = 10_001.into();
    assert!(decode(&json).is_err());
    json.as_object_mut().unwrap().remove("spread_basis_points");
    let terms = PeerTerms { spread: Spread::NONE, ..peer.terms.clone() };
    assert_eq!(decode(&json).unwrap(), PeerRecord { terms, ..peer.clone() });
}

#[test]
fn a_digest_survives_its_text() {
    let digest = TokenDigest::of(b"mytoken");
    assert_eq!(digest_from_text(&digest_to_text(&digest)), Some(digest));
    assert_eq!(digest_from_text("zz"), None);
    assert_eq!(digest_from_text(&"+1".repeat(32)), None);
}

#[test]
fn tokens_without_a_time_are_as_old_as_their_peer() {
    let id = Uuid::now_v7();
    let digest = TokenDigest::of(b"mytoken");
    let json = format!(
        r#"{{"id":"{id}","asset_id":"{id}","static_ilp_address":"g.a","endpoint":"e",
        "outgoing_token":"t","incoming_tokens":["{0}","{0}"],
        "incoming_tokens_created_at_ms":[7],"created_at_ms":5}}"#,
        digest_to_text(&digest)
    );
    let key = Kind::Peer.key(id.as_bytes());
    let peer = PeerRecord::decode(Kind::Peer, &key, json.as_bytes()).unwrap();
    let times: Vec<_> =
        peer.terms.incoming_tokens.iter().map(|token| token.created_at_ms).collect();
    assert_eq!(times, [7, 5]);
    assert_eq!(PeerRecord::decode(Kind::Peer, &key, &peer.encode()).unwrap(), peer);
}

#[test]
fn a_record_may_have_fields_that_are_not_known_and_never_shows_its_value_when_broken() {
    let id = Uuid::now_v7();
    let json = |scale: &str| {
        format!(r#"{{"id":"{id}","code":"USD","scale":{scale},"created_at_ms":5,"new":[1]}}"#)
    };
    let key = Kind::Asset.key(id.as_bytes());
    let asset = AssetRecord::decode(Kind::Asset, &key, json("9").as_bytes()).unwrap();
    assert_eq!((asset.code.as_str(), asset.scale, asset.liquidity_threshold), ("USD", 9, None));

    let broken = AssetRecord::decode(Kind::Asset, &key, json(r#""hush""#).as_bytes());
    let text = broken.unwrap_err().to_string();
    assert!(text.contains("assets") && text.contains("column"), "{text}");
    assert!(!text.contains("hush"), "{text}");

    let other = Kind::Asset.key(Uuid::now_v7().as_bytes());
    assert!(AssetRecord::decode(Kind::Asset, &other, json("9").as_bytes()).is_err());
}

/// Stores outlive versions: what the first one wrote is read as it was meant then.
#[test]
fn a_peer_as_the_first_version_wrote_it_has_no_limits_and_no_default_route() {
    let json = r#"{"id":"019926a0-3b5c-7def-8123-456789abcdef",
        "asset_id":"019926a0-3b5c-7def-8123-456789abcdee","static_ilp_address":"g.bob",
        "name":null,"max_packet_amount":7,"liquidity_threshold":null,"routes":["g"],
        "endpoint":"ilp.example.com","outgoing_token":"theirs","incoming_tokens":[],
        "packets_per_minute_max":60,"amount_per_second_max":null,"created_at_ms":5,
        "initial_deposit":null}"#;
    let id = Uuid::parse_str("019926a0-3b5c-7def-8123-456789abcdef").unwrap();
    let key = Kind::Peer.key(id.as_bytes());
    let peer = PeerRecord::decode(Kind::Peer, &key, json.as_bytes()).unwrap();
    let limits = PeerLimits { packets_per_minute_max: Some(60), ..PeerLimits::default() };
    assert_eq!((peer.terms.max_packet_amount, peer.terms.limits), (Some(7), limits));
    assert!(!peer.terms.is_default_route);

    let limits = PeerLimits {
        packets_in_flight_max: Some(1),
        amount_in_flight_max: Some(2),
        asset_share_in_flight_percent_max: Percent::new(3),
        ..limits
    };
    let terms = PeerTerms { limits, is_default_route: true, ..peer.terms };
    let newer = PeerRecord { terms, ..peer };
    assert_eq!(PeerRecord::decode(Kind::Peer, &key, &newer.encode()).unwrap(), newer);

    let beyond = json.replace(
        r#""created_at_ms":5"#,
        r#""created_at_ms":5,"asset_share_in_flight_percent_max":101"#,
    );
    let broken = PeerRecord::decode(Kind::Peer, &key, beyond.as_bytes()).unwrap_err().to_string();
    assert!(broken.contains("its assetShareInFlightPercentMax is out of range"), "{broken}");
}
