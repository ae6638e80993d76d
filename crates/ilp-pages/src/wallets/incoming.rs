//! The form for an incoming payment of a wallet address.

use std::sync::Arc;

use axum::extract::{Path, State};
use ilp_operator::{
    AmountGiven, Field, IncomingPaymentView, NewIncomingPayment, Recorded, WalletAddressView,
};
use maud::{Markup, html};
use serde_json::json;

use super::detail;
use crate::{
    Pages,
    answer::{Answer, see_other},
    fields::Fields,
    form::{Errors, Label, Typed},
    layout::form_token,
    visit::{Submitted, Visit},
};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// The longest life of an incoming payment, in days.
const DAYS_MAX: u64 = 30;

pub(super) async fn create(
    State(pages): State<Arc<Pages>>,
    Path(id): Path<String>,
    Submitted { visit, fields }: Submitted,
) -> Answer {
    let wallet = pages.operator.wallets().get(&id).await?;
    match creating(&pages, &visit, &wallet, &fields).await {
        Ok(made) => Ok(see_other(&format!("/payments/incoming/{}?done=created", made.record.id))),
        Err(errors) => detail::showing(&pages, &visit, &wallet, Typed { fields, errors }).await,
    }
}

async fn creating(
    pages: &Pages,
    visit: &Visit,
    wallet: &WalletAddressView,
    fields: &Fields,
) -> Result<IncomingPaymentView, Errors> {
    let asset = &wallet.asset.record;
    let mut errors = Errors::default();
    let amount = errors.amount(fields, "incoming_amount", asset.scale);
    let days = errors.number(fields, "days", DAYS_MAX);
    if days == Some(0) {
        errors.add("days", format!("a whole number from 1 to {DAYS_MAX} is expected"));
    }
    errors.into_result()?;
    let description = fields.given("description");
    let metadata = description.map(|text| json!({ "description": text }).to_string());
    // The longest life is reduced by a second, since the node reads its clock again when it checks
    // the expiry.
    let lives_ms = days.map(|days| (days * DAY_MS).min(DAYS_MAX * DAY_MS - 1_000));
    let expires_at = lives_ms.map(|ms| pages.operator.now().saturating_add_ms(ms).to_string());
    let new = NewIncomingPayment {
        wallet_address_id: wallet.record.id.to_string(),
        incoming_amount: amount.map(|value| AmountGiven {
            value,
            asset_code: asset.code.clone(),
            asset_scale: asset.scale,
        }),
        expires_at,
        metadata,
        is_card_payment: false,
        sender_wallet_address: None,
    };
    let work = |operator: Recorded| async move { operator.payments().create_incoming(new).await };
    let inputs = [(Field::IncomingAmount, "incoming_amount"), (Field::Metadata, "description")];
    let made = pages.change(visit, "createIncomingPayment", work).await;
    made.map_err(|error| Errors::of(&error, &inputs))
}

pub(super) fn form(visit: &Visit, wallet: &WalletAddressView, typed: &Typed) -> Markup {
    let code = &wallet.asset.record.code;
    html! {
        @if wallet.record.is_active() {
            section.card {
                h2 { "Expect a payment" }
                form method="post" action={ "/wallets/" (wallet.record.id) "/incoming" } {
                    (form_token(visit))
                    (typed.number(Label { name: "incoming_amount", label: "Amount", hint: &format!("In {code}, such as 12.50. Empty: whatever comes.") }))
                    (typed.number(Label { name: "days", label: "Days until it ends", hint: "1 to 30. Empty: 30." }))
                    (typed.text(Label { name: "description", label: "Description", hint: "Kept with it and told in its events. Empty: none." }))
                    button.plain type="submit" { "Create incoming payment" }
                }
            }
        }
    }
}
