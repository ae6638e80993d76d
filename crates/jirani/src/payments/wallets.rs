//! Answers of the wallets' port: the recipient at a URL, and the credentials for paying it.

use std::sync::Arc;

use ilp_http::spsp::{
    Credentials,
    server::{Found, Invoice, Receivers, Target, Unavailable},
};
use ilp_net::WalletUrl;
use ilp_operator::{Operator, Payee, SpspTarget};
use ilp_stream::Asset;

use super::Receiving;

/// All recipients of this node.
pub(crate) struct Wallets {
    operator: Operator,
    receiving: Arc<Receiving>,
}

impl Wallets {
    pub(crate) fn new(operator: Operator, receiving: Arc<Receiving>) -> Self {
        Self { operator, receiving }
    }
}

impl Receivers for Wallets {
    async fn find(&self, url: &WalletUrl) -> Result<Found, Unavailable> {
        // The log has the store's failure already.
        Ok(
            match self
                .operator
                .payments()
                .spsp_target(url.clone())
                .await
                .map_err(|_| Unavailable)?
            {
                SpspTarget::Unknown => Found::Nobody,
                SpspTarget::Gone => Found::Over,
                SpspTarget::Open(payee) => Found::Target(target(payee)),
            },
        )
    }

    fn credentials(&self, target: &Target) -> Result<Credentials, Unavailable> {
        let id = target.tag.parse().map_err(|_| Unavailable)?;
        let asset = Asset { code: target.asset_code.clone(), scale: target.asset_scale };
        // Credentials are too long only for an asset's code of hundreds of characters at an address
        // as long.
        let receive_max = target.invoice.as_ref().map(|invoice| invoice.outstanding);
        let credentials = self.receiving.credentials(id, receive_max, &asset);
        let credentials = credentials.map_err(|_| Unavailable)?;
        Ok(Credentials {
            destination: credentials.destination,
            shared_secret: *credentials.shared_secret.reveal(),
        })
    }
}

fn target(payee: Payee) -> Target {
    let outstanding = payee.room();
    Target {
        tag: payee.id.to_string(),
        url: payee.url,
        public_name: payee.public_name,
        asset_code: payee.asset.code.clone(),
        asset_scale: payee.asset.scale,
        invoice: payee
            .asked
            .zip(outstanding)
            .map(|(amount, outstanding)| Invoice { amount, outstanding }),
    }
}
