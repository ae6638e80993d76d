//! How many packets may be under way, and how much money in them.
//!
//! The window grows with each fulfilled packet: doubling in each round trip until the path first
//! complains, by one packet a round trip after that. It is halved when the path does complain, once
//! for all packets that were under way then, since they met the same trouble. Below one packet a
//! round trip it becomes a pause between packets, which doubles with complaints and shrinks by a
//! quarter with fulfills.
//!
//! A path that complains of liquidity (T04) has room for less money, not for fewer packets: a
//! second window, in the payer's units, follows the same rules.

use interledger_packet::Timestamp;

/// A handful, so that a short payment over a long path is over after one round trip.
const PACKETS_AT_FIRST: u32 = 10;
/// The first pause, and the shortest.
const PAUSE_MS_MIN: u64 = 10;
/// Even a path that has been down for long is tried each second.
const PAUSE_MS_MAX: u64 = 1_000;

#[derive(Clone, Debug)]
pub(crate) struct Window {
    packets: u32,
    packets_max: u32,
    /// Below it the window grows quickly.
    quick_until: u32,
    /// Packets fulfilled since the window last grew by one.
    fulfilled: u32,
    /// `None` until liquidity was too low for once.
    amount: Option<u64>,
    pause_ms: u64,
    open_at: Timestamp,
    /// Complaints about packets before this one are about trouble that was answered already.
    answered_before: u64,
}

/// The packets under way when a reply came, with the packet that it is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnderWay {
    pub(crate) packets: usize,
    pub(crate) amount: u64,
}

impl Window {
    pub(crate) fn new(packets_max: u32) -> Self {
        let packets_max = packets_max.max(1);
        Self {
            packets: PACKETS_AT_FIRST.min(packets_max),
            packets_max,
            quick_until: packets_max,
            fulfilled: 0,
            amount: None,
            pause_ms: 0,
            open_at: Timestamp::MIN,
            answered_before: 0,
        }
    }

    /// In packets.
    pub(crate) const fn packets(&self) -> u32 {
        self.packets
    }

    /// Whether one more packet may follow those under way.
    pub(crate) fn has_room_for_packet(&self, packets_under_way: usize) -> bool {
        usize::try_from(self.packets).is_ok_and(|packets| packets_under_way < packets)
    }

    /// How much money may follow what is under way.
    pub(crate) fn room_for_amount(&self, amount_under_way: u64) -> u64 {
        self.amount.map_or(u64::MAX, |amount| amount.saturating_sub(amount_under_way))
    }

    /// When the pause ends, if there is one.
    pub(crate) fn pause_until(&self, now: Timestamp) -> Option<Timestamp> {
        (now < self.open_at).then_some(self.open_at)
    }

    /// A packet has left.
    pub(crate) fn sent(&mut self, now: Timestamp) {
        self.open_at = now.saturating_add_ms(self.pause_ms);
    }

    /// A packet of `amount` was fulfilled.
    pub(crate) fn fulfilled(&mut self, amount: u64, under_way: UnderWay) {
        if let Some(window) = &mut self.amount {
            // One packet more for each window of packets.
            let share = u128::from(amount) * u128::from(amount) / u128::from((*window).max(1));
            *window = window.saturating_add(u64::try_from(share).unwrap_or(u64::MAX).max(1));
        }
        if self.pause_ms > 0 {
            let shorter = self.pause_ms - self.pause_ms.div_ceil(4);
            self.pause_ms = if shorter < PAUSE_MS_MIN { 0 } else { shorter };
            return;
        }
        // A window that isn't made use of says nothing about a wider one.
        if under_way.packets.saturating_mul(2) < usize::try_from(self.packets).unwrap_or(usize::MAX)
        {
            return;
        }
        self.fulfilled = self.fulfilled.saturating_add(1);
        if self.packets < self.quick_until || self.fulfilled >= self.packets {
            self.packets = self.packets.saturating_add(1).min(self.packets_max);
            self.fulfilled = 0;
        }
    }

    /// The path complained about packet `sequence` that it is busy, or lost it; `next_sequence`
    /// will be the next to leave.
    pub(crate) fn busy(&mut self, sequence: u64, next_sequence: u64, now: Timestamp) {
        if !self.is_news(sequence, next_sequence) {
            return;
        }
        if self.packets > 1 {
            self.packets /= 2;
            self.quick_until = self.packets;
            self.fulfilled = 0;
        } else {
            self.pause(now);
        }
    }

