//! The notes about a payment being sent: attempts, progress and its end.

use ilp_connector::{account::AccountId, amount::format_amount, peer::Asset};
use ilp_store::OutgoingPaymentState;
use uuid::Uuid;

use crate::{
    changes::writes::Duty,
    node::operator::Inner,
    payments::{
        events::{EventContent, of_outgoing},
        paying::{Ended, Progress},
    },
    vocabulary::error::OperatorError,
    webhook::event_kind::EventKind,
};

impl Inner {
    /// Counts another attempt, and adds the amount that the last one has left in doubt: the most
    /// that its packets can have carried when it was cut short, which is no more than what was
    /// still to be sent.
    pub(crate) fn begin_again(&self, id: Uuid) -> Result<(), OperatorError> {
        let sent = self.ledger().total(AccountId::outgoing_payment(id)).debits;
        let sent = u64::try_from(sent).unwrap_or(u64::MAX);
        self.writes.as_node(Duty::Payments, |tx| {
            tx.update_outgoing_payment(id, |record| {
                if record.state == OutgoingPaymentState::Sending {
                    record.state_attempts = record.state_attempts.saturating_add(1);
                    let left = record.quote.debit_minus_fees.saturating_sub(sent);
                    let under_way = std::mem::take(&mut record.under_way_max).min(left);
                    record.in_doubt = record.in_doubt.saturating_add(under_way);
                }
                None
            })
        })?;
        Ok(())
    }

    /// Writes down the most that the packets of the coming attempt can carry at once.
    pub(crate) fn note_under_way(&self, id: Uuid, under_way_max: u64) -> Result<(), OperatorError> {
        self.writes.as_node(Duty::Payments, |tx| {
            tx.update_outgoing_payment(id, |record| {
                if record.state == OutgoingPaymentState::Sending {
                    record.under_way_max = under_way_max;
                }
                None
            })
        })?;
        Ok(())
    }

    /// Writes down how far a payment has come.
    pub(crate) fn note_progress(&self, id: Uuid, progress: Progress) -> Result<(), OperatorError> {
        let packets = self.wallets.packets(id, progress.packets);
        self.writes.as_node(Duty::Payments, |tx| {
            tx.update_outgoing_payment(id, |record| {
                // Notes may arrive out of order.
                if record.state == OutgoingPaymentState::Sending && progress.sent > record.sent {
                    (record.sent, record.delivered) = (progress.sent, progress.delivered);
                    record.packets = packets;
                }
                None
            })
        })?;
        Ok(())
    }

    /// Writes down how a payment ended, and its event.
    pub(crate) fn note_end(
        &self,
        id: Uuid,
        ended: Ended,
        progress: Progress,
    ) -> Result<(), OperatorError> {
        let now = (self.parts.clock)();
        let total = self.ledger().total(AccountId::outgoing_payment(id));
        let sent = u64::try_from(total.debits).unwrap_or(u64::MAX);
        if sent != progress.sent {
            tracing::warn!(payment = %id, sent, told = progress.sent, "the books count");
        }
        let packets = self.wallets.packets(id, progress.packets);
        self.edit_outgoing_payment(id, now, |record, asset, event_id| {
            if record.state != OutgoingPaymentState::Sending {
                return None;
            }
            let kind = match ended {
                Ended::Completed => {
                    record.state = OutgoingPaymentState::Completed;
                    EventKind::OutgoingPaymentCompleted
                }
                Ended::Failed { reason } => {
                    record.state = OutgoingPaymentState::Failed;
                    record.error = Some(with_doubt(reason, record.in_doubt, asset));
                    EventKind::OutgoingPaymentFailed
                }
            };
            record.under_way_max = 0;
            (record.sent, record.delivered) = (sent, progress.delivered);
            record.packets = packets;
            record.withdrawal_id = Some(event_id);
            let told = EventContent { id: event_id, now_ms: now.unix_ms(), asset, total };
            Some(of_outgoing(kind, record, sent, &told))
        })?;
        self.wallets.ended.may_close(AccountId::outgoing_payment(id));
        Ok(())
    }
}

/// Returns the reason of a failure together with the amount in doubt: a wallet that gives the money
/// back must learn that some of it may have arrived.
fn with_doubt(reason: String, in_doubt: u64, asset: &Asset) -> String {
    if in_doubt == 0 {
        return reason;
    }
    let (most, code) = (format_amount(in_doubt.into(), asset.scale), &asset.code);
    format!(
        "{reason}; what has arrived is uncertain: packets with up to {most} {code} beside the amount \
         sent were under way when this node was killed, and may have been delivered"
    )
}
