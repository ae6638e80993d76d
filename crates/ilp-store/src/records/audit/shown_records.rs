//! The entries of the store that the audit log shows, and their fields.
//!
//! Every kind of entry is named here, and the records that operators edit are destructured without
//! `..`, so that a new kind or field can't be stored before it is decided how the log shows it.

use ilp_connector::conversion::Spread;
use serde::Serialize;

use super::shown::{Show, Shown};
use crate::{
    error::StoreError,
    records::{
        assets::rates::RateRecord,
        forms::{
            keys::Kind,
            peer_records::{AssetRecord, IncomingToken, InitialDeposit, PeerRecord},
            stored_form::Stored,
        },
        outbox::{Delivery, EventRecord},
        peers::peering_requests::PeeringRequestRecord,
        wallets::wallet_records::{
            AdditionalProperty, FeeKind, FeeRecord, IncomingPaymentRecord, IncomingPaymentState,
            Initiator, OutgoingPaymentRecord, OutgoingPaymentState, QuoteRecord,
            WalletAddressRecord,
        },
    },
    shown,
};

/// Returns an entry as the audit log shows it; `None` for a kind that follows from another one.
pub(crate) fn entry(kind: Kind, key: &[u8], bytes: &[u8]) -> Result<Option<Shown>, StoreError> {
    fn of<R: Stored + Show>(kind: Kind, key: &[u8], bytes: &[u8]) -> Result<Shown, StoreError> {
        Ok(R::decode(kind, key, bytes)?.show())
    }
    let shown = match kind {
        Kind::Asset => of::<AssetRecord>(kind, key, bytes)?,
        Kind::Peer => of::<PeerRecord>(kind, key, bytes)?,
        Kind::Event => of::<EventRecord>(kind, key, bytes)?,
        Kind::PeeringRequest => of::<PeeringRequestRecord>(kind, key, bytes)?,
        Kind::Rate => RateRecord::decode(key, bytes)?.show(),
        Kind::WalletAddress => of::<WalletAddressRecord>(kind, key, bytes)?,
        Kind::IncomingPayment => of::<IncomingPaymentRecord>(kind, key, bytes)?,
        Kind::Quote => of::<QuoteRecord>(kind, key, bytes)?,
        Kind::OutgoingPayment => of::<OutgoingPaymentRecord>(kind, key, bytes)?,
        Kind::Fee => of::<FeeRecord>(kind, key, bytes)?,
        // A setting may be a secret that the node generated for itself.
        Kind::Setting => Shown::Plain("(hidden)".into()),
        Kind::AssetByCode
        | Kind::PeerByAddress
        | Kind::PeerByToken
        | Kind::DeletedAsset
        | Kind::DeletedPeer
        | Kind::Idempotency
        | Kind::IdempotencyByTime
        | Kind::EventDue
        | Kind::Threshold
        | Kind::Signature
        | Kind::Audit
        | Kind::PeerBehindUrl
        | Kind::AutoPeered
        | Kind::WalletAddressByUrl
        | Kind::WalletAddressByAsset
        | Kind::IncomingPaymentByWallet
        | Kind::IncomingPaymentDue
        | Kind::QuoteByWallet
        | Kind::OutgoingPaymentByWallet
        | Kind::OutgoingPaymentByQuote
        | Kind::OutgoingPaymentUnfinished
        | Kind::Payment
        | Kind::FeeByAsset
        | Kind::FeeByPurpose => return Ok(None),
    };
    Ok(Some(shown))
}

impl Show for AssetRecord {
    fn show(&self) -> Shown {
        let Self {
            id: _,
            code,
            scale,
            withdrawal_threshold,
            liquidity_threshold,
            created_at_ms: _,
            version: _,
        } = self;
        shown! {
            "code": *code,
            "scale": *scale,
            "withdrawalThreshold": *withdrawal_threshold,
            "liquidityThreshold": *liquidity_threshold,
        }
    }
}

impl Show for PeerRecord {
    fn show(&self) -> Shown {
        let Self {
            id: _,
            asset_id,
            static_ilp_address,
            name,
            max_packet_amount,
            liquidity_threshold,
            routes,
            endpoint,
            outgoing_token,
            incoming_tokens,
            packets_per_minute_max,
            amount_per_second_max,
            packets_in_flight_max,
            amount_in_flight_max,
            asset_share_in_flight_percent_max,
            is_default_route,
            spread,
            created_at_ms: _,
            version: _,
            initial_deposit,
        } = self;
        shown! {
            "assetId": *asset_id,
            "staticIlpAddress": *static_ilp_address,
            "name": *name,
            "maxPacketAmount": *max_packet_amount,
            "liquidityThreshold": *liquidity_threshold,
            "routes": *routes,
            "endpoint": Shown::Url(endpoint.clone()),
            "outgoingToken": *outgoing_token,
            "incomingTokens": *incoming_tokens,
            "packetsPerMinuteMax": *packets_per_minute_max,
            "amountPerSecondMax": *amount_per_second_max,
            "packetsInFlightMax": *packets_in_flight_max,
            "amountInFlightMax": *amount_in_flight_max,
            "assetShareInFlightPercentMax": *asset_share_in_flight_percent_max,
            "isDefaultRoute": *is_default_route,
            "spreadBasisPoints": *spread,
            "initialDeposit": *initial_deposit,
        }
    }
}

