//! What is kept of the outcomes of operations on wallets; see `outcome`.

use ilp_store::FeeRecord;
use serde_json::{Value, json};

use super::{
    IncomingPaymentView, Operator, OperatorError, Outcome, OutgoingPaymentView, QuoteView,
    WalletAddressView, WithdrawnFromWalletAddress, check,
    outcome::{id_in, if_there, unreadable},
};

impl Outcome for WalletAddressView {
    fn keep(&self) -> Value {
        json!({ "id": self.record.id })
    }

    async fn recall(kept: Value, operator: &Operator) -> Result<Option<Self>, OperatorError> {
        if_there(operator.wallet_address(id_in(&kept)?).await)
    }
}

impl Outcome for IncomingPaymentView {
    fn keep(&self) -> Value {
        json!({ "id": self.record.id })
    }

    async fn recall(kept: Value, operator: &Operator) -> Result<Option<Self>, OperatorError> {
        if_there(operator.incoming_payment(id_in(&kept)?).await)
    }
}

impl Outcome for QuoteView {
    fn keep(&self) -> Value {
        json!({ "id": self.record.id })
    }

    async fn recall(kept: Value, operator: &Operator) -> Result<Option<Self>, OperatorError> {
        if_there(operator.quote(id_in(&kept)?).await)
    }
}

impl Outcome for OutgoingPaymentView {
    fn keep(&self) -> Value {
        json!({ "id": self.record.id })
    }

    async fn recall(kept: Value, operator: &Operator) -> Result<Option<Self>, OperatorError> {
        if_there(operator.outgoing_payment(id_in(&kept)?).await)
    }
}

impl Outcome for FeeRecord {
    fn keep(&self) -> Value {
        json!({ "id": self.id })
    }

    async fn recall(kept: Value, operator: &Operator) -> Result<Option<Self>, OperatorError> {
        operator.fee(id_in(&kept)?).await
    }
}

impl Outcome for WithdrawnFromWalletAddress {
    fn keep(&self) -> Value {
        json!({
            "id": self.wallet_address.record.id,
            "transferId": self.transfer_id,
            "amount": self.amount,
        })
    }

    async fn recall(kept: Value, operator: &Operator) -> Result<Option<Self>, OperatorError> {
        let transfer_id = kept["transferId"].as_str().and_then(check::id);
        let (Some(transfer_id), Some(amount)) = (transfer_id, kept["amount"].as_u64()) else {
            return Err(unreadable());
        };
        let wallet_address = if_there(operator.wallet_address(id_in(&kept)?).await)?;
        Ok(wallet_address.map(|wallet_address| Self { transfer_id, amount, wallet_address }))
    }
}
