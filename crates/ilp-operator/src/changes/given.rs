//! The audit log's view of operations' inputs. Names are those of the API's inputs.

use ilp_store::{Show, Shown, show_fields, shown};

use crate::{
    assets::{
        inputs::{AssetEdit, NewAsset, NewFee},
        rates::NewRate,
    },
    books::inputs::{Deposit, Withdrawal},
    payments::inputs::{AmountGiven, NewIncomingPayment, NewOutgoingPayment, NewQuote},
    peering::{PeeringApproval, PeeringOffer, by_url::PeerByUrl},
    peers::{
        inputs::{NewPeer, PeerEdit, PeerTermsEdit},
        tokens::TokenName,
    },
    vocabulary::edit::Edit,
    wallets::inputs::{NewWalletAddress, WalletAddressEdit, WalletAddressWithdrawal},
};

/// Returns an optional input as the log shows it: an absent one is left out.
fn opt<T: Show>(given: &Option<T>) -> Shown {
    given.as_ref().map_or(Shown::Absent, Show::show)
}

fn url(given: &str) -> Shown {
    Shown::Url(given.to_owned())
}

impl<T: Show> Show for Edit<T> {
    fn show(&self) -> Shown {
        match self {
            Self::Keep => Shown::Absent,
            Self::Clear => Shown::Plain(serde_json::Value::Null),
            Self::Set(value) => value.show(),
        }
    }
}

show_fields! {
    NewAsset {
        code: "code",
        scale: "scale",
        withdrawal_threshold: opt "withdrawalThreshold",
        liquidity_threshold: opt "liquidityThreshold",
    };

    AssetEdit {
        id: "id",
        withdrawal_threshold: "withdrawalThreshold",
        liquidity_threshold: "liquidityThreshold",
        version: opt "version",
    };

    NewPeer { asset_id: "assetId", initial_liquidity: "initialLiquidity" } among { terms };

    PeerEdit { id: "id", version: opt "version" } among { terms };

    PeerByUrl {
        peer_url: url "peerUrl",
        asset_id: "assetId",
        name: opt "name",
        max_packet_amount: opt "maxPacketAmount",
        liquidity_threshold: opt "liquidityThreshold",
        liquidity_to_deposit: opt "liquidityToDeposit",
    };

    PeeringApproval {
        id: "id",
        name: opt "name",
        max_packet_amount: opt "maxPacketAmount",
        initial_liquidity: opt "initialLiquidity",
    };

    NewRate { base: "base", quote: "quote", rate: "rate" };

    AmountGiven { value: "value", asset_code: "assetCode", asset_scale: "assetScale" };

    NewWalletAddress {
        asset_id: "assetId",
        address: url "address",
        public_name: opt "publicName",
        additional_properties: "additionalProperties",
    };

    WalletAddressEdit {
        id: "id",
        public_name: "publicName",
        is_active: opt "isActive",
        additional_properties: opt "additionalProperties",
        version: opt "version",
    };

    NewIncomingPayment {
        wallet_address_id: "walletAddressId",
        incoming_amount: opt "incomingAmount",
        expires_at: opt "expiresAt",
        metadata: opt "metadata",
        is_card_payment: "isCardPayment",
        sender_wallet_address: opt "senderWalletAddress",
    };

    NewQuote {
        wallet_address_id: "walletAddressId",
        receiver: url "receiver",
        debit_amount: opt "debitAmount",
        receive_amount: opt "receiveAmount",
    };

    NewOutgoingPayment {
        wallet_address_id: "walletAddressId",
        quote_id: "quoteId",
        metadata: opt "metadata",
    };

    WalletAddressWithdrawal {
        wallet_address_id: "walletAddressId",
        transfer_id: "id",
        timeout_s: "timeoutSeconds",
    };
}

impl Show for PeerTermsEdit {
    fn show(&self) -> Shown {
        let Self {
            static_ilp_address,
            name,
            max_packet_amount,
            liquidity_threshold,
            routes,
            outgoing,
            incoming_tokens,
            limits,
            is_default_route,
            spread_basis_points,
        } = self;
        let outgoing = outgoing.as_ref().map(|(endpoint, token)| {
            shown! { "endpoint": url(endpoint), "authToken": *token }
        });
        let incoming = incoming_tokens.as_ref().map(|tokens| shown! { "authTokens": *tokens });
        let http = (outgoing.is_some() || incoming.is_some())
            .then(|| shown! { "incoming": opt(&incoming), "outgoing": opt(&outgoing) });
        let terms = shown! {
            "staticIlpAddress": opt(static_ilp_address),
            "name": *name,
            "http": opt(&http),
            "maxPacketAmount": *max_packet_amount,
            "liquidityThreshold": *liquidity_threshold,
            "routes": *routes,
            "isDefaultRoute": opt(is_default_route),
            "spreadBasisPoints": *spread_basis_points,
        };
        terms.with(limits.show())
    }
}

/// Returns a deposit as the log shows it, to the owner that the API calls `owner`.
pub(crate) fn deposit(owner: &'static str, given: &Deposit) -> Shown {
    let Deposit { owner_id, amount, transfer_id } = given;
    Shown::Members(vec![
        (owner, owner_id.show()),
        ("amount", amount.show()),
        ("id", transfer_id.show()),
    ])
}

/// Returns a withdrawal as the log shows it, from the owner that the API calls `owner`.
pub(crate) fn withdrawal(owner: &'static str, given: &Withdrawal) -> Shown {
    let Withdrawal { owner_id, amount, transfer_id, timeout_s } = given;
    Shown::Members(vec![
        (owner, owner_id.show()),
        ("amount", amount.show()),
        ("id", transfer_id.show()),
        ("timeoutSeconds", timeout_s.show()),
    ])
}

impl Show for PeeringOffer {
    fn show(&self) -> Shown {
        let Self {
            static_ilp_address,
            connector_url,
            asset_code,
            asset_scale,
            token,
            max_packet_amount,
            name,
            proof,
            caller: _,
        } = self;
        shown! {
            "staticIlpAddress": *static_ilp_address,
            "ilpConnectorUrl": url(connector_url),
            "asset": shown! { "code": *asset_code, "scale": *asset_scale },
            "httpToken": *token,
            "maxPacketAmount": opt(max_packet_amount),
            "name": opt(name),
            "currentToken": opt(proof),
        }
    }
}

impl Show for TokenName {
    fn show(&self) -> Shown {
        match self {
            Self::Id(id) => shown! { "tokenId": *id },
            Self::Token(token) => shown! { "authToken": *token },
        }
    }
}

impl Show for NewFee {
    fn show(&self) -> Shown {
        let Self { asset_id, kind, fixed, basis_points } = self;
        shown! {
            "assetId": *asset_id,
            "type": *kind,
            "fee": shown! { "fixed": *fixed, "basisPoints": *basis_points },
        }
    }
}
