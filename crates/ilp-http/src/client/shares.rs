//! Limits the HTTP/1.1 connections of each sender's packets, so that no sender takes them all.

use foldhash::{HashMap, HashMapExt as _};
use parking_lot::Mutex;
use std::collections::hash_map::Entry;

/// Counts the HTTP/1.1 connections that packets of each sender have or wait for.
///
/// By HTTP/1.1 a packet has a connection to itself until its reply has come. Without a limit, a
/// sender whose next hop answers nothing would have as many connections as packets under way, each
/// with its buffers and its file descriptor, and packets of other senders would find none left.
pub(super) struct Shares {
    maximum: usize,
    /// The number of connections by sender, without senders that have none. The mutex is never
    /// contended, since a client belongs to one thread, and never held across an await. A packet by
    /// HTTP/1.1 takes it twice, for some 20 ns each.
    in_use: Mutex<HashMap<u64, usize>>,
}

impl Shares {
    pub(super) fn new(maximum: usize) -> Shares {
        Shares { maximum, in_use: Mutex::new(HashMap::new()) }
    }

    /// Counts one more connection of the sender, or returns `None` if the sender has its maximum.
    pub(super) fn take(&self, sender: u64) -> Option<Share<'_>> {
        let mut in_use = self.in_use.lock();
        let count = in_use.entry(sender).or_insert(0);
        if *count >= self.maximum {
            return None;
        }
        *count += 1;
        Some(Share { shares: self, sender })
    }
}

/// One connection of a sender's share, given back when this is dropped.
pub(super) struct Share<'a> {
    shares: &'a Shares,
    sender: u64,
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut in_use = self.shares.in_use.lock();
        let Entry::Occupied(mut count) = in_use.entry(self.sender) else { return };
        *count.get_mut() -= 1;
        if *count.get() == 0 {
            count.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_has_no_more_than_its_maximum_and_others_have_theirs() {
        let shares = Shares::new(2);
        let held = [shares.take(1), shares.take(1)];
        assert!(held.iter().all(Option::is_some));
        assert!(shares.take(1).is_none());
        assert!(shares.take(2).is_some());
        drop(held);
        assert!(shares.take(1).is_some());
        assert!(shares.in_use.lock().is_empty(), "who has none is forgotten");
    }
}
