//! The conversion of a packet's amount, and the legs in which its money moves.

use std::sync::Arc;

use interledger_packet::{Prepare, Timestamp};
use uuid::Uuid;

use super::{Connector, Source};
use crate::{
    account::Account,
    conversion::{Conversion, Inconvertible, Spread},
    ledger::{Ledger, Leg, Transfer, TransferKind},
    peer::Asset,
    refusal::Refusal,
};

impl<L: Ledger> Connector<L> {
    /// Returns the amount that arrives in `asset` for `amount` from the source, in that asset's
    /// unit. It is at most `maximum_out`, or the refusal says what the source may send instead.
    ///
    /// The sending peer's spread applies, since it is the one whom the node does a service, and
    /// who knows of it before it sends. Between assets of one code the rate is one.
    pub(super) fn convert(
        &self,
        source: Source<'_>,
        asset: &Asset,
        amount: u64,
        maximum_out: u64,
        now: Timestamp,
    ) -> Result<u64, Refusal> {
        let conversion = self.conversion(source, asset, now)?;
        conversion.convert(amount, maximum_out).map_err(|inconvertible| match inconvertible {
            Inconvertible::ToZero => Refusal::ConvertsToZero,
            Inconvertible::TooMuch { maximum } => {
                Refusal::AmountTooLarge { received: amount, maximum }
            }
        })
    }

    /// Returns the conversion of amounts from the source to amounts of `asset`.
    pub(super) fn conversion(
        &self,
        source: Source<'_>,
        asset: &Asset,
        now: Timestamp,
    ) -> Result<Conversion, Refusal> {
        let Some(paid_in) = source.asset() else { return Ok(Conversion::IDENTITY) };
        let spread = source.peer().map_or(Spread::NONE, |peer| peer.terms_now().spread);
        if paid_in.id == asset.id && spread == Spread::NONE {
            return Ok(Conversion::IDENTITY);
        }
        let rate = self.rates.find(&paid_in.code, &asset.code, now)?;
        Ok(Conversion::new(rate, paid_in.scale, asset.scale, spread))
    }

    /// Sets aside what the packet moves. A packet of zero moves no money, so nothing is held and
    /// nothing is written for it.
    pub(super) async fn hold(
        &self,
        source: Source<'_>,
        asset: &Asset,
        payee: &Arc<Account>,
        packet: &Prepare,
        amount_out: u64,
    ) -> Result<Option<L::Hold>, Refusal> {
        if packet.amount() == 0 {
            return Ok(None);
        }
        let (paid_in, payer) = match source {
            Source::Peer(peer) => (&peer.asset, &peer.liquidity),
            Source::Local(local) => (&local.asset, &local.account),
            // Should a probe be fulfilled all the same, its condition does not match and the Fulfill
            // goes no further.
            Source::Probe(_) => return Ok(None),
            Source::Own | Source::Test(_) => return Err(Refusal::Liquidity),
        };
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = *packet.execution_condition();
        let (first, second) = if paid_in.id == asset.id {
            legs_of_one_asset(asset, payer, payee, packet.amount(), amount_out)
        } else {
            let first = leg(payer, &paid_in.liquidity, packet.amount());
            (first, Some(leg(&asset.liquidity, payee, amount_out)))
        };
        let transfer = Transfer {
            id: Uuid::from_bytes([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]),
            kind: TransferKind::Packet,
            first,
            second,
        };
        Ok(Some(self.ledger.hold(transfer).await?))
    }
}

/// Straight to the payee; what the node keeps goes to its stock of the asset.
fn legs_of_one_asset(
    asset: &Asset,
    payer: &Arc<Account>,
    payee: &Arc<Account>,
    amount: u64,
    amount_out: u64,
) -> (Leg, Option<Leg>) {
    let first = leg(payer, payee, amount_out);
    match amount.checked_sub(amount_out) {
        None | Some(0) => (first, None),
        Some(kept) => (first, Some(leg(payer, &asset.liquidity, kept))),
    }
}

fn leg(debit: &Arc<Account>, credit: &Arc<Account>, amount: u64) -> Leg {
    Leg { debit: Arc::clone(debit), credit: Arc::clone(credit), amount }
}
