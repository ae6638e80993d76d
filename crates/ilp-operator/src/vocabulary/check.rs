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

use super::name::steers;
use crate::{
    assets::error::{ASSET_CODE_BYTES_MAX, AssetCodeError, RateError},
    books::error::LiquidityError,
    changes::error::{ChangeError, Versioned},
    peers::error::{
        PeerAddressError, PeerError, ROUTES_MAX, RouteError, TOKEN_BYTES_MAX, TOKENS_MAX,
        TokenError,
    },
};

/// Parses an id as the admin API writes it: 36 characters, hexadecimal with hyphens.
pub(crate) fn id(text: &str) -> Option<Uuid> {
    // The uuid crate also reads braces, a `urn:` prefix and no hyphens at all.
    if text.len() == 36 { Uuid::try_parse(text).ok() } else { None }
}

/// An id under which a client wants money moved. It must be one that clients make at random or by
/// the clock, so that no two of them meet by accident.
pub(crate) fn transfer_id(text: &str) -> Result<Uuid, LiquidityError> {
    id(text)
        .filter(|id| id.get_variant() == Variant::RFC4122)
        .filter(|id| matches!(id.get_version_num(), 4 | 7))
        .ok_or(LiquidityError::TransferId)
}

/// Refuses an edit that is based on another version than the stored one.
pub(crate) fn version(
    given: Option<u64>,
    stored: u64,
    object: Versioned,
) -> Result<(), ChangeError> {
    match given {
        Some(given) if given != stored => {
            Err(ChangeError::VersionConflict { object, given, stored })
        }
        _ => Ok(()),
    }
}

/// A peer's own address. `own` is the node's.
pub(crate) fn peer_address(text: &str, own: &Address) -> Result<Address, PeerError> {
    let address: Address =
        text.parse().map_err(|error| PeerError::Address(PeerAddressError::Malformed(error)))?;
    if is_peer_scheme(&address) {
        return Err(PeerError::Address(PeerAddressError::PeerScheme));
    }
    if address == *own {
        return Err(PeerError::Address(PeerAddressError::Own(address)));
    }
    Ok(address)
}

fn is_peer_scheme(text: &impl AsRef<str>) -> bool {
    text.as_ref().split('.').next() == Some("peer")
}

/// Parses the prefixes that are reached through a peer, each of which is kept once.
pub(crate) fn routes(texts: &[String]) -> Result<Vec<AddressPrefix>, PeerError> {
    if texts.len() > ROUTES_MAX {
        return Err(PeerError::Routes(RouteError::TooMany(texts.len())));
    }
    let mut routes = Vec::new();
    for text in texts {
        let route: AddressPrefix =
            text.parse().map_err(|error| PeerError::Routes(RouteError::Malformed(error)))?;
        if is_peer_scheme(&route) {
            return Err(PeerError::Routes(RouteError::PeerScheme));
        }
        if !routes.contains(&route) {
            routes.push(route);
        }
    }
    Ok(routes)
}

/// The token that we show a peer.
pub(crate) fn outgoing_token(token: &Secret) -> Result<(), PeerError> {
    token_text(token.reveal()).map_err(PeerError::OutgoingToken)
}

/// The tokens that a peer may show us, of which only the digests are kept.
pub(crate) fn incoming_tokens(tokens: &[Secret]) -> Result<Vec<TokenDigest>, PeerError> {
    if tokens.is_empty() {
        return Err(PeerError::NoIncomingToken);
    }
    incoming_token_count(tokens.len())?;
    let mut digests = Vec::with_capacity(tokens.len());
    for token in tokens {
        token_text(token.reveal()).map_err(PeerError::IncomingToken)?;
        let digest = TokenDigest::of(token.reveal().as_bytes());
        if digests.contains(&digest) {
            return Err(PeerError::IncomingTokenTwice);
        }
        digests.push(digest);
    }
    Ok(digests)
}

/// How many tokens one peer may have.
pub(crate) fn incoming_token_count(count: usize) -> Result<(), PeerError> {
    if count > TOKENS_MAX { Err(PeerError::TooManyIncomingTokens(count)) } else { Ok(()) }
}

/// A token travels as `Authorization: Bearer TOKEN`, so it must survive being part of a header.
fn token_text(token: &str) -> Result<(), TokenError> {
    if token.is_empty() {
        return Err(TokenError::Empty);
    }
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenError::TooLong(token.len()));
    }
    match token.chars().position(|character| !character.is_ascii_graphic()) {
        Some(position) => Err(TokenError::Character(position + 1)),
        None => Ok(()),
    }
}

/// Parses the endpoint at which a peer takes packets.
pub(crate) fn endpoint(text: &str) -> Result<Endpoint, PeerError> {
    Endpoint::parse(text).map_err(PeerError::Endpoint)
}