impl Show for IncomingToken {
    fn show(&self) -> Shown {
        self.digest.show()
    }
}

impl Show for Spread {
    fn show(&self) -> Shown {
        self.basis_points().show()
    }
}

impl Show for InitialDeposit {
    fn show(&self) -> Shown {
        let Self { transfer_id, amount } = self;
        shown! { "transferId": *transfer_id, "amount": *amount }
    }
}

impl Show for PeeringRequestRecord {
    fn show(&self) -> Shown {
        let Self {
            id: _,
            asset_id,
            static_ilp_address,
            name,
            endpoint,
            max_packet_amount,
            incoming_token,
            outgoing_token,
            origin,
            created_at_ms: _,
        } = self;
        shown! {
            "assetId": *asset_id,
            "staticIlpAddress": *static_ilp_address,
            "name": *name,
            "endpoint": Shown::Url(endpoint.clone()),
            "maxPacketAmount": *max_packet_amount,
            "incomingToken": *incoming_token,
            "outgoingToken": *outgoing_token,
            "origin": *origin,
        }
    }
}

impl Show for RateRecord {
    fn show(&self) -> Shown {
        let Self { base, quote, rate, updated_at_ms: _ } = self;
        shown! { "base": *base, "quote": *quote, "rate": rate.to_string() }
    }
}

impl Show for EventRecord {
    fn show(&self) -> Shown {
        let delivery = match self.delivery {
            Delivery::Due { .. } => "due",
            Delivery::Delivered { .. } => "delivered",
            Delivery::Dead { .. } => "dead",
            Delivery::Skipped { .. } => "skipped",
        };
        shown! { "type": self.kind, "attempts": self.attempts, "delivery": delivery }
    }
}

impl Show for WalletAddressRecord {
    fn show(&self) -> Shown {
        let Self {
            id: _,
            asset_id,
            url,
            public_name,
            deactivated_at_ms,
            additional_properties,
            created_at_ms: _,
            version: _,
        } = self;
        shown! {
            "assetId": *asset_id,
            "url": *url,
            "publicName": *public_name,
            "deactivatedAtMs": *deactivated_at_ms,
            "additionalProperties": *additional_properties,
        }
    }
}

impl Show for AdditionalProperty {
    fn show(&self) -> Shown {
        let Self { key, value, visible_in_open_payments } = self;
        shown! { "key": *key, "value": *value, "visibleInOpenPayments": *visible_in_open_payments }
    }
}

impl Show for FeeRecord {
    fn show(&self) -> Shown {
        let Self { id: _, asset_id, kind, fixed, basis_points, created_at_ms: _ } = self;
        shown! {
            "assetId": *asset_id, "type": *kind, "fixed": *fixed, "basisPoints": *basis_points,
        }
    }
}

impl Show for IncomingPaymentRecord {
    fn show(&self) -> Shown {
        shown! {
            "walletAddressId": self.wallet_address_id,
            "incomingAmount": self.incoming_amount,
            "metadata": self.metadata,
            "state": self.state,
            "initiatedBy": self.initiated_by,
            "senderWalletAddress": self.sender_wallet_address,
            "expiresAtMs": self.expires_at_ms,
            "withdrawalId": self.withdrawal_id,
        }
    }
}

impl Show for QuoteRecord {
    fn show(&self) -> Shown {
        shown! {
            "walletAddressId": self.wallet_address_id,
            "receiver": self.receiver,
            "debitAmount": self.debit_amount,
            "debitMinusFees": self.debit_minus_fees,
            "receiveAmount": self.receive_amount,
            "receiveAssetCode": self.receive_asset_code,
            "receiveAssetScale": self.receive_asset_scale,
            "feeId": self.fee_id,
            "details": self.details,
            "expiresAtMs": self.expires_at_ms,
        }
    }
}

impl Show for OutgoingPaymentRecord {
    fn show(&self) -> Shown {
        shown! {
            "quoteId": self.quote.id,
            "walletAddressId": self.quote.wallet_address_id,
            "receiver": self.quote.receiver,
            "debitAmount": self.quote.debit_amount,
            "receiveAmount": self.quote.receive_amount,
            "state": self.state,
            "error": self.error,
            "metadata": self.metadata,
            "withdrawalId": self.withdrawal_id,
        }
    }
}

/// Returns a state or kind as the name that it has on the disk.
fn by_name(value: impl Serialize) -> Shown {
    Shown::Plain(serde_json::to_value(value).unwrap_or_default())
}

macro_rules! shown_by_name {
    ($($type:ty),*) => {$(
        impl Show for $type {
            fn show(&self) -> Shown {
                by_name(self)
            }
        }
    )*};
}

shown_by_name!(IncomingPaymentState, OutgoingPaymentState, Initiator, FeeKind);
