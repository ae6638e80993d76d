//! The ports that the node listens on, and their announcement.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::{
    clock,
    commands::Failure,
    config::Config,
    node_file::{NodeFile, Surface, reached_at},
};

/// A listener for each port.
pub(crate) struct Surfaces {
    pub(crate) ilp: TcpListener,
    pub(crate) admin: TcpListener,
    pub(crate) wallet: TcpListener,
    /// The port for nodes that ask to become peers, if auto-peering is on.
    pub(crate) peering: Option<TcpListener>,
}

impl Surfaces {
    /// Binds all ports, or none. The admin port may be bound already.
    pub(crate) async fn listen(
        config: &Config,
        admin: Option<TcpListener>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            ilp: listen(config.ilp.listen, "ilp.listen").await?,
            admin: match admin {
                Some(bound) => bound,
                None => listen_to_admin(config).await?,
            },
            wallet: listen(config.wallet.listen, "wallet.listen").await?,
            peering: match config.auto_peering.enabled_listen() {
                Some(at) => Some(listen(at, "auto_peering.listen").await?),
                None => None,
            },
        })
    }

    /// Returns the URL to which peers send their packets.
    pub(crate) fn connector_url(&self, config: &Config) -> Result<String, Failure> {
        Ok(surface(&self.ilp, config.ilp.public_url.as_deref())?.url)
    }

    /// Announces the ports in the log and in `node.json`, since port 0 has picked free ones.
    pub(crate) fn announce(&self, config: &Config) -> Result<(), Failure> {
        let ilp = surface(&self.ilp, config.ilp.public_url.as_deref())?;
        let admin = surface(&self.admin, None)?;
        let wallet = surface(&self.wallet, config.wallet.public_url.as_deref())?;
        let peering = self.peering.as_ref().map(|listener| surface(listener, None)).transpose()?;
        let address = &config.node.ilp_address;
        tracing::info!(%address, listen = %ilp.listen, url = %ilp.url, "ILP over HTTP");
        tracing::info!(listen = %admin.listen, url = %format!("{}/graphql", admin.url), "admin API");
        tracing::info!(url = %format!("http://{}/", reached_at(admin.listen)), "pages for the operator");
        tracing::info!(listen = %wallet.listen, url = %wallet.url, "wallet addresses and SPSP");
        if let Some(peering) = &peering {
            tracing::info!(listen = %peering.listen, "auto-peering");
        }
        let file = NodeFile {
            version: env!("CARGO_PKG_VERSION"),
            pid: std::process::id(),
            name: config.node.name.clone(),
            ilp_address: config.node.ilp_address.to_string(),
            started_at: clock::now().to_string(),
            ilp,
            admin,
            wallet,
            auto_peering: peering,
        };
        file.write(&config.node.data_dir).map_err(|error| {
            Failure::Store(format!(
                "node.json can't be written in {}: {error}; check that its disk has space left, then \
                 start again",
                config.node.data_dir.display()
            ))
        })
    }
}

/// Binds the admin port.
pub(crate) async fn listen_to_admin(config: &Config) -> Result<TcpListener, Failure> {
    listen(config.admin.listen, "admin.listen").await
}

async fn listen(at: SocketAddr, key: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(at).await.map_err(|error| {
        Failure::Refused(format!(
            "can't listen on {at}: {error}; choose another address with {key}, or port 0 for a \
             free one"
        ))
    })
}

fn surface(listener: &TcpListener, public_url: Option<&str>) -> Result<Surface, Failure> {
    let listen = listener
        .local_addr()
        .map_err(|error| Failure::Refused(format!("no local address: {error}")))?;
    let url = public_url.map_or_else(|| format!("http://{listen}"), str::to_owned);
    Ok(Surface { listen, url })
}
