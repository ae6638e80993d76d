//! Many posts in flight on one thread, as a runtime's thread would drive them.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, mpsc},
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use ilp_connector::{
    account::AccountId,
    ledger::{Ledger, Leg, Transfer, TransferKind},
};
use ilp_store::DurableLedger;
use uuid::Uuid;

/// Keeps `in_flight` posts in flight until `goes_on` returns false, and returns the time of each.
pub(crate) fn drive(
    ledger: &DurableLedger,
    accounts: &[AccountId],
    in_flight: usize,
    mut goes_on: impl FnMut(u64) -> bool,
) -> Vec<Duration> {
    type Post<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;
    let (ready, readied) = mpsc::channel();
    let mut slots: Vec<(Option<Post<'_>>, Instant, Waker)> = (0..in_flight)
        .map(|slot| {
            let waker = Waker::from(Arc::new(Ready { slot, ready: ready.clone() }));
            (None, Instant::now(), waker)
        })
        .collect();
    let (mut latencies, mut made, mut under_way) = (Vec::new(), 0, 0);
    (0..in_flight).for_each(|slot| ready.send(slot).expect("we hold the other end"));
    while let Ok(slot) = readied.recv() {
        let (post, since, waker) = &mut slots[slot];
        let mut context = Context::from_waker(waker);
        loop {
            if post.is_none() {
                if !goes_on(made) {
                    break;
                }
                made += 1;
                under_way += 1;
                *since = Instant::now();
                let transfer = payment(ledger, accounts, made);
                *post = Some(Box::pin(async move {
                    let hold = ledger.hold(transfer).await.expect("the payer has enough");
                    ledger.post(hold).await.expect("the ledger runs");
                }));
            }
            match post.as_mut().map(|post| post.as_mut().poll(&mut context)) {
                Some(Poll::Ready(())) => {
                    latencies.push(since.elapsed());
                    under_way -= 1;
                    *post = None;
                }
                _ => break,
            }
        }
        if under_way == 0 && !goes_on(made) {
            break;
        }
    }
    latencies
}

struct Ready {
    slot: usize,
    ready: mpsc::Sender<usize>,
}

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        // The driver is gone once it needs no more.
        let _ = self.ready.send(self.slot);
    }
}

fn payment(ledger: &DurableLedger, accounts: &[AccountId], number: u64) -> Transfer {
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let at = |place: u64| accounts[(place % accounts.len() as u64) as usize];
    let (from, to) = (at(spread), at(spread / 7 + 1));
    let first = Leg { debit: ledger.account(from), credit: ledger.account(to), amount: 1 };
    let id = Uuid::from_u128(u128::from(number) << 32);
    Transfer { id, kind: TransferKind::Packet, first, second: None }
}

/// Makes accounts with more money than they ever pay.
pub(crate) fn funded(ledger: &DurableLedger, count: u128) -> Vec<AccountId> {
    let settlement = ledger.account(AccountId::settlement(Uuid::nil()));
    let accounts: Vec<_> =
        (0..count).map(|owner| AccountId::peer(Uuid::from_u128(owner))).collect();
    for account in &accounts {
        let (debit, credit) = (Arc::clone(&settlement), ledger.account(*account));
        let first = Leg { debit, credit, amount: 1 << 40 };
        let (id, kind) = (Uuid::new_v4(), TransferKind::Deposit);
        let mut deposit = Box::pin(ledger.transfer(Transfer { id, kind, first, second: None }, 1));
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        while deposit.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            std::thread::park();
        }
    }
    accounts
}

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
