use crate::support::{client, send, serve};
use ilp_http::Limits;

/// The number of packets that a busy peer has in flight; far above the 128 connections that one
/// next hop gets.
const PACKETS: usize = 1_000;

#[tokio::test]
async fn a_thousand_packets_at_once_take_few_connections() {
    let server = serve(Limits::default()).await;
    let endpoint = format!("http://{}/", server.address);
    let client = client();
    let packets: Vec<_> = (0..PACKETS)
        .map(|number| {
            let (client, endpoint) = (client.clone(), endpoint.clone());
            tokio::spawn(async move { send(&client, &endpoint, &number.to_string()).await })
        })
        .collect();
    for (number, packet) in packets.into_iter().enumerate() {
        assert_eq!(packet.await.unwrap().unwrap(), format!("echo:{number}"));
    }
    // 128 for HTTP/1.1 and one for HTTP/2, should it have been found in time.
    assert!(client.connections_opened() <= 129, "{}", client.connections_opened());
    assert_eq!(server.handler.finished(), PACKETS);
}
