//! The clocks of the process: every time that the node uses is read here.
//!
//! The wall clock counts where a wire format or a calendar needs it: expiries, signatures, records.
//! It may be set at any time, so ages and pauses are counted by the monotonic clock.
//! [`SteadyClock`] is that clock with the wall clock's numbers, for ages that are compared with
//! times of the wall clock.

use std::time::{Duration, Instant, SystemTime};

use interledger_packet::Timestamp;
use parking_lot::Mutex;

/// Returns the system clock's time. A clock before 1970 reads as 1970, at which no packet has
/// expired, so that none is lost.
pub(crate) fn now() -> Timestamp {
    let since_1970 = system_time().duration_since(SystemTime::UNIX_EPOCH);
    let ms = since_1970.map_or(0, |since| since.as_millis());
    Timestamp::from_unix_ms(u64::try_from(ms).unwrap_or(u64::MAX))
}

/// Returns the time in the system's own form, for libraries that want it.
#[expect(clippy::disallowed_methods, reason = "everything else is told the time by this module")]
pub(crate) fn system_time() -> SystemTime {
    SystemTime::now()
}

/// The smallest step of the wall clock that is reported, in milliseconds. Smaller ones come from a
/// time service, and from the time that passes between the readings of the two clocks.
const STEP_MS_MIN: u64 = 1_000;

/// The interval at which the two clocks are compared.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The readings of both clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    wall: Timestamp,
    steady: Instant,
}

impl Reading {
    /// Reads both clocks. `None` where so much time passed in between that they can't be compared.
    fn take() -> Option<Self> {
        let steady = Instant::now();
        let wall = now();
        (steady.elapsed() < Duration::from_millis(STEP_MS_MIN / 4)).then_some(Self { wall, steady })
    }

    /// Returns the wall clock's time at `steady`, had it not been set since.
    fn at(self, steady: Instant) -> Timestamp {
        let since = steady.saturating_duration_since(self.steady).as_millis();
        self.wall.saturating_add_ms(u64::try_from(since).unwrap_or(u64::MAX))
    }
}

/// A clock that runs evenly, in the wall clock's numbers as of the last comparison.
#[derive(Debug)]
pub(crate) struct SteadyClock {
    last: Mutex<Reading>,
}

impl SteadyClock {
    pub(crate) fn new() -> Self {
        Self::since(Reading { wall: now(), steady: Instant::now() })
    }

    fn since(reading: Reading) -> Self {
        Self { last: Mutex::new(reading) }
    }

    /// Returns the time.
    pub(crate) fn now(&self) -> Timestamp {
        self.last.lock().at(Instant::now())
    }

    /// Follows the wall clock from now on, and returns by how many milliseconds it was set since
    /// the last comparison, if it was.
    fn look(&self, reading: Reading) -> Option<i64> {
        let mut last = self.last.lock();
        let expected_ms = last.at(reading.steady).unix_ms();
        *last = reading;
        let wall_ms = reading.wall.unix_ms();
        let step_ms = i64::try_from(wall_ms).ok()?.checked_sub(i64::try_from(expected_ms).ok()?)?;
        (step_ms.unsigned_abs() >= STEP_MS_MIN).then_some(step_ms)
    }

    /// Compares the two clocks once a second and reports each step. Never ends.
    pub(crate) async fn watch(&self, mut stepped: impl FnMut(i64)) {
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            if let Some(step_ms) = Reading::take().and_then(|reading| self.look(reading)) {
                stepped(step_ms);
            }
        }
    }
}

/// A clock for a state machine whose waits must end: it follows the wall clock forward, and
/// continues evenly where the wall clock is set back.
pub(crate) struct NeverBack {
    last: Reading,
}

impl NeverBack {
    pub(crate) fn new() -> Self {
        Self { last: Reading { wall: now(), steady: Instant::now() } }
    }

    /// Returns the time, which is no earlier than any returned before.
    pub(crate) fn now(&mut self) -> Timestamp {
        self.told(Reading { wall: now(), steady: Instant::now() })
    }

    fn told(&mut self, reading: Reading) -> Timestamp {
        let wall = reading.wall.max(self.last.at(reading.steady));
        self.last = Reading { wall, steady: reading.steady };
        wall
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: u64 = 3_600_000;

    /// Returns the readings `ms` after the start, with the wall clock off by `step_ms`.
    fn reading(start: Instant, ms: u64, step_ms: i64) -> Reading {
        let wall_ms = (1_800_000_000_000 + ms).checked_add_signed(step_ms).unwrap();
        let steady = start + Duration::from_millis(ms);
        Reading { wall: Timestamp::from_unix_ms(wall_ms), steady }
    }

    #[test]
    fn a_step_is_told_of_once_and_a_correction_never() {
        let start = Instant::now();
        let clock = SteadyClock::since(reading(start, 0, 0));
        let hour_ms = i64::try_from(HOUR_MS).unwrap();
        // A time service moves the clock by half a millisecond a second, for a day.
        for second in 1..=86_400 {
            let drift_ms = i64::try_from(second / 2).unwrap();
            assert_eq!(clock.look(reading(start, second * 1_000, drift_ms)), None);
        }
        let day_ms = 86_400_000;
        let drift_ms = 43_200;
        let back = reading(start, day_ms + 1_000, drift_ms - hour_ms);
        assert_eq!(clock.look(back), Some(-hour_ms));
        assert_eq!(clock.look(reading(start, day_ms + 2_000, drift_ms - hour_ms)), None);
        let forth = reading(start, day_ms + 3_000, drift_ms + 24 * hour_ms);
        assert_eq!(clock.look(forth), Some(25 * hour_ms));
        assert_eq!(clock.look(reading(start, day_ms + 4_000, drift_ms)), Some(-24 * hour_ms));
    }

    #[test]
    fn a_waiting_machine_sees_time_pass_wherever_the_clock_is_set() {
        let start = Instant::now();
        let mut clock = NeverBack { last: reading(start, 0, 0) };
        let hour_ms = i64::try_from(HOUR_MS).unwrap();
        let since = |clock: &mut NeverBack, ms, step_ms| {
            clock.told(reading(start, ms, step_ms)).unix_ms() - 1_800_000_000_000
        };
        assert_eq!(since(&mut clock, 5, 0), 5);
        assert_eq!(since(&mut clock, 10, -hour_ms), 10);
        assert_eq!(since(&mut clock, 30_000, -hour_ms), 30_000);
        assert_eq!(since(&mut clock, 30_001, hour_ms), HOUR_MS + 30_001);
        assert_eq!(since(&mut clock, 30_002, 0), HOUR_MS + 30_002);
    }
}
