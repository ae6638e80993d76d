//! The last hour: counts by the second, and times in steps of ten seconds. Its memory is fixed: an
//! hour of counts is 58 kB, and one of times 156 kB.

use std::collections::VecDeque;

use ilp_connector::histogram::Durations;

const HOUR_S: usize = 3_600;
/// The step in which times are kept, in seconds.
const TIMES_STEP_S: usize = 10;

/// The counts from the start of the node to a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Packets that were answered.
    pub(crate) answered: u64,
    /// Packets whose answer was a Reject.
    pub(crate) failed: u64,
}

/// The counts between two moments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    /// The length of the window in seconds.
    pub(crate) seconds: u64,
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    /// The times that packets took. Their window begins and ends with a step of ten seconds.
    pub(crate) times: Durations,
}

/// One [`Moment`] for each second, the oldest first. The first is the node's start, with nothing
/// counted.
#[derive(Debug)]
pub(super) struct History {
    moments: VecDeque<Moment>,
    times: VecDeque<Durations>,
    newest_times: Durations,
    seconds: usize,
}

impl Default for History {
    fn default() -> Self {
        Self {
            moments: VecDeque::from([Moment::default()]),
            times: VecDeque::from([Durations::default()]),
            newest_times: Durations::default(),
            seconds: 0,
        }
    }
}

impl History {
    /// Adds the counts of one second later.
    pub(super) fn add(&mut self, moment: Moment, times: Durations) {
        self.seconds += 1;
        push(&mut self.moments, moment, HOUR_S + 1);
        if self.seconds.is_multiple_of(TIMES_STEP_S) {
            push(&mut self.times, times.clone(), HOUR_S / TIMES_STEP_S + 1);
        }
        self.newest_times = times;
    }

    /// Returns the counts of the last `seconds`, or of all the time since the start.
    pub(super) fn over(&self, seconds: usize) -> Window {
        let newest = self.moments.len() - 1;
        let seconds = seconds.min(newest);
        let mut window = self.between(newest - seconds, newest);
        window.times = self.newest_times.since(self.times_before(seconds));
        window
    }

    /// Returns at most `count` windows of `step_s` seconds, the newest last. The first may be
    /// shorter, if the node was started within it. Windows of less than ten seconds have no times.
    pub(super) fn steps(&self, step_s: usize, count: usize) -> Vec<Window> {
        let newest = self.moments.len() - 1;
        let steps = newest.div_ceil(step_s).min(count);
        let mut windows = Vec::with_capacity(steps);
        for step in (0..steps).rev() {
            let to = newest - step * step_s;
            let mut window = self.between(to.saturating_sub(step_s), to);
            if step_s >= TIMES_STEP_S {
                let later = match step {
                    0 => &self.newest_times,
                    _ => self.times_before(step * step_s),
                };
                window.times = later.since(self.times_before((step + 1) * step_s));
            }
            windows.push(window);
        }
        windows
    }

    /// Returns the times of `seconds` ago, or of the last step before.
    fn times_before(&self, seconds: usize) -> &Durations {
        let wanted = self.seconds.saturating_sub(seconds);
        let newest = self.seconds - self.seconds % TIMES_STEP_S;
        let back = newest.saturating_sub(wanted).div_ceil(TIMES_STEP_S);
        let last = self.times.len() - 1;
        &self.times[last - back.min(last)]
    }

    fn between(&self, from: usize, to: usize) -> Window {
        let (earlier, later) = (self.moments[from], self.moments[to]);
        Window {
            seconds: (to - from) as u64,
            answered: later.answered.saturating_sub(earlier.answered),
            failed: later.failed.saturating_sub(earlier.failed),
            times: Durations::default(),
        }
    }
}

impl Window {
    /// Returns packets per second, in tenths.
    pub(crate) fn tenths_per_second(&self) -> u64 {
        self.answered.saturating_mul(10).checked_div(self.seconds).unwrap_or(0)
    }

    /// Returns the fulfilled packets in thousandths, rounded down, so that 1000 means all of them.
    pub(crate) fn fulfilled_per_mille(&self) -> Option<u64> {
        let fulfilled = self.answered.saturating_sub(self.failed);
        fulfilled.saturating_mul(1_000).checked_div(self.answered)
    }
}

fn push<T>(ring: &mut VecDeque<T>, new: T, length_max: usize) {
    if ring.len() >= length_max {
        ring.pop_front();
    }
    ring.push_back(new);
}

#[cfg(test)]
mod tests {
    use ilp_connector::histogram::Histogram;

    use super::*;

    /// Adds a second with `packets` answers, a fifth of them Rejects.
    fn pass(history: &mut History, histogram: &Histogram, packets: u64) {
        let before = history.moments.back().copied().unwrap_or_default();
        (0..packets).for_each(|_| histogram.record(1_024));
        let (answered, failed) = (before.answered + packets, before.failed + packets / 5);
        history.add(Moment { answered, failed }, histogram.durations());
    }

    #[test]
    fn windows_say_what_passed_in_them_and_no_more() {
        let (mut history, histogram) = (History::default(), Histogram::default());
        assert_eq!(history.over(60), Window::default());
        (0..30).for_each(|_| pass(&mut history, &histogram, 10));
        (0..30).for_each(|_| pass(&mut history, &histogram, 0));
        let minute = history.over(60);
        assert_eq!((minute.seconds, minute.answered, minute.failed), (60, 300, 60));
        assert_eq!((minute.tenths_per_second(), minute.fulfilled_per_mille()), (50, Some(800)));
        assert_eq!(minute.times.count(), 300);
        let now = history.over(10);
        assert_eq!((now.answered, now.times.count(), now.fulfilled_per_mille()), (0, 0, None));
        let steps = history.steps(20, 60);
        let counts: Vec<_> = steps.iter().map(|step| (step.answered, step.times.count())).collect();
        assert_eq!(counts, [(200, 200), (100, 100), (0, 0)]);
        assert_eq!(history.steps(1, 5).len(), 5);
        let long = history.steps(50, 60);
        let counts: Vec<_> = long.iter().map(|step| (step.seconds, step.answered)).collect();
        assert_eq!(counts, [(10, 100), (50, 200)]);
    }

    #[test]
    fn an_hour_is_kept_and_nothing_before_it() {
        let (mut history, histogram) = (History::default(), Histogram::default());
        (0..HOUR_S + 500).for_each(|_| pass(&mut history, &histogram, 1));
        assert_eq!(history.moments.len(), HOUR_S + 1);
        assert_eq!(history.times.len(), HOUR_S / TIMES_STEP_S + 1);
        let all = history.over(usize::MAX);
        assert_eq!((all.seconds, all.answered, all.times.count()), (3_600, 3_600, 3_600));
        assert_eq!(history.steps(60, 100).len(), 60);
    }
}
