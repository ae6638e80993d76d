//! Requests to other nodes for a peering, and the check whether their endpoints may be dialled.

use std::{net::IpAddr, sync::Arc, time::Duration};

use http::{
    Request,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use ilp_http::web::{WebClient, WebOptions};
use ilp_net::{DialTarget, Endpoint, Reach};
use ilp_operator::{Operator, PeeringPost, PeeringReply, PeeringRules};
use tokio::{net::TcpListener, sync::Semaphore};

use crate::{
    admin_server::{self, OTHER_NODES},
    config::Config,
    own_endpoint,
    run::ADMIN_DRAIN,
    web::{self, Web},
};

/// Returns the operator's rules for nodes that ask, in the operations' terms.
pub(crate) fn rules(config: &Config, connector_url: String) -> PeeringRules {
    let decided = &config.auto_peering;
    PeeringRules {
        is_automatic: decided.is_automatic,
        liquidity: decided.liquidity,
        peers_max: decided.peers_max,
        private_endpoints: decided.private_endpoints,
        connector_advice: own_endpoint::advice(&connector_url),
        connector_url,
    }
}

/// Serves nodes that ask to become peers, if auto-peering is on, on at most `connections_max`
/// connections at once.
pub(crate) async fn serve(
    (listener, connections_max): (Option<TcpListener>, usize),
    operator: Operator,
    stop: impl Future<Output = ()>,
) {
    if let Some(listener) = listener {
        let router = ilp_admin::auto_peering_router(operator);
        admin_server::serve((listener, connections_max), OTHER_NODES, router, stop, ADMIN_DRAIN)
            .await;
    }
}

/// The time for another node's answer, all in all.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The time for looking up its name.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer that is read: an address, a URL, a token and a name.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// The most requests in progress at once.
const PARALLEL_MAX: usize = 4;

/// A client of auto-peering ports. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Asker {
    client: WebClient,
    places: Arc<Semaphore>,
}

impl Asker {
    /// Makes a client.
    pub(crate) fn new(web: &Web) -> Self {
        let client = web.client(WebOptions {
            time_max: TIMEOUT,
            connect_time_max: TIMEOUT,
            body_bytes_max: ANSWER_BYTES_MAX,
            ..WebOptions::default()
        });
        Self { client, places: Arc::new(Semaphore::new(PARALLEL_MAX)) }
    }

    /// Asks another node for a peering. A redirection counts as the answer, and is not followed: it
    /// might lead into the private network that this node is in, and the body contains a token.
    pub(crate) async fn ask(&self, post: PeeringPost) -> Result<PeeringReply, String> {
        let Ok(_place) = self.places.try_acquire() else {
            return Err("this node asks as many others as it may: try again".to_owned());
        };
        let mut request = Request::post(post.url.to_string())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json");
        if let Some(proof) = &post.proof {
            request = request.header(AUTHORIZATION, format!("Bearer {}", proof.reveal()));
        }
        let request = request.body(post.body.into());
        let request = request.map_err(|_| "its URL or our token can't be sent".to_owned())?;
        let response = self.client.send(request).await;
        let response = response.map_err(|error| web::reason(&error, "it"))?;
        let body = String::from_utf8_lossy(response.body()).into_owned();
        Ok(PeeringReply { status: response.status().as_u16(), body })
    }
}

/// Checks that an endpoint is encrypted and leads outside of this machine and of private networks,
/// as far as its name resolves at this moment. A name may lead elsewhere later; packets are sent
/// there then, and an answer that is not ILP is shown to no peer.
pub(crate) async fn check_public(endpoint: &Endpoint) -> Result<(), String> {
    let addresses = match endpoint.host().dial_target() {
        DialTarget::Address(address) => vec![address],
        DialTarget::Name(name) => look_up(name, endpoint.port()).await?,
    };
    let is_public = |address: &IpAddr| Reach::of(*address) == Reach::Public;
    if addresses.is_empty() || !addresses.iter().all(is_public) {
        return Err("it leads into a private network or to this machine, which is not taken from \
                    nodes that ask; auto_peering.private_endpoints allows it"
            .to_owned());
    }
    if !endpoint.is_tls() {
        return Err("https:// is expected: every network on the way could read the token".into());
    }
    Ok(())
}

async fn look_up(name: &str, port: u16) -> Result<Vec<IpAddr>, String> {
    let found = tokio::time::timeout(LOOKUP_TIMEOUT, tokio::net::lookup_host((name, port))).await;
    match found {
        Ok(Ok(addresses)) => Ok(addresses.map(|address| address.ip()).collect()),
        Ok(Err(_)) | Err(_) => Err("its name leads nowhere".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_endpoint_is_judged_by_where_it_leads() {
        let check = async |endpoint: &str| check_public(&endpoint.parse().unwrap()).await;
        assert_eq!(check("https://1.1.1.1/ilp").await, Ok(()));
        for near in [
            "https://127.0.0.1",
            "https://localhost",
            "https://a.localhost",
            "https://[::1]:3002",
            "https://[::ffff:10.0.0.1]",
            "https://100.64.0.1",
            "http://1.1.1.1",
        ] {
            assert!(check(near).await.is_err(), "{near}");
        }
    }
}
