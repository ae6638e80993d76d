//! The amount that each connection has brought, for as many connections as fit.

use std::collections::HashMap;

use super::ConnectionId;

/// Totals by connection, in a bounded number of entries.
///
/// The receiver needs no memory; this is for the recipient who wants to tell payers how much has
/// arrived. There are two generations: what is used moves to the young one, and once that holds
/// half of the capacity, it becomes the old one and what was not used since is forgotten. So each
/// call takes constant time, and what was used among the last `capacity / 2` connections is there.
/// A forgotten connection begins again at 0, which no payer's money depends on.
#[derive(Clone, Debug)]
pub struct ConnectionTotals {
    young: HashMap<ConnectionId, Known>,
    old: HashMap<ConnectionId, Known>,
    generation_max: usize,
}

/// The total of a connection, and whether its payer knows the limit.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    total: u64,
    is_told: bool,
}

impl ConnectionTotals {
    /// Makes room for `capacity` connections, two at least; about 60 bytes each.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let generation_max = (capacity / 2).max(1);
        Self { young: HashMap::new(), old: HashMap::new(), generation_max }
    }

    /// Adds what has arrived and gives the connection's total, at most `u64::MAX`.
    pub fn add(&mut self, connection: ConnectionId, amount: u64) -> u64 {
        let known = self.known(connection);
        let total = known.total.saturating_add(amount);
        self.put(connection, Known { total, ..known });
        total
    }

    /// Returns the amount that the connection has brought, 0 for an unknown connection.
    #[must_use]
    pub fn get(&self, connection: ConnectionId) -> u64 {
        self.known(connection).total
    }

    /// Notes that the payer learns the connection's limit, and returns whether it knew the limit
    /// before.
    pub fn tell(&mut self, connection: ConnectionId) -> bool {
        let known = self.known(connection);
        self.put(connection, Known { is_told: true, ..known });
        known.is_told
    }

    fn known(&self, connection: ConnectionId) -> Known {
        let known = self.young.get(&connection).or_else(|| self.old.get(&connection));
        known.copied().unwrap_or_default()
    }

    fn put(&mut self, connection: ConnectionId, known: Known) {
        if self.young.len() >= self.generation_max && !self.young.contains_key(&connection) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(connection, known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(number: u32) -> ConnectionId {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        ConnectionId(bytes)
    }

    #[test]
    fn totals_add_up_and_the_map_is_bounded() {
        let mut totals = ConnectionTotals::new(10);
        for number in 0..1_000 {
            // One connection that is always in use, among a flood of others.
            assert_eq!(totals.add(connection(u32::MAX), 2), 2 * (u64::from(number) + 1));
            assert_eq!(totals.add(connection(number), 7), 7);
            assert!(totals.young.len() + totals.old.len() <= 10);
        }
        assert_eq!(totals.get(connection(999)), 7);
        assert_eq!(totals.get(connection(0)), 0);
        assert_eq!((totals.tell(connection(999)), totals.tell(connection(999))), (false, true));
        assert_eq!(totals.get(connection(999)), 7);
        assert_eq!(totals.add(connection(999), u64::MAX), u64::MAX);
    }
}
