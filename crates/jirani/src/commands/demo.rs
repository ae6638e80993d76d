//! `jirani demo`: three nodes on this machine, peered through the admin API, and a payment across
//! two currencies between them.

mod books;
mod cluster;
mod database;
mod network;
mod node;

use std::{fs, path::Path, sync::Arc};

use clap::Args;
use ilp_admin_client::payment::OutgoingPaymentState;
use ilp_net::ReceiverUrl;
use serde_json::json;
use tokio::runtime;

use self::{books::Books, cluster::DemoCluster, network::Network, node::Children};
use super::{
    Failure,
    admin_client::{name_of, plain_or_dash},
    output,
    pay::{
        EndedPayment, pay,
        quote::{self, Quote},
    },
    ping,
    wallet::shown_value,
};

/// The amount that alice sends.
const SENT: &str = "200.00";

/// The amount of each of three payments over a cluster. The API gives 500 transfers of an account at once,
/// which are enough for all three.
const SENT_OVER_CLUSTER: &str = "60.00";

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct DemoArgs {
    /// End after the payment, instead of running on so that you can look around
    #[arg(long)]
    once: bool,
    /// Print JSON for programs in place of text for people
    #[arg(long)]
    json: bool,
    /// Make the connector two nodes with one set of books in PostgreSQL, and kill one, and then the
    /// database's primary
    #[arg(long, conflicts_with = "json")]
    cluster: bool,
}

impl DemoArgs {
    /// Runs the demo on a thread of its own until it ends or a signal comes, then stops the nodes
    /// and removes their folders.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let dir = tempfile::Builder::new().prefix("jirani-demo-").tempdir();
        let dir = dir.map_err(|error| {
            Failure::Refused(format!("no folder for the nodes can be made: {error}"))
        })?;
        let children = Arc::new(Children::default());
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::Refused(format!("no runtime: {error}")))?;
        let outcome = runtime.block_on(async {
            let (path, nodes) = (dir.path().to_owned(), Arc::clone(&children));
            let story = tokio::task::spawn_blocking(move || self.tell(&path, &nodes));
            let told = tokio::select! {
                told = story => told
                    .unwrap_or_else(|panic| Err(Failure::Refused(format!("the demo broke off: {panic}")))),
                signal = interrupted() => return signal.and(Err(interruption())),
            };
            if told.is_ok() && !self.once {
                interrupted().await?;
            }
            told
        });
        children.stop();
        // An interrupted demo may still wait for a stopped node.
        runtime.shutdown_background();
        let removed = dir.close().or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(Failure::Refused(format!("the nodes' folder can't be removed: {error}"))),
        });
        outcome.and(removed)
    }

    fn tell(self, dir: &Path, children: &Children) -> Result<(), Failure> {
        self.say(
            "it takes some seconds, free ports on loopback and a few megabytes for temporary files; \
             nothing leaves this machine",
        )?;
        let (mut cluster, connector) = if self.cluster {
            self.say(
                "starting PostgreSQL with a synchronous standby, and the connector as two nodes",
            )?;
            let (cluster, first) = DemoCluster::start(dir, children)?;
            (Some(cluster), Some(first))
        } else {
            (None, None)
        };
        self.say("starting three nodes: alice's wallet, a connector, bob's wallet")?;
        let mut network = Network::start(dir, connector, children)?;
        self.say("peered them by the documented mutation; one dollar is worth 0.92 euros")?;
        let pinged = network.ping_bob()?;
        ping::verdict(network.bob_address(), &pinged).map_err(Failure::Refused)?;
        self.say(&format!("a packet of zero takes {} us to bob and back", pinged.took_us))?;
        self.pay(&network)?;
        if let Some(cluster) = &mut cluster {
            let (node, pause) = cluster.kill_node(network.connector(), children)?;
            network.replace_connector(node);
            let pause_ms = pause.as_millis();
            self.say(&format!(
                "\nkilled the connector's active node: the other one had the books {pause_ms} ms later\n"
            ))?;
            self.pay(&network)?;
            cluster.kill_primary(children)?;
            self.say(
                "\nkilled the database's primary, promoted its standby, and gave it another one\n",
            )?;
            self.pay(&network)?;
        }
        if !self.once {
            network.look_around().iter().try_for_each(|line| self.say(line))?;
        }
        Ok(())
    }

    /// Has alice pay bob, and shows what the payment did to everybody's books.
    fn pay(self, network: &Network) -> Result<(), Failure> {
        let before = Books::read(&network.accounts)?;
        let sent = if self.cluster { SENT_OVER_CLUSTER } else { SENT };
        let alice = &network.alice;
        let receiver = ReceiverUrl::parse(&network.bob_url)
            .map_err(|error| Failure::Refused(format!("{}: {error}", network.bob_url)))?;
        let amount = quote::send(sent, &(&network.alice_wallet.asset).into())?;
        let quote = Quote::ask(&alice.admin, &network.alice_wallet, &receiver, amount)?;
        self.say("\nalice asks what it costs to pay bob:")?;
        quote.lines().iter().try_for_each(|line| self.say(&format!("  {line}")))?;
        self.say("")?;
        let payment = pay(&alice.admin, &network.alice_wallet, &quote, None, self.json)?;
        let outcome = &payment.payment;
        if outcome.state != OutgoingPaymentState::Completed {
            return Err(Failure::Refused(format!(
                "the payment {}: {}; the nodes said:\n{}",
                name_of(outcome.state).to_lowercase(),
                plain_or_dash(outcome.error.as_ref()),
                network.logs()
            )));
        }
        let after = Books::read(&network.accounts)?.since(&before);
        self.report(network, &payment, &before, &after)
    }

    fn report(
        self,
        network: &Network,
        payment: &EndedPayment,
        before: &Books,
        after: &Books,
    ) -> Result<(), Failure> {
        let packets = after.packets();
        self.say(&format!(
            "alice sent {}, bob received {}, in {} packets of at most {}\n",
            shown_value(&payment.payment.sent_amount),
            after.received(before),
            packets.count,
            packets.largest,
        ))?;
        after.table(before).iter().try_for_each(|line| self.say(line))?;
        after.check(before)?;
        self.say("\nevery account adds up, and each pair of neighbours agrees\n")?;
        if self.json {
            output::say(format_args!(
                "{:#}",
                json!({
                    "payment": payment,
                    "packets": packets.count,
                    "books": after.json(before),
                    "nodes": network.json(),
                })
            ))?;
        }
        Ok(())
    }

    /// Prints a line for people. Programs get the result alone.
    fn say(self, line: &str) -> Result<(), Failure> {
        if self.json { Ok(()) } else { output::say(line) }
    }
}

/// Waits until the user interrupts the demo.
async fn interrupted() -> Result<(), Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let unheard = |error| Failure::Refused(format!("can't listen to signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn interruption() -> Failure {
    Failure::Refused("the demo was interrupted; its nodes are stopped".to_owned())
}

/// Returns the last lines of a log, which an error shows.
fn tail(path: &Path, lines_max: usize) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(lines_max)..].join("\n")
}
