//! Pings: packets of amount zero that show whether there is a path.

use crate::{
    assets::error::AssetError,
    peering::network::{PingOutcome, PingOver, PingWay},
    peers::{Peers, error::PeerError},
    vocabulary::{check, error::OperatorError},
};

impl Peers<'_> {
    /// Asks the network for a path to `address`.
    ///
    /// # Errors
    /// Bad input, when it is not an ILP address; not found, when there is no such peer or asset.
    pub async fn ping(
        self,
        address: &str,
        over: PingOver<'_>,
    ) -> Result<PingOutcome, OperatorError> {
        let destination = address.parse().map_err(PeerError::Destination)?;
        let way = match over {
            PingOver::Any => PingWay::Any,
            PingOver::Asset(id) => {
                let asset = check::id(id).and_then(|id| self.on.inner.asset(id));
                PingWay::InAsset(asset.ok_or(AssetError::Unknown)?)
            }
            PingOver::Peer(id) => {
                let peer = check::id(id).and_then(|id| self.on.inner.parts.connector.peer(id));
                PingWay::Over(peer.ok_or(PeerError::Unknown)?)
            }
        };
        Ok(self.on.inner.parts.network.ping(destination, way).await)
    }
}
