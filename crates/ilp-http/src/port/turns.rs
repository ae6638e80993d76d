//! Turns of reading, for connections whose clients send more than one turn's worth at once.
//!
//! A thread polls the tasks that have something to do one after the other, so a client with many
//! connections that all have something to do would get as many parts of its time. Here one connection of
//! each holder is let on in each round, however many it has.

use super::{Control, Holder};
use foldhash::{HashMap, HashMapExt as _};
use parking_lot::Mutex;
use std::{collections::VecDeque, fmt, sync::Arc};
use tokio::sync::Notify;

/// The connections of one thread that wait for their turn.
pub struct Turns {
    /// Locked for each turn's worth of bytes, which is dozens of packets, and not for a client whose
    /// socket is read empty before that.
    waiting: Mutex<HashMap<Holder, VecDeque<Arc<Control>>>>,
    more: Notify,
}

impl Default for Turns {
    fn default() -> Turns {
        Turns { waiting: Mutex::new(HashMap::new()), more: Notify::new() }
    }
}

impl Turns {
    /// Puts a connection behind the others of its holder.
    pub(super) fn wait(&self, holder: Holder, control: &Arc<Control>) {
        self.waiting.lock().entry(holder).or_default().push_back(Arc::clone(control));
        self.more.notify_one();
    }

    /// Gives turns for as long as it is polled, which is to be on the thread whose connections wait.
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
                // What is ready on this thread comes first, those that were let on included.
                tokio::task::yield_now().await;
            }
        }
    }

    /// The first of each holder.
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
