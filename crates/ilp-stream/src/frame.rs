//! Frames, the pieces of which a STREAM packet is made (IL-RFC 29, section 5.3).

mod codec;

use std::fmt;

/// One frame, borrowed from the packet it was read from.
///
/// Texts that are for people only stay bytes: a message that is not UTF-8 is no reason to lose the
/// packet it came with. Bytes that follow the last known field of a frame are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// 0x01: the connection ends.
    ConnectionClose {
        /// Why.
        code: CloseCode,
        /// The error for people.
        message: &'a [u8],
    },
    /// 0x02: where the frame's sender can be paid. Senders that can't be paid leave it empty or
    /// write something else into it, so it is not checked here.
    ConnectionNewAddress {
        /// An ILP address, if the sender has one.
        source_account: &'a [u8],
    },
    /// 0x03: how many bytes of data the connection may carry in all.
    ConnectionMaxData {
        /// The number of bytes.
        max_offset: u64,
    },
    /// 0x04: how many bytes of data are waiting to be sent.
    ConnectionDataBlocked {
        /// The number of bytes.
        max_offset: u64,
    },
    /// 0x05: the highest stream that may be opened.
    ConnectionMaxStreamId {
        /// The stream.
        max_stream_id: u64,
    },
    /// 0x06: the highest stream that its sender would like to open.
    ConnectionStreamIdBlocked {
        /// The stream.
        max_stream_id: u64,
    },
    /// 0x07: what the frame's sender counts in. Must not change while a connection lasts.
    ConnectionAssetDetails {
        /// Such as `USD`.
        code: &'a str,
        /// How many decimal places lie between the asset's usual unit and the unit of amounts.
        scale: u8,
    },
    /// 0x10: a stream ends.
    StreamClose {
        /// The stream.
        stream_id: u64,
        /// Why.
        code: CloseCode,
        /// The error for people.
        message: &'a [u8],
    },
    /// 0x11: what part of the Prepare's amount is for a stream.
    StreamMoney {
        /// The stream.
        stream_id: u64,
        /// Its share, to be compared with the sum of all shares in the packet.
        shares: u64,
    },
    /// 0x12: how much money a stream takes, in units of the frame's sender.
    StreamMaxMoney {
        /// The stream.
        stream_id: u64,
        /// In all; what is greater than 64 bits is read as the greatest 64-bit number.
        receive_max: u64,
        /// So far.
        total_received: u64,
    },
    /// 0x13: how much money is waiting to be sent, in units of the frame's sender.
    StreamMoneyBlocked {
        /// The stream.
        stream_id: u64,
        /// In all; what is greater than 64 bits is read as the greatest 64-bit number.
        send_max: u64,
        /// So far.
        total_sent: u64,
    },
    /// 0x14: data for the other end.
    StreamData {
        /// The stream.
        stream_id: u64,
        /// Where in the stream the data belongs, in bytes.
        offset: u64,
        /// The data.
        data: &'a [u8],
    },
    /// 0x15: how many bytes of data a stream may carry in all.
    StreamMaxData {
        /// The stream.
        stream_id: u64,
        /// The number of bytes.
        max_offset: u64,
    },
    /// 0x16: how many bytes of data are waiting to be sent in a stream.
    StreamDataBlocked {
        /// The stream.
        stream_id: u64,
        /// The number of bytes.
        max_offset: u64,
    },
    /// 0x17: the recipient's receipt for what a stream has received (IL-RFC 39, withdrawn).
    StreamReceipt {
        /// The stream.
        stream_id: u64,
        /// 58 bytes, opaque to the sender.
        receipt: &'a [u8],
    },
}

impl Frame<'_> {
    /// Returns the stream that the frame is about; `None` for a frame of the whole connection.
    pub(crate) const fn stream_id(&self) -> Option<u64> {
        match *self {
            Self::ConnectionClose { .. }
            | Self::ConnectionNewAddress { .. }
            | Self::ConnectionMaxData { .. }
            | Self::ConnectionDataBlocked { .. }
            | Self::ConnectionMaxStreamId { .. }
            | Self::ConnectionStreamIdBlocked { .. }
            | Self::ConnectionAssetDetails { .. } => None,
            Self::StreamClose { stream_id, .. }
            | Self::StreamMoney { stream_id, .. }
            | Self::StreamMaxMoney { stream_id, .. }
            | Self::StreamMoneyBlocked { stream_id, .. }
            | Self::StreamData { stream_id, .. }
            | Self::StreamMaxData { stream_id, .. }
            | Self::StreamDataBlocked { stream_id, .. }
            | Self::StreamReceipt { stream_id, .. } => Some(stream_id),
        }
    }
}

/// The reason why a connection or a stream ends (section 5.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CloseCode(pub u8);

impl CloseCode {
    /// The connection or stream is complete.
    pub const NO_ERROR: Self = Self(1);
    /// Something unforeseen went wrong.
    pub const INTERNAL_ERROR: Self = Self(2);
    /// Too much to do.
    pub const ENDPOINT_BUSY: Self = Self(3);
    /// More was sent than allowed.
    pub const FLOW_CONTROL_ERROR: Self = Self(4);
    /// More streams were opened than allowed.
    pub const STREAM_ID_ERROR: Self = Self(5);
    /// A frame was for a stream that has ended.
    pub const STREAM_STATE_ERROR: Self = Self(6);
    /// A frame could not be read.
    pub const FRAME_FORMAT_ERROR: Self = Self(7);
    /// The protocol was violated in another way.
    pub const PROTOCOL_VIOLATION: Self = Self(8);
    /// The application has its own reasons.
    pub const APPLICATION_ERROR: Self = Self(9);

    /// The name in section 5.4, such as `NoError`; `None` for a code without one.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::NO_ERROR => "NoError",
            Self::INTERNAL_ERROR => "InternalError",
            Self::ENDPOINT_BUSY => "EndpointBusy",
            Self::FLOW_CONTROL_ERROR => "FlowControlError",
            Self::STREAM_ID_ERROR => "StreamIdError",
            Self::STREAM_STATE_ERROR => "StreamStateError",
            Self::FRAME_FORMAT_ERROR => "FrameFormatError",
            Self::PROTOCOL_VIOLATION => "ProtocolViolation",
            Self::APPLICATION_ERROR => "ApplicationError",
            _ => return None,
        })
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => formatter.write_str(name),
            None => write!(formatter, "error {}", self.0),
        }
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
