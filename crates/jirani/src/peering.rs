//! Asks other nodes for a peering, and judges whether what they answer may be dialled at all.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use ilp_admin::operator::{Operator, PeeringPost, PeeringReply, PeeringRules};
use ilp_http::{Endpoint, endpoint::Host};
use tokio::{net::TcpListener, sync::Semaphore};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::{
    admin_server::{self, OTHER_NODES},
    config::Config,
    run::ADMIN_DRAIN,
};

/// What the operator decided about nodes that ask, in the operations' terms.
pub(crate) fn rules(config: &Config, connector_url: String) -> PeeringRules {
    let decided = &config.auto_peering;
    PeeringRules {
        is_automatic: decided.is_automatic,
        liquidity: decided.liquidity,
        peers_max: decided.peers_max,
        private_endpoints: decided.private_endpoints,
        connector_url,
    }
}

/// Serves nodes that ask to become peers, where they may, on as many connections at once.
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

/// How long another node may take to answer, all in all.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long its name may take to be looked up.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer that is read: an address, a URL, a token and a name.
const ANSWER_BYTES_MAX: u64 = 16 * 1024;
/// Requests under way at once. Each takes a thread while it waits.
const PARALLEL_MAX: usize = 4;

/// A client of auto-peering ports. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Asker {
    /// Made when somebody is asked for the first time: most nodes never ask, and the machine's roots
    /// take memory.
    agent: Arc<OnceLock<ureq::Agent>>,
    places: Arc<Semaphore>,
}

impl Asker {
    /// A client that has asked nobody yet.
    pub(crate) fn new() -> Self {
        Self { agent: Arc::default(), places: Arc::new(Semaphore::new(PARALLEL_MAX)) }
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask(&self, post: PeeringPost) -> Result<PeeringReply, String> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return Err("this node asks as many others as it may: try again".to_owned());
        };
        let agent = Arc::clone(&self.agent);
        let asked = tokio::task::spawn_blocking(move || {
            let reply = send(agent.get_or_init(new_agent), &post);
            drop(place);
            reply
        });
        asked.await.unwrap_or_else(|panic| Err(format!("the client failed: {panic}")))
    }
}

/// For `https` the machine's own roots are trusted, as for peers.
fn new_agent() -> ureq::Agent {
    let roots = rustls_native_certs::load_native_certs().certs;
    let roots: Vec<_> = roots.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&roots)).build();
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        // A redirection might lead into the private network that this node is in, and the body has a
        // token inside.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .tls_config(tls)
        .user_agent(concat!("jirani/", env!("CARGO_PKG_VERSION")))
        .build();
    agent.into()
}

fn send(agent: &ureq::Agent, post: &PeeringPost) -> Result<PeeringReply, String> {
    let endpoint = Endpoint::parse(&post.url).map_err(|error| error.to_string())?;
    let mut request = agent
        .post(endpoint.to_string())
        .header("content-type", "application/json")
        .header("accept", "application/json");
    if let Some(proof) = &post.proof {
        request = request.header("authorization", format!("Bearer {}", proof.reveal()));
    }
    let mut response = request.send(post.body.as_bytes()).map_err(|error| reason(&error))?;
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
    Ok(PeeringReply { status, body: body.map_err(|error| reason(&error))? })
}

/// What went wrong, in words that repeat nothing of the request.
fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "it does not answer in time".to_owned(),
        ureq::Error::HostNotFound => "its name is unknown".to_owned(),
        ureq::Error::ConnectionFailed => "it takes no connection".to_owned(),
        ureq::Error::Io(error) => format!("the connection failed: {}", error.kind()),
        ureq::Error::Rustls(error) => format!("TLS failed: {error}"),
        ureq::Error::BodyExceedsLimit(_) => "its answer is too long".to_owned(),
        _ => "its answer is no HTTP answer".to_owned(),
    }
}

/// Whether `endpoint` is encrypted and leads outside of this machine and of private networks, as
/// far as its name tells at this moment. A name may lead elsewhere later; what is sent there then is
/// packets, whose answers nobody is shown unless they are ILP.
pub(crate) async fn check_public(endpoint: &str) -> Result<(), String> {
    let endpoint = Endpoint::parse(endpoint).map_err(|error| error.to_string())?;
    let addresses = match endpoint.host() {
        Host::Address(address) => vec![*address],
        Host::Name(name) => look_up(name, endpoint.port()).await?,
    };
    if addresses.is_empty() || !addresses.into_iter().all(is_public) {
        return Err("it leads into a private network or to this machine, which is not taken from \
                    nodes that ask; auto_peering.private_endpoints allows it"
            .to_owned());
    }
    if !endpoint.is_tls() {
        return Err("https:// is expected: the token would be read by whoever is on the way".into());
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

/// Whether an address is one of the Internet's own, as far as that is settled.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    // RFC 6890 and its updates; the standard library's `is_global` is not stable yet.
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || first == 0
        || first >= 240
        || (first == 100 && (64..128).contains(&second))
        || (first == 192 && second == 0 && third == 0)
        || (first == 198 && (18..20).contains(&second)))
}

/// Only what is handed out for global use (2000::/3), less documentation and what wraps an IPv4
/// address.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_documentation = first == 0x2001 && second == 0x0db8;
    let wraps_v4 = first == 0x2002 || (first == 0x2001 && second == 0);
    (0x2000..0x4000).contains(&first) && !is_documentation && !wraps_v4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_and_special_addresses_are_not_public() {
        for public in ["1.1.1.1", "172.15.0.1", "192.1.0.1", "2606:4700::1", "::ffff:1.1.1.1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for near in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.168.1.1",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fc00::1",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
            "::ffff:127.0.0.1",
        ] {
            assert!(!is_public(near.parse().unwrap()), "{near}");
        }
    }

    #[tokio::test]
    async fn an_endpoint_is_judged_by_where_it_leads() {
        assert_eq!(check_public("https://1.1.1.1/ilp").await, Ok(()));
        for near in [
            "https://127.0.0.1",
            "https://localhost",
            "https://[::1]:3002",
            "http://1.1.1.1",
            "a b",
        ] {
            assert!(check_public(near).await.is_err(), "{near}");
        }
    }
}
