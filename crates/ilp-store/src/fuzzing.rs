//! Entry points of the fuzz targets. Only cargo-fuzz builds them: it sets `cfg(fuzzing)`.

use std::path::Path;

use crate::{
    journal::fuzzing::DamagedLog,
    records::{
        audit::AuditRecord,
        forms::event_record::EventRecord,
        forms::{
            keys::Kind,
            peer_records::{AssetRecord, DeletedPeerRecord, PeerRecord},
            stored_form::Stored,
        },
        peers::peering_requests::PeeringRequestRecord,
        wallets::wallet_records::{
            FeeRecord, IncomingPaymentRecord, OutgoingPaymentRecord, QuoteRecord,
            WalletAddressRecord,
        },
    },
};

/// Reads bytes as pages and entries, and as the script of a log that is written below `directory`,
/// damaged and scanned.
///
/// # Panics
/// The scan leaves out a whole page without naming the damage, or a repaired log ends elsewhere.
pub fn scan_journal(directory: &Path, bytes: &[u8]) {
    crate::journal::fuzzing::read_entries(bytes);
    DamagedLog::write(directory, bytes).check();
}

/// Reads bytes as a record of each kind.
///
/// # Panics
/// A record changes when it is stored and read again.
pub fn read_record(bytes: &[u8]) {
    read::<AssetRecord>(Kind::Asset, bytes);
    read::<PeerRecord>(Kind::Peer, bytes);
    read::<DeletedPeerRecord>(Kind::DeletedPeer, bytes);
    read::<EventRecord>(Kind::Event, bytes);
    read::<AuditRecord>(Kind::Audit, bytes);
    read::<PeeringRequestRecord>(Kind::PeeringRequest, bytes);
    read::<WalletAddressRecord>(Kind::WalletAddress, bytes);
    read::<IncomingPaymentRecord>(Kind::IncomingPayment, bytes);
    read::<OutgoingPaymentRecord>(Kind::OutgoingPayment, bytes);
    read::<QuoteRecord>(Kind::Quote, bytes);
    read::<FeeRecord>(Kind::Fee, bytes);
}

fn read<R: Stored>(kind: Kind, bytes: &[u8]) {
    // Any key but the record's own is refused, with a message about the bytes.
    if let Err(error) = R::decode(kind, &[kind as u8], bytes) {
        drop(error.to_string());
    }
    let Some(record) = serde_json::from_slice(bytes).ok().and_then(|form| R::from_form(form).ok())
    else {
        return;
    };
    let stored = record.encode();
    let key = kind.key(record.id().as_bytes());
    let again = R::decode(kind, &key, &stored).expect("a stored record can be read");
    assert_eq!(again.encode(), stored, "{kind:?}");
}
