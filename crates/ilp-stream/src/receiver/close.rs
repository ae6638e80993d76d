//! Why a connection is closed.

use crate::{
    connection::SEQUENCE_MAX,
    frame::{CloseCode, Frame},
    packet::StreamPacket,
};

/// How a connection ends when all is done.
pub(super) const GOOD_BYE: Close = Close { code: CloseCode::NO_ERROR, message: "" };

/// How a connection is closed: for what, and in which words for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: CloseCode,
    pub(super) message: &'static str,
}

impl Close {
    /// Why a packet that breaks the protocol ends its connection; `None` for one that doesn't.
    pub(super) fn for_violation(packet: &StreamPacket<'_>) -> Option<Self> {
        if packet.sequence() > SEQUENCE_MAX {
            let message = "the connection has carried as many packets as is safe with one secret";
            return Some(Self { code: CloseCode::PROTOCOL_VIOLATION, message });
        }
        packet.frames().find_map(|frame| {
            let (code, message) = match frame {
                // Payers' streams are odd (section 4.4.1), and this receiver opens none.
                _ if frame.stream_id().is_some_and(|id| id % 2 == 0) => {
                    (CloseCode::PROTOCOL_VIOLATION, "a payer's streams have odd numbers")
                }
                // A Fulfill would acknowledge the data (section 3.6), which goes nowhere.
                Frame::StreamData { data, .. } if !data.is_empty() => {
                    (CloseCode::FLOW_CONTROL_ERROR, "this receiver takes no data")
                }
                _ => return None,
            };
            Some(Self { code, message })
        })
    }
}
