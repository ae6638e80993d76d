//! Tests of errors as a whole: each reason can be told, with its kind and a message.

use std::{collections::BTreeSet, io};

use ilp_store::{OutgoingPaymentState, StoreError};
use strum::IntoEnumIterator;
use uuid::Uuid;

use super::{Inconsistency, OperatorError};
use crate::vocabulary::{
    field::Field,
    input_error::InputError,
    name::NameError,
    reason::{ErrorKind, Reason},
};
use crate::{
    assets::error::{AssetCodeError, AssetError, FeeError, RateError},
    books::error::LiquidityError,
    changes::error::{ChangeError, Versioned},
    node::error::{BackupError, TenantError},
    payments::error::{AmountError, ExpiryError, PayeeError, PaymentError, QuoteError},
    peering::error::{AddressClaim, AnswerError, NoPeeringNode, PeerMessage, PeeringError},
    peers::error::{PeerAddressError, PeerError, TokenError},
    wallets::error::WalletError,
    webhook::error::EventError,
};

/// Returns an error for a reason. A new reason doesn't compile before it has one.
#[expect(clippy::too_many_lines, reason = "one match that a new reason must extend")]
fn example(reason: Reason) -> OperatorError {
    match reason {
        Reason::AccountFull => LiquidityError::AccountFull.into(),
        Reason::AmountZero => LiquidityError::AmountZero.into(),
        Reason::AssetExists => AssetError::Exists.into(),
        Reason::AssetInUse => AssetError::HasLiquidity(1).into(),
        Reason::BackupFailed => BackupError::Failed(StoreError::LedgerOpen).into(),
        Reason::ChangeTooLarge => ChangeError::ChangeTooLarge { bytes: 1 }.into(),
        Reason::ConcurrentRequest => ChangeError::Concurrent { key: "k".to_owned() }.into(),
        Reason::DuplicateIncomingToken => PeerError::DuplicateIncomingToken.into(),
        Reason::DuplicatePeer => PeerError::Duplicate.into(),
        Reason::EventDelivered => EventError::Delivered.into(),
        Reason::EventNotSent => EventError::NotSent.into(),
        Reason::IdempotencyKeyReused => ChangeError::DifferentInput { key: "k".to_owned() }.into(),
        Reason::IlpAddressTaken => PeeringError::AddressTaken(AddressClaim::Peer).into(),
        Reason::InactiveWalletAddress => WalletError::Inactive.into(),
        Reason::InsufficientBalance => LiquidityError::Insufficient.into(),
        Reason::Internal => Inconsistency::IdTaken.into(),
        Reason::InvalidAdditionalProperties => WalletError::PropertyTooLong.into(),
        Reason::InvalidAmount => AmountError::Zero.of(Field::DebitAmount).into(),
        Reason::InvalidAssetCode => AssetError::Code(AssetCodeError::Empty).into(),
        Reason::InvalidAssetShare => PeerError::AssetShare(101).into(),
        Reason::InvalidBackupDirectory => BackupError::WithinStore.into(),
        Reason::InvalidCancellationReason => PaymentError::CancellationReasonTooLong.into(),
        Reason::InvalidDataToTransmit => PaymentError::DataToTransmit.into(),
        Reason::InvalidExpiry => {
            PaymentError::Expiry(ExpiryError::NotATime("tomorrow".to_owned())).into()
        }
        Reason::InvalidFee => FeeError::BasisPoints(-1).into(),
        Reason::InvalidFilter => InputError::FilterTypes.into(),
        Reason::InvalidHttpEndpoint => PeerError::Endpoint(ilp_net::UrlError::Empty).into(),
        Reason::InvalidIdempotencyKey => ChangeError::KeyTooLong(256).into(),
        Reason::InvalidIlpAddress => PeerError::Address(PeerAddressError::BelowOwn).into(),
        Reason::InvalidIncomingToken => PeerError::IncomingToken(TokenError::Empty).into(),
        Reason::InvalidMaxPacketAmount => PeerError::MaxPacketAmountZero.into(),
        Reason::InvalidMetadata => PaymentError::MetadataTooLong(1).into(),
        Reason::InvalidName => PeerError::Name(NameError::TooLong(257)).into(),
        Reason::InvalidNumber => InputError::not_a_number(Field::Amount, "x").into(),
        Reason::InvalidOutgoingToken => PeerError::OutgoingToken(TokenError::Empty).into(),
        Reason::InvalidPage => InputError::FirstAndLast.into(),
        Reason::InvalidPeeringAnswer => PeeringError::Answer(AnswerError::Malformed).into(),
        Reason::InvalidPing => PeerError::PingOverBoth.into(),
        Reason::InvalidQuote => QuoteError::Expired.into(),
        Reason::InvalidRate => RateError::SameAsset.into(),
        Reason::InvalidReceiver => {
            PaymentError::Receiver { field: Field::Receiver, fault: PayeeError::Empty }.into()
        }
        Reason::InvalidSpread => PeerError::Spread(-1).into(),
        Reason::InvalidTimeout => LiquidityError::Timeout.into(),
        Reason::InvalidTransferId => LiquidityError::TransferId.into(),
        Reason::InvalidWalletAddressUrl => {
            let wrong = ilp_net::WalletAddressUrl::parse("").unwrap_err();
            WalletError::Url(wrong).into()
        }
        Reason::LedgerFull => OperatorError::LedgerFull,
        Reason::LedgerStopped => OperatorError::LedgerStopped,
        Reason::NonPositiveReceiveAmount => QuoteError::NothingArrives { send_min: Some(7) }.into(),
        Reason::NotReady => QuoteError::NotReady.into(),
        Reason::NoRate => QuoteError::NoRateOnPath("USD to XAU".into()).into(),
        Reason::OutcomeUnknown => ChangeError::OutcomeUnknown { key: "k".to_owned() }.into(),
        Reason::PeeringUnsupported => PeeringError::Unsupported(NoPeeringNode::Status(404)).into(),
        Reason::PeerLacksAsset => PeeringError::PeerLacksAsset.into(),
        Reason::PeerRefusesConfiguration => {
            PeeringError::PeerRefusesConfiguration(PeerMessage::new("no")).into()
        }
        Reason::ReceiverUnreachable => QuoteError::Unreachable("no answer".into()).into(),
        Reason::RecordTooLarge => ChangeError::RecordTooLarge { bytes: 1 }.into(),
        Reason::TenantNotPermitted => TenantError::NotPermitted.into(),
        Reason::TooManyChanges => ChangeError::TooManyWaiting.into(),
        Reason::TooManyPeers => PeeringError::TooManyPeers.into(),
        Reason::TooManyPeeringRequests => PeeringError::TooManyRequests.into(),
        Reason::TooManyQuotes => QuoteError::TooMany.into(),
        Reason::TooManyRates => RateError::TooMany.into(),
        Reason::TransferAlreadyPosted => LiquidityError::AlreadyPosted.into(),
        Reason::TransferAlreadyVoided => LiquidityError::AlreadyVoided.into(),
        Reason::TransferExists => LiquidityError::Exists.into(),
        Reason::TransferExpired => LiquidityError::Expired.into(),
        Reason::UnknownAccount => LiquidityError::UnknownAccount.into(),
        Reason::UnknownAsset => AssetError::Unknown.into(),
        Reason::UnknownEvent => EventError::Unknown.into(),
        Reason::UnknownIncomingToken => PeerError::UnknownIncomingToken.into(),
        Reason::UnknownPayment => PaymentError::Unknown.into(),
        Reason::UnknownPeer => PeerError::Unknown.into(),
        Reason::UnknownPeeringRequest => PeeringError::UnknownRequest.into(),
        Reason::UnknownQuote => QuoteError::Unknown.into(),
        Reason::UnknownRate => RateError::Unknown.into(),
        Reason::UnknownTenant => TenantError::Unknown.into(),
        Reason::UnknownTransfer => LiquidityError::UnknownTransfer.into(),
        Reason::UnknownWalletAddress => WalletError::Unknown.into(),
        Reason::VersionConflict => {
            let object = Versioned::WalletAddress;
            ChangeError::VersionConflict { object, given: 1, stored: 2 }.into()
        }
        Reason::WalletAddressExists => WalletError::Exists.into(),
        Reason::WrongPaymentState => PaymentError::WrongState(OutgoingPaymentState::Sending).into(),
    }
}

