//! The application layer: what can be done with a node, whichever surface asks for it.
//!
//! The GraphQL API and the web pages are two callers of one [`Operator`]. This crate names neither
//! GraphQL nor HTTP: a surface parses requests and hands over plain values, and what goes over the
//! network goes through a trait that the daemon implements ([`Network`], [`paying::Paying`],
//! [`WebhookTransport`]). No packet comes through here.
//!
//! Every operation checks its whole input, then changes the store, then the books, then the
//! connector. So everything live is durable, and every confirmed change is live. The operations
//! that change something belong to [`Recorded`], which keeps their audit record.
//!
//! The folders are the subjects: [`access`] (who may ask), `changes` (turn, audit record,
//! idempotency), `node` (the whole), `peers`, `peering`, `assets` with rates and fees, `books` with
//! deposits and withdrawals, `wallets`, `payments`, `webhook`, and the `vocabulary` that all share.

pub mod access;
mod assets;
mod books;
mod changes;
mod node;
mod payments;
mod peering;
mod peers;
mod vocabulary;
mod wallets;
mod webhook;

pub use self::assets::rates::{RateChanges, Rates};
pub use self::assets::{AssetChanges, Assets};
pub use self::books::Books;
pub use self::books::liquidity::{Liquidity, LiquidityChanges};
pub use self::changes::audit::AuditLog;
#[cfg(any(test, feature = "testing"))]
pub use self::node::testing;
pub use self::payments::views::names::{incoming_state_name, outgoing_state_name};
pub use self::payments::{PaymentChanges, Payments};
pub use self::peering::wire as peering_wire;
pub use self::peering::{Peering, PeeringChanges};
pub use self::peers::{PeerChanges, Peers};
pub use self::wallets::{WalletAddressChanges, WalletAddresses};
pub use self::webhook::events::{EventChanges, Events};
pub use self::{
    access::{
        Auth, Bearer, Denied, Identified, SignatureRules,
        caller::{Caller, CallerKind},
        connection::{ClientAddress, OnRecognized},
        credentials::Credentials,
        networks::Networks,
        signature::sign,
        visitor::{SignInRefused, Visitor},
    },
    assets::{
        error::{AssetCodeError, AssetError, FeeError, RateError},
        inputs::{AssetEdit, NewAsset, NewFee},
        rates::{NewRate, without_asset},
        thresholds::LowAccount,
        view::AssetView,
    },
    books::{
        AccountAsset, AccountOwner, AccountView, AssetBooks, Movements,
        error::{LiquidityError, TRANSFER_ROWS_MAX},
        inputs::{Deposit, Withdrawal},
        movements::{MovementDigest, PacketDay},
        transfers::{AccountTransfers, TransferView, account_name},
    },
    changes::{
        audit,
        error::{ChangeError, Versioned},
        idempotency::Request,
        outcome::Outcome,
        recorded::Recorded,
        subject::Subject,
    },
    node::{
        backup::BACKUP_INVITATION,
        clock_step::ClockStep,
        error::{BackupError, TenantError},
        load::Loaded,
        operator::Operator,
        parts::{Clock, Parts},
        tenant_profile::{TenantProfile, TenantSettingName},
        tenants::{HIDDEN, TenantView},
        view::NodeView,
    },
    payments::{
        error::{AmountError, ExpiryError, PayeeError, PaymentError, QuoteError},
        incoming::{
            payees::{Payee, SpspTarget},
            recipients::{Declined, Recipient, Reserved},
        },
        inputs::{
            AmountGiven, NewIncomingPayment, NewOutgoingPayment, NewQuote, OutgoingPaymentFilter,
            PaymentFilter,
        },
        paying,
        views::{IncomingPaymentView, OutgoingPaymentView, PaymentView, QuoteView},
    },
    peering::{
        PeeringAnswer, PeeringApproval, PeeringOffer, PeeringRequestView, PeeringRules,
        by_url::{PeerByUrl, PeeringByUrl, WAITING_FOR_APPROVAL},
        error::{AddressClaim, AnswerError, NoPeeringNode, PeerMessage, PeeringError},
        network::{Network, PeeringPost, PeeringReply, PingOutcome, PingOver, PingReply, PingWay},
    },
    peers::{
        error::{PeerAddressError, PeerError, RouteError, TokenError},
        fields::PeerField,
        inputs::{NewPeer, PeerEdit, PeerLimitsEdit, PeerTermsEdit},
        liquidity::LiquidityView,
        routes::{RouteView, Way},
        search::Found,
        tokens::{AddedToken, TokenName, random_token, token_id},
        view::{Passed, PeerView},
        watching::packets::{PacketWatch, PacketsSeen},
    },
    vocabulary::{
        boxed_future::BoxFuture,
        canonical_json,
        edit::Edit,
        error::box_error::BoxError,
        error::{InternalError, OperatorError},
        field::Field,
        input_error::InputError,
        name::{NameError, steers},
        page::PageArguments,
        reason::{ErrorKind, Reason},
        seek::Sought,
    },
    wallets::{
        error::WalletError,
        inputs::{NewWalletAddress, WalletAddressEdit, WalletAddressWithdrawal},
        views::{WalletAddressView, WithdrawnFromWalletAddress},
    },
    webhook::{
        Backoff, WebhookRequest, WebhookRules, WebhookTransport, Webhooks,
        event_kind::{EventKind, SentEvents},
    },
};
