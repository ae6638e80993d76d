//! Shows that the node which has the book lives.

use std::time::Duration;

use tokio::{sync::watch, time::timeout};

use crate::{
    Database, Lost, book,
    session::{Session, Written},
};

/// Shows every `pause` that the holder of an epoch lives, until it is to stop: then it gives the book back,
/// and nothing is returned. The answer to a write may take `limit`. Returns the loss once another node has
/// taken the book over.
pub(crate) async fn show(
    database: Database,
    epoch: i64,
    (pause, limit): (Duration, Duration),
    mut stop: watch::Receiver<bool>,
) -> Option<Lost> {
    let mut session: Option<Session> = None;
    loop {
        let is_ending = timeout(pause, stop.wait_for(|stop| *stop)).await.is_ok();
        let connected = match session.take() {
            Some(session) => Ok(session),
            None => database.connect().await,
        };
        let connected = match connected {
            Ok(connected) => connected,
            Err(_) if is_ending => return None,
            // The next look is after the pause.
            Err(_) => continue,
        };
        if is_ending {
            let given_back = timeout(limit, book::give_back(&connected, epoch)).await;
            if let Ok(Err(error)) = given_back {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "the books could not be given back: another node takes them after the lease"
                );
            }
            return None;
        }
        match timeout(limit, book::beat(&connected, epoch)).await {
            Ok(Ok(Written::Durable(false))) => {
                let state = book::state(&connected).await;
                let epoch = state.map_or(epoch + 1, |state| state.epoch);
                return Some(Lost::TakenOver { epoch });
            }
            Ok(Ok(_)) => session = Some(connected),
            Ok(Err(_)) | Err(_) => {}
        }
    }
}
