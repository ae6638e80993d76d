//! Buffers for packets, of which a clone costs no allocation.
//!
//! A packet is kept until its reply comes, for a next hop that turns out not to have taken it. The
//! bytes that a connection has read are a piece of its read buffer, which must not be held for so
//! long, so a packet is copied. A vector for each would cost an allocation, and its first clone
//! another one. The packets of a thread are copied into shared blocks instead.

use bytes::{Bytes, BytesMut};
use std::cell::RefCell;

/// The size of a block. A packet that waits for its reply keeps all of its block, so a packet holds
/// at most this much memory, which is less than the longest packet takes anyway.
const BLOCK_BYTES: usize = 4 * 1_024;
/// The longest packet that is copied into a block. A longer one has a buffer of its own, because
/// few of them would fit into a block.
const SHARED_BYTES_MAX: usize = 1_024;

thread_local! {
    /// The block that has room, if any.
    static BLOCK: RefCell<BytesMut> = RefCell::new(BytesMut::new());
}

/// Copies a packet into a buffer that the caller can write to.
pub(crate) fn copy(packet: Bytes) -> BytesMut {
    if packet.len() > SHARED_BYTES_MAX {
        return BytesMut::from(packet);
    }
    BLOCK.with_borrow_mut(|block| {
        // A block whose packets are all gone is used again.
        if block.capacity() < packet.len() && !block.try_reclaim(BLOCK_BYTES) {
            *block = BytesMut::with_capacity(BLOCK_BYTES);
        }
        block.extend_from_slice(&packet);
        block.split()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use allocation_counter::measure;

    #[test]
    fn packets_share_blocks_and_not_bytes() {
        let mut packets: Vec<_> =
            (0..100_u8).map(|byte| copy(Bytes::from(vec![byte; 300]))).collect();
        for packet in &mut packets {
            packet[0] = 255;
        }
        for (byte, packet) in (0..100_u8).zip(packets) {
            assert_eq!(packet[..], [&[255][..], &[byte; 299]].concat());
        }
        let long = vec![7; 30_000];
        assert_eq!(copy(Bytes::from(long.clone())), long);
        assert_eq!(copy(Bytes::new()), b""[..]);
    }

    #[test]
    fn a_clone_of_a_packet_costs_no_allocation() {
        let packets: Vec<_> = (0..100).map(|_| Bytes::from(vec![1; 300])).collect();
        let mut kept = Vec::with_capacity(200);
        let copied = measure(|| {
            for packet in &packets {
                let packet = copy(packet.clone()).freeze();
                kept.extend([packet.clone(), packet]);
            }
        });
        // 13 packets fit into a block, which takes two allocations: the buffer and the shared
        // count. The other 100 allocations are those of the vectors' clones, which blocks avoid.
        assert_eq!(copied.count_total, 2 * (100 / 13 + 1) + 100, "{copied:?}");
        drop(kept);
        let again = measure(|| {
            for packet in packets {
                let packet = copy(packet).freeze();
                assert_eq!(packet.clone(), packet);
            }
        });
        assert_eq!(again.count_total, 0, "{again:?}");
    }
}
