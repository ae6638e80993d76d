//! ILDCP (RFC 31): a peer asks what its address is and in which asset it and this node count.

use bytes::Bytes;
use interledger_packet::{Prepare, ildcp};

use super::{Connector, Source};
use crate::{ledger::Ledger, refusal::Refusal};

impl<L: Ledger> Connector<L> {
    /// The answer to a peer's `peer.config`, which is what the two operators agreed on; `None` for
    /// every other packet.
    ///
    /// The fulfillment is one that everybody knows, so an amount would move for nothing: none
    /// passes.
    pub(super) fn configures_peer(
        &self,
        source: Source<'_>,
        packet: &Prepare,
    ) -> Result<Option<Bytes>, Refusal> {
        let Source::Peer(peer) = source else { return Ok(None) };
        if !ildcp::is_request(packet) {
            return Ok(None);
        }
        if packet.amount() > 0 {
            return Err(Refusal::AmountTooLarge { received: packet.amount(), maximum: 0 });
        }
        let terms = peer.terms_now();
        let response = ildcp::Response {
            client_address: terms.address.as_addr(),
            asset_scale: peer.asset.scale,
            asset_code: &peer.asset.code,
        };
        // The admin API takes no code so long that it doesn't fit.
        let fulfill = response.to_fulfill().map_err(|_| Refusal::PeerAddress)?;
        Ok(Some(fulfill.into_bytes()))
    }
}
