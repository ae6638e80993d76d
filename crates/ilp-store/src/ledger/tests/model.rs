//! Random holds, posts and voids against books that a child could keep.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const PEERS: u128 = 3;

#[derive(Clone, Debug)]
enum Step {
    Hold { from: u128, to: u128, amount: u64, second: Option<u64> },
    Post(usize),
    Void(usize),
    Deposit { to: u128, amount: u64 },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let peer = || 0..PEERS;
    let second = proptest::option::of(1..60_u64);
    prop_oneof![
        6 => (peer(), peer(), 1..60_u64, second)
            .prop_map(|(from, to, amount, second)| Step::Hold { from, to, amount, second }),
        4 => (0..8_usize).prop_map(Step::Post),
        2 => (0..8_usize).prop_map(Step::Void),
        3 => (peer(), 1..100_u64).prop_map(|(to, amount)| Step::Deposit { to, amount }),
        1 => Just(Step::Restart),
    ]
}

/// The amounts that each account has to spend, and the moves that wait for their end.
#[derive(Default)]
struct Model {
    available: HashMap<AccountId, u64>,
    held: Vec<Vec<(AccountId, AccountId, u64)>>,
}

impl Model {
    fn hold(&mut self, moves: Vec<(AccountId, AccountId, u64)>) -> bool {
        let mut after = self.available.clone();
        for (from, _, amount) in &moves {
            let Some(left) = after.entry(*from).or_default().checked_sub(*amount) else {
                return false;
            };
            after.insert(*from, left);
        }
        self.available = after;
        self.held.push(moves);
        true
    }

    fn end(&mut self, place: usize, posted: bool) {
        for (from, to, amount) in self.held.remove(place) {
            *self.available.entry(if posted { to } else { from }).or_default() += amount;
        }
    }
}

/// One leg, or two through the asset's account with amounts that differ, as in a conversion.
fn transfer(
    ledger: &DurableLedger,
    from: u128,
    to: u128,
    amount: u64,
    second: Option<u64>,
) -> Transfer {
    let leg = |debit, credit, amount| Leg {
        debit: ledger.account(debit),
        credit: ledger.account(credit),
        amount,
    };
    let (first, second) = match second {
        None => (leg(peer_id(from), peer_id(to), amount), None),
        Some(out) => (leg(peer_id(from), ASSET, amount), Some(leg(ASSET, peer_id(to), out))),
    };
    Transfer { id: Uuid::now_v7(), kind: TransferKind::Packet, first, second }
}

fn agree(ledger: &DurableLedger, model: &Model) -> Result<(), TestCaseError> {
    for account in (0..PEERS).map(peer_id).chain([ASSET]) {
        let expected = model.available.get(&account).copied().unwrap_or_default();
        prop_assert_eq!(ledger.account(account).own_part().available(), u128::from(expected));
    }
    Ok(())
}

fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (_dir, store) = fresh();
    let mut ledger = DurableLedger::open(&store, LedgerOptions::default()).unwrap();
    let mut model = Model::default();
    let mut held = Vec::new();
    for step in steps {
        match step {
            Step::Hold { from, to, amount, second } => {
                let transfer = transfer(&ledger, from, to, amount, second);
                let moves = transfer
                    .legs()
                    .map(|leg| (leg.debit.id(), leg.credit.id(), leg.amount))
                    .collect();
                let result = block_on(ledger.hold(transfer));
                prop_assert_eq!(result.is_ok(), model.hold(moves));
                held.extend(result);
            }
            Step::Post(place) if place < held.len() => {
                prop_assert_eq!(block_on(ledger.post(held.remove(place))), Ok(()));
                model.end(place, true);
            }
            Step::Void(place) if place < held.len() => {
                drop(held.remove(place));
                model.end(place, false);
            }
            Step::Post(_) | Step::Void(_) => {}
            Step::Deposit { to, amount } => {
                fund(&ledger, to, amount);
                *model.available.entry(peer_id(to)).or_default() += amount;
            }
            Step::Restart => {
                held.clear();
                (0..model.held.len()).for_each(|_| model.end(0, false));
                drop(ledger);
                ledger = DurableLedger::open(&store, LedgerOptions::default()).unwrap();
            }
        }
        agree(&ledger, &model)?;
    }
    let live = ledger.totals();
    drop((held, ledger));
    // Accounts on which nothing ever happened aren't on the disk.
    let settled = |(id, total): &(AccountId, Total)| {
        let (credits, debits) = (total.credits, total.debits);
        (credits + debits > 0).then_some((*id, credits, debits))
    };
    let ledger = DurableLedger::open(&store, LedgerOptions::default()).unwrap();
    let reopened: Vec<_> = ledger.totals().iter().filter_map(settled).collect();
    prop_assert_eq!(reopened, live.iter().filter_map(settled).collect::<Vec<_>>());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_ledger_keeps_the_books_of_the_model(steps in prop::collection::vec(step(), 1..60)) {
        run(steps)?;
    }
}
