//! Checks of what operators type, done once and here. What comes back is right by its type, or a
//! text that was found good; the checks are pure and take no look at the store.

use ilp_connector::{
    conversion::Spread,
    rate::Rate,
    token::{Secret, TokenDigest},
};
use ilp_net::Endpoint;
use interledger_packet::{Address, AddressPrefix};
use uuid::{Uuid, Variant};

use super::error::{ErrorKind, OperatorError};

/// Longest name of a peer, in characters: one line on a screen.
const NAME_CHARACTERS_MAX: usize = 256;
/// Longest code of an asset, in bytes. ISO 4217 has three letters, tokens rarely more than ten.
const ASSET_CODE_BYTES_MAX: usize = 32;
/// Longest token, in bytes. Servers take 8 KiB of headers, of which the token is one.
const TOKEN_BYTES_MAX: usize = 2048;
/// Most tokens that one peer may show. Two are enough to change them without an outage.
const TOKENS_MAX: usize = 64;
/// Most routes of one peer; with the longest addresses the record's own bound comes first.
const ROUTES_MAX: usize = 1000;

/// Parses an id as the admin API writes it: 36 characters, hexadecimal with hyphens.
pub(crate) fn id(text: &str) -> Option<Uuid> {
    // The uuid crate also reads braces, a `urn:` prefix and no hyphens at all.
    if text.len() == 36 { Uuid::try_parse(text).ok() } else { None }
}

/// An id under which a client wants money moved. It must be one that clients make at random or by
/// the clock, so that no two of them meet by accident.
pub(crate) fn transfer_id(text: &str) -> Result<Uuid, OperatorError> {
    id(text)
        .filter(|id| id.get_variant() == Variant::RFC4122)
        .filter(|id| matches!(id.get_version_num(), 4 | 7))
        .ok_or_else(|| {
            OperatorError::new(
                ErrorKind::BadInput,
                "Invalid transfer id: a UUID of version 4 or 7 is expected",
            )
        })
}

/// The begin of the message that refuses an edit based on another version than the stored one.
pub const VERSION_CONFLICT: &str = "Version conflict";

/// Refuses an edit that is based on another version than the stored one.
pub(crate) fn version(given: Option<u64>, stored: u64, what: &str) -> Result<(), OperatorError> {
    match given {
        Some(given) if given != stored => Err(OperatorError::new(
            ErrorKind::Conflict,
            format!(
                "{VERSION_CONFLICT}: the edit was made of version {given} and the {what} is at version \
                 {stored} since; read it again and edit that"
            ),
        )),
        _ => Ok(()),
    }
}

/// A peer's own address. `own` is the node's.
pub(crate) fn peer_address(text: &str, own: &Address) -> Result<Address, OperatorError> {
    let invalid = |why: String| OperatorError::bad_input("invalid ILP address", why);
    let address: Address = text.parse().map_err(|error| invalid(format!("{error}")))?;
    if is_peer_scheme(&address) {
        return Err(invalid(PEER_SCHEME.to_owned()));
    }
    if address == *own {
        return Err(invalid(format!("{text} is this node's own address")));
    }
    Ok(address)
}

const PEER_SCHEME: &str = "addresses in peer. mean the direct neighbour and are never routed";

fn is_peer_scheme(text: &impl AsRef<str>) -> bool {
    text.as_ref().split('.').next() == Some("peer")
}

/// Parses the prefixes that are reached through a peer, each of which is kept once.
pub(crate) fn routes(texts: &[String]) -> Result<Vec<AddressPrefix>, OperatorError> {
    let invalid =
        |why: String| OperatorError::bad_input("invalid ILP address", format!("in routes: {why}"));
    if texts.len() > ROUTES_MAX {
        return Err(invalid(format!("{} given, at most {ROUTES_MAX} are taken", texts.len())));
    }
    let mut routes = Vec::new();
    for text in texts {
        let route: AddressPrefix = text.parse().map_err(|error| invalid(format!("{error}")))?;
        if is_peer_scheme(&route) {
            return Err(invalid(PEER_SCHEME.to_owned()));
        }
        if !routes.contains(&route) {
            routes.push(route);
        }
    }
    Ok(routes)
}

/// The token that we show a peer.
pub(crate) fn outgoing_token(token: &Secret) -> Result<(), OperatorError> {
    token_text(token.reveal())
        .map_err(|why| OperatorError::bad_input("invalid outgoing token", why))
}

/// The tokens that a peer may show us, of which only the digests are kept.
pub(crate) fn incoming_tokens(tokens: &[Secret]) -> Result<Vec<TokenDigest>, OperatorError> {
    let invalid = |why: String| OperatorError::bad_input("invalid incoming token", why);
    if tokens.is_empty() {
        return Err(invalid(
            "authTokens is empty: give one token at least, or leave http.incoming out".to_owned(),
        ));
    }
    incoming_token_count(tokens.len())?;
    let mut digests = Vec::with_capacity(tokens.len());
    for token in tokens {
        token_text(token.reveal()).map_err(invalid)?;
        let digest = TokenDigest::of(token.reveal().as_bytes());
        if digests.contains(&digest) {
            return Err(OperatorError::new(
                ErrorKind::Duplicate,
                "duplicate incoming token: one is given twice",
            ));
        }
        digests.push(digest);
    }
    Ok(digests)
}

