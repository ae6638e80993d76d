//! The two phases of withdrawals, over restarts and deadlines.

use proptest::prelude::*;

use crate::{TransferState, ledger::tests::*};

pub(in crate::ledger::tests) fn withdrawal(
    ledger: &DurableLedger,
    id: Uuid,
    from: AccountId,
    amount: u64,
) -> Transfer {
    let credit = ledger.account(AccountId::settlement(ASSET.owner));
    let first = Leg { debit: ledger.account(from), credit, amount };
    Transfer { id, kind: TransferKind::Withdrawal, first, second: None }
}

pub(in crate::ledger::tests) fn begin(
    ledger: &DurableLedger,
    id: u128,
    from: AccountId,
    amount: u64,
    timeout_ms: u64,
) -> Result<(), TransferError> {
    let transfer = withdrawal(ledger, Uuid::from_u128(id), from, amount);
    block_on(ledger.begin_withdrawal(transfer, 1_000, timeout_ms))
}

fn state_of(ledger: &DurableLedger, id: u128) -> Option<TransferState> {
    let transfer = ledger.operator_transfer(Uuid::from_u128(id)).unwrap();
    transfer.map(|transfer| transfer.state)
}

#[test]
fn pending_withdrawals_are_listed_in_the_order_in_which_they_expire() {
    let (_dir, store) = fresh();
    let ledger = DurableLedger::open(&store, options(10)).unwrap();
    fund(&ledger, 1, 100);
    for (id, timeout_ms) in [(1, 700), (2, 500), (3, 600), (4, 500)] {
        begin(&ledger, id, peer_id(1), 10, timeout_ms).unwrap();
    }
    let listed = |after, limit| -> Vec<u128> {
        let rows = ledger.pending_withdrawals(after, limit);
        rows.iter().map(|transfer| transfer.id.as_u128()).collect()
    };
    assert_eq!(listed(None, 9), [2, 4, 3, 1]);
    assert_eq!(listed(None, 2), [2, 4]);
    assert_eq!(listed(Some((1_500, Uuid::from_u128(4))), 9), [3, 1]);
    block_on(ledger.void_withdrawal(Uuid::from_u128(3), 1_000)).unwrap();
    assert_eq!(listed(Some((1_500, Uuid::from_u128(4))), 9), [1]);
    assert_eq!(listed(Some((1_700, Uuid::from_u128(1))), 9), []);
}

#[test]
fn a_pending_withdrawal_outlives_restarts_and_ends_once() {
    let (dir, mut store) = fresh();
    let mut ledger = DurableLedger::open(&store, options(10)).unwrap();
    fund(&ledger, 1, 100);
    for id in 1..=3 {
        begin(&ledger, id, peer_id(1), 20, 500).unwrap();
    }
    for round in 0..3 {
        assert_eq!(available(&ledger, 1), 40);
        let balance = ledger.account(peer_id(1)).own_part();
        assert_eq!((balance.debits_pending, balance.total()), (60, 100));
        assert_eq!(ledger.next_expiry(), Some(1_500));
        assert!(matches!(begin(&ledger, 1, peer_id(1), 1, 500), Err(TransferError::Exists)));
        assert_eq!(state_of(&ledger, 1), Some(TransferState::Pending));
        if round == 1 {
            ledger.checkpoint().unwrap();
        }
        drop(ledger);
        drop(store);
        store = open(dir.path());
        ledger = DurableLedger::open(&store, options(10)).unwrap();
    }
    let [first, second, third] = [1, 2, 3].map(Uuid::from_u128);
    block_on(ledger.post_withdrawal(first, 1_499)).unwrap();
    block_on(ledger.void_withdrawal(second, 1_499)).unwrap();
    // No timer ran, and it is expired all the same.
    let late = block_on(ledger.post_withdrawal(third, 1_500));
    assert!(matches!(late, Err(TransferError::Expired)));
    let balance = ledger.account(peer_id(1)).own_part();
    assert_eq!((balance.debits_pending, balance.available()), (0, 80));
    for _ in 0..2 {
        for (id, state) in [(first, 0), (second, 1), (third, 2)] {
            let post = block_on(ledger.post_withdrawal(id, 1)).unwrap_err();
            let void = block_on(ledger.void_withdrawal(id, 9_999)).unwrap_err();
            for error in [post, void] {
                let fits = match state {
                    0 => matches!(error, TransferError::AlreadyPosted),
                    1 => matches!(error, TransferError::AlreadyVoided),
                    _ => matches!(error, TransferError::Expired),
                };
                assert!(fits, "{state} {error}");
            }
        }
        drop(ledger);
        ledger = DurableLedger::open(&store, options(10)).unwrap();
        assert_eq!(available(&ledger, 1), 80);
    }
    assert_eq!(ledger.verify().unwrap().faults, Vec::<String>::new());
}

