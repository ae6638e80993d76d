//! Turns of reading, for connections whose clients send more than one turn's worth at once.
//!
//! A thread polls its ready tasks one after the other, so a client with many ready connections
//! would get as many parts of the thread's time. Here one connection of each holder has a turn in
//! each round, however many the holder has.

use super::{Control, Holder};
use foldhash::{HashMap, HashMapExt as _};
use parking_lot::Mutex;
use std::{collections::VecDeque, fmt, sync::Arc};
use tokio::sync::Notify;

/// The connections of one thread that wait for their turn.
pub struct Turns {
    /// Locked once for each turn's worth of bytes, which is dozens of packets. Not locked for a
    /// client whose socket is read empty before that.
    waiting: Mutex<HashMap<Holder, VecDeque<Arc<Control>>>>,
    more: Notify,
}

impl Default for Turns {
    fn default() -> Turns {
        Turns { waiting: Mutex::new(HashMap::new()), more: Notify::new() }
    }
}

impl Turns {
    /// Adds a connection behind the others of its holder.
    pub(super) fn wait(&self, holder: Holder, control: &Arc<Control>) {
        self.waiting.lock().entry(holder).or_default().push_back(Arc::clone(control));
        self.more.notify_one();
    }

    /// Gives turns for as long as it is polled, on the thread whose connections wait.
    pub async fn run(&self) {
        loop {
            self.more.notified().await;
            loop {
                let next = self.next();
                if next.is_empty() {
                    break;
                }
                for control in next {
                    control.give_turn();
                }
                // Tasks that are ready on this thread run first, including those that were just
                // given a turn.
                tokio::task::yield_now().await;
            }
        }
    }

    /// Takes the first connection of each holder.
    fn next(&self) -> Vec<Arc<Control>> {
        let mut waiting = self.waiting.lock();
        let next = waiting.values_mut().filter_map(VecDeque::pop_front).collect();
        waiting.retain(|_, waiting| !waiting.is_empty());
        next
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Turns").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::Source;
    use std::net::IpAddr;

    #[test]
    fn each_holder_gets_one_turn_in_a_round() {
        let source = Source::from(IpAddr::from([192, 0, 2, 1]));
        let control = || Arc::new(Control::new(source));
        let turns = Turns::default();
        let (greedy, modest) = (Holder::Peer(1), Holder::Peer(2));
        for _ in 0..3 {
            turns.wait(greedy, &control());
        }
        turns.wait(modest, &control());
        assert_eq!(turns.next().len(), 2);
        assert_eq!(turns.next().len(), 1);
        assert_eq!(turns.next().len(), 1);
        assert!(turns.next().is_empty());
        assert!(turns.waiting.lock().is_empty());
    }
}
