use bytes::BytesMut;

use super::*;
use crate::{
    crypto::Keys,
    packet::StreamPacket,
    receiver::{Incoming, Receiver},
};

fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000)
}

fn random(bytes: &mut [u8]) {
    bytes.fill(9);
}

/// Drives a prober against a receiver that names `asset`, unit for unit; the greetings it heard.
fn probe(asset: Option<Asset>, known: Option<Asset>) -> (Result<Path, EndReason>, Vec<String>) {
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
                greetings.extend(packet.frames().filter_map(|frame| match frame {
                    Frame::ConnectionNewAddress { source_account } => {
                        Some(String::from_utf8(source_account.to_vec()).unwrap())
                    }
                    _ => None,
                }));
                assert!(matches!(prober.next(now(), &mut random), Action::Wait { until: None }));
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
    assert_eq!(greetings, [""]);
    assert_eq!((path.asset, path.next_sequence, path.round_trip_ms), (Some(asset("USD")), 2, 30));
    assert_eq!((path.packet_amount_max, path.receive_max), (None, None));
}

#[test]
fn a_recipient_that_names_no_asset_is_asked_twice() {
    let (path, greetings) = probe(None, None);
    assert_eq!(greetings, ["", "private.SEND_ONLY_CLIENT"]);
    assert_eq!(path.unwrap().asset, None);
}

#[test]
fn a_known_asset_is_not_asked_for() {
    let (path, greetings) = probe(Some(asset("USD")), Some(asset("EUR")));
    assert!(greetings.is_empty());
    assert_eq!(path.unwrap().asset, Some(asset("EUR")));
}
