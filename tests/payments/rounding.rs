//! Payments whose amounts no packets can deliver exactly.

use super::*;

/// A cent is worth 91.37 of Bob's units, so the amount that he asks for can be exceeded by a cent's
/// worth.
#[test]
fn what_a_coarser_unit_cant_hit_is_quoted_and_delivered_as_what_arrives() {
    let chain = Chain::start();
    set_rate(&chain.connector, "0.9137");
    // The amounts take two packets of 6.08; one of 5.00 and one of a cent; less than a cent;
    // between nine and ten cents.
    for (asked, arrives) in [(111_036, 111_104), (45_690, 45_776), (50, 91), (900, 913)] {
        let (id, url) = invoice(&chain, asked);
        let quote = chain.alice.quote(&chain.from.0, &url, Deliver(asked)).unwrap();
        let payment = chain.alice.pay_quote(&chain.from.0, &quote);
        let payment = chain.alice.ended_payment(&payment);
        assert_eq!(payment["state"], "COMPLETED", "{asked} asked: {payment}");
        let query = "query($id: String!) { incomingPayment(id: $id) {
            state receivedAmount { value } } }";
        let paid = || {
            let found = chain.bob.query(query, json!({ "id": id }))["incomingPayment"].clone();
            (found["state"] == "COMPLETED").then_some(found)
        };
        let received = wait_for("the incoming payment's end", paid)["receivedAmount"].clone();
        assert_eq!(received["value"], arrives.to_string(), "{asked} asked");
        assert_eq!(quote["receiveAmount"]["value"], arrives.to_string(), "{asked} asked");
    }
    // A wallet address, which has no limit, is paid no more than that either.
    let before = chain.bob.wallet_liquidity(&chain.to.0);
    let payment = chain.pay(Deliver(111_036));
    assert_eq!(payment["state"], "COMPLETED", "{payment}");
    assert_eq!(chain.bob.wallet_liquidity(&chain.to.0) - before, 111_104);
}

/// The wallets of the two nodes count in cents, and the nodes peer in euro cents, so each packet is
/// converted there and back and rounded down twice.
#[test]
fn wallets_of_one_asset_whose_nodes_peer_in_another_are_quoted_what_rounding_leaves() {
    let node = |address| {
        Node::start_with(&[("JIRANI_ILP_ADDRESS", address), ("JIRANI_RATES_FIXED", "USD/EUR=0.92")])
    };
    let [alice, bob] = ["test.alice", "test.bob"].map(node);
    let wallets = [&alice, &bob].map(|node| {
        let (dollars, euros) = (node.create_asset("USD", 2), node.create_asset("EUR", 2));
        for asset in [&dollars, &euros] {
            deposit_asset(node, asset, LIQUIDITY);
        }
        (dollars, euros)
    });
    // Bob's node takes packets of up to 9.20 EUR, which are 10.00 USD without a remainder. Other
    // amounts have one.
    peer(&alice, &wallets[0].1, "test.bob", &bob, 1_000_000);
    peer(&bob, &wallets[1].1, "test.alice", &alice, 920);
    let (from, _) = alice.create_wallet(&wallets[0].0, "alice");
    let (to, url) = bob.create_wallet(&wallets[1].0, "bob");
    let mut received = 0;
    for amount in [86_205, 1_000, 1_001, 2_900, 17] {
        let quote = alice.quote(&from, &url, Send(amount)).unwrap();
        let payment = alice.ended_payment(&alice.pay_quote(&from, &quote));
        assert_eq!(payment["state"], "COMPLETED", "{amount}: {payment}");
        let delivered = bob.wallet_liquidity(&to) - received;
        received += delivered;
        assert_eq!(quote["receiveAmount"]["value"], delivered.to_string(), "{amount}");
        assert!(delivered + 2 * amount.div_ceil(1_000) >= amount, "{amount}: {delivered}");
    }
}
