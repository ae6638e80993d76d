use bytes::BytesMut;
use interledger_packet::Reject;

use super::*;
use crate::{
    crypto::Keys,
    packet::StreamPacket,
    receiver::{Incoming, Receiver},
};

const SEND_ONLY: &str = "private.SEND_ONLY_CLIENT";

fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000)
}

fn random(bytes: &mut [u8]) {
    bytes.fill(9);
}

/// Drives a prober against a receiver that names `asset`, at a rate of one. Also returns the
/// greetings that the receiver got.
fn probe(asset: Option<Asset>, known: Option<Asset>) -> (Result<Path, EndReason>, Vec<String>) {
    probe_picky(asset, known, |_| None)
}

/// Does as [`probe`] with a receiver that answers some greetings with a code and without a STREAM
/// packet. `None` stands for a packet without a greeting.
fn probe_picky(
    asset: Option<Asset>,
    known: Option<Asset>,
    refuses: impl Fn(Option<&str>) -> Option<ErrorCode>,
) -> (Result<Path, EndReason>, Vec<String>) {
    let receiver = Receiver::new(&[3; 32], "test.receiver".parse().unwrap());
    let credentials = receiver.credentials(None, asset.as_ref(), &mut random).unwrap();
    let keys = Keys::new(&credentials.shared_secret);
    let (destination, shared_secret) = (credentials.destination, credentials.shared_secret);
    let mut parameters = ProberParameters::new(destination, shared_secret, Amount::Send(70));
    parameters.asset = known;
    let mut prober = Prober::new(parameters, now());
    let mut greetings = Vec::new();
    loop {
        match prober.next(now(), &mut random) {
            Action::Send { id, prepare } => {
                let mut data = BytesMut::from(prepare.data());
                let packet = StreamPacket::parse(keys.decrypt(&mut data).unwrap()).unwrap();
                let greeting = packet.frames().find_map(|frame| match frame {
                    Frame::ConnectionNewAddress { source_account } => {
                        Some(String::from_utf8(source_account.to_vec()).unwrap())
                    }
                    _ => None,
                });
                let refusal = refuses(greeting.as_deref());
                greetings.extend(greeting);
                assert!(matches!(prober.next(now(), &mut random), Action::Wait { until: None }));
                if let Some(code) = refusal {
                    let reject = Reject::new(code, None, "not for me").into_bytes();
                    prober.reply(id, Ok(reject), now());
                    continue;
                }
                let incoming = receiver.open(&prepare, prepare.amount()).unwrap();
                let Incoming::Question(question) = incoming else { panic!("a probe is no money") };
                let reply = question.answer(None, &mut random).into_bytes();
                prober.reply(PacketId(99), Ok(reply.clone()), now());
                prober.reply(id, Ok(reply), now().saturating_add_ms(30));
            }
            Action::Done(result) => return (result, greetings),
            Action::Wait { until } => panic!("{until:?}"),
        }
    }
}

fn asset(code: &str) -> Asset {
    Asset { code: code.to_owned(), scale: 2 }
}

#[test]
fn one_probe_suffices_where_the_recipient_names_its_asset() {
    let (path, greetings) = probe(Some(asset("USD")), None);
    let path = path.unwrap();
    assert_eq!(greetings, [SEND_ONLY]);
    assert_eq!((path.asset, path.next_sequence, path.round_trip_ms), (Some(asset("USD")), 2, 30));
    assert_eq!((path.packet_amount_max, path.receive_max), (None, None));
}

#[test]
fn a_recipient_that_names_no_asset_is_asked_twice() {
    let (path, greetings) = probe(None, None);
    assert_eq!(greetings, [SEND_ONLY, ""]);
    assert_eq!(path.unwrap().asset, None);
}

#[test]
fn a_known_asset_is_not_asked_for() {
    let (path, greetings) = probe(Some(asset("USD")), Some(asset("EUR")));
    assert!(greetings.is_empty());
    assert_eq!(path.unwrap().asset, Some(asset("EUR")));
}

/// Receivers may act as interledger-rs, which takes a packet with a malformed greeting for another
/// account's.
#[test]
fn the_forms_of_greeting_are_tried_in_turn_until_the_recipient_is_heard() {
    let codes = ["F00", "F02", "F06"]
        .map(|code| ErrorCode::from_bytes(code.as_bytes().try_into().unwrap()));
    for code in codes.map(Option::unwrap) {
        // This receiver refuses the empty address.
        let empty = |greeting: Option<&str>| (greeting == Some("")).then_some(code);
        let (path, greetings) = probe_picky(Some(asset("USD")), None, empty);
        assert_eq!((path.unwrap().asset, greetings.len()), (Some(asset("USD")), 1));
        // This receiver takes only the empty address.
        let named = |greeting: Option<&str>| (greeting == Some(SEND_ONLY)).then_some(code);
        let (path, greetings) = probe_picky(Some(asset("USD")), None, named);
        assert_eq!(path.unwrap().asset, Some(asset("USD")));
        assert_eq!(greetings, [SEND_ONLY, ""]);
        // This receiver takes no greeting.
        let any = |greeting: Option<&str>| greeting.map(|_| code);
        let (path, greetings) = probe_picky(Some(asset("USD")), None, any);
        assert_eq!((path.unwrap().asset, greetings.len()), (None, 2));
        // A receiver refuses every form, one has answered before, and one needs no greeting.
        let refused = |path: Result<Path, EndReason>| match path {
            Err(EndReason::Refused(rejection)) => assert_eq!(rejection.code, code),
            other => panic!("{other:?}"),
        };
        let (path, greetings) = probe_picky(None, None, |_| Some(code));
        refused(path);
        assert_eq!(greetings.len(), 2);
        refused(probe_picky(None, None, empty).0);
        let (path, greetings) = probe_picky(None, Some(asset("USD")), |_| Some(code));
        refused(path);
        assert!(greetings.is_empty());
    }
    let final_code = |_: Option<&str>| Some(ErrorCode::F07_CANNOT_RECEIVE);
    let (path, greetings) = probe_picky(None, None, final_code);
    assert!(matches!(path, Err(EndReason::Refused(_))), "{path:?}");
    assert_eq!(greetings.len(), 1);
}
