//! A sample of the packets that pass, for people who look on.
//!
//! One task asks the forwarding core for some packets, a few times a second, for as long as anybody
//! looks. All who look see the same ones. Whoever doesn't keep up sees fewer, and is told how many
//! more there were; nobody is waited for, and no more is kept than the last few packets.

use std::{sync::Arc, time::Duration};

use ilp_connector::{
    Connector,
    samples::{Sample, Samples},
};
use ilp_store::DurableLedger;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use uuid::Uuid;

use crate::{
    node::operator::Operator,
    peers::{
        Peers,
        watching::lookers::{Looking, Seen},
    },
};

/// How often the core is asked, and so how late a packet may be seen.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// How many packets are shown of one interval: 100 a second, which is more than people can read.
const PACKETS_MAX: u32 = 25;

/// Some of the packets that have ended since the last ones were seen.
#[derive(Clone, Debug)]
pub struct PacketsSeen {
    /// At most 25, in the order in which they ended: the first ones of a quarter of a second.
    pub packets: Arc<[Sample]>,
    /// How many more ended.
    pub passed_over: u64,
}

/// Somebody who looks at packets. The node takes samples until the last one is dropped.
#[derive(Debug)]
pub struct PacketWatch {
    seen: watch::Receiver<Seen>,
    /// How many packets there were when the last ones were seen.
    told: u64,
    /// Keeps the task that asks.
    _looking: Arc<Looking>,
}

/// The core, which is asked for packets. Held by the task, so that the core is told once the task
/// certainly asks no more.
struct Asking(Arc<Connector<DurableLedger>>);

impl Peers<'_> {
    /// Looks at packets from now on. It has to be called within a tokio runtime.
    #[must_use]
    pub fn watch_packets(self) -> PacketWatch {
        let mut lookers = self.on.inner.packets.0.lock();
        let looking = lookers.upgrade().unwrap_or_else(|| {
            let looking = Arc::new(Looking::begin(self.on));
            *lookers = Arc::downgrade(&looking);
            looking
        });
        drop(lookers);
        let mut seen = looking.seen.clone();
        let told = seen.borrow_and_update().total;
        PacketWatch { seen, told, _looking: looking }
    }

    /// The ILP address of a live peer, from memory; `None` once it is deleted.
    #[must_use]
    pub fn address(self, id: Uuid) -> Option<String> {
        let peer = self.on.inner.parts.connector.peer(id)?;
        Some(peer.terms().address.to_string())
    }
}

impl PacketWatch {
    /// The next packets, once there are some. `None` when the node ends. What ends a wait for it
    /// early loses nothing.
    pub async fn next(&mut self) -> Option<PacketsSeen> {
        self.seen.changed().await.ok()?;
        let Seen { packets, total } = self.seen.borrow_and_update().clone();
        let shown = u64::try_from(packets.len()).unwrap_or(u64::MAX);
        let passed_over = total.saturating_sub(self.told).saturating_sub(shown);
        self.told = total;
        Some(PacketsSeen { packets, passed_over })
    }
}

impl Looking {
    fn begin(operator: &Operator) -> Self {
        let clock = operator.inner.parts.clock;
        let (tell, seen) = watch::channel(Seen { packets: Arc::default(), total: 0 });
        let asked = Asking(Arc::clone(&operator.inner.parts.connector));
        // Now and not at the first tick, so that a packet which comes next is seen.
        asked.0.sampler().ask(PACKETS_MAX, clock);
        let task = tokio::spawn(async move {
            let mut looks = interval(LOOK_INTERVAL);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                looks.tick().await;
                let Samples { packets, passed_over } = asked.0.sampler().ask(PACKETS_MAX, clock);
                let count = u64::try_from(packets.len()).unwrap_or(u64::MAX);
                if count.saturating_add(passed_over) == 0 {
                    continue;
                }
                tell.send_modify(|seen| {
                    seen.total = seen.total.saturating_add(count).saturating_add(passed_over);
                    seen.packets = packets.into();
                });
            }
        });
        Self { task: task.abort_handle(), seen }
    }
}

impl Drop for Asking {
    /// Should somebody else have begun to look just now, their task asks anew within a quarter of a
    /// second.
    fn drop(&mut self) {
        self.0.sampler().stop();
    }
}
