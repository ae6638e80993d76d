use bytes::Bytes;
use interledger_packet::{PrepareBuilder, Reply, Timestamp};
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    frame::{CloseCode, Frame},
    packet::StreamPacketBuilder,
};

const SERVER_SECRET: [u8; 32] = [7; 32];

/// Not random at all, but never the same twice.
fn random() -> impl Random {
    let mut count = 0_u64;
    move |bytes: &mut [u8]| {
        count += 1;
        for (byte, value) in bytes.iter_mut().zip(count.to_be_bytes().iter().cycle()) {
            *byte = *value;
        }
    }
}

fn receiver() -> Receiver {
    Receiver::new(&SERVER_SECRET, "test.receiver".parse().unwrap())
}

fn asset() -> Asset {
    Asset { code: "USD".to_owned(), scale: 2 }
}

fn credentials() -> Credentials {
    receiver().credentials(Some(b"alice"), Some(&asset()), &mut random()).unwrap()
}

/// A payer's packet: what to write, and how to spoil it.
struct Payer<'a> {
    credentials: Credentials,
    packet_type: PacketType,
    minimum: u64,
    sequence: u64,
    frames: &'a [Frame<'a>],
    is_fulfillable: bool,
}

const MONEY: Frame<'static> = Frame::StreamMoney { stream_id: 1, shares: 1 };
const HELLO: Frame<'static> = Frame::ConnectionNewAddress { source_account: b"" };

impl Default for Payer<'_> {
    fn default() -> Self {
        let (packet_type, frames) = (PacketType::Prepare, &[MONEY]);
        let (credentials, sequence) = (credentials(), 42);
        Self { credentials, packet_type, minimum: 0, sequence, frames, is_fulfillable: true }
    }
}

impl Payer<'_> {
    fn keys(&self) -> Keys {
        Keys::new(&self.credentials.shared_secret)
    }

    fn prepare(&self) -> Prepare {
        let packet = StreamPacketBuilder {
            packet_type: self.packet_type,
            sequence: self.sequence,
            amount: self.minimum,
            frames: self.frames,
            padded_bytes: 0,
        };
        let data = packet.encrypt(&self.keys(), &mut random()).unwrap();
        self.carry(&data)
    }

    fn carry(&self, data: &[u8]) -> Prepare {
        let fulfillment = self.keys().fulfillment(data);
        let condition = if self.is_fulfillable { condition_of(&fulfillment) } else { [1; 32] };
        let prepare = PrepareBuilder {
            amount: 100,
            expires_at: Timestamp::MAX,
            execution_condition: &condition,
            destination: self.credentials.destination.as_addr(),
            data,
        };
        prepare.build().unwrap()
    }

    /// The reply's code or fulfillment, what the recipient says arrived, and its frames.
    fn read(&self, reply: &Reply) -> (String, u64, String) {
        let (kind, packet_type, data) = match reply {
            Reply::Fulfill(fulfill) => {
                let prepare = self.prepare();
                let fulfillment = fulfill.fulfillment();
                assert_eq!(condition_of(fulfillment), *prepare.execution_condition());
                ("fulfill".to_owned(), PacketType::Fulfill, fulfill.data())
            }
            Reply::Reject(reject) => {
                assert_eq!(reject.triggered_by().unwrap(), "test.receiver");
                (reject.code().to_string(), PacketType::Reject, reject.data())
            }
        };
        let mut data = data.to_vec();
        let packet = StreamPacket::parse(self.keys().decrypt(&mut data).unwrap()).unwrap();
        assert_eq!((packet.packet_type(), packet.sequence()), (packet_type, self.sequence));
        let frames = packet.frames().map(|frame| format!("{frame:?}")).collect::<Vec<_>>();
        (kind, packet.amount(), frames.join(" "))
    }

    fn money(&self, arrived: u64) -> Money {
        match receiver().open(&self.prepare(), arrived).unwrap() {
            Incoming::Money(money) => money,
            Incoming::Question(question) => panic!("{question:?}"),
        }
    }

    fn answer(&self, arrived: u64, limits: Option<Limits>) -> (String, u64, String) {
        match receiver().open(&self.prepare(), arrived).unwrap() {
            Incoming::Question(question) => self.read(&question.answer(limits, &mut random())),
            Incoming::Money(money) => panic!("{money:?}"),
        }
    }
}

fn code_of(prepare: &Prepare) -> String {
    let reject = receiver().open(prepare, 100).unwrap_err();
    assert!(reject.data().is_empty());
    assert_eq!(reject.triggered_by().unwrap(), "test.receiver");
    reject.code().to_string()
}

