//! From the peer that is stored to the one that packets meet.

use std::sync::Arc;

use ilp_connector::{
    InFlightLimits,
    account::AccountId,
    peer::{Asset, NextHop, Peer, Terms},
};
use ilp_store::PeerRecord;
use interledger_packet::AddressPrefix;

use crate::{
    node::operator::Inner,
    vocabulary::error::{Inconsistency, OperatorError},
};

impl Inner {
    /// The peer that packets meet, from the one that is stored.
    pub(crate) fn live_peer(
        &self,
        record: &PeerRecord,
        asset: Arc<Asset>,
    ) -> Result<Arc<Peer>, OperatorError> {
        let account = self.ledger().account(AccountId::peer(record.id));
        let terms = self.terms(record, next_hop(record))?;
        Ok(Arc::new(Peer::new(record.id, asset, account, terms)))
    }

    /// The terms that a record stands for. Its texts were checked when they were stored, so only
    /// a damaged store makes this fail.
    pub(crate) fn terms(
        &self,
        record: &PeerRecord,
        next_hop: NextHop,
    ) -> Result<Terms, OperatorError> {
        let damaged = |source| Inconsistency::StoredAddress { peer: record.id, source };
        let address = record.static_ilp_address.parse().map_err(damaged)?;
        let routes: Result<Vec<AddressPrefix>, _> =
            record.routes.iter().map(|route| route.parse()).collect();
        Ok(Terms {
            address,
            routes: routes.map_err(damaged)?,
            is_default_route: record.is_default_route,
            tokens: record.incoming_tokens.iter().map(|token| token.digest).collect(),
            max_packet_amount: record.max_packet_amount,
            packets_per_minute_max: record.packets_per_minute_max,
            amount_per_second_max: record.amount_per_second_max,
            in_flight: InFlightLimits {
                packets_max: record.packets_in_flight_max,
                amount_max: record.amount_in_flight_max,
                asset_share_percent_max: record.asset_share_in_flight_percent_max,
            },
            spread: record.spread,
            next_hop,
        })
    }
}

/// A next hop that no connection leads to yet.
pub(crate) fn next_hop(record: &PeerRecord) -> NextHop {
    NextHop::new(record.endpoint.clone(), record.outgoing_token.clone())
}
