//! A deposit or withdrawal that is requested again under an id: either the same one was booked
//! before, or the id belongs to another one.

use interledger_packet::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::commands::{
    Failure,
    admin_client::{AdminArgs, plain},
};

/// The two kinds of transfer that have an id of the operator's, as the API has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Deposit,
    Withdrawal,
}

/// A transfer as the command requests it.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) kind: Kind,
    pub(super) id: Uuid,
    /// The id of the peer or asset.
    pub(super) owner: &'a Value,
    /// The amount in the smallest unit, as the API has it.
    pub(super) amount: &'a Value,
    /// The time for which a withdrawal only sets the amount aside; zero for all other transfers.
    pub(super) timeout_s: u64,
}

impl Asked<'_> {
    /// Returns how a transfer ended that the node `refused`: it was done where this very transfer
    /// is in the books, since it was booked before.
    ///
    /// # Errors
    /// `refused` itself, where it has another reason; or that another transfer has the id, or that
    /// a withdrawal of this id has come back.
    pub(super) fn was_booked(&self, admin: &AdminArgs, refused: Failure) -> Result<(), Failure> {
        if !refused.to_string().contains("Transfer already exists") {
            return Err(refused);
        }
        let query = "query($id: String!) {
            accountingTransfers(id: $id, limit: 1) { debits { ...row } credits { ...row } }
        }
        fragment row on AccountingTransfer {
            debitAccountId creditAccountId amount transferType state createdAt expiresAt
        }";
        let found = admin.query(query, &json!({ "id": self.id }))?["accountingTransfers"].take();
        let booked = found["credits"].get(0).or_else(|| found["debits"].get(0));
        let Some(booked) = booked else { return Err(refused) };
        if !self.is(booked) {
            return Err(Failure::Refused(format!(
                "the id {} was used for another transfer: a {} of {} (in the smallest unit) at {}; \
                 leave --id out to book one more",
                self.id,
                plain(&booked["transferType"]).to_lowercase(),
                plain(&booked["amount"]),
                plain(&booked["createdAt"]),
            )));
        }
        if booked["state"] == "VOIDED" {
            return Err(Failure::Refused(format!(
                "the withdrawal {} was booked before and has come back; leave --id out to book one \
                 more",
                self.id
            )));
        }
        Ok(())
    }

    /// Returns whether the transfer is the one in the books under the id.
    fn is(&self, booked: &Value) -> bool {
        let (kind, account) = match self.kind {
            Kind::Deposit => ("DEPOSIT", "creditAccountId"),
            Kind::Withdrawal => ("WITHDRAWAL", "debitAccountId"),
        };
        booked["transferType"] == kind
            && booked[account] == *self.owner
            && booked["amount"] == *self.amount
            && set_aside_ms(booked) == Some(self.timeout_s.saturating_mul(1_000))
    }
}

/// Returns for how long the amount was set aside, in milliseconds; zero where it moved at once.
fn set_aside_ms(booked: &Value) -> Option<u64> {
    if booked["expiresAt"].is_null() {
        return Some(0);
    }
    time_ms(&booked["expiresAt"])?.checked_sub(time_ms(&booked["createdAt"])?)
}

/// Reads a time as the API writes it: all digits down to the millisecond.
fn time_ms(time: &Value) -> Option<u64> {
    let digits: Vec<u8> = time.as_str()?.bytes().filter(u8::is_ascii_digit).collect();
    Some(Timestamp::from_digits(digits.as_slice().try_into().ok()?).ok()?.unix_ms())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_kind_owner_amount_and_time_are_the_same_transfer() {
        let (owner, amount) = (json!("peer"), json!("500"));
        let asked = |kind, timeout_s| Asked {
            kind,
            id: Uuid::nil(),
            owner: &owner,
            amount: &amount,
            timeout_s,
        };
        let deposit = json!({
            "transferType": "DEPOSIT", "creditAccountId": "peer", "debitAccountId": "usd:settlement",
            "amount": "500", "state": "POSTED", "createdAt": "2026-11-30T12:00:00.000Z",
            "expiresAt": null,
        });
        assert!(asked(Kind::Deposit, 0).is(&deposit));
        assert!(!asked(Kind::Withdrawal, 0).is(&deposit));
        for (member, other) in [("creditAccountId", "other"), ("amount", "501")] {
            let mut booked = deposit.clone();
            booked[member] = json!(other);
            assert!(!asked(Kind::Deposit, 0).is(&booked), "{member}");
        }
        let withdrawal = json!({
            "transferType": "WITHDRAWAL", "debitAccountId": "peer", "amount": "500",
            "createdAt": "2026-11-30T23:59:59.500Z", "expiresAt": "2026-12-01T00:00:29.500Z",
        });
        assert!(asked(Kind::Withdrawal, 30).is(&withdrawal));
        assert!(!asked(Kind::Withdrawal, 31).is(&withdrawal));
        assert!(!asked(Kind::Withdrawal, 0).is(&withdrawal));
    }
}
