//! A deposit or withdrawal that is requested again under an id: either this transfer was booked
//! before, or the id belongs to another one.

use ilp_admin_client::{
    Id, UInt64,
    liquidity::{AccountingTransfer, TransferById, TransferState, TransferType},
};
use interledger_packet::Timestamp;

use crate::commands::{
    Failure,
    admin_client::{AdminArgs, name_of, plain},
    advice::is_booked_already,
};

/// A transfer as the command requests it.
#[derive(Clone, Debug)]
pub(super) struct RequestedTransfer {
    /// A deposit or a withdrawal.
    pub(super) kind: TransferType,
    pub(super) id: Id,
    /// The id of the peer or asset.
    pub(super) owner: Id,
    pub(super) amount: UInt64,
    /// The time for which a withdrawal only reserves the amount; zero for all other transfers.
    pub(super) timeout_s: u64,
}

impl RequestedTransfer {
    /// Returns the result of a transfer that the node `refused`: success where this very transfer
    /// is in the books, since it was booked before.
    ///
    /// # Errors
    /// `refused` itself, where it has another reason; or that another transfer has the id, or that
    /// a withdrawal of this id was voided or expired.
    pub(super) fn was_booked(&self, admin: &AdminArgs, refused: Failure) -> Result<(), Failure> {
        if !matches!(&refused, Failure::Node(refusal) if is_booked_already(refusal)) {
            return Err(refused);
        }
        let booked = admin.ask(TransferById { id: self.id.clone() })?;
        let Some(booked) = booked else { return Err(refused) };
        if !self.is(&booked) {
            return Err(Failure::Refused(format!(
                "the id {} was used for another transfer: a {} of {} (in the smallest unit) at {}; \
                 leave --id out to book one more",
                self.id,
                name_of(booked.transfer_type).to_lowercase(),
                booked.amount,
                plain(&booked.created_at),
            )));
        }
        if booked.state == TransferState::Voided {
            return Err(Failure::Refused(format!(
                "the withdrawal {} was booked before and has come back; leave --id out to book one \
                 more",
                self.id
            )));
        }
        Ok(())
    }

    /// Returns whether the transfer is the one in the books under the id.
    fn is(&self, booked: &AccountingTransfer) -> bool {
        let account = match self.kind {
            TransferType::Deposit => &booked.credit_account_id,
            TransferType::Withdrawal | TransferType::Transfer => &booked.debit_account_id,
        };
        booked.transfer_type == self.kind
            && *account == self.owner
            && booked.amount == self.amount
            && set_aside_ms(booked) == Some(self.timeout_s.saturating_mul(1_000))
    }
}

/// Returns the time for which the amount was reserved, in milliseconds; zero where it moved at
/// once.
fn set_aside_ms(booked: &AccountingTransfer) -> Option<u64> {
    match &booked.expires_at {
        None => Some(0),
        Some(expiry) => time_ms(expiry)?.checked_sub(time_ms(&booked.created_at)?),
    }
}

/// Reads a time in the API's format, with all digits down to the millisecond.
fn time_ms(time: &str) -> Option<u64> {
    let digits: Vec<u8> = time.bytes().filter(u8::is_ascii_digit).collect();
    Some(Timestamp::from_digits(digits.as_slice().try_into().ok()?).ok()?.unix_ms())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requested(kind: TransferType, timeout_s: u64) -> RequestedTransfer {
        let id = |text: &str| Id::new(text);
        RequestedTransfer { kind, id: id("7"), owner: id("peer"), amount: UInt64(500), timeout_s }
    }

    #[test]
    fn only_the_same_kind_owner_amount_and_time_are_the_same_transfer() {
        let deposit = AccountingTransfer {
            transfer_type: TransferType::Deposit,
            credit_account_id: Id::new("peer"),
            debit_account_id: Id::new("usd:settlement"),
            amount: UInt64(500),
            state: TransferState::Posted,
            created_at: "2026-11-30T12:00:00.000Z".to_owned(),
            expires_at: None,
        };
        assert!(requested(TransferType::Deposit, 0).is(&deposit));
        assert!(!requested(TransferType::Withdrawal, 0).is(&deposit));
        let of_another = AccountingTransfer { credit_account_id: Id::new("x"), ..deposit.clone() };
        let of_more = AccountingTransfer { amount: UInt64(501), ..deposit.clone() };
        for other in [of_another, of_more] {
            assert!(!requested(TransferType::Deposit, 0).is(&other), "{other:?}");
        }
        let withdrawal = AccountingTransfer {
            transfer_type: TransferType::Withdrawal,
            debit_account_id: Id::new("peer"),
            created_at: "2026-11-30T23:59:59.500Z".to_owned(),
            expires_at: Some("2026-12-01T00:00:29.500Z".to_owned()),
            ..deposit
        };
        assert!(requested(TransferType::Withdrawal, 30).is(&withdrawal));
        assert!(!requested(TransferType::Withdrawal, 31).is(&withdrawal));
        assert!(!requested(TransferType::Withdrawal, 0).is(&withdrawal));
    }
}
