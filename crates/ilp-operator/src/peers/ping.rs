//! Pings: packets of amount zero that show whether there is a path.

use crate::{
    peering::network::{PingOutcome, PingOver, PingWay},
    peers::Peers,
    vocabulary::{
        check,
        error::{OperatorError, unknown_asset, unknown_peer},
    },
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
        let destination = address
            .parse()
            .map_err(|error| OperatorError::bad_input("invalid ILP address", error))?;
        let way = match over {
            PingOver::Any => PingWay::Any,
            PingOver::Asset(id) => {
                let asset = check::id(id).and_then(|id| self.on.inner.asset(id));
                PingWay::InAsset(asset.ok_or_else(unknown_asset)?)
            }
            PingOver::Peer(id) => {
                let peer = check::id(id).and_then(|id| self.on.inner.parts.connector.peer(id));
                PingWay::Over(peer.ok_or_else(unknown_peer)?)
            }
        };
        Ok(self.on.inner.parts.network.ping(destination, way).await)
    }
}
