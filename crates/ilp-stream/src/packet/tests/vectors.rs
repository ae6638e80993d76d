//! The 53 packets that IL-RFC 29 gives as examples (0029-stream/test-vectors), by name: what each
//! says, and its bytes. Hex, not base64, so that a reader can follow the fields.

use crate::frame::{CloseCode, Frame};

pub(super) struct Vector {
    pub(super) name: &'static str,
    pub(super) packet_type: u8,
    pub(super) sequence: u64,
    pub(super) amount: u64,
    pub(super) frame: Option<Frame<'static>>,
    pub(super) bytes: &'static str,
    /// The number in it is beyond 64 bits, so writing it again gives other bytes.
    pub(super) is_decode_only: bool,
}

/// The greatest integer that JavaScript's numbers hold exactly.
const MAX_JS: u64 = (1 << 53) - 1;

const RECEIPT: [u8; 58] = [
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0xf4, 0xc1, 0x22, 0xfa, 0x02, 0x52, 0xde,
    0xbb, 0x67, 0x2d, 0x59, 0x18, 0x23, 0xf7, 0x10, 0xe9, 0x95, 0x16, 0xd6, 0x73, 0x85, 0xcf, 0x39,
    0x7d, 0xa8, 0x7c, 0xc8, 0xf9, 0xe8, 0xc8, 0xbf, 0x51, 0x30,
];