#[test]
fn every_reason_can_be_told_and_has_a_name_and_a_meaning_of_its_own() {
    let (mut names, mut meanings) = (BTreeSet::new(), BTreeSet::new());
    for reason in Reason::iter() {
        let error = example(reason);
        assert_eq!(error.reason(), reason, "{error}");
        assert_eq!(error.kind(), reason.kind());
        assert!(!error.to_string().trim().is_empty(), "{reason:?}");
        let is_name_character = |char: char| char.is_ascii_uppercase() || char == '_';
        assert!(reason.name().chars().all(is_name_character), "{}", reason.name());
        assert!(names.insert(reason.name()), "{} is two reasons", reason.name());
        assert!(meanings.insert(reason.meaning()) && reason.meaning().ends_with('.'), "{reason:?}");
    }
}

#[test]
fn messages_and_kinds_are_those_that_clients_know() {
    use ErrorKind::{BadInput, Conflict, Duplicate, Forbidden, Inactive, NotFound, Unavailable};
    let cases: [(OperatorError, ErrorKind, &str); 27] = [
        (AssetError::Exists.into(), Duplicate, "Asset already exists"),
        (AssetError::NotFound.into(), NotFound, "Asset not found"),
        (AssetError::Unknown.into(), NotFound, "unknown asset"),
        (AssetError::InUse.into(), Forbidden, "Cannot delete! Asset in use. "),
        (AssetError::HasLiquidity(9).into(), Forbidden, "Cannot delete! Asset in use. "),
        (
            PeerError::Duplicate.into(),
            Duplicate,
            "duplicate peer found for same ILP address and asset",
        ),
        (PeerError::DuplicateIncomingToken.into(), Duplicate, "duplicate incoming token"),
        (PeerError::IncomingTokenTwice.into(), Duplicate, "duplicate incoming token"),
        (PeerError::Unknown.into(), NotFound, "unknown peer"),
        (
            PeerError::Address(PeerAddressError::PeerScheme).into(),
            BadInput,
            "invalid ILP address: ",
        ),
        (PeerError::Endpoint(ilp_net::UrlError::Empty).into(), BadInput, "invalid HTTP endpoint: "),
        (
            InputError::not_a_number(Field::InitialLiquidity, "x").into(),
            BadInput,
            "invalid initial liquidity for peer: \"x\" is not a whole number from 0 to ",
        ),
        (
            InputError::not_a_number(Field::PacketsInFlightMax, "x").into(),
            BadInput,
            "invalid packetsInFlightMax: ",
        ),
        (LiquidityError::AmountZero.into(), Forbidden, "Transfer amount is zero"),
        (LiquidityError::Exists.into(), Duplicate, "Transfer already exists"),
        (LiquidityError::TransferId.into(), BadInput, "Invalid transfer id: "),
        (LiquidityError::Insufficient.into(), Forbidden, "Insufficient transfer balance"),
        (LiquidityError::UnknownTransfer.into(), NotFound, "Unknown transfer"),
        (LiquidityError::AlreadyPosted.into(), Conflict, "Transfer already posted"),
        (LiquidityError::AlreadyVoided.into(), Conflict, "Transfer already voided"),
        (LiquidityError::Expired.into(), Forbidden, "Transfer already expired"),
        (
            ChangeError::DifferentInput { key: "k".to_owned() }.into(),
            BadInput,
            "Incoming arguments are different than the original request for idempotencyKey: k",
        ),
        (
            ChangeError::Concurrent { key: "k".to_owned() }.into(),
            Conflict,
            "Concurrent request for idempotencyKey: k",
        ),
        (
            PeeringError::Unsupported(NoPeeringNode::NoScheme).into(),
            NotFound,
            "Peer URL is invalid or peer does not support auto-peering: ",
        ),
        (PeeringError::Answer(AnswerError::BelowOwn).into(), BadInput, "Invalid peering request: "),
        (WalletError::Inactive.into(), Inactive, "inactive wallet address: "),
        (OperatorError::LedgerFull, Unavailable, "the ledger has as many transfers under way"),
    ];
    for (error, kind, beginning) in cases {
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().starts_with(beginning), "{error}");
    }
}

#[test]
fn a_failure_keeps_its_causes_and_tells_clients_none() {
    let inconsistency = Inconsistency::AssetOfWalletAddress(Uuid::nil());
    let cause = inconsistency.to_string();
    let error = OperatorError::from(inconsistency);
    assert!(error.to_string().starts_with("Internal server error"), "{error}");
    assert!(!error.to_string().contains(&cause), "{error}");
    let inner = std::error::Error::source(&error).expect("the inconsistency is kept");
    assert_eq!(inner.to_string(), cause);
    let failed = OperatorError::from(StoreError::LedgerOpen);
    let kept = std::error::Error::source(&failed).expect("the store's error is kept");
    assert_eq!(kept.to_string(), StoreError::LedgerOpen.to_string());
}

#[test]
fn the_name_of_a_backup_directory_that_cannot_be_entered_is_told() {
    let cause = io::Error::from(io::ErrorKind::NotFound);
    let error = OperatorError::from(BackupError::Parent { parent: "/nowhere".into(), cause });
    let beginning = "invalid backup directory: /nowhere can't be entered (";
    assert!(error.to_string().starts_with(beginning), "{error}");
    assert_eq!(error.field(), Some(Field::Dir));
}