/// How many tokens one peer may have.
pub(crate) fn incoming_token_count(count: usize) -> Result<(), OperatorError> {
    if count > TOKENS_MAX {
        let why = format!("{count} given, at most {TOKENS_MAX} are taken");
        return Err(OperatorError::bad_input("invalid incoming token", why));
    }
    Ok(())
}

/// A token travels as `Authorization: Bearer TOKEN`, so it must survive being part of a header.
/// What it says isn't repeated in the answer: it may be right but for one character.
fn token_text(token: &str) -> Result<(), String> {
    if token.is_empty() {
        return Err("it is empty".to_owned());
    }
    if token.len() > TOKEN_BYTES_MAX {
        return Err(format!("it has {} bytes, at most {TOKEN_BYTES_MAX} are taken", token.len()));
    }
    match token.chars().position(|character| !character.is_ascii_graphic()) {
        Some(position) => Err(format!(
            "character {} can't stand in an HTTP header; letters, digits and visible ASCII signs \
             can",
            position + 1
        )),
        None => Ok(()),
    }
}

/// Parses the endpoint at which a peer takes packets.
pub(crate) fn endpoint(text: &str) -> Result<Endpoint, OperatorError> {
    Endpoint::parse(text).map_err(|why| OperatorError::bad_input("invalid HTTP endpoint", why))
}

/// Refuses a maximum of zero, which no packet that carries money could meet; `None` is accepted.
pub(crate) fn max_packet_amount(maximum: Option<u64>) -> Result<(), OperatorError> {
    if maximum == Some(0) {
        return Err(OperatorError::bad_input(
            "invalid maxPacketAmount",
            "0 would refuse every packet that carries money; leave it out, or set null, for the \
             node's default",
        ));
    }
    Ok(())
}

/// A peer's name: for people, so anything that a line can show.
pub(crate) fn name(name: &str) -> Result<(), OperatorError> {
    let invalid = |why: String| OperatorError::bad_input("invalid name", why);
    let characters = name.chars().count();
    if characters > NAME_CHARACTERS_MAX {
        return Err(invalid(format!(
            "it has {characters} characters, at most {NAME_CHARACTERS_MAX} are taken"
        )));
    }
    match name.chars().position(steers) {
        Some(position) => Err(invalid(format!(
            "character {} is a control sign, or turns round what stands beside it",
            position + 1
        ))),
        None => Ok(()),
    }
}

/// What the node keeps of what a peer sends.
pub(crate) fn spread(basis_points: i32) -> Result<Spread, OperatorError> {
    let spread = u16::try_from(basis_points).ok().and_then(Spread::new);
    spread.ok_or_else(|| {
        OperatorError::bad_input(
            "invalid spreadBasisPoints",
            format!("{basis_points} is not between 0 and 10000, which is all of it"),
        )
    })
}

/// An exchange rate.
pub(crate) fn rate(text: &str) -> Result<Rate, OperatorError> {
    text.parse().map_err(|error| {
        // What was given may be as long as the whole request.
        let shown: String = text.chars().take(40).collect();
        OperatorError::bad_input("invalid rate", format!("{shown:?}: {error}"))
    })
}

/// The codes of the two assets that a rate is between.
pub(crate) fn rate_codes(base: &str, quote: &str) -> Result<(), OperatorError> {
    asset_code(base)?;
    asset_code(quote)?;
    if base == quote {
        return Err(OperatorError::bad_input(
            "invalid rate",
            "base and quote are the same, and an asset is always worth itself",
        ));
    }
    Ok(())
}

/// An asset's code.
pub(crate) fn asset_code(code: &str) -> Result<(), OperatorError> {
    let invalid = |why: String| OperatorError::bad_input("invalid asset code", why);
    if code.trim().is_empty() {
        return Err(invalid("it is empty, a code such as USD is expected".to_owned()));
    }
    if code.len() > ASSET_CODE_BYTES_MAX {
        return Err(invalid(format!(
            "it has {} bytes, at most {ASSET_CODE_BYTES_MAX} are taken",
            code.len()
        )));
    }
    if code.chars().any(|it| it.is_whitespace() || steers(it) || joins(it)) {
        return Err(invalid(
            "it has white space, control signs or signs that can't be seen".to_owned(),
        ));
    }
    Ok(())
}

