//! The form for a payment. It ends with a quote, which moves no money.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use ilp_operator::{
    AmountGiven, Field, NewQuote, OperatorError, QuoteView, Recorded, WalletAddressView,
};
use maud::html;

use crate::{
    Pages,
    answer::{Answer, see_other},
    fields::Fields,
    form::{Errors, Label, Typed},
    layout::{Section, form_token, show_as},
    visit::{Submitted, Visit},
};

/// The meanings that the amount can have.
const MEANINGS: [(&str, &str); 3] = [
    ("send", "So much leaves the wallet, fees included"),
    ("deliver", "So much arrives, in the receiver's asset"),
    ("asked", "What the incoming payment asks for (no amount above)"),
];

/// The inputs of a quote, with the fields of the form.
const INPUTS: [(Field, &str); 4] = [
    (Field::WalletAddressId, "wallet"),
    (Field::Receiver, "receiver"),
    (Field::DebitAmount, "amount"),
    (Field::ReceiveAmount, "amount"),
];

pub(super) async fn ask(State(pages): State<Arc<Pages>>, visit: Visit) -> Answer {
    let mut fields = Fields::default();
    if let Some(id) = visit.query.given("wallet") {
        fields.set("wallet", pages.operator.wallets().get(id).await?.record.url);
    }
    Ok(asking(&visit, &Typed::fresh(fields)))
}

pub(super) async fn quote(
    State(pages): State<Arc<Pages>>,
    Submitted { visit, fields }: Submitted,
) -> Response {
    match quoting(&pages, &visit, &fields).await {
        Ok(quote) => see_other(&format!("/payments/quotes/{}", quote.record.id)),
        Err(errors) => asking(&visit, &Typed { fields, errors }),
    }
}

async fn quoting(pages: &Pages, visit: &Visit, fields: &Fields) -> Result<QuoteView, Errors> {
    let wallet = wallet(pages, fields.get("wallet")).await?;
    let Some(wallet) = wallet else {
        return Err(Errors::one("wallet", "no wallet address of this node has that URL"));
    };
    let receiver = fields.get("receiver").to_owned();
    let mut errors = Errors::default();
    let asset = &wallet.asset.record;
    let (mut debit_amount, mut receive_amount) = (None, None);
    match fields.get("meaning") {
        "asked" => {}
        "deliver" => {
            let asset = receive_asset(pages, fields, &receiver).await?;
            let Some((code, scale)) = asset else {
                return Err(Errors::one(
                    "receive_asset",
                    "the receiver is on another node, so its asset is expected here, such as EUR:2",
                ));
            };
            receive_amount = errors.amount(fields, "amount", scale).map(|value| AmountGiven {
                value,
                asset_code: code,
                asset_scale: scale,
            });
        }
        _ => {
            debit_amount = errors.amount(fields, "amount", asset.scale).map(|value| AmountGiven {
                value,
                asset_code: asset.code.clone(),
                asset_scale: asset.scale,
            });
        }
    }
    let is_given = debit_amount.is_some() || receive_amount.is_some();
    if !is_given && fields.get("meaning") != "asked" {
        errors.add("amount", "an amount is expected, such as 12.50");
    }
    errors.into_result()?;
    let wallet_address_id = wallet.record.id.to_string();
    let new = NewQuote { wallet_address_id, receiver, debit_amount, receive_amount };
    let work = |operator: Recorded| async move { operator.payments().create_quote(new).await };
    let made = pages.change(visit, "createQuote", work).await;
    made.map_err(|error| Errors::of(&error, &INPUTS))
}

/// Finds a wallet address by its URL, its payment pointer, or its id.
async fn wallet(pages: &Pages, text: &str) -> Result<Option<WalletAddressView>, OperatorError> {
    if let Ok(wallet) = pages.operator.wallets().get(text).await {
        return Ok(Some(wallet));
    }
    pages.operator.wallets().by_url(text).await
}

/// Returns the receiver's asset: that of a wallet address of this node, or the one that was typed.
async fn receive_asset(
    pages: &Pages,
    fields: &Fields,
    receiver: &str,
) -> Result<Option<(String, u8)>, Errors> {
    if let Some(wallet) = pages.operator.wallets().by_url(receiver).await? {
        return Ok(Some((wallet.asset.record.code, wallet.asset.record.scale)));
    }
    let Some(text) = fields.given("receive_asset") else { return Ok(None) };
    let parts = text.split_once(':').and_then(|(code, scale)| {
        Some((code.to_owned(), scale.parse().ok()?)).filter(|(code, _)| !code.is_empty())
    });
    match parts {
        Some(asset) => Ok(Some(asset)),
        None => {
            let why = "a code and a number of decimal places are expected, such as EUR:2";
            Err(Errors::one("receive_asset", why))
        }
    }
}

fn asking(visit: &Visit, typed: &Typed) -> Response {
    let meanings = MEANINGS.map(|(value, words)| (value.to_owned(), words.to_owned()));
    let body = html! {
        div.head {
            h1 { "Make a payment" }
            p { "First the price: the receiver and the way to it are asked, and no money moves before you say so on the next page." }
        }
        (typed.summary())
        form.card method="post" action="/payments/new" {
            (form_token(visit))
            (typed.text(Label { name: "wallet", label: "From", hint: "A wallet address of this node: its URL or payment pointer." }))
            (typed.text(Label { name: "receiver", label: "To", hint: "A payment pointer such as $wallet.example.com/bob, or the URL of a wallet address or incoming payment." }))
            (typed.number(Label { name: "amount", label: "Amount", hint: "Such as 12.50." }))
            (typed.choice(Label { name: "meaning", label: "What the amount means", hint: "" }, &meanings))
            (typed.text(Label { name: "receive_asset", label: "The receiver's asset", hint: "Only where so much is to arrive at another node: its code and decimal places, such as EUR:2." }))
            div.actions { button type="submit" { "Ask the price" } a href="/payments" { "Cancel" } }
        }
    };
    show_as(typed.status(), visit, Section::Payments, "Make a payment", &body)
}
