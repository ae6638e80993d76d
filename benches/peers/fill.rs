//! A node's books as a crash leaves them: full of transfers that no checkpoint has passed.

use std::{fs, path::Path, sync::Arc, time::Duration};

use ilp_connector::{
    account::AccountId,
    ledger::{Ledger, Leg, Transfer, TransferKind},
};
use ilp_store::{DurableLedger, LedgerOptions, Store};
use uuid::Uuid;

/// The argument that makes this binary fill a node's books.
pub(crate) const WORD: &str = "fill";
const AT_ONCE: u64 = 1_000;

/// Posts transfers between the peers of a stopped node, and ends as a crash would: with none of them in
/// a checkpoint.
pub(crate) fn fill(dir: &Path, transfers: u64) -> ! {
    let store = Store::open(dir).expect("the node's store");
    let options = LedgerOptions {
        checkpoint_entries: u64::MAX,
        checkpoint_interval: Duration::from_secs(3_600),
        ..LedgerOptions::default()
    };
    let ledger = DurableLedger::open(&store, options).expect("the node's books");
    let accounts: Vec<_> = store
        .all_peers()
        .map(|peer| ledger.account(AccountId::peer(peer.expect("a peer").id)))
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        for chunk in 0..transfers / AT_ONCE {
            let posts = (0..AT_ONCE).map(|index| {
                let number = chunk * AT_ONCE + index;
                let spread = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) as usize;
                let at = |place: usize| Arc::clone(&accounts[place % accounts.len()]);
                let first = Leg { debit: at(spread), credit: at(spread / 7 + 1), amount: 1 };
                let id = Uuid::from_u128(u128::from(number) << 32);
                let ledger = &ledger;
                async move {
                    let kind = TransferKind::Packet;
                    let hold = ledger.hold(Transfer { id, kind, first, second: None }).await;
                    ledger
                        .post(hold.expect("the payer has enough"))
                        .await
                        .expect("the ledger runs");
                }
            });
            futures_util::future::join_all(posts).await;
        }
    });
    std::process::exit(0)
}

/// Removes what sled wrote down at its last start, so that it has to read all of its file.
pub(crate) fn forget_snapshots(dir: &Path) {
    for entry in fs::read_dir(dir).expect("the node's folder") {
        let entry = entry.expect("an entry");
        if entry.file_name().to_string_lossy().starts_with("snap.") {
            fs::remove_file(entry.path()).expect("the folder can be written");
        }
    }
}
