//! Movements on an account in a form where packets don't hide deposits and withdrawals: those are
//! listed one by one, and packets are summed up by day.
//!
//! The journal links each movement of an account to the one before, whatever its kind. So finding a
//! deposit costs as many steps as packets came after it, and each search has a bound.

use ilp_connector::{account::AccountId, ledger::TransferKind};
use ilp_store::{Older, Position};

use crate::{
    books::{
        Books,
        transfers::{TransferView, view},
    },
    vocabulary::{error::OperatorError, input_error::InputError},
};

/// The number of movements read from the journal in one step.
const STEP: usize = 100;

/// The length of a day, in milliseconds. Days are those of UTC.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// The sums of one day's packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketDay {
    /// When the day begins, in milliseconds since 1970.
    pub begins_at_ms: u64,
    /// The number of packets that added to the account.
    pub packets_in: u64,
    /// The amount that these packets added, in the asset's smallest unit.
    pub amount_in: u128,
    /// The number of packets that took from the account.
    pub packets_out: u64,
    /// The amount that these packets took, in the asset's smallest unit.
    pub amount_out: u128,
}

/// Movements on an account, newest first, with packets summed up separately.
#[derive(Clone, Debug, Default)]
pub struct MovementDigest {
    /// Deposits and withdrawals, each with the name of the account on its other side.
    pub rows: Vec<(TransferView, String)>,
    /// Packets by day, the newest day first.
    pub days: Vec<PacketDay>,
    /// The cursor of the next page, when there are movements that were not looked at.
    pub next: Option<String>,
    /// Whether there were older movements that are not kept any more.
    pub are_older_gone: bool,
}

impl Books<'_> {
    /// Looks at up to `looked_at_max` movements of an account, the newest or those before a cursor, and
    /// stops once `rows_max` deposits and withdrawals are found.
    ///
    /// # Errors
    /// A cursor that is not one of this account.
    pub async fn movement_digest(
        self,
        account: AccountId,
        before: Option<&str>,
        rows_max: usize,
        looked_at_max: usize,
    ) -> Result<MovementDigest, OperatorError> {
        let before =
            before.map(|text| text.parse().map_err(|_| InputError::NoPlace)).transpose()?;
        self.on
            .read(move |inner| {
                let now_ms = (inner.parts.clock)().unix_ms();
                let mut from = before.map(Position::from_u64);
                let (mut digest, mut looked_at) = (MovementDigest::default(), 0);
                loop {
                    let listed = inner.ledger().transfers(account, from, STEP);
                    let listed = listed.map_err(|error| match before {
                        Some(_) => OperatorError::from(InputError::NoPlace),
                        None => error.into(),
                    })?;
                    for row in &listed.rows {
                        from = Some(row.position);
                        looked_at += 1;
                        if row.kind == TransferKind::Packet {
                            let is_in = row.credit == account;
                            digest.add_packet(row.created_at_ms, is_in, row.amount);
                            continue;
                        }
                        let other = if row.debit == account { row.credit } else { row.debit };
                        digest.rows.push((view(*row, now_ms), inner.account_title(other)?));
                        if digest.rows.len() >= rows_max {
                            break;
                        }
                    }
                    digest.are_older_gone = listed.older == Older::Gone;
                    let is_last_seen = listed.rows.last().map(|row| row.position) == from;
                    if is_last_seen && listed.older != Older::More {
                        return Ok(digest);
                    }
                    if digest.rows.len() >= rows_max || looked_at >= looked_at_max {
                        digest.next = from.map(|position| position.to_u64().to_string());
                        return Ok(digest);
                    }
                }
            })
            .await
    }
}

impl MovementDigest {
    fn add_packet(&mut self, at_ms: u64, is_in: bool, amount: u64) {
        let begins_at_ms = at_ms / DAY_MS * DAY_MS;
        // The journal is in the order of time, except where the clock was set.
        if self.days.last().is_none_or(|day| day.begins_at_ms != begins_at_ms) {
            self.days.push(PacketDay { begins_at_ms, ..PacketDay::default() });
        }
        let Some(day) = self.days.last_mut() else { return };
        if is_in {
            day.packets_in += 1;
            day.amount_in += u128::from(amount);
        } else {
            day.packets_out += 1;
            day.amount_out += u128::from(amount);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_summed_up_by_day() {
        let mut digest = MovementDigest::default();
        let noon = 20_000 * DAY_MS + DAY_MS / 2;
        digest.add_packet(noon, true, 5);
        digest.add_packet(noon - 1, false, 7);
        digest.add_packet(noon - DAY_MS, true, 11);
        let days: Vec<_> = digest
            .days
            .iter()
            .map(|day| (day.begins_at_ms / DAY_MS, day.packets_in, day.amount_in, day.amount_out))
            .collect();
        assert_eq!(days, [(20_000, 1, 5, 7), (19_999, 1, 11, 0)]);
    }
}
