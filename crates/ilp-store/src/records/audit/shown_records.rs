//! The entries of the store that the audit log shows, and their fields.
//!
//! Every kind of entry is named here, and the records that operators edit are destructured without
//! `..`, so that a new kind or field can't be stored before it is decided how the log shows it.

use ilp_connector::{PeerLimits, Percent, conversion::Spread, for_each_peer_limit};
use serde::Serialize;

use super::shown::{Show, Shown};
use crate::{
    error::StoreError,
    records::{
        assets::rates::RateRecord,
        forms::event_record::EventRecord,
        forms::{
            keys::Kind,
            peer_records::{AssetRecord, IncomingToken, InitialDeposit, PeerRecord, PeerTerms},
            stored_form::Stored,
        },
        peers::peering_requests::PeeringRequestRecord,
        wallets::wallet_records::{
            AdditionalProperty, FeeKind, FeeRecord, IncomingPaymentRecord, IncomingPaymentState,
            Initiator, OutgoingPaymentRecord, OutgoingPaymentState, QuoteRecord,
            WalletAddressRecord,
        },
    },
    show_fields, shown,
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

show_fields! {
    AssetRecord {
        code: "code",
        scale: "scale",
        withdrawal_threshold: "withdrawalThreshold",
        liquidity_threshold: "liquidityThreshold",
    } without { id, created_at_ms, version };

    PeerRecord {
        asset_id: "assetId",
        initial_deposit: "initialDeposit",
    } among { terms } without { id, created_at_ms, version };

    PeerTerms {
        address: "staticIlpAddress",
        name: "name",
        max_packet_amount: "maxPacketAmount",
        liquidity_threshold: "liquidityThreshold",
        routes: "routes",
        endpoint: url "endpoint",
        outgoing_token: "outgoingToken",
        incoming_tokens: "incomingTokens",
        is_default_route: "isDefaultRoute",
        spread: "spreadBasisPoints",
    } among { limits };

    InitialDeposit { transfer_id: "transferId", amount: "amount" };

    PeeringRequestRecord {
        asset_id: "assetId",
        static_ilp_address: "staticIlpAddress",
        name: "name",
        endpoint: url "endpoint",
        max_packet_amount: "maxPacketAmount",
        incoming_token: "incomingToken",
        outgoing_token: "outgoingToken",
        origin: "origin",
    } without { id, created_at_ms };

    WalletAddressRecord {
        asset_id: "assetId",
        url: "url",
        public_name: "publicName",
        deactivated_at_ms: "deactivatedAtMs",
        additional_properties: "additionalProperties",
    } without { id, created_at_ms, version };

    AdditionalProperty {
        key: "key",
        value: "value",
        visible_in_open_payments: "visibleInOpenPayments",
    };

    FeeRecord {
        asset_id: "assetId",
        kind: "type",
        fixed: "fixed",
        basis_points: "basisPoints",
    } without { id, created_at_ms };

    IncomingPaymentRecord {
        wallet_address_id: "walletAddressId",
        incoming_amount: "incomingAmount",
        metadata: "metadata",
        state: "state",
        initiated_by: "initiatedBy",
        sender_wallet_address: "senderWalletAddress",
        expires_at_ms: "expiresAtMs",
        withdrawal_id: "withdrawalId",
    } without { id, asset_id, url, created_at_ms };

    QuoteRecord {
        wallet_address_id: "walletAddressId",
        receiver: "receiver",
        debit_amount: "debitAmount",
        debit_minus_fees: "debitMinusFees",
        receive_amount: "receiveAmount",
        receive_asset_code: "receiveAssetCode",
        receive_asset_scale: "receiveAssetScale",
        fee_id: "feeId",
        details: "details",
        expires_at_ms: "expiresAtMs",
    } without {
        id, asset_id, local_recipient, is_fixed_send, deliver_amount, max_packet_amount, packet_count,
        rate_delivered, rate_sent, created_at_ms
    };
}

macro_rules! show_limits {
    (() $($(#[$doc:meta])* $limit:ident: $type:ty as $given:ty = $name:literal,)*) => {
        show_fields! { PeerLimits { $($limit: $name,)* } }
    };
}

for_each_peer_limit!(show_limits!());

impl Show for Percent {
    fn show(&self) -> Shown {
        self.get().show()
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

impl Show for RateRecord {
    fn show(&self) -> Shown {
        let Self { base, quote, rate, updated_at_ms: _ } = self;
        shown! { "base": *base, "quote": *quote, "rate": rate.to_string() }
    }
}

impl Show for EventRecord {
    fn show(&self) -> Shown {
        shown! {
            "type": self.kind, "attempts": self.attempts, "delivery": self.delivery.state(),
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