#[test]
fn withdrawals_are_refused_for_what_is_wrong_with_them() {
    let (_dir, store) = fresh();
    let ledger = DurableLedger::open(&store, options(2)).unwrap();
    fund(&ledger, 1, 100);
    let unknown = Uuid::from_u128(77);
    assert!(matches!(block_on(ledger.post_withdrawal(unknown, 1)), Err(TransferError::Unknown)));
    assert!(matches!(begin(&ledger, 1, peer_id(1), 0, 1), Err(TransferError::AmountZero)));
    assert!(matches!(begin(&ledger, 1, peer_id(1), 101, 1), Err(TransferError::Insufficient(_))));
    // Single phase: posted at once.
    begin(&ledger, 1, peer_id(1), 10, 0).unwrap();
    let again = block_on(ledger.void_withdrawal(Uuid::from_u128(1), 1));
    assert!(matches!(again, Err(TransferError::AlreadyPosted)));
    let id = Uuid::from_u128(2);
    block_on(ledger.transfer(deposit(&ledger, id, peer_id(1), 1), 1)).unwrap();
    assert!(matches!(block_on(ledger.post_withdrawal(id, 1)), Err(TransferError::Unknown)));
    assert!(matches!(begin(&ledger, 2, peer_id(1), 1, 1), Err(TransferError::Exists)));
    // With all permits out nothing ends, and nothing is lost.
    begin(&ledger, 3, peer_id(1), 50, 100).unwrap();
    let held = [hold(&ledger, 1, 2, 1).unwrap(), hold(&ledger, 1, 2, 1).unwrap()];
    assert!(matches!(begin(&ledger, 4, peer_id(1), 1, 1), Err(TransferError::Full)));
    let full = block_on(ledger.post_withdrawal(Uuid::from_u128(3), 1));
    assert!(matches!(full, Err(TransferError::Full)));
    assert_eq!(ledger.expire_due(9_999), 0);
    drop(held);
    assert_eq!(ledger.expire_due(1_099), 0);
    assert_eq!(ledger.expire_due(1_100), 1);
    assert_eq!(available(&ledger, 1), 91);
    ledger.close().unwrap();
    let closed = block_on(ledger.void_withdrawal(Uuid::from_u128(3), 1));
    assert!(matches!(closed, Err(TransferError::Expired)), "{closed:?}");
    assert!(matches!(begin(&ledger, 9, peer_id(1), 1, 1), Err(TransferError::Stopped)));
}

#[test]
fn of_many_that_end_one_withdrawal_one_does() {
    let (_dir, store) = fresh();
    let (ledger, record, _) = watched(&store, options(100), Duration::from_millis(1));
    fund(&ledger, 1, 100);
    begin(&ledger, 1, peer_id(1), 60, 1_000).unwrap();
    let start = Barrier::new(9);
    let done: usize = thread::scope(|scope| {
        let end = |post: bool| {
            start.wait();
            let id = Uuid::from_u128(1);
            let result = if post {
                block_on(ledger.post_withdrawal(id, 1_500))
            } else {
                block_on(ledger.void_withdrawal(id, 1_500))
            };
            // Whoever hears of the outcome can rely on it.
            assert_eq!(ledger.durable_sequence(), 3);
            usize::from(result.is_ok())
        };
        let handles: Vec<_> =
            (0..9).map(|number| scope.spawn(move || end(number % 2 == 0))).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).sum()
    });
    assert_eq!((done, record.lock().len()), (1, 3));
    let left = available(&ledger, 1);
    let posted = state_of(&ledger, 1) == Some(TransferState::Posted);
    assert_eq!(left, if posted { 40 } else { 100 });
}

#[derive(Clone, Debug)]
enum Step {
    Begin { id: u128, amount: u64, timeout_ms: u64 },
    End { id: u128, post: bool },
    Deposit { id: u128, amount: u64 },
    Wait(u64),
    Expire,
    Checkpoint,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let id = || 1..10_u128;
    prop_oneof![
        5 => (id(), 0..60_u64, 0..40_u64)
            .prop_map(|(id, amount, timeout_ms)| Step::Begin { id, amount, timeout_ms }),
        5 => (id(), any::<bool>()).prop_map(|(id, post)| Step::End { id, post }),
        2 => (id(), 0..90_u64).prop_map(|(id, amount)| Step::Deposit { id, amount }),
        3 => (0..30_u64).prop_map(Step::Wait),
        2 => Just(Step::Expire),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Reopen),
    ]
}

