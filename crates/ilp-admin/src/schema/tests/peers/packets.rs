//! The subscription that shows packets.

use async_graphql::futures_util::{FutureExt, Stream, StreamExt};
use ilp_connector::Source;
use interledger_packet::PrepareBuilder;
use uuid::Uuid;

use crate::schema::tests::*;

impl Node {
    /// Sends a packet from a peer to where no route leads.
    async fn refuse_packet(&self, peer: &str, amount: u64) {
        let destination: Address = "test.nowhere.secret".parse().unwrap();
        let packet = PrepareBuilder {
            amount,
            expires_at: clock().saturating_add_ms(20_000),
            execution_condition: &[7; 32],
            destination: destination.as_addr(),
            data: b"secret",
        };
        let peer = self.connector.peer(peer.parse::<Uuid>().unwrap()).unwrap();
        let packet = packet.build().unwrap();
        self.connector.prepare(Source::Peer(&peer), packet, clock()).await;
    }

    fn follow_packets(&self) -> impl Stream<Item = Value> + Unpin {
        let query = "subscription { packets { passedOver packets {
            source { kind peerId peerAddress amount { value assetCode assetScale } }
            destination { kind } outcome errorCode cause } } }";
        let responses = self.schema.execute_stream(Request::new(query));
        responses.map(|response| serde_json::to_value(response).unwrap()["data"]["packets"].clone())
    }
}

#[tokio::test]
async fn packets_are_shown_to_all_who_look_and_those_beyond_a_bound_are_counted() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let peer = node.create_peer(&asset, "test.a").await;
    node.refuse_packet(&peer, 1).await;
    let mut followers = [node.follow_packets(), node.follow_packets()];
    // A stream begins when it is read for the first time.
    for following in &mut followers {
        assert!(following.next().now_or_never().is_none(), "nothing passed since");
    }
    node.refuse_packet(&peer, 5).await;
    let expected = json!({"passedOver": "0", "packets": [{
        "source": {"kind": "PEER", "peerId": peer, "peerAddress": "test.a",
            "amount": {"value": "5", "assetCode": "USD", "assetScale": 9}},
        "destination": null, "outcome": "REFUSED", "errorCode": "F02", "cause": "no_route"
    }]});
    for following in &mut followers {
        assert_eq!(following.next().await.unwrap(), expected);
    }

    let [mut following, other] = followers;
    for amount in 0..30 {
        node.refuse_packet(&peer, amount).await;
    }
    let mut seen = 0;
    while seen < 30 {
        let told = following.next().await.unwrap();
        let shown = told["packets"].as_array().unwrap().len() as u64;
        let passed_over: u64 = text(&told["passedOver"]).parse().unwrap();
        assert!(shown <= 25, "{told}");
        seen += shown + passed_over;
    }
    assert_eq!(seen, 30);
    drop((following, other));
    // The task ends when it is its turn.
    tokio::task::yield_now().await;
    node.refuse_packet(&peer, 7).await;
    let left = node.connector.sampler().ask(1, clock);
    assert_eq!((left.packets.len(), left.passed_over), (0, 0), "nobody looks any more");
}

#[tokio::test]
async fn who_reads_slowly_is_told_how_much_was_missed() {
    let node = Node::start().await;
    let asset = node.create_asset("USD").await;
    let peer = node.create_peer(&asset, "test.a").await;
    let mut slow = node.operator.peers().watch_packets();
    let mut quick = node.operator.peers().watch_packets();
    for amount in 1..=3 {
        node.refuse_packet(&peer, amount).await;
        assert_eq!(quick.next().await.unwrap().packets[0].amount_in, amount);
    }
    let seen = slow.next().await.unwrap();
    assert_eq!((seen.packets[0].amount_in, seen.passed_over), (3, 2));
}
