//! Checks of single fields while somebody is still typing the others. Every operation checks all of
//! its input again.

use ilp_connector::token::Secret;

use crate::{
    assets::{Assets, error::AssetError},
    peers::{Peers, error::PeerError},
    vocabulary::{check, name},
};

/// One field of a peer, as it was typed.
#[derive(Clone, Copy, Debug)]
pub enum PeerField<'a> {
    /// Its own ILP address.
    Address(&'a str),
    /// For people.
    Name(&'a str),
    /// Where it takes packets.
    Endpoint(&'a str),
    /// The token that we show the peer.
    OutgoingToken(&'a Secret),
    /// The tokens that the peer may show us.
    IncomingTokens(&'a [Secret]),
    /// The further prefixes that are reached through the peer.
    Routes(&'a [String]),
}

impl Peers<'_> {
    /// Whether a peer may have that, as far as the field alone tells.
    ///
    /// # Errors
    /// Bad input, or a duplicate within the field.
    pub fn check_field(self, field: PeerField<'_>) -> Result<(), PeerError> {
        let parts = &self.on.inner.parts;
        match field {
            PeerField::Address(address) => {
                check::peer_address(address, parts.connector.address()).map(drop)
            }
            PeerField::Name(name) => name::check(name).map_err(PeerError::Name),
            PeerField::Endpoint(endpoint) => check::endpoint(endpoint).map(drop),
            PeerField::OutgoingToken(token) => check::outgoing_token(token),
            PeerField::IncomingTokens(tokens) => check::incoming_tokens(tokens).map(drop),
            PeerField::Routes(routes) => check::routes(routes).map(drop),
        }
    }
}

impl Assets<'_> {
    /// Whether an asset may have that code.
    ///
    /// # Errors
    /// Bad input.
    pub fn check_code(self, code: &str) -> Result<(), AssetError> {
        Ok(check::asset_code(code)?)
    }
}
