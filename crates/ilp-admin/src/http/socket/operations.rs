//! The requests that run on one WebSocket.

use std::{
    future::poll_fn,
    task::{Context, Poll},
};

use async_graphql::futures_util::{StreamExt, stream::BoxStream};

use crate::schema::Answer;

/// The running requests, by the names that the client gave them. They are few, so a look-up is a
/// linear search.
#[derive(Default)]
pub(super) struct Operations {
    running: Vec<Operation>,
    /// The index of the request to poll first, so that one with many answers doesn't starve the
    /// others.
    turn: usize,
}

struct Operation {
    id: String,
    answers: BoxStream<'static, Answer>,
}

impl Operations {
    pub(super) fn count(&self) -> usize {
        self.running.len()
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.running.iter().any(|operation| operation.id == id)
    }

    pub(super) fn start(&mut self, id: String, answers: BoxStream<'static, Answer>) {
        self.running.push(Operation { id, answers });
    }

    /// Drops a request. A change that has begun still runs to its end, in a task of its own.
    pub(super) fn stop(&mut self, id: &str) {
        self.running.retain(|operation| operation.id != id);
    }

    /// Returns the next answer of any request, or `None` for one that has ended. Waits forever
    /// while none runs. No answer is lost when this future is dropped.
    pub(super) async fn next(&mut self) -> (String, Option<Answer>) {
        poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<(String, Option<Answer>)> {
        let count = self.running.len();
        for step in 0..count {
            let index = (self.turn + step) % count;
            let Some(operation) = self.running.get_mut(index) else { continue };
            let Poll::Ready(answer) = operation.answers.poll_next_unpin(context) else { continue };
            self.turn = index + 1;
            // An error is the last message about a request.
            let is_last = matches!(answer, None | Some(Answer::NotExecuted { .. }));
            let id = if is_last { self.running.remove(index).id } else { operation.id.clone() };
            return Poll::Ready((id, answer));
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Response, futures_util::stream};

    use super::*;

    fn answers(count: usize) -> BoxStream<'static, Answer> {
        stream::iter(0..count).map(|_| Answer::from(Response::default())).boxed()
    }

    #[tokio::test]
    async fn each_has_its_turn_and_one_that_is_stopped_has_none() {
        let mut operations = Operations::default();
        for id in ["a", "b", "c"] {
            operations.start(id.to_owned(), answers(2));
        }
        operations.stop("c");
        assert!(operations.contains("a") && !operations.contains("c"));
        let mut told = Vec::new();
        for _ in 0..6 {
            let (id, answer) = operations.next().await;
            told.push(format!("{id}{}", if answer.is_some() { "" } else { "." }));
        }
        assert_eq!(told.iter().filter(|id| *id == "a").count(), 2, "{told:?}");
        assert_eq!((&*told[0], &*told[1]), ("a", "b"));
        assert_eq!(operations.count(), 0);
        assert!(told.contains(&"a.".to_owned()) && told.contains(&"b.".to_owned()), "{told:?}");
    }

    #[tokio::test]
    async fn an_error_is_the_last_word() {
        let mut operations = Operations::default();
        let error = || Answer::NotExecuted { errors: Vec::new() };
        operations.start("a".to_owned(), stream::once(async move { error() }).boxed());
        assert!(matches!(operations.next().await, (_, Some(Answer::NotExecuted { .. }))));
        assert_eq!(operations.count(), 0);
    }
}
