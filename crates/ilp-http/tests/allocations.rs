use crate::{
    frames::{Frames, H2c},
    support::{PATIENCE, client},
};
use allocation_counter::measure;
use bytes::{Bytes, BytesMut};
use ilp_http::{Client, NextHop};
use std::{sync::mpsc, thread};
use tokio::{runtime, time::Instant};

const PACKETS: u64 = 100;
/// h2's own buffers grow now and then.
const FEW: u64 = 10;

/// A peer on a thread of its own, whose allocations are not counted here.
fn peer() -> String {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let peer = H2c::start(|_, mut frames: Frames| async move {
                loop {
                    let (stream, packet) = frames.packet().await?;
                    frames.echo(stream, &packet).await?;
                }
            })
            .await;
            tell.send(peer.endpoint()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    told.recv().unwrap()
}

/// Copies a packet as the server does: into a block that packets share.
fn shared(packet: &[u8]) -> Bytes {
    let mut block = BytesMut::with_capacity(4_096);
    block.extend_from_slice(packet);
    block.split().freeze()
}

/// Returns the number of allocations of sending these packets by HTTP/2, one after the other.
fn allocations(
    runtime: &runtime::Runtime,
    client: &Client,
    endpoint: &str,
    packets: Vec<Bytes>,
) -> u64 {
    let next_hop = NextHop { id: 1, endpoint, token: "right" };
    let sending = async {
        for packet in packets {
            client.send(next_hop, 0, packet, Instant::now() + PATIENCE).await.unwrap();
        }
    };
    measure(|| runtime.block_on(sending)).count_total
}

/// The packet is kept until its reply comes, for a peer that turns out not to have taken it.
#[test]
fn a_packet_is_kept_for_another_attempt_without_an_allocation() {
    let endpoint = peer();
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = runtime.block_on(async { client() });
    let packet = [7; 300];
    let count = |packet: &dyn Fn() -> Bytes| {
        let packets = (0..PACKETS).map(|_| packet()).collect();
        allocations(&runtime, &client, &endpoint, packets)
    };
    // A clone of static bytes never allocates. The first round opens the connection.
    count(&|| Bytes::from_static(&[7; 300]));
    let least = count(&|| Bytes::from_static(&[7; 300]));
    let shared = count(&|| shared(&packet));
    assert!(shared.abs_diff(least) <= FEW, "{shared} and {least} for {PACKETS} packets");
    // A vector's first clone allocates, so the counter would show an allocation.
    let owned = count(&|| Bytes::from(packet.to_vec()));
    assert!(owned.abs_diff(least + PACKETS) <= FEW, "{owned} and {least} for {PACKETS} packets");
}
