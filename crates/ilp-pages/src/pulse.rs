//! Samples of the node's counters for the pages, taken once a second regardless of the number of
//! viewers. The packet path does nothing for them.

mod history;
mod survey;
mod watched;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use ilp_connector::{Connector, histogram::Durations};
use ilp_operator::Operator;
use ilp_store::DurableLedger;
use parking_lot::Mutex;
use tokio::{
    sync::{Mutex as AsyncMutex, watch},
    time::MissedTickBehavior,
};
use uuid::Uuid;

use self::{history::History, watched::Watched};
pub(crate) use self::{
    history::{Moment, Window},
    survey::{Attention, Survey, Trouble},
    watched::PeerRates,
};

/// The interval between samples.
const SECOND: Duration = Duration::from_secs(1);
/// The shortest time between two surveys of all peers.
const SURVEY_AGE_MIN: Duration = Duration::from_secs(2);
/// The rest after a survey as a multiple of the time that it took: surveys use at most a fiftieth
/// of one core.
const SURVEY_REST: u32 = 50;

/// The packet path, with the node's ledger.
pub type Core = Arc<Connector<DurableLedger>>;

/// Reads the times of all packets answered so far; called once a second.
pub type PacketTimes = Box<dyn Fn() -> Durations + Send + Sync>;

/// The samples of the last hour, shared by all viewers.
pub(crate) struct Pulse {
    core: Core,
    operator: Operator,
    packet_times: PacketTimes,
    history: Mutex<History>,
    watched: Mutex<Watched>,
    surveyed: AsyncMutex<Option<Surveyed>>,
    ticks: watch::Receiver<u64>,
}

struct Surveyed {
    survey: Arc<Survey>,
    good_until: Instant,
    /// The counts from which the survey counts errors.
    before: survey::EarlierCounts,
}

/// Takes the samples until it is dropped; then all pages that follow them end.
pub struct Sampler {
    pulse: Arc<Pulse>,
    ticks: watch::Sender<u64>,
}

impl Pulse {
    pub(crate) fn new(
        core: Core,
        operator: Operator,
        packet_times: PacketTimes,
    ) -> (Arc<Self>, Sampler) {
        let (sender, ticks) = watch::channel(0);
        let pulse = Arc::new(Self {
            core,
            operator,
            packet_times,
            history: Mutex::default(),
            watched: Mutex::default(),
            surveyed: AsyncMutex::default(),
            ticks,
        });
        (Arc::clone(&pulse), Sampler { pulse, ticks: sender })
    }

    /// Returns the packet path.
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// Returns a channel that changes with every sample. Its sender is dropped when the node ends.
    pub(crate) fn ticks(&self) -> watch::Receiver<u64> {
        self.ticks.clone()
    }

    /// Returns the counts of the last `seconds`, or since the start if that is less.
    pub(crate) fn over(&self, seconds: usize) -> Window {
        self.history.lock().over(seconds)
    }

    /// Returns the counts of the last `count` steps of `step_s` seconds, the newest last.
    pub(crate) fn steps(&self, step_s: usize, count: usize) -> Vec<Window> {
        self.history.lock().steps(step_s, count)
    }

    /// Returns a survey of all peers of about this moment. Waits for a survey that another caller
    /// has begun.
    pub(crate) async fn survey(&self) -> Option<Arc<Survey>> {
        let mut surveyed = self.surveyed.lock().await;
        let known = surveyed.take();
        let before = match known {
            Some(known) if Instant::now() < known.good_until => {
                return Some(Arc::clone(&surveyed.insert(known).survey));
            }
            Some(known) => known.before,
            None => survey::EarlierCounts::default(),
        };
        let (core, operator) = (Arc::clone(&self.core), self.operator.clone());
        let began = Instant::now();
        let looked = tokio::task::spawn_blocking(move || Survey::take(&core, &operator, before));
        let (survey, before) = looked.await.inspect_err(panicked).ok()?;
        let rest = (began.elapsed() * SURVEY_REST).max(SURVEY_AGE_MIN);
        let survey = Arc::new(survey);
        let good_until = Instant::now() + rest;
        *surveyed = Some(Surveyed { survey: Arc::clone(&survey), good_until, before });
        Some(survey)
    }

    /// Returns the traffic with a peer, which is recorded from the first call on.
    pub(crate) fn peer_rates(&self, peer: Uuid) -> Option<PeerRates> {
        self.watched.lock().rates(&self.core, peer, Instant::now())
    }

    fn look(&self) {
        // The times are read first, so that a packet whose failure is counted in between does not
        // pass for fulfilled.
        let times = (self.packet_times)();
        let causes = self.core.causes();
        let refused: u64 = causes.refusals().map(|(_, count)| count).sum();
        let rejected: u64 = causes.rejects().map(|(_, count)| count).sum();
        let moment = Moment { answered: times.count(), failed: refused + rejected };
        self.history.lock().add(moment, times);
        self.watched.lock().look(&self.core, Instant::now());
    }
}

impl Sampler {
    /// Takes a sample every second, for as long as the future is polled.
    pub async fn run(self) {
        let mut every_second = tokio::time::interval(SECOND);
        every_second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick completes at once, and would sample the start.
        every_second.tick().await;
        loop {
            every_second.tick().await;
            self.pulse.look();
            self.ticks.send_modify(|tick| *tick += 1);
        }
    }
}

fn panicked(panic: &tokio::task::JoinError) {
    tracing::error!(%panic, "the peers can't be looked at for the pages");
}

impl fmt::Debug for Pulse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pulse").finish_non_exhaustive()
    }
}

impl fmt::Debug for Sampler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sampler").finish_non_exhaustive()
    }
}
