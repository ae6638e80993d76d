//! How far a payment has come, for one that is handed over: what was noted, and what must have
//! happened since.

use ilp_connector::{account::AccountId, ledger::TransferKind};
use ilp_store::{Older, OutgoingPaymentRecord, QuoteRecord, TransferRow};

use crate::{node::operator::Inner, vocabulary::error::OperatorError};

/// How many transfers are read at once.
const TRANSFERS_PER_STEP: usize = 1_000;

impl Inner {
    /// The packets of all attempts so far, for a payment that is handed over when its packets have
    /// taken `sent`; `None` where that isn't known any more. What was noted is right if it is of the
    /// same moment. Otherwise the node was cut short, and each packet is looked up: the books have one
    /// transfer for each.
    pub(crate) fn packets_so_far(
        &self,
        record: &OutgoingPaymentRecord,
        sent: u64,
    ) -> Result<Option<u64>, OperatorError> {
        if record.sent == sent && record.packets.is_some() {
            return Ok(record.packets);
        }
        let account = AccountId::outgoing_payment(record.id);
        let (mut packets, mut before) = (0, None);
        loop {
            let list = self.ledger().transfers(account, before, TRANSFERS_PER_STEP)?;
            let is_packet =
                |row: &&TransferRow| row.kind == TransferKind::Packet && row.debit == account;
            packets += list.rows.iter().filter(is_packet).map(|_| 1).sum::<u64>();
            before = list.rows.last().map(|row| row.position);
            match list.older {
                Older::More => {}
                Older::Nothing => return Ok(Some(packets)),
                Older::Gone => return Ok(None),
            }
        }
    }
}

/// Returns the least amount that has arrived: the amount at the last note, and everything sent
/// since at the worst rate, rounded up as the minimum of each packet is.
pub(crate) fn delivered_at_least(record: &OutgoingPaymentRecord, sent: u64) -> u64 {
    let since = u128::from(sent.saturating_sub(record.sent));
    let QuoteRecord { rate_delivered, rate_sent, .. } = record.quote;
    let arrived = match since.checked_mul(rate_delivered) {
        Some(product) => product.div_ceil(rate_sent.max(1)),
        // So exact a rate that the product is beyond 128 bits: dividing first loses nothing that an
        // amount of 64 bits would show.
        None => (rate_delivered / rate_sent.max(1)).saturating_mul(since),
    };
    let arrived = u128::from(record.delivered).saturating_add(arrived);
    u64::try_from(arrived).unwrap_or(u64::MAX)
}