#[rustfmt::skip]
pub(super) const VECTORS: [Vector; 53] = [
    vector("sequence:0", (12, 0, 0), None, "010c010001000100"),
    vector("sequence:max_js", (12, MAX_JS, 0), None, "010c071fffffffffffff01000100"),
    vector("sequence:max_uint_64", (12, u64::MAX, 0), None, "010c08ffffffffffffffff01000100"),
    vector("type:prepare", (12, 0, 0), None, "010c010001000100"),
    vector("type:fulfill", (13, 0, 0), None, "010d010001000100"),
    vector("type:reject", (14, 0, 0), None, "010e010001000100"),
    vector("amount:0", (12, 0, 0), None, "010c010001000100"),
    vector("amount:max_js", (12, 0, MAX_JS), None, "010c0100071fffffffffffff0100"),
    vector("amount:max_uint_64", (12, 0, u64::MAX), None, "010c010008ffffffffffffffff0100"),
    vector("frame:connection_close", (12, 0, 0), Some(Frame::ConnectionClose { code: CloseCode(1), message: b"fail" }), "010c010001000101010601046661696c"),
    vector("frame:connection_new_address", (12, 0, 0), Some(Frame::ConnectionNewAddress { source_account: b"example.alice" }), "010c010001000101020e0d6578616d706c652e616c696365"),
    vector("frame:connection_asset_details", (12, 0, 0), Some(Frame::ConnectionAssetDetails { code: "ABC", scale: 255 }), "010c010001000101070503414243ff"),
    vector("frame:connection_max_data:0", (12, 0, 0), Some(Frame::ConnectionMaxData { max_offset: 0 }), "010c01000100010103020100"),
    vector("frame:connection_max_data:max_js", (12, 0, 0), Some(Frame::ConnectionMaxData { max_offset: MAX_JS }), "010c0100010001010308071fffffffffffff"),
    vector("frame:connection_max_data:max_uint_64", (12, 0, 0), Some(Frame::ConnectionMaxData { max_offset: u64::MAX }), "010c010001000101030908ffffffffffffffff"),
    vector("frame:connection_data_blocked:0", (12, 0, 0), Some(Frame::ConnectionDataBlocked { max_offset: 0 }), "010c01000100010104020100"),
    vector("frame:connection_data_blocked:max_js", (12, 0, 0), Some(Frame::ConnectionDataBlocked { max_offset: MAX_JS }), "010c0100010001010408071fffffffffffff"),
    vector("frame:connection_data_blocked:max_uint_64", (12, 0, 0), Some(Frame::ConnectionDataBlocked { max_offset: u64::MAX }), "010c010001000101040908ffffffffffffffff"),
    vector("frame:connection_max_stream_id:0", (12, 0, 0), Some(Frame::ConnectionMaxStreamId { max_stream_id: 0 }), "010c01000100010105020100"),
    vector("frame:connection_max_stream_id:max_js", (12, 0, 0), Some(Frame::ConnectionMaxStreamId { max_stream_id: MAX_JS }), "010c0100010001010508071fffffffffffff"),
    vector("frame:connection_max_stream_id:max_uint_64", (12, 0, 0), Some(Frame::ConnectionMaxStreamId { max_stream_id: u64::MAX }), "010c010001000101050908ffffffffffffffff"),
    vector("frame:connection_stream_id_blocked:0", (12, 0, 0), Some(Frame::ConnectionStreamIdBlocked { max_stream_id: 0 }), "010c01000100010106020100"),
    vector("frame:connection_stream_id_blocked:max_js", (12, 0, 0), Some(Frame::ConnectionStreamIdBlocked { max_stream_id: MAX_JS }), "010c0100010001010608071fffffffffffff"),
    vector("frame:connection_stream_id_blocked:max_uint_64", (12, 0, 0), Some(Frame::ConnectionStreamIdBlocked { max_stream_id: u64::MAX }), "010c010001000101060908ffffffffffffffff"),
    vector("frame:stream_close", (12, 0, 0), Some(Frame::StreamClose { stream_id: 123, code: CloseCode(255), message: b"an error message" }), "010c0100010001011014017bff10616e206572726f72206d657373616765"),
    vector("frame:stream_money:0", (12, 0, 0), Some(Frame::StreamMoney { stream_id: 123, shares: 0 }), "010c0100010001011104017b0100"),
    vector("frame:stream_money:max_js", (12, 0, 0), Some(Frame::StreamMoney { stream_id: 123, shares: MAX_JS }), "010c010001000101110a017b071fffffffffffff"),
    vector("frame:stream_money:max_uint_64", (12, 0, 0), Some(Frame::StreamMoney { stream_id: 123, shares: u64::MAX }), "010c010001000101110b017b08ffffffffffffffff"),
    vector("frame:stream_max_money:receive_max:0", (12, 0, 0), Some(Frame::StreamMaxMoney { stream_id: 123, receive_max: 0, total_received: 456 }), "010c0100010001011207017b01000201c8"),
    vector("frame:stream_max_money:receive_max:max_js", (12, 0, 0), Some(Frame::StreamMaxMoney { stream_id: 123, receive_max: MAX_JS, total_received: 456 }), "010c010001000101120d017b071fffffffffffff0201c8"),
    vector("frame:stream_max_money:receive_max:max_uint_64", (12, 0, 0), Some(Frame::StreamMaxMoney { stream_id: 123, receive_max: u64::MAX, total_received: 456 }), "010c010001000101120e017b08ffffffffffffffff0201c8"),
    vector("frame:stream_max_money:total_received:0", (12, 0, 0), Some(Frame::StreamMaxMoney { stream_id: 123, receive_max: 456, total_received: 0 }), "010c0100010001011207017b0201c80100"),
    vector("frame:stream_max_money:total_received:max_js", (12, 0, 0), Some(Frame::StreamMaxMoney { stream_id: 123, receive_max: 456, total_received: MAX_JS }), "010c010001000101120d017b0201c8071fffffffffffff"),
    vector("frame:stream_max_money:total_received:max_uint_64", (12, 0, 0), Some(Frame::StreamMaxMoney { stream_id: 123, receive_max: 456, total_received: u64::MAX }), "010c010001000101120e017b0201c808ffffffffffffffff"),
    vector("frame:stream_money_blocked:send_max:0", (12, 0, 0), Some(Frame::StreamMoneyBlocked { stream_id: 123, send_max: 0, total_sent: 456 }), "010c0100010001011307017b01000201c8"),
    vector("frame:stream_money_blocked:send_max:max_js", (12, 0, 0), Some(Frame::StreamMoneyBlocked { stream_id: 123, send_max: MAX_JS, total_sent: 456 }), "010c010001000101130d017b071fffffffffffff0201c8"),
    vector("frame:stream_money_blocked:send_max:max_uint_64", (12, 0, 0), Some(Frame::StreamMoneyBlocked { stream_id: 123, send_max: u64::MAX, total_sent: 456 }), "010c010001000101130e017b08ffffffffffffffff0201c8"),
    vector("frame:stream_money_blocked:total_sent:0", (12, 0, 0), Some(Frame::StreamMoneyBlocked { stream_id: 123, send_max: 456, total_sent: 0 }), "010c0100010001011307017b0201c80100"),
    vector("frame:stream_money_blocked:total_sent:max_js", (12, 0, 0), Some(Frame::StreamMoneyBlocked { stream_id: 123, send_max: 456, total_sent: MAX_JS }), "010c010001000101130d017b0201c8071fffffffffffff"),
    vector("frame:stream_money_blocked:total_sent:max_uint_64", (12, 0, 0), Some(Frame::StreamMoneyBlocked { stream_id: 123, send_max: 456, total_sent: u64::MAX }), "010c010001000101130e017b0201c808ffffffffffffffff"),
    vector("frame:stream_data", (12, 0, 0), Some(Frame::StreamData { stream_id: 123, offset: 456, data: b"foobar" }), "010c010001000101140c017b0201c806666f6f626172"),
    vector("frame:stream_data:offset:0", (12, 0, 0), Some(Frame::StreamData { stream_id: 123, offset: 0, data: b"" }), "010c0100010001011405017b010000"),
    vector("frame:stream_data:offset:max_js", (12, 0, 0), Some(Frame::StreamData { stream_id: 123, offset: MAX_JS, data: b"" }), "010c010001000101140b017b071fffffffffffff00"),
    vector("frame:stream_data:offset:max_uint_64", (12, 0, 0), Some(Frame::StreamData { stream_id: 123, offset: u64::MAX, data: b"" }), "010c010001000101140c017b08ffffffffffffffff00"),
    vector("frame:stream_max_data:offset:0", (12, 0, 0), Some(Frame::StreamMaxData { stream_id: 123, max_offset: 0 }), "010c0100010001011504017b0100"),
    vector("frame:stream_max_data:offset:max_js", (12, 0, 0), Some(Frame::StreamMaxData { stream_id: 123, max_offset: MAX_JS }), "010c010001000101150a017b071fffffffffffff"),
    vector("frame:stream_max_data:offset:max_uint_64", (12, 0, 0), Some(Frame::StreamMaxData { stream_id: 123, max_offset: u64::MAX }), "010c010001000101150b017b08ffffffffffffffff"),
    vector("frame:stream_data_blocked:offset:0", (12, 0, 0), Some(Frame::StreamDataBlocked { stream_id: 123, max_offset: 0 }), "010c0100010001011604017b0100"),
    vector("frame:stream_data_blocked:offset:max_js", (12, 0, 0), Some(Frame::StreamDataBlocked { stream_id: 123, max_offset: MAX_JS }), "010c010001000101160a017b071fffffffffffff"),
    vector("frame:stream_data_blocked:offset:max_uint_64", (12, 0, 0), Some(Frame::StreamDataBlocked { stream_id: 123, max_offset: u64::MAX }), "010c010001000101160b017b08ffffffffffffffff"),
    vector("frame:stream_receipt", (12, 0, 0), Some(Frame::StreamReceipt { stream_id: 1, receipt: &RECEIPT }), "010c010001000101173d01013a01000000000000000000000000000000000100000000000001f4c122fa0252debb672d591823f710e99516d67385cf397da87cc8f9e8c8bf5130"),
    vector("frame:stream_max_money:receive_max:too_big", (12, 0, 0), Some(Frame::StreamMaxMoney { stream_id: 123, receive_max: u64::MAX, total_received: 456 }), "010c010001000101120f017b090100000000000000000201c8"),
    vector("frame:stream_money_blocked:send_max:too_big", (12, 0, 0), Some(Frame::StreamMoneyBlocked { stream_id: 123, send_max: u64::MAX, total_sent: 456 }), "010c010001000101130f017b090100000000000000000201c8"),
];

const fn vector(
    name: &'static str,
    (packet_type, sequence, amount): (u8, u64, u64),
    frame: Option<Frame<'static>>,
    bytes: &'static str,
) -> Vector {
    let is_decode_only = matches!(name.as_bytes(), [.., b't', b'o', b'o', b'_', b'b', b'i', b'g']);
    Vector { name, packet_type, sequence, amount, frame, bytes, is_decode_only }
}