/// Whether a character does something to what is shown beside it, other than being shown itself:
/// control signs, ends of lines, and the signs that turn the direction of writing round, with which a
/// name can be made to look like another one. Names come from other nodes too.
#[must_use]
pub fn steers(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
                | '\u{fff9}'..='\u{fffb}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// Whether a character can't be seen at all. Some scripts and emoji need a few of these within names;
/// a code that has one only looks like another code.
fn joins(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2065}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Address {
        "test.own".parse().unwrap()
    }

    #[test]
    fn ids_have_one_form() {
        assert!(id("019926a0-3b5c-7def-8123-456789abcdef").is_some());
        for wrong in [
            "",
            "1",
            "not-a-uuid",
            "019926a03b5c7def8123456789abcdef",
            "{019926a0-3b5c-7def-8123-456789abcdef}",
        ] {
            assert_eq!(id(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn transfer_ids_are_of_version_4_or_7() {
        assert!(transfer_id("019926a0-3b5c-7def-8123-456789abcdef").is_ok());
        assert!(transfer_id("0F9926A0-3B5C-4DEF-8123-456789ABCDEF").is_ok());
        for wrong in [
            "",
            "1",
            "00000000-0000-0000-0000-000000000000",
            "019926a0-3b5c-1def-8123-456789abcdef",
            "019926a0-3b5c-4def-c123-456789abcdef",
        ] {
            let error = transfer_id(wrong).unwrap_err();
            assert!(error.message().starts_with("Invalid transfer id"), "{wrong}");
        }
    }

    #[test]
    fn a_peers_address_is_a_neighbours() {
        assert!(peer_address("g.othergreatwallet", &own()).is_ok());
        assert!(peer_address("test.own.child", &own()).is_ok());
        for wrong in ["", "g", "g.", "g..a", "nope.a", "g.a b", "peer.config", "test.own"] {
            let error = peer_address(wrong, &own()).unwrap_err();
            assert!(error.message().starts_with("invalid ILP address: "), "{wrong}: {error}");
        }
    }

    #[test]
    fn routes_are_prefixes_told_once() {
        let given = ["g", "g.bob", "g.carol", "g", "test.x"].map(str::to_owned);
        assert_eq!(routes(&given).unwrap(), ["g", "g.bob", "g.carol", "test.x"]);
        for wrong in ["", "foo", "g..a", "peer", "peer.a"] {
            let error = routes(&[wrong.to_owned()]).unwrap_err();
            assert!(error.message().starts_with("invalid ILP address: "), "{wrong}: {error}");
        }
    }

    #[test]
    fn tokens_stand_in_a_header_and_are_never_repeated() {
        let tokens = |texts: &[&str]| {
            incoming_tokens(
                &texts.iter().map(|text| Secret::new((*text).to_owned())).collect::<Vec<_>>(),
            )
        };
        assert_eq!(tokens(&["mytoken", "a+/=~!"]).unwrap().len(), 2);
        for wrong in ["", "my token", "tab\t", "line\r\nInjected: yes", "grün", "nul\0"] {
            let error = tokens(&[wrong]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadInput);
            assert!(wrong.is_empty() || !error.message().contains(wrong), "{error}");
        }
        assert_eq!(tokens(&[]).unwrap_err().kind(), ErrorKind::BadInput);
        assert_eq!(tokens(&["a", "b", "a"]).unwrap_err().kind(), ErrorKind::Duplicate);
        assert!(tokens(&["x".repeat(TOKEN_BYTES_MAX + 1).as_str()]).is_err());
    }

    #[test]
    fn rates_and_spreads_say_what_they_may_be() {
        assert!(rate("0.92").is_ok() && rate_codes("USD", "EUR").is_ok());
        for wrong in ["", "0", "-1", "1e3", "NaN", "1/3", &"9".repeat(1_000)] {
            let message = rate(wrong).unwrap_err().message().to_owned();
            assert!(message.starts_with("invalid rate: ") && message.len() < 150, "{message}");
        }
        assert!(rate_codes("USD", "USD").is_err() && rate_codes("", "USD").is_err());
        assert_eq!(spread(10_000).map(Spread::basis_points), Ok(10_000));
        for wrong in [-1, 10_001, i32::MAX, i32::MIN] {
            let error = spread(wrong).unwrap_err();
            assert!(error.message().starts_with("invalid spreadBasisPoints: "), "{error}");
        }
    }

    #[test]
    fn names_and_codes_are_bounded() {
        assert!(name(&"ñ".repeat(NAME_CHARACTERS_MAX)).is_ok());
        assert!(name(&"n".repeat(NAME_CHARACTERS_MAX + 1)).is_err());
        for steering in ["two\nlines", "\u{1b}[2J", "evil\u{202e}knab", "a\u{2066}b", "a\u{2028}b"]
        {
            assert!(name(steering).is_err(), "{steering:?}");
        }
        for written in ["بنك نيروبي", "می\u{200c}خواهم", "👩\u{200d}🌾 market"]
        {
            assert!(name(written).is_ok(), "{written}");
        }
        assert!(asset_code("USD").is_ok());
        for wrong in ["", "  ", "U D", "X\n", "USD\u{200b}", "\u{202e}DSU", "\u{feff}USD"] {
            assert!(asset_code(wrong).is_err(), "{wrong:?}");
        }
        assert!(asset_code(&"X".repeat(ASSET_CODE_BYTES_MAX + 1)).is_err());
    }
}