    /// The path complained about packet `sequence` that it has too little liquidity.
    pub(crate) fn short_of_liquidity(
        &mut self,
        sequence: u64,
        next_sequence: u64,
        under_way: UnderWay,
        now: Timestamp,
    ) {
        if !self.is_news(sequence, next_sequence) {
            return;
        }
        self.amount = Some((under_way.amount / 2).max(1));
        if under_way.packets <= 1 {
            self.pause(now);
        }
    }

    /// The recipient refused packet `sequence`: there is no more room for others until it takes
    /// one again.
    pub(crate) fn refused(&mut self, sequence: u64, next_sequence: u64, now: Timestamp) {
        if self.is_news(sequence, next_sequence) {
            self.pause(now);
        }
    }

    fn is_news(&mut self, sequence: u64, next_sequence: u64) -> bool {
        let is_news = sequence >= self.answered_before;
        if is_news {
            self.answered_before = next_sequence;
        }
        is_news
    }

    fn pause(&mut self, now: Timestamp) {
        self.pause_ms = self.pause_ms.saturating_mul(2).clamp(PAUSE_MS_MIN, PAUSE_MS_MAX);
        self.open_at = now.saturating_add_ms(self.pause_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_unix_ms(1_800_000_000_000)
    }

    fn fulfill(window: &mut Window, times: u32) {
        for _ in 0..times {
            let packets = usize::try_from(window.packets()).unwrap();
            window.fulfilled(10, UnderWay { packets, amount: 10 * u64::from(window.packets()) });
        }
    }

    #[test]
    fn it_doubles_each_round_trip_until_the_path_complains_and_then_adds_one() {
        let mut window = Window::new(1_000);
        fulfill(&mut window, 10);
        assert_eq!(window.packets(), 20);
        fulfill(&mut window, 20);
        assert_eq!(window.packets(), 40);
        window.busy(5, 100, now());
        assert_eq!(window.packets(), 20);
        fulfill(&mut window, 20);
        assert_eq!(window.packets(), 21);
        fulfill(&mut window, 100_000);
        assert_eq!(window.packets(), 448, "21 + 22 + ... + 447 is 99,918");
    }

    #[test]
    fn packets_that_were_under_way_together_count_as_one_complaint() {
        let mut window = Window::new(1_000);
        for sequence in 0..10 {
            window.busy(sequence, 10, now());
        }
        assert_eq!(window.packets(), 5);
        window.busy(10, 11, now());
        assert_eq!(window.packets(), 2);
    }

    #[test]
    fn below_one_packet_it_pauses_and_the_pause_shrinks_again() {
        let mut window = Window::new(1);
        window.busy(0, 1, now());
        assert_eq!(window.pause_until(now()), Some(now().saturating_add_ms(10)));
        window.busy(1, 2, now());
        window.busy(2, 3, now());
        assert_eq!(window.pause_until(now()), Some(now().saturating_add_ms(40)));
        assert_eq!(window.pause_until(now().saturating_add_ms(40)), None);
        for sequence in 3..100 {
            window.busy(sequence, sequence + 1, now());
        }
        assert_eq!(window.pause_until(now()), Some(now().saturating_add_ms(1_000)));
        for _ in 0..20 {
            fulfill(&mut window, 1);
            window.sent(now());
        }
        assert_eq!(window.pause_until(now()), None);
    }

    #[test]
    fn too_little_liquidity_halves_the_money_and_not_the_packets() {
        let mut window = Window::new(100);
        assert_eq!(window.room_for_amount(1_000), u64::MAX);
        window.short_of_liquidity(0, 8, UnderWay { packets: 8, amount: 8_000 }, now());
        assert_eq!(window.packets(), 10);
        assert_eq!(window.room_for_amount(1_000), 3_000);
        assert_eq!(window.pause_until(now()), None);
        // Alone under way and still too much: less, and later.
        window.short_of_liquidity(8, 9, UnderWay { packets: 1, amount: 500 }, now());
        assert_eq!(window.room_for_amount(0), 250);
        assert!(window.pause_until(now()).is_some());
        // A packet that fills the window doubles it.
        window.fulfilled(250, UnderWay { packets: 1, amount: 250 });
        assert_eq!(window.room_for_amount(0), 500);
    }
}
