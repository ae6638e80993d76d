//! From the terms that an operator gives to those that are stored, and from these to the terms that
//! packets meet.

use std::sync::Arc;

use ilp_connector::{
    account::AccountId,
    conversion::Spread,
    peer::{Asset, NextHop, Peer, Terms},
    token::{Secret, TokenDigest},
};
use ilp_store::{IncomingToken, InitialDeposit, PeerRecord, PeerTerms};
use uuid::Uuid;

use crate::{
    node::operator::Inner,
    peers::{
        error::PeerError,
        inputs::{NewPeer, PeerTermsEdit},
    },
    vocabulary::{check, edit::Edit, error::OperatorError, name},
};

impl Inner {
    /// Parses all of a new peer that can be parsed without the store. The record lacks what is made
    /// when its turn has come: ids and time.
    pub(crate) fn record_of(&self, new: NewPeer) -> Result<PeerRecord, OperatorError> {
        // Clients know the order of refusals, which for a new peer begins with its numbers.
        max_packet_amount(&new.terms)?;
        spread(&new.terms)?;
        let asset_id = check::id(&new.asset_id);
        Ok(PeerRecord {
            id: Uuid::nil(),
            // No asset has the nil id, so it is refused as unknown, but after all that is worse.
            asset_id: asset_id.unwrap_or_default(),
            terms: self.parse_terms(new.terms, None)?,
            created_at_ms: 0,
            version: 0,
            initial_deposit: (new.initial_liquidity > 0).then_some(InitialDeposit {
                transfer_id: Uuid::nil(),
                amount: new.initial_liquidity,
            }),
        })
    }

    /// Parses an edit, and returns the terms that it makes of those before; a new peer has none.
    pub(crate) fn parse_terms(
        &self,
        edit: PeerTermsEdit,
        before: Option<PeerTerms>,
    ) -> Result<PeerTerms, OperatorError> {
        let max_packet_amount = max_packet_amount(&edit);
        let spread = spread(&edit);
        let is_new = before.is_none();
        let address = match (edit.static_ilp_address, &before) {
            (None, Some(before)) => before.address.clone(),
            (given, _) => {
                check::peer_address(&given.unwrap_or_default(), self.parts.connector.address())?
            }
        };
        let mut terms = before.unwrap_or_else(|| PeerTerms::at(address.clone()));
        terms.address = address;
        match edit.routes {
            Edit::Keep => {}
            Edit::Clear => terms.routes.clear(),
            Edit::Set(routes) => terms.routes = check::routes(&routes)?,
        }
        // The peer's own address is implied.
        terms.routes.retain(|route| route.as_str() != terms.address.as_str());
        if let Edit::Set(name) = &edit.name {
            name::check(name).map_err(PeerError::Name)?;
        }
        edit.name.apply(&mut terms.name);
        // A new peer needs both, so one that is missing is refused as an empty one is.
        let outgoing = edit.outgoing.or_else(|| is_new.then(no_link));
        if let Some((endpoint, token)) = outgoing {
            check::endpoint(&endpoint)?;
            check::outgoing_token(&token)?;
            terms.endpoint = endpoint;
            terms.outgoing_token = token;
        }
        if let Some(tokens) = edit.incoming_tokens {
            let digests = check::incoming_tokens(&tokens)?;
            terms.incoming_tokens = self.dated(digests, &terms.incoming_tokens);
        }
        max_packet_amount?.apply(&mut terms.max_packet_amount);
        edit.liquidity_threshold.apply(&mut terms.liquidity_threshold);
        edit.limits.apply(&mut terms.limits)?;
        terms.is_default_route = edit.is_default_route.unwrap_or(terms.is_default_route);
        terms.spread = match spread? {
            Edit::Keep => terms.spread,
            Edit::Clear => Spread::NONE,
            Edit::Set(spread) => spread,
        };
        Ok(terms)
    }

    /// Returns tokens with their times: one that was there before keeps its own.
    fn dated(&self, digests: Vec<TokenDigest>, before: &[IncomingToken]) -> Vec<IncomingToken> {
        let created_at_ms = (self.parts.clock)().unix_ms();
        let dated = digests.into_iter().map(|digest| {
            let known = before.iter().find(|token| token.digest == digest).copied();
            known.unwrap_or(IncomingToken { digest, created_at_ms })
        });
        dated.collect()
    }

    /// Returns the peer that packets meet, from the one that is stored.
    pub(crate) fn live_peer(&self, record: &PeerRecord, asset: Arc<Asset>) -> Arc<Peer> {
        let account = self.ledger().account(AccountId::peer(record.id));
        let terms = live_terms(&record.terms, next_hop(&record.terms));
        Arc::new(Peer::new(record.id, asset, account, terms))
    }
}

fn max_packet_amount(edit: &PeerTermsEdit) -> Result<Edit<u64>, PeerError> {
    let check = |maximum| check::max_packet_amount(Some(maximum)).map(|()| maximum);
    edit.max_packet_amount.clone().try_map(check)
}

fn spread(edit: &PeerTermsEdit) -> Result<Edit<Spread>, PeerError> {
    edit.spread_basis_points.clone().try_map(check::spread)
}

/// Returns the endpoint and token of a peer that was given none.
fn no_link() -> (String, Secret) {
    (String::new(), Secret::new(String::new()))
}

/// Returns the terms that packets meet, from those that are stored.
pub(crate) fn live_terms(terms: &PeerTerms, next_hop: NextHop) -> Terms {
    Terms {
        address: terms.address.clone(),
        routes: terms.routes.clone(),
        is_default_route: terms.is_default_route,
        tokens: terms.incoming_tokens.iter().map(|token| token.digest).collect(),
        max_packet_amount: terms.max_packet_amount,
        limits: terms.limits,
        spread: terms.spread,
        next_hop,
    }
}

/// Returns a next hop that no connection leads to yet.
pub(crate) fn next_hop(terms: &PeerTerms) -> NextHop {
    NextHop::new(terms.endpoint.clone(), terms.outgoing_token.clone())
}
