//! How a WebSocket ends: with a Close from each side, so that neither takes the end for an accident
//! (RFC 6455, section 7). A client that gets none sees the code 1006.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error as SocketError;

/// How long the other side may take to close after this one.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(5);

/// The longest reason for a close, in bytes: 125 in a control frame, less the two of the code.
const REASON_BYTES_MAX: usize = 123;

/// Why a WebSocket ends.
pub(super) enum Ending {
    /// This side closes, with a code and a reason.
    Close(u16, String),
    /// The client has closed, and is answered by the library as soon as the socket is read again.
    ClosedByClient,
    /// The client is gone, or doesn't read.
    Lost,
}

impl Ending {
    /// What is no message of the protocol.
    pub(super) fn invalid(fault: &str) -> Self {
        Self::Close(4400, format!("Invalid message received: {fault}"))
    }

    /// What the library makes of what came.
    pub(super) fn of_error(error: axum::Error) -> Self {
        match error.into_inner().downcast_ref() {
            Some(SocketError::Capacity(_)) => Self::Close(1009, "Message too big".to_owned()),
            Some(SocketError::Utf8(_)) => Self::Close(1007, "The text is not UTF-8".to_owned()),
            Some(SocketError::Protocol(_)) => Self::Close(1002, "Protocol error".to_owned()),
            _ => Self::Lost,
        }
    }
}

/// Ends a WebSocket, and waits a little for the other side to do so too.
pub(super) async fn close(socket: &mut WebSocket, ending: Ending) {
    let ended = async {
        match ending {
            Ending::Lost => return,
            Ending::ClosedByClient => {}
            Ending::Close(code, mut reason) => {
                // Reasons quote what could not be read.
                reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
                let frame = CloseFrame { code, reason: reason.into() };
                if socket.send(Message::Close(Some(frame))).await.is_err() {
                    return;
                }
            }
        }
        // Reading on sends what is to be sent, and ends with the other side's Close. What is not read
        // when the connection ends would make the system cut it, and the client lose the Close.
        while let Some(Ok(_)) = socket.recv().await {}
    };
    let _ = timeout(CLOSE_TIME_MAX, ended).await;
}
