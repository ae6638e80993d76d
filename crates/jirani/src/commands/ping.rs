//! `jirani ping`: is there a path to an address, how long does it take, and who answered.

use clap::Args;
use serde_json::{Value, json};

use super::{
    Failure,
    admin_client::{AdminArgs, plain, print},
    lookup::{find_asset, find_peer},
};

#[derive(Debug, Args)]
pub(crate) struct PingArgs {
    /// An ILP address, such as g.othergreatwallet
    address: String,
    /// Code or id of an asset: take the way of a packet in it
    #[arg(long)]
    asset: Option<String>,
    /// ILP address or id of the peer to send the packet to, whatever the routes say
    #[arg(long, conflicts_with = "asset")]
    peer: Option<String>,
    #[command(flatten)]
    admin: AdminArgs,
}

impl PingArgs {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let ping = ask(&self.admin, &self.variables()?)?;
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
    fn variables(&self) -> Result<Value, Failure> {
        let id_of = |found: Value| found["id"].clone();
        let peer = self.peer.as_ref().map(|name| find_peer(&self.admin, name).map(id_of));
        let asset = self.asset.as_ref().map(|name| find_asset(&self.admin, name).map(id_of));
        let (peer, asset) = (peer.transpose()?, asset.transpose()?);
        Ok(json!({ "address": self.address, "peer": peer, "asset": asset }))
    }
}

/// Pings an address from the node, over a peer or in an asset where the variables name one, and returns
/// the outcome.
pub(super) fn ask(admin: &AdminArgs, variables: &Value) -> Result<Value, Failure> {
    let query = "query($address: String!, $peer: String, $asset: String) {
        ping(address: $address, peerId: $peer, assetId: $asset) {
            answered triggeredBy code message tookUs failure { kind message httpStatus at count }
        }
    }";
    Ok(admin.query(query, variables)?["ping"].take())
}

/// Says whether a ping reached its address. A ping can't be fulfilled, so the node at the end of the path
/// refuses it. The address was reached if that node is there, or the address belongs to it.
pub(super) fn verdict(address: &str, ping: &Value) -> Result<String, String> {
    let failure = &ping["failure"]["message"];
    if ping["answered"] != true {
        return Err(match failure {
            Value::Null => format!("no answer from {address} in time"),
            why => format!("no answer from {address} in time: {}", plain(why)),
        });
    }
    let (code, message) = (plain(&ping["code"]), plain(&ping["message"]));
    let took_ms = ping["tookUs"].as_f64().unwrap_or_default() / 1_000.0;
    let who = ping["triggeredBy"].as_str().unwrap_or("somebody who gives no address");
    let is_there = address == who
        || address.strip_prefix(who).is_some_and(|rest| rest.starts_with('.'))
        || who.strip_prefix(address).is_some_and(|rest| rest.starts_with('.'));
    // Receivers that nobody has heard of answer with final codes of their own and may leave their
    // address out.
    let is_final = code.starts_with('F') && code != "F02" && ping["triggeredBy"].is_null();
    let answered = format!("{who} answered {code} ({message}) in {took_ms:.1} ms");
    if is_there || is_final {
        Ok(format!("{address} can be reached: {answered}"))
    } else {
        Err(match failure {
            Value::Null => format!("{address} can't be reached: {answered}"),
            why => format!("{address} can't be reached: {answered}; {}", plain(why)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_from_the_address_itself_says_that_it_is_reached() {
        let answer = |who: Value, code: &str| json!({ "answered": true, "triggeredBy": who, "code": code, "message": "m", "tookUs": 1 });
        let verdict = |who: Value, code: &str| verdict("g.bob.savings", &answer(who, code)).is_ok();
        assert!(verdict("g.bob.savings".into(), "F99"));
        assert!(verdict("g.bob".into(), "F02"));
        assert!(verdict("g.bob.savings.x".into(), "F06"));
        assert!(verdict(Value::Null, "F06"));
        assert!(!verdict("g.bo".into(), "F02"));
        assert!(!verdict("g.node".into(), "T01"));
        assert!(!verdict(Value::Null, "F02"));
        assert!(super::verdict("g.bob", &json!({ "answered": false })).is_err());
    }
}