#[test]
fn money_is_accepted_and_the_payer_told_what_arrived() {
    let payer = Payer { minimum: 90, ..Payer::default() };
    let money = payer.money(95);
    assert_eq!(money.tag().unwrap(), "alice");
    assert_eq!(money.amount(), 95);
    let reply = money.accept(None, &mut random());
    assert_eq!(payer.read(&reply), ("fulfill".to_owned(), 95, String::new()));
    let limits = Some(Limits { receive_max: 1_000, total_received: 595 });
    let reply = payer.money(90).accept(limits, &mut random());
    let told = "StreamMaxMoney { stream_id: 1, receive_max: 1000, total_received: 595 }";
    assert_eq!(payer.read(&reply), ("fulfill".to_owned(), 90, told.to_owned()));
}

#[test]
fn money_is_declined_for_now_or_for_good() {
    let payer = Payer::default();
    let reply = payer.money(95).decline_for_now(&mut random());
    assert_eq!(payer.read(&reply), ("T00".to_owned(), 95, String::new()));
    let reply = payer.money(95).decline_for_good(None, &mut random());
    let close = "ConnectionClose { code: NoError, message: [] }";
    assert_eq!(payer.read(&reply), ("F99".to_owned(), 95, close.to_owned()));
}

#[test]
fn the_asset_is_named_to_those_who_say_hello() {
    let no_data = "ConnectionMaxData { max_offset: 0 }";
    let details = format!(r#"{no_data} ConnectionAssetDetails {{ code: "USD", scale: 2 }}"#);
    let payer = Payer { frames: &[HELLO, MONEY], ..Payer::default() };
    let reply = payer.money(5).accept(None, &mut random());
    assert_eq!(payer.read(&reply), ("fulfill".to_owned(), 5, details.clone()));
    let payer = Payer { frames: &[HELLO], is_fulfillable: false, ..Payer::default() };
    assert_eq!(payer.answer(5, None), ("F99".to_owned(), 5, details));
    let credentials = receiver().credentials(None, None, &mut random()).unwrap();
    let payer = Payer { credentials, ..payer };
    assert_eq!(payer.answer(5, None), ("F99".to_owned(), 5, no_data.to_owned()));
}

#[test]
fn probes_farewells_and_empty_packets_bring_no_money() {
    let f99 = |frames: &str| ("F99".to_owned(), 89, frames.to_owned());
    let too_little = Payer { minimum: 90, ..Payer::default() };
    assert_eq!(too_little.answer(89, None), f99(""));
    let unfulfillable = Payer { is_fulfillable: false, ..Payer::default() };
    let limits = Some(Limits { receive_max: 7, total_received: 0 });
    let told = "StreamMaxMoney { stream_id: 1, receive_max: 7, total_received: 0 }";
    assert_eq!(unfulfillable.answer(89, limits), f99(told));
    let close = Frame::ConnectionClose { code: CloseCode::NO_ERROR, message: b"" };
    let farewell = Payer { frames: &[close], ..Payer::default() };
    assert_eq!(farewell.answer(89, None), f99("ConnectionClose { code: NoError, message: [] }"));
    let empty = Payer::default();
    assert_eq!(empty.answer(0, None), ("fulfill".to_owned(), 0, String::new()));
}

/// Returns the text of the frame that closes a connection.
fn close(code: &str, message: &str) -> String {
    format!("ConnectionClose {{ code: {code}, message: {:?} }}", message.as_bytes())
}

#[test]
fn data_that_goes_nowhere_is_not_acknowledged() {
    let data = Frame::StreamData { stream_id: 1, offset: 0, data: b"{\"sender\":\"Alice\"}" };
    let refused = close("FlowControlError", "this receiver takes no data");
    // The packet carries money, or none, or is a probe.
    for (arrived, is_fulfillable) in [(95, true), (0, true), (95, false)] {
        let payer = Payer { frames: &[MONEY, data], is_fulfillable, ..Payer::default() };
        assert_eq!(payer.answer(arrived, None), ("F99".to_owned(), arrived, refused.clone()));
    }
    // An empty data frame has no data that could be lost.
    let nothing = Frame::StreamData { stream_id: 1, offset: 0, data: b"" };
    let payer = Payer { frames: &[MONEY, nothing], ..Payer::default() };
    assert_eq!(payer.money(95).amount(), 95);
    // A farewell ends the connection even if it brings data.
    let bye = Frame::ConnectionClose { code: CloseCode::NO_ERROR, message: b"" };
    let payer = Payer { frames: &[bye, data], ..Payer::default() };
    assert_eq!(payer.answer(95, None), ("F99".to_owned(), 95, close("NoError", "")));
}

#[test]
fn streams_that_a_payer_may_not_open_end_the_connection() {
    let refused = close("ProtocolViolation", "a payer's streams have odd numbers");
    for stream_id in [0, 2, u64::MAX - 1] {
        for frame in [
            Frame::StreamMoney { stream_id, shares: 1 },
            Frame::StreamData { stream_id, offset: 0, data: b"data" },
            Frame::StreamMaxMoney { stream_id, receive_max: 1, total_received: 0 },
            Frame::StreamMaxData { stream_id, max_offset: 1 },
        ] {
            for is_fulfillable in [true, false] {
                let payer = Payer { frames: &[MONEY, frame], is_fulfillable, ..Payer::default() };
                let answer = payer.answer(95, None);
                assert_eq!(answer, ("F99".to_owned(), 95, refused.clone()), "{frame:?}");
            }
        }
    }
    let third = Frame::StreamMoney { stream_id: 3, shares: 1 };
    assert_eq!(Payer { frames: &[MONEY, third], ..Payer::default() }.money(95).amount(), 95);
}

#[test]
fn money_beyond_what_the_payer_was_told_ends_the_connection() {
    let payer = Payer { minimum: 90, ..Payer::default() };
    let money = payer.money(95);
    assert_eq!((money.amount(), money.minimum()), (95, 90));
    let limits = Limits { receive_max: 80, total_received: 0 };
    let reply = payer.money(95).decline_beyond_limit(limits, &mut random());
    let told = "StreamMaxMoney { stream_id: 1, receive_max: 80, total_received: 0 }";
    let close =
        close("FlowControlError", "this is more than the receiveMax that the payer was told");
    assert_eq!(payer.read(&reply), ("F99".to_owned(), 95, format!("{told} {close}")));
}

#[test]
fn a_connection_ends_with_the_last_packet_that_its_secret_is_good_for() {
    const LAST: u64 = 1 << 31;
    let payer = Payer { sequence: LAST - 1, ..Payer::default() };
    let reply = payer.money(95).accept(None, &mut random());
    assert_eq!(payer.read(&reply), ("fulfill".to_owned(), 95, String::new()));
    let payer = Payer { sequence: LAST, ..Payer::default() };
    let reply = payer.money(95).accept(None, &mut random());
    assert_eq!(payer.read(&reply), ("fulfill".to_owned(), 95, close("NoError", "")));
    let probe = Payer { sequence: LAST, is_fulfillable: false, ..Payer::default() };
    assert_eq!(probe.answer(95, None), ("F99".to_owned(), 95, close("NoError", "")));
    let words = "the connection has carried as many packets as is safe with one secret";
    let refused = close("ProtocolViolation", words);
    for sequence in [LAST + 1, u64::MAX] {
        for (arrived, is_fulfillable) in [(95, true), (0, true), (95, false)] {
            let payer = Payer { sequence, is_fulfillable, ..Payer::default() };
            assert_eq!(payer.answer(arrived, None), ("F99".to_owned(), arrived, refused.clone()));
        }
    }
}

#[test]
fn packets_that_are_not_ours_are_refused_without_a_word_of_data() {
    let payer = Payer::default();
    let destination = payer.credentials.destination.as_str();
    let elsewhere = [
        ("test.receiver", "F02"),
        ("test.receivers.abc", "F02"),
        ("test.other.abc", "F02"),
        ("test.receiver.abc", "F02"),
        ("test.receiver.~~~~", "F02"),
        (&destination.replace("test.receiver.", "test.receiver.A"), "F06"),
    ]
    .map(|(text, code)| (text.parse::<Address>().unwrap(), code));
    for (destination, code) in elsewhere {
        let shared_secret = payer.credentials.shared_secret.clone();
        let credentials = Credentials { destination, shared_secret };
        let prepare = Payer { credentials, ..Payer::default() }.prepare();
        assert_eq!(code_of(&prepare), code, "{prepare:?}");
    }
    assert_eq!(code_of(&payer.carry(b"")), "F06");
    assert_eq!(code_of(&payer.carry(&[0; 50])), "F06");
    let reply = Payer { packet_type: PacketType::Fulfill, ..Payer::default() };
    assert_eq!(code_of(&reply.prepare()), "F00");
    // Decrypts, but is no STREAM packet, or one of another version.
    for (plaintext, code) in [(&b"\x01\x0c\x01"[..], "F06"), (b"\x02\x0c", "F00")] {
        let data = payer.keys().encrypt(plaintext, &mut random());
        assert_eq!(code_of(&payer.carry(&data)), code);
    }
}

#[test]
fn a_token_has_one_spelling() {
    let mut with_unused_bits = 0;
    for tag in [&b"a"[..], b"ab", b"abc"] {
        let credentials = receiver().credentials(Some(tag), None, &mut random()).unwrap();
        let text = credentials.destination.as_str();
        if text.rsplit('.').next().unwrap().len().is_multiple_of(4) {
            continue;
        }
        // The bits behind the token's last byte are zero, so the next digit sets the lowest of them.
        let (rest, last) = text.split_at(text.len() - 1);
        let next = char::from(last.as_bytes()[0] + 1);
        let destination = format!("{rest}{next}").parse().unwrap();
        let other = Credentials { destination, ..credentials };
        assert_eq!(code_of(&Payer { credentials: other, ..Payer::default() }.prepare()), "F02");
        with_unused_bits += 1;
    }
    assert_eq!(with_unused_bits, 2);
}

#[test]
fn segments_behind_the_token_are_the_payers_business() {
    let Credentials { destination, shared_secret } = credentials();
    let longer = destination.with_suffix("more.of_it").unwrap();
    let credentials = Credentials { destination: longer, shared_secret };
    let payer = Payer { credentials, ..Payer::default() };
    let money = payer.money(5);
    assert_eq!(money.connection(), Payer::default().money(5).connection());
}

#[test]
fn another_receiver_with_the_same_secret_takes_the_same_credentials() {
    let credentials = credentials();
    let prepare = Payer { credentials, ..Payer::default() }.prepare();
    let other = Receiver::new(&SERVER_SECRET, "test.receiver".parse().unwrap());
    let incoming = other.open(&prepare, 5).unwrap();
    assert_eq!(incoming.tag().unwrap(), "alice");
    assert_eq!(incoming.asset(), Some(&asset()));
    let stranger = Receiver::new(&[8; 32], "test.receiver".parse().unwrap());
    assert_eq!(stranger.open(&prepare, 5).unwrap_err().code().as_str(), "F06");
}

#[test]
fn connections_differ_and_neither_secrets_nor_fulfillments_are_printed() {
    let mut random = random();
    let [first, second] = [(); 2].map(|()| {
        let credentials = receiver().credentials(None, None, &mut random).unwrap();
        Payer { credentials, ..Payer::default() }.money(5)
    });
    assert_ne!(first.connection(), second.connection());
    let shown = format!("{first:?} {:?}", receiver());
    assert!(shown.starts_with("Money(Request { connection: ConnectionId("), "{shown}");
    assert!(shown.ends_with(r#"sequence: 42, .. }) Receiver { address: "test.receiver", .. }"#));
}

#[test]
fn a_tag_too_long_for_an_address_is_an_error() {
    assert!(receiver().credentials(Some(&[1; 700]), None, &mut random()).is_ok());
    let error = receiver().credentials(Some(&[1; 800]), None, &mut random()).unwrap_err();
    assert!(error.to_string().contains("1023"), "{error}");
}

/// A token with a receipt's nonce and secret in it, as `@interledger/stream-receiver` writes them.
#[test]
fn receipt_setups_in_tokens_are_skipped() {
    let token = [&[7, 1, b'x'][..], &[0; 48], &[3], b"EUR", &[9]].concat();
    let contents = TokenContents::read(&token).unwrap();
    let asset = Asset { code: "EUR".to_owned(), scale: 9 };
    assert_eq!(contents, TokenContents { tag: Some(Bytes::from("x")), asset: Some(asset) });
    assert_eq!(TokenContents::read(&token[..20]), None);
    assert_eq!(TokenContents::read(&[]), None);
    assert_eq!(TokenContents::read(&[0]), Some(TokenContents::default()));
}

proptest! {
    #[test]
    fn tags_and_assets_come_back(
        tag in proptest::option::of(vec(any::<u8>(), 0..300)),
        code in proptest::option::of("\\PC{0,20}"),
        scale in any::<u8>(),
        amount in 1..u64::MAX,
    ) {
        let asset = code.map(|code| Asset { code, scale });
        let credentials =
            receiver().credentials(tag.as_deref(), asset.as_ref(), &mut random()).unwrap();
        let prepare = Payer { credentials, ..Payer::default() }.prepare();
        let incoming = receiver().open(&prepare, amount).unwrap();
        prop_assert_eq!(incoming.tag().map(|tag| tag.to_vec()), tag);
        prop_assert_eq!(incoming.asset(), asset.as_ref());
        prop_assert_eq!(incoming.amount(), amount);
    }

    #[test]
    fn any_data_and_any_token_is_answered(
        data in vec(any::<u8>(), 0..100),
        segment in "[A-Za-z0-9_-]{1,90}",
        token in vec(any::<u8>(), 0..100),
    ) {
        let payer = Payer::default();
        prop_assert_eq!(code_of(&payer.carry(&data)), "F06");
        let destination = receiver().address().with_suffix(&segment).unwrap();
        let shared_secret = payer.credentials.shared_secret.clone();
        let credentials = Credentials { destination, shared_secret };
        let code = code_of(&Payer { credentials, ..payer }.prepare());
        prop_assert!(code == "F02" || code == "F06", "{}", code);
        let _ = TokenContents::read(&token);
    }
}
