//! `jirani ping`: tests whether packets reach an address, in what time, and which node answers.

use clap::Args;
use ilp_admin_client::node::{Ping, PingResult};

use super::{
    Failure,
    admin_client::{AdminArgs, plain, plain_or_dash, print},
    lookup::{find_asset, find_peer},
};

#[derive(Debug, Args)]
pub(crate) struct PingArgs {
    /// An ILP address, such as g.othergreatwallet
    address: String,
    /// Code or id of an asset: take the route of a packet in it
    #[arg(long)]
    asset: Option<String>,
    /// ILP address or id of the peer to send the packet to, regardless of the routes
    #[arg(long, conflicts_with = "asset")]
    peer: Option<String>,
    #[command(flatten)]
    admin: AdminArgs,
}

impl PingArgs {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let ping = self.admin.ask(self.request()?)?;
        let said = verdict(&self.address, &ping);
        if self.admin.json {
            print(&self.admin, &ping, &[])?;
        }
        match said {
            Ok(line) => {
                if !self.admin.json {
                    print(&self.admin, &ping, &[line])?;
                }
                Ok(())
            }
            Err(line) => Err(Failure::Refused(line)),
        }
    }
}

impl PingArgs {
    fn request(&self) -> Result<Ping, Failure> {
        let peer = self.peer.as_ref().map(|name| find_peer(&self.admin, name)).transpose()?;
        let asset = self.asset.as_ref().map(|name| find_asset(&self.admin, name)).transpose()?;
        Ok(Ping {
            address: self.address.clone(),
            peer: peer.map(|peer| peer.id),
            asset: asset.map(|asset| asset.id),
        })
    }
}

/// Returns whether a ping reached its address, in words. No node can fulfill a ping, so the node at
/// the end of the path rejects it. The ping was successful if the address is that node's, or the
/// node says that it belongs to it.
pub(super) fn verdict(address: &str, ping: &PingResult) -> Result<String, String> {
    let failure = ping.failure.as_ref().map(|failure| plain(&failure.message));
    if !ping.answered {
        return Err(match failure {
            None => format!("no answer from {address} in time"),
            Some(why) => format!("no answer from {address} in time: {why}"),
        });
    }
    let (code, message) = (plain_or_dash(ping.code.as_ref()), plain_or_dash(ping.message.as_ref()));
    #[expect(clippy::float_arithmetic, reason = "only shown, with one decimal")]
    let took_ms = f64::from(ping.took_us) / 1_000.0;
    let answerer = ping.triggered_by.as_deref().map(plain);
    let who = answerer.as_deref().unwrap_or("a node that gives no address");
    let is_there = address == who
        || address.strip_prefix(who).is_some_and(|rest| rest.starts_with('.'))
        || who.strip_prefix(address).is_some_and(|rest| rest.starts_with('.'));
    // A node rejects packets for unknown receivers with final codes of its own, and may leave its
    // address out.
    let is_final = code.starts_with('F') && code != "F02" && answerer.is_none();
    let answered = format!("{who} answered {code} ({message}) in {took_ms:.1} ms");
    if is_there || is_final {
        Ok(format!("{address} can be reached: {answered}"))
    } else {
        Err(match failure {
            None => format!("{address} can't be reached: {answered}"),
            Some(why) => format!("{address} can't be reached: {answered}; {why}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_from_the_address_itself_says_that_it_is_reached() {
        let answer = |who: Option<&str>, code: &str| PingResult {
            answered: true,
            triggered_by: who.map(str::to_owned),
            code: Some(code.to_owned()),
            message: Some("m".to_owned()),
            took_us: 1,
            failure: None,
        };
        let is_reached = |who, code| verdict("g.bob.savings", &answer(who, code)).is_ok();
        assert!(is_reached(Some("g.bob.savings"), "F99"));
        assert!(is_reached(Some("g.bob"), "F02"));
        assert!(is_reached(Some("g.bob.savings.x"), "F06"));
        assert!(is_reached(None, "F06"));
        assert!(!is_reached(Some("g.bo"), "F02"));
        assert!(!is_reached(Some("g.node"), "T01"));
        assert!(!is_reached(None, "F02"));
        let silent = PingResult { answered: false, ..answer(None, "F06") };
        assert!(verdict("g.bob", &silent).is_err());
    }
}