/// Refuses a maximum of zero, which no packet that carries money could meet; `None` is accepted.
pub(crate) fn max_packet_amount(maximum: Option<u64>) -> Result<(), PeerError> {
    if maximum == Some(0) { Err(PeerError::MaxPacketAmountZero) } else { Ok(()) }
}

/// Parses the share that the node keeps of each amount a peer sends.
pub(crate) fn spread(basis_points: i32) -> Result<Spread, PeerError> {
    let spread = u16::try_from(basis_points).ok().and_then(Spread::new);
    spread.ok_or(PeerError::Spread(basis_points))
}

/// An exchange rate.
pub(crate) fn rate(text: &str) -> Result<Rate, RateError> {
    // The text may be as long as the whole request.
    text.parse().map_err(|fault| RateError::Rate { shown: text.chars().take(40).collect(), fault })
}

/// The codes of the two assets that a rate is between.
pub(crate) fn rate_codes(base: &str, quote: &str) -> Result<(), RateError> {
    asset_code(base).map_err(RateError::Base)?;
    asset_code(quote).map_err(RateError::Quote)?;
    if base == quote { Err(RateError::SameAsset) } else { Ok(()) }
}

/// An asset's code.
pub(crate) fn asset_code(code: &str) -> Result<(), AssetCodeError> {
    if code.trim().is_empty() {
        return Err(AssetCodeError::Empty);
    }
    if code.len() > ASSET_CODE_BYTES_MAX {
        return Err(AssetCodeError::TooLong(code.len()));
    }
    if code.chars().any(|it| it.is_whitespace() || steers(it) || joins(it)) {
        return Err(AssetCodeError::Invisible);
    }
    Ok(())
}

/// Whether a character can't be seen at all. Some scripts and emoji need a few of these within names;
/// a code that has one only looks like another code.
fn joins(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2065}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::reason::Reason;

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
            assert!(error == LiquidityError::TransferId, "{wrong}");
        }
    }

    #[test]
    fn a_peers_address_is_a_neighbours() {
        assert!(peer_address("g.othergreatwallet", &own()).is_ok());
        assert!(peer_address("test.own.child", &own()).is_ok());
        for wrong in ["", "g", "g.", "g..a", "nope.a", "g.a b", "peer.config", "test.own"] {
            let error = peer_address(wrong, &own()).unwrap_err();
            assert!(error.to_string().starts_with("invalid ILP address: "), "{wrong}: {error}");
        }
    }

    #[test]
    fn routes_are_prefixes_told_once() {
        let given = ["g", "g.bob", "g.carol", "g", "test.x"].map(str::to_owned);
        assert_eq!(routes(&given).unwrap(), ["g", "g.bob", "g.carol", "test.x"]);
        for wrong in ["", "foo", "g..a", "peer", "peer.a"] {
            let error = routes(&[wrong.to_owned()]).unwrap_err();
            assert!(error.to_string().starts_with("invalid ILP address: "), "{wrong}: {error}");
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
            assert_eq!(error.reason(), Reason::InvalidIncomingToken);
            assert!(wrong.is_empty() || !error.to_string().contains(wrong), "{error}");
        }
        assert_eq!(tokens(&[]).unwrap_err().reason(), Reason::InvalidIncomingToken);
        let twice = tokens(&["a", "b", "a"]).unwrap_err();
        assert_eq!(twice.reason(), Reason::DuplicateIncomingToken);
        assert!(tokens(&["x".repeat(TOKEN_BYTES_MAX + 1).as_str()]).is_err());
    }

    #[test]
    fn rates_and_spreads_say_what_they_may_be() {
        assert!(rate("0.92").is_ok() && rate_codes("USD", "EUR").is_ok());
        for wrong in ["", "0", "-1", "1e3", "NaN", "1/3", &"9".repeat(1_000)] {
            let message = rate(wrong).unwrap_err().to_string();
            assert!(message.starts_with("invalid rate: ") && message.len() < 150, "{message}");
        }
        assert!(rate_codes("USD", "USD").is_err() && rate_codes("", "USD").is_err());
        assert_eq!(spread(10_000).unwrap().basis_points(), 10_000);
        for wrong in [-1, 10_001, i32::MAX, i32::MIN] {
            let error = spread(wrong).unwrap_err();
            assert!(error.to_string().starts_with("invalid spreadBasisPoints: "), "{error}");
        }
    }

    #[test]
    fn codes_are_bounded_and_seen() {
        assert!(asset_code("USD").is_ok());
        for wrong in ["", "  ", "U D", "X\n", "USD\u{200b}", "\u{202e}DSU", "\u{feff}USD"] {
            assert!(asset_code(wrong).is_err(), "{wrong:?}");
        }
        assert!(asset_code(&"X".repeat(ASSET_CODE_BYTES_MAX + 1)).is_err());
    }
}
