//! The reasons for which a connection is closed.

use crate::{
    connection::SEQUENCE_MAX,
    frame::{CloseCode, Frame},
    packet::StreamPacket,
};

/// The close of a connection that is complete.
pub(super) const GOOD_BYE: Close = Close { code: CloseCode::NO_ERROR, message: "" };

/// The close of a connection: its code, and a message for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: CloseCode,
    pub(super) message: &'static str,
}

impl Close {
    /// Returns the close for a packet that breaks the protocol; `None` for one that doesn't.
    pub(super) fn for_violation(packet: &StreamPacket<'_>) -> Option<Self> {
        if packet.sequence() > SEQUENCE_MAX {
            let message = "the connection has carried as many packets as is safe with one secret";
            return Some(Self { code: CloseCode::PROTOCOL_VIOLATION, message });
        }
        packet.frames().find_map(|frame| {
            let (code, message) = match frame {
                // A payer's streams are odd (section 4.4.1), and this receiver opens none.
                _ if frame.stream_id().is_some_and(|id| id % 2 == 0) => {
                    (CloseCode::PROTOCOL_VIOLATION, "a payer's streams have odd numbers")
                }
                // A Fulfill would acknowledge the data (section 3.6), which is not delivered.
                Frame::StreamData { data, .. } if !data.is_empty() => {
                    (CloseCode::FLOW_CONTROL_ERROR, "this receiver takes no data")
                }
                _ => return None,
            };
            Some(Self { code, message })
        })
    }
}
