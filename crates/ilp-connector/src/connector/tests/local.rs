//! Packets whose way begins or ends at an account of this node.

use super::*;
use crate::account::{AccountId, AccountKind, Balance};

fn local(kind: AccountKind, asset: Arc<Asset>, liquidity: u64) -> LocalAccount {
    let id = AccountId { kind, owner: Uuid::now_v7() };
    let balance = Balance { credits: u128::from(liquidity), ..Balance::default() };
    LocalAccount { asset, account: Arc::new(Account::new(id, balance)) }
}

pub(super) fn wallet() -> LocalAccount {
    local(AccountKind::WalletAddress, asset("USD"), 0)
}

impl Node {
    pub(super) fn let_in(&self, packet: Prepare) -> Prepare {
        match self.prepare(packet) {
            Decision::Deliver(packet) => packet,
            other => panic!("not for this node: {other:?}"),
        }
    }

    pub(super) fn delivered(&self, to: &LocalAccount, packet: Prepare) -> Delivery<Hold> {
        let packet = self.let_in(packet);
        let source = Source::Peer(&self.alice);
        let arriving = self.connector.arriving(source, &packet, &to.asset, now());
        let amount = arriving.expect("one asset");
        ready(self.connector.deliver(source, &packet, to, amount, now())).expect("there is enough")
    }
}

#[test]
fn what_is_fulfilled_by_the_recipient_is_its_own() {
    let (node, wallet) = (node(), wallet());
    let delivery = node.delivered(&wallet, prepare("g.node.token", 300));
    assert_eq!(wallet.account.own_part().available(), 0);
    assert_eq!(node.available().0, 700);

    let reply = ready(node.connector.complete_delivery(delivery, fulfill(), now()));
    assert_eq!(reply, fulfill());
    assert_eq!((node.available().0, wallet.account.own_part().available()), (700, 300));
}

#[test]
fn what_the_recipient_refuses_or_answers_too_late_is_back_at_once() {
    let (node, wallet) = (node(), wallet());
    let reject = Reject::new(ErrorCode::F99_APPLICATION_ERROR, None, "no").into_bytes();
    let answers = [
        (reject, 0, ErrorCode::F99_APPLICATION_ERROR),
        (fulfill(), 20_000, ErrorCode::R00_TRANSFER_TIMED_OUT),
    ];
    for (answer, later_ms, code) in answers {
        let delivery = node.delivered(&wallet, prepare("g.node.token", 300));
        let at = now().saturating_add_ms(later_ms);
        let reply = ready(node.connector.complete_delivery(delivery, answer, at));
        assert_eq!(Reject::parse(reply).expect("a reject").code(), code);
        assert_eq!((node.available().0, wallet.account.own_part().available()), (1_000, 0));
    }
    // A delivery without an answer is voided too.
    drop(node.delivered(&wallet, prepare("g.node.token", 300)));
    assert_eq!(node.available().0, 1_000);
}

#[test]
fn a_recipient_of_another_asset_without_a_rate_gets_nothing() {
    let node = node();
    let euros = local(AccountKind::WalletAddress, asset("EUR"), 0);
    let packet = node.let_in(prepare("g.node.token", 300));
    let refused = node.connector.arriving(Source::Peer(&node.alice), &packet, &euros.asset, now());
    assert_eq!(refused.expect_err("no rate"), Refusal::NoRate);
    assert_eq!(node.available().0, 1_000);
}

#[test]
fn a_payment_spends_what_it_was_funded_with_and_no_more() {
    let node = node();
    let payment = local(AccountKind::OutgoingPayment, asset("USD"), 500);
    let send = |amount| {
        let packet = prepare("g.bob.savings", amount);
        ready(node.connector.prepare(Source::Local(&payment), packet, now()))
    };
    let Decision::Send { in_flight, .. } = send(400) else { panic!("refused") };
    let Decision::Reply(short) = send(101) else { panic!("sent more than there is") };
    let short = Reject::parse(short).expect("a reject");
    assert_eq!(short.code(), ErrorCode::T04_INSUFFICIENT_LIQUIDITY);

    ready(node.connector.complete(in_flight, Ok(fulfill()), now()));
    assert_eq!(payment.account.own_part().available(), 100);
    assert_eq!(node.available(), (1_000, 1_400));
}

#[test]
fn the_node_itself_is_no_account_and_a_childs_longer_address_wins() {
    let node = node();
    assert_eq!(node.refused_code(prepare("g.node", 1)), ErrorCode::F02_UNREACHABLE);
    node.connector.add_peer(peer("g.node.child"));
    node.sent(prepare("g.node.child.x", 1));
    node.let_in(prepare("g.node.children", 1));
}

#[test]
fn a_probe_is_converted_and_holds_nothing() {
    let node = node();
    node.connector.add_peer(peer_with(terms("g.euro"), asset("EUR"), 0));
    let dollars = asset("USD");
    let ask = |destination, amount| {
        let packet = prepare(destination, amount);
        ready(node.connector.prepare(Source::Probe(&dollars), packet, now()))
    };
    // The amount exceeds all balances.
    let Decision::Send { packet, in_flight } = ask("g.bob.x", 1_000_000_000_000) else {
        panic!("refused")
    };
    let packet = Prepare::parse(packet.into()).expect("a packet");
    assert_eq!(packet.amount(), 1_000_000_000_000);
    assert_eq!(node.available(), (1_000, 1_000));
    let reject = Reject::new(ErrorCode::F99_APPLICATION_ERROR, None, "no").into_bytes();
    assert_eq!(ready(node.connector.complete(in_flight, Ok(reject.clone()), now())), reject);
    let Decision::Reply(refused) = ask("g.euro.x", 5) else { panic!("sent without a rate") };
    let code = Reject::parse(refused).expect("a reject").code();
    assert_eq!(code, ErrorCode::F07_CANNOT_RECEIVE);
}

#[test]
fn what_the_terms_with_the_next_hop_allow_is_known_in_the_senders_unit() {
    let node = node();
    let limited = Terms { max_packet_amount: Some(700), ..terms("g.limited") };
    node.connector.add_peer(peer_with(limited, asset("USD"), 0));
    let dollars = asset("USD");
    let most = |destination| {
        node.connector.packet_amount_max(&dollars, address(destination).as_addr(), now())
    };
    assert_eq!(most("g.limited.x"), Some(700));
    assert_eq!((most("g.bob.x"), most("g.nowhere"), most("g.node.x")), (None, None, None));
}
