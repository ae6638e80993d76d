//! What a client gets that comes when there is no room: a 503, in a bounded time.

use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Semaphore,
};

/// How long one refusal may take.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);
/// How much of the client's request is read before closing: a socket closed with bytes unread
/// resets the connection, and the client may then never see the answer.
const DISCARDED_BYTES_MAX: usize = interledger_packet::MAX_PACKET_BYTES;

const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    content-length: 51\r\n\
    retry-after: 1\r\n\
    connection: close\r\n\
    \r\n\
    Too many connections are open; try again in a bit.\n";

/// Answers connections that there is no room for.
pub(super) struct Refusals {
    slots: Arc<Semaphore>,
}

impl Refusals {
    /// Room for `refusals_max` answers at once. Connections beyond it are closed without a word.
    pub(super) fn new(refusals_max: usize) -> Refusals {
        Refusals { slots: Arc::new(Semaphore::new(refusals_max)) }
    }

    /// Answers 503 and closes, or closes at once when too many are being answered already.
    pub(super) fn answer(&self, stream: TcpStream) {
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else { return };
        tokio::spawn(async move {
            // Neither error nor timeout matters: the client is being sent away.
            let _ = tokio::time::timeout(REFUSAL_TIMEOUT, refuse(stream)).await;
            drop(slot);
        });
    }
}

async fn refuse(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(ANSWER).await?;
    stream.shutdown().await?;
    let mut discarded = 0;
    let mut buffer = [0; 1_024];
    while discarded < DISCARDED_BYTES_MAX {
        match stream.read(&mut buffer).await? {
            0 => break,
            bytes => discarded += bytes,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::ANSWER;

    #[test]
    fn the_answer_says_its_own_length() {
        let text = std::str::from_utf8(ANSWER).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
    }
}
