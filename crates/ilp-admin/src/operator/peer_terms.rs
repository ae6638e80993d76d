//! What a peer's record says, and the terms that packets meet: from what was typed to the one, and
//! from that to the other.

use std::{collections::HashMap, sync::Arc};

use ilp_connector::{
    InFlightLimits,
    account::AccountId,
    conversion::Spread,
    peer::{NextHop, Peer, Terms},
    token::TokenDigest,
};
use ilp_store::{IncomingToken, InitialDeposit, PeerRecord};
use interledger_packet::AddressPrefix;
use uuid::Uuid;

use super::{
    Inner, check,
    error::OperatorError,
    inputs::{NewPeer, PeerEdit},
    views::PeerView,
};

impl Inner {
    /// Checks all of a new peer that can be checked without the store. The record lacks what is
    /// made when its turn has come: ids and time.
    pub(super) fn record_of(&self, new: NewPeer) -> Result<PeerRecord, OperatorError> {
        let asset_id = check::id(&new.asset_id);
        let empty = PeerRecord {
            id: Uuid::nil(),
            // No asset has the nil id, so it is refused as unknown, but after all that is worse.
            asset_id: asset_id.unwrap_or_default(),
            static_ilp_address: String::new(),
            name: None,
            max_packet_amount: new.max_packet_amount,
            liquidity_threshold: new.liquidity_threshold,
            routes: Vec::new(),
            endpoint: String::new(),
            outgoing_token: new.outgoing_token.clone(),
            incoming_tokens: Vec::new(),
            packets_per_minute_max: new.packets_per_minute_max,
            amount_per_second_max: new.amount_per_second_max,
            packets_in_flight_max: new.packets_in_flight_max,
            amount_in_flight_max: new.amount_in_flight_max,
            asset_share_in_flight_percent_max: new.asset_share_in_flight_percent_max,
            is_default_route: new.is_default_route,
            spread: new.spread_basis_points.map_or(Ok(Spread::NONE), check::spread)?,
            created_at_ms: 0,
            initial_deposit: (new.initial_liquidity > 0).then_some(InitialDeposit {
                transfer_id: Uuid::nil(),
                amount: new.initial_liquidity,
            }),
        };
        let rest = PeerEdit {
            static_ilp_address: Some(new.static_ilp_address),
            name: new.name.map_or(super::Edit::Keep, super::Edit::Set),
            routes: super::Edit::Set(new.routes),
            outgoing: Some((new.endpoint, new.outgoing_token)),
            incoming_tokens: new.incoming_tokens,
            ..PeerEdit::default()
        };
        self.edited(empty, rest)
    }

    /// The record after an edit, every part of which was checked.
    pub(super) fn edited(
        &self,
        mut record: PeerRecord,
        edit: PeerEdit,
    ) -> Result<PeerRecord, OperatorError> {
        if let Some(address) = edit.static_ilp_address {
            check::peer_address(&address, self.parts.connector.address())?;
            record.static_ilp_address = address;
        }
        let mut routes = Some(record.routes);
        edit.routes.apply(&mut routes);
        let routes = routes.unwrap_or_default();
        record.routes = check::routes(&routes, &record.static_ilp_address)?;
        if let super::Edit::Set(name) = &edit.name {
            check::name(name)?;
        }
        edit.name.apply(&mut record.name);
        if let Some((endpoint, token)) = edit.outgoing {
            let checked = check::endpoint_length(&endpoint)
                .and_then(|()| self.parts.network.check_endpoint(&endpoint));
            checked.map_err(|why| OperatorError::bad_input("invalid HTTP endpoint", why))?;
            check::outgoing_token(&token)?;
            record.endpoint = endpoint;
            record.outgoing_token = token;
        }
        if let Some(tokens) = edit.incoming_tokens {
            let digests = check::incoming_tokens(&tokens)?;
            record.incoming_tokens = self.dated(digests, &record.incoming_tokens);
        }
        edit.max_packet_amount.apply(&mut record.max_packet_amount);
        edit.liquidity_threshold.apply(&mut record.liquidity_threshold);
        edit.packets_per_minute_max.apply(&mut record.packets_per_minute_max);
        edit.amount_per_second_max.apply(&mut record.amount_per_second_max);
        edit.packets_in_flight_max.apply(&mut record.packets_in_flight_max);
        edit.amount_in_flight_max.apply(&mut record.amount_in_flight_max);
        edit.asset_share_in_flight_percent_max.apply(&mut record.asset_share_in_flight_percent_max);
        check::asset_share_percent(record.asset_share_in_flight_percent_max)?;
        record.is_default_route = edit.is_default_route.unwrap_or(record.is_default_route);
        match edit.spread_basis_points {
            super::Edit::Keep => {}
            super::Edit::Clear => record.spread = Spread::NONE,
            super::Edit::Set(basis_points) => record.spread = check::spread(basis_points)?,
        }
        Ok(record)
    }

    /// Tokens with their times: one that was there before keeps its own.
    fn dated(&self, digests: Vec<TokenDigest>, before: &[IncomingToken]) -> Vec<IncomingToken> {
        let created_at_ms = (self.parts.clock)().unix_ms();
        let dated = digests.into_iter().map(|digest| {
            let known = before.iter().find(|token| token.digest == digest).copied();
            known.unwrap_or(IncomingToken { digest, created_at_ms })
        });
        dated.collect()
    }

    /// The peer that packets meet, from the one that is stored.
    pub(super) fn live_peer(
        &self,
        record: &PeerRecord,
        asset: Arc<ilp_connector::peer::Asset>,
    ) -> Result<Arc<Peer>, OperatorError> {
        let account = self.ledger().account(AccountId::peer(record.id));
        let terms = self.terms(record, next_hop(record))?;
        Ok(Arc::new(Peer::new(record.id, asset, account, terms)))
    }

    /// The terms that a record stands for. Its texts were checked when they were stored, so only
    /// a damaged store makes this fail.
    pub(super) fn terms(
        &self,
        record: &PeerRecord,
        next_hop: Arc<NextHop>,
    ) -> Result<Terms, OperatorError> {
        let damaged = |what: &dyn std::fmt::Display| {
            OperatorError::internal(&format!("the stored peer {}: {what}", record.id))
        };
        let address = record.static_ilp_address.parse().map_err(|error| damaged(&error))?;
        let routes: Result<Vec<AddressPrefix>, _> =
            record.routes.iter().map(|route| route.parse()).collect();
        Ok(Terms {
            address,
            routes: routes.map_err(|error| damaged(&error))?,
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

    /// Peers share few assets, so each is read once.
    pub(super) fn peer_views(
        &self,
        records: Vec<PeerRecord>,
    ) -> Result<Vec<PeerView>, OperatorError> {
        let mut assets = HashMap::new();
        let mut views = Vec::with_capacity(records.len());
        for record in records {
            let view = match assets.get(&record.asset_id) {
                Some(asset) => self.peer_view_with(record, Clone::clone(asset)),
                None => self.peer_view(record)?,
            };
            assets.entry(view.record.asset_id).or_insert_with(|| view.asset.clone());
            views.push(view);
        }
        Ok(views)
    }
}

pub(super) fn next_hop(record: &PeerRecord) -> Arc<NextHop> {
    Arc::new(NextHop::new(record.endpoint.clone(), record.outgoing_token.clone()))
}
