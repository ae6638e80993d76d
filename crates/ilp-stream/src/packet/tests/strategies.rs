//! Any frame there can be, as parts that own their bytes and as a frame that borrows them.

use proptest::{collection::vec, prelude::*};

use crate::frame::{CloseCode, Frame};

/// Which of the 15 frames, three numbers, a byte, some bytes and some text.
pub(super) type Parts = (u8, [u64; 3], u8, Vec<u8>, String);

pub(super) fn any_frame() -> impl Strategy<Value = Parts> {
    let numbers = (any::<[u64; 3]>(), 0..64_u32)
        .prop_map(|(numbers, shift)| numbers.map(|number| number >> shift));
    let bytes = prop_oneof![9 => vec(any::<u8>(), 0..50), 1 => vec(any::<u8>(), 100..400)];
    (0..15_u8, numbers, any::<u8>(), bytes, "\\PC{0,8}")
}

pub(super) fn as_frame(parts: &Parts) -> Frame<'_> {
    let (kind, [stream_id, a, b], byte, bytes, text) = parts;
    let (stream_id, a, b, code) = (*stream_id, *a, *b, CloseCode(*byte));
    match kind {
        0 => Frame::ConnectionClose { code, message: bytes },
        1 => Frame::ConnectionNewAddress { source_account: bytes },
        2 => Frame::ConnectionMaxData { max_offset: a },
        3 => Frame::ConnectionDataBlocked { max_offset: a },
        4 => Frame::ConnectionMaxStreamId { max_stream_id: a },
        5 => Frame::ConnectionStreamIdBlocked { max_stream_id: a },
        6 => Frame::ConnectionAssetDetails { code: text, scale: *byte },
        7 => Frame::StreamClose { stream_id, code, message: bytes },
        8 => Frame::StreamMoney { stream_id, shares: a },
        9 => Frame::StreamMaxMoney { stream_id, receive_max: a, total_received: b },
        10 => Frame::StreamMoneyBlocked { stream_id, send_max: a, total_sent: b },
        11 => Frame::StreamData { stream_id, offset: a, data: bytes },
        12 => Frame::StreamMaxData { stream_id, max_offset: a },
        13 => Frame::StreamDataBlocked { stream_id, max_offset: a },
        _ => Frame::StreamReceipt { stream_id, receipt: bytes },
    }
}
