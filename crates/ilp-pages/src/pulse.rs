//! How the node does, for the pages: one look a second at what is counted anyway, whoever watches and
//! however many they are. No packet knows of it.

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

/// How often the counters are read.
const SECOND: Duration = Duration::from_secs(1);
/// A look at all peers is good for so long.
const SURVEY_AGE_MIN: Duration = Duration::from_secs(2);
/// And, where there are many, for so many times what it took: at most a fiftieth of one core looks.
const SURVEY_REST: u32 = 50;

/// The core, with the node's books.
pub type Core = Arc<Connector<DurableLedger>>;

/// Reads how long each packet took that was answered so far; called once a second.
pub type PacketTimes = Box<dyn Fn() -> Durations + Send + Sync>;

/// What the pages know of the last hour, shared by all who look.
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
    /// What errors are counted from.
    before: survey::Before,
}

/// Takes the looks, until it is dropped; with it end all pages that follow them.
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

    /// What carries the packets.
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// Changes with every look. Its sender is gone once the node ends.
    pub(crate) fn ticks(&self) -> watch::Receiver<u64> {
        self.ticks.clone()
    }

    /// What passed within the last so many seconds, or since the start if that is less.
    pub(crate) fn over(&self, seconds: usize) -> Window {
        self.history.lock().over(seconds)
    }

    /// The same in steps of so many seconds, the newest last.
    pub(crate) fn steps(&self, step_s: usize, count: usize) -> Vec<Window> {
        self.history.lock().steps(step_s, count)
    }

    /// All peers at about this moment. Waits for whoever looks already.
    pub(crate) async fn survey(&self) -> Option<Arc<Survey>> {
        let mut surveyed = self.surveyed.lock().await;
        let known = surveyed.take();
        let before = match known {
            Some(known) if Instant::now() < known.good_until => {
                return Some(Arc::clone(&surveyed.insert(known).survey));
            }
            Some(known) => known.before,
            None => survey::Before::default(),
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

    /// How much passes from and to a peer. It is known from the moment on that somebody looks.
    pub(crate) fn peer_rates(&self, peer: Uuid) -> Option<PeerRates> {
        self.watched.lock().rates(&self.core, peer, Instant::now())
    }

    fn look(&self) {
        // The times first, so that no packet is taken for fulfilled whose failure comes to be seen
        // too late.
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
    /// Looks once a second, for as long as it is polled.
    pub async fn run(self) {
        let mut every_second = tokio::time::interval(SECOND);
        every_second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first one is over at once, and what it would see is the start.
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
