//! The audit log's view of operations' inputs. Names are those of the API's inputs.

use ilp_store::{Show, Shown, shown};

use crate::{
    assets::{
        inputs::{AssetEdit, NewAsset, NewFee},
        rates::NewRate,
    },
    books::inputs::{Deposit, Withdrawal},
    payments::inputs::{AmountGiven, NewIncomingPayment, NewOutgoingPayment, NewQuote},
    peering::{PeeringApproval, PeeringOffer, by_url::PeerByUrl},
    peers::{
        inputs::{NewPeer, PeerEdit},
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

impl Show for NewAsset {
    fn show(&self) -> Shown {
        let Self { code, scale, withdrawal_threshold, liquidity_threshold } = self;
        shown! {
            "code": *code,
            "scale": *scale,
            "withdrawalThreshold": opt(withdrawal_threshold),
            "liquidityThreshold": opt(liquidity_threshold),
        }
    }
}

impl Show for AssetEdit {
    fn show(&self) -> Shown {
        let Self { id, withdrawal_threshold, liquidity_threshold, version } = self;
        shown! {
            "id": *id,
            "withdrawalThreshold": *withdrawal_threshold,
            "liquidityThreshold": *liquidity_threshold,
            "version": opt(version),
        }
    }
}

impl Show for NewPeer {
    fn show(&self) -> Shown {
        let Self {
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
            spread_basis_points,
            initial_liquidity,
        } = self;
        shown! {
            "assetId": *asset_id,
            "staticIlpAddress": *static_ilp_address,
            "name": opt(name),
            "http": shown! {
                "incoming": shown! { "authTokens": opt(incoming_tokens) },
                "outgoing": shown! { "endpoint": url(endpoint), "authToken": *outgoing_token },
            },
            "maxPacketAmount": opt(max_packet_amount),
            "liquidityThreshold": opt(liquidity_threshold),
            "routes": *routes,
            "packetsPerMinuteMax": opt(packets_per_minute_max),
            "amountPerSecondMax": opt(amount_per_second_max),
            "packetsInFlightMax": opt(packets_in_flight_max),
            "amountInFlightMax": opt(amount_in_flight_max),
            "assetShareInFlightPercentMax": opt(asset_share_in_flight_percent_max),
            "isDefaultRoute": *is_default_route,
            "spreadBasisPoints": opt(spread_basis_points),
            "initialLiquidity": *initial_liquidity,
        }
    }
}

impl Show for PeerEdit {
    fn show(&self) -> Shown {
        let Self {
            id,
            static_ilp_address,
            name,
            max_packet_amount,
            liquidity_threshold,
            routes,
            outgoing,
            incoming_tokens,
            packets_per_minute_max,
            amount_per_second_max,
            packets_in_flight_max,
            amount_in_flight_max,
            asset_share_in_flight_percent_max,
            is_default_route,
            spread_basis_points,
            version,
        } = self;
        let outgoing = outgoing.as_ref().map(|(endpoint, token)| {
            shown! { "endpoint": url(endpoint), "authToken": *token }
        });
        let incoming = incoming_tokens.as_ref().map(|tokens| shown! { "authTokens": *tokens });
        let http = (outgoing.is_some() || incoming.is_some())
            .then(|| shown! { "incoming": opt(&incoming), "outgoing": opt(&outgoing) });
        shown! {
            "id": *id,
            "staticIlpAddress": opt(static_ilp_address),
            "name": *name,
            "http": opt(&http),
            "maxPacketAmount": *max_packet_amount,
            "liquidityThreshold": *liquidity_threshold,
            "routes": *routes,
            "packetsPerMinuteMax": *packets_per_minute_max,
            "amountPerSecondMax": *amount_per_second_max,
            "packetsInFlightMax": *packets_in_flight_max,
            "amountInFlightMax": *amount_in_flight_max,
            "assetShareInFlightPercentMax": *asset_share_in_flight_percent_max,
            "isDefaultRoute": opt(is_default_route),
            "spreadBasisPoints": *spread_basis_points,
            "version": opt(version),
        }
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

impl Show for PeerByUrl {
    fn show(&self) -> Shown {
        let Self {
            peer_url,
            asset_id,
            name,
            max_packet_amount,
            liquidity_threshold,
            liquidity_to_deposit,
        } = self;
        shown! {
            "peerUrl": url(peer_url),
            "assetId": *asset_id,
            "name": opt(name),
            "maxPacketAmount": opt(max_packet_amount),
            "liquidityThreshold": opt(liquidity_threshold),
            "liquidityToDeposit": opt(liquidity_to_deposit),
        }
    }
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

impl Show for PeeringApproval {
    fn show(&self) -> Shown {
        let Self { id, name, max_packet_amount, initial_liquidity } = self;
        shown! {
            "id": *id,
            "name": opt(name),
            "maxPacketAmount": opt(max_packet_amount),
            "initialLiquidity": opt(initial_liquidity),
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

impl Show for NewRate {
    fn show(&self) -> Shown {
        let Self { base, quote, rate } = self;
        shown! { "base": *base, "quote": *quote, "rate": *rate }
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

impl Show for AmountGiven {
    fn show(&self) -> Shown {
        let Self { value, asset_code, asset_scale } = self;
        shown! { "value": *value, "assetCode": *asset_code, "assetScale": *asset_scale }
    }
}

impl Show for NewWalletAddress {
    fn show(&self) -> Shown {
        let Self { asset_id, address, public_name, additional_properties } = self;
        shown! {
            "assetId": *asset_id,
            "address": url(address),
            "publicName": opt(public_name),
            "additionalProperties": *additional_properties,
        }
    }
}

impl Show for WalletAddressEdit {
    fn show(&self) -> Shown {
        let Self { id, public_name, is_active, additional_properties, version } = self;
        shown! {
            "id": *id,
            "publicName": *public_name,
            "isActive": opt(is_active),
            "additionalProperties": opt(additional_properties),
            "version": opt(version),
        }
    }
}

impl Show for NewIncomingPayment {
    fn show(&self) -> Shown {
        let Self {
            wallet_address_id,
            incoming_amount,
            expires_at,
            metadata,
            is_card_payment,
            sender_wallet_address,
        } = self;
        shown! {
            "walletAddressId": *wallet_address_id,
            "incomingAmount": opt(incoming_amount),
            "expiresAt": opt(expires_at),
            "metadata": opt(metadata),
            "isCardPayment": *is_card_payment,
            "senderWalletAddress": opt(sender_wallet_address),
        }
    }
}

impl Show for NewQuote {
    fn show(&self) -> Shown {
        let Self { wallet_address_id, receiver, debit_amount, receive_amount } = self;
        shown! {
            "walletAddressId": *wallet_address_id,
            "receiver": url(receiver),
            "debitAmount": opt(debit_amount),
            "receiveAmount": opt(receive_amount),
        }
    }
}

impl Show for NewOutgoingPayment {
    fn show(&self) -> Shown {
        let Self { wallet_address_id, quote_id, metadata } = self;
        shown! {
            "walletAddressId": *wallet_address_id,
            "quoteId": *quote_id,
            "metadata": opt(metadata),
        }
    }
}

impl Show for WalletAddressWithdrawal {
    fn show(&self) -> Shown {
        let Self { wallet_address_id, transfer_id, timeout_s } = self;
        shown! {
            "walletAddressId": *wallet_address_id,
            "id": *transfer_id,
            "timeoutSeconds": *timeout_s,
        }
    }
}
