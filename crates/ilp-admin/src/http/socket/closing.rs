//! Closing a WebSocket: each side sends a Close, so that neither takes the end for a failure (RFC
//! 6455, section 7). A client that gets none sees the code 1006.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error as SocketError;

/// The time that the other side may take to close after this one.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(5);

/// The longest reason for a close, in bytes: 125 in a control frame, less the two of the code.
const REASON_BYTES_MAX: usize = 123;

/// The reason for which a WebSocket ends.
pub(super) enum Ending {
    /// This side closes, with a code and a reason.
    Close(u16, String),
    /// The client has closed; the library answers as soon as the socket is read again.
    ClosedByClient,
    /// The client is gone, or doesn't read.
    Lost,
}

impl Ending {
    /// Returns the ending for a message that the protocol doesn't know.
    pub(super) fn invalid(fault: &str) -> Self {
        Self::Close(4400, format!("Invalid message received: {fault}"))
    }

    /// Returns the ending for an error that the library reports.
    pub(super) fn of_error(error: axum::Error) -> Self {
        match error.into_inner().downcast_ref() {
            Some(SocketError::Capacity(_)) => Self::Close(1009, "Message too big".to_owned()),
            Some(SocketError::Utf8(_)) => Self::Close(1007, "The text is not UTF-8".to_owned()),
            Some(SocketError::Protocol(_)) => Self::Close(1002, "Protocol error".to_owned()),
            _ => Self::Lost,
        }
    }
}

/// Closes a WebSocket, and waits for the other side's Close for a short time.
pub(super) async fn close(socket: &mut WebSocket, ending: Ending) {
    let ended = async {
        match ending {
            Ending::Lost => return,
            Ending::ClosedByClient => {}
            Ending::Close(code, mut reason) => {
                // Reasons quote the part that could not be read, which may be long.
                reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
                let frame = CloseFrame { code, reason: reason.into() };
                if socket.send(Message::Close(Some(frame))).await.is_err() {
                    return;
                }
            }
        }
        // Reading on flushes what is still to be sent, and ends with the other side's Close. Data
        // that is unread when the connection ends would make the system reset it, and the client
        // lose the Close.
        while let Some(Ok(_)) = socket.recv().await {}
    };
    let _ = timeout(CLOSE_TIME_MAX, ended).await;
}