/// The books as a careful clerk would have them on paper.
#[derive(Default)]
struct Clerk {
    total: u64,
    /// Amount, deadline, state, and whether it is a withdrawal.
    known: HashMap<u128, (u64, u64, TransferState, bool)>,
}

impl Clerk {
    /// Returns the amount that is set aside at a time. A withdrawal that was not asked for since
    /// its deadline still counts.
    fn pending(&self) -> u64 {
        let pending = |(amount, _, state, _): &(u64, u64, TransferState, bool)| {
            (*state == TransferState::Pending).then_some(*amount)
        };
        self.known.values().filter_map(pending).sum()
    }

    /// Ends a withdrawal in both books.
    fn end(
        &mut self,
        ledger: &DurableLedger,
        id: u128,
        post: bool,
        now: u64,
    ) -> Result<(), TestCaseError> {
        let uuid = Uuid::from_u128(id);
        let result = if post {
            block_on(ledger.post_withdrawal(uuid, now))
        } else {
            block_on(ledger.void_withdrawal(uuid, now))
        };
        let Some((amount, deadline, state @ TransferState::Pending, _)) = self.known.get_mut(&id)
        else {
            prop_assert_eq!(result.unwrap_err().to_string(), self.name(id));
            return Ok(());
        };
        prop_assert_eq!(result.is_ok(), now < *deadline);
        *state = match (result.is_ok(), post) {
            (false, _) => TransferState::Expired,
            (true, true) => TransferState::Posted,
            (true, false) => TransferState::Voided,
        };
        if *state == TransferState::Posted {
            self.total -= *amount;
        }
        Ok(())
    }

    fn name(&self, id: u128) -> &'static str {
        match self.known.get(&id) {
            Some((.., TransferState::Posted, true)) => "the withdrawal was posted before",
            Some((.., TransferState::Voided, true)) => "the withdrawal was voided before",
            Some((.., TransferState::Expired, true)) => "the withdrawal has expired",
            _ => "there is no withdrawal of this id",
        }
    }
}

fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (_dir, store) = fresh();
    let mut ledger = DurableLedger::open(&store, options(100)).unwrap();
    let (mut clerk, mut now) = (Clerk::default(), 1_000);
    for step in steps {
        match step {
            Step::Begin { id, amount, timeout_ms } => {
                let transfer = withdrawal(&ledger, Uuid::from_u128(id), peer_id(1), amount);
                let result = block_on(ledger.begin_withdrawal(transfer, now, timeout_ms));
                let fits = amount > 0
                    && amount <= clerk.total - clerk.pending()
                    && !clerk.known.contains_key(&id);
                prop_assert_eq!(result.is_ok(), fits, "{:?}", result);
                if fits && timeout_ms == 0 {
                    clerk.total -= amount;
                    clerk.known.insert(id, (amount, 0, TransferState::Posted, true));
                } else if fits {
                    let known = (amount, now + timeout_ms, TransferState::Pending, true);
                    clerk.known.insert(id, known);
                }
            }
            Step::End { id, post } => {
                clerk.end(&ledger, id, post, now)?;
            }
            Step::Deposit { id, amount } => {
                let transfer = deposit(&ledger, Uuid::from_u128(id), peer_id(1), amount);
                let result = block_on(ledger.transfer(transfer, now));
                let fits = amount > 0 && !clerk.known.contains_key(&id);
                prop_assert_eq!(result.is_ok(), fits);
                if fits {
                    clerk.total += amount;
                    clerk.known.insert(id, (amount, 0, TransferState::Posted, false));
                }
            }
            Step::Wait(ms) => now += ms,
            Step::Expire => {
                let mut due = 0;
                for (_, deadline, state, _) in clerk.known.values_mut() {
                    if *state == TransferState::Pending && *deadline <= now {
                        *state = TransferState::Expired;
                        due += 1;
                    }
                }
                prop_assert_eq!(ledger.expire_due(now), due);
            }
            Step::Checkpoint => ledger.checkpoint().unwrap(),
            Step::Reopen => {
                drop(ledger);
                ledger = DurableLedger::open(&store, options(100)).unwrap();
            }
        }
        let balance = ledger.account(peer_id(1)).own_part();
        prop_assert_eq!(balance.total(), u128::from(clerk.total));
        prop_assert_eq!(balance.debits_pending, u128::from(clerk.pending()));
    }
    ledger.close().unwrap();
    prop_assert_eq!(ledger.verify().unwrap().faults, Vec::<String>::new());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn withdrawals_do_what_a_clerk_would(steps in prop::collection::vec(step(), 1..60)) {
        run(steps)?;
    }
}
