//! Finds the receiver's asset, in whose units a delivered amount is written.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, header::ACCEPT};
use ilp_admin_client::wallet::WalletAddressByUrl;
use ilp_http::web::WebOptions;
use ilp_net::ReceiverUrl;
use serde_json::Value;

use super::quote::Denomination;
use crate::{
    commands::{Failure, admin_client::AdminArgs},
    web,
};

/// The time for the receiver's server. A slower one could not take part in a payment either.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest description of a receiver.
const BODY_BYTES_MAX: usize = 64 * 1_024;

/// Returns the receiver's asset: from the option, else from the node for a wallet address of its
/// own, else from the receiver's server.
pub(super) fn find(
    admin: &AdminArgs,
    receiver: &ReceiverUrl,
    said: Option<&str>,
) -> Result<Denomination, Failure> {
    if let Some(said) = said {
        return parse(said);
    }
    let url = receiver.to_string();
    if let Some(wallet) = admin.ask(WalletAddressByUrl { url: url.clone() })? {
        return Ok((&wallet.asset).into());
    }
    let described = get(&url)?.ok_or_else(|| {
        Failure::Refused(format!(
            "{url} doesn't say what it counts in: say it yourself, such as --receiver-asset EUR:2, \
             or say what is to be sent with --send"
        ))
    })?;
    Ok(described)
}

fn parse(said: &str) -> Result<Denomination, Failure> {
    let parts = said.split_once(':').and_then(|(code, scale)| {
        Some((code, scale.parse::<u8>().ok()?)).filter(|(code, _)| !code.is_empty())
    });
    let (code, scale) = parts.ok_or_else(|| {
        Failure::Usage(format!(
            "--receiver-asset {said}: expected a code and a number of decimal places, such as EUR:2"
        ))
    })?;
    Ok(Denomination { code: code.to_owned(), scale })
}

/// Returns the receiver's asset from its server, which may not state it.
fn get(url: &str) -> Result<Option<Denomination>, Failure> {
    let options = WebOptions {
        time_max: TIMEOUT,
        connect_time_max: TIMEOUT,
        body_bytes_max: BODY_BYTES_MAX,
        ..WebOptions::default()
    };
    let request = Request::get(url).header(ACCEPT, "application/json").body(Bytes::new());
    let Ok(request) = request else { return Ok(None) };
    let answered = web::send_and_wait(request, options)?;
    Ok(answered.ok().and_then(|answer| asset_of(&serde_json::from_slice(answer.body()).ok()?)))
}

/// Wallet addresses have the members of the asset at the top, incoming payments within an amount.
fn asset_of(described: &Value) -> Option<Denomination> {
    let amount = &described["receivedAmount"];
    let holder = if amount.is_object() { amount } else { described };
    let code = holder["assetCode"].as_str()?;
    let scale = u8::try_from(holder["assetScale"].as_u64()?).ok()?;
    Some(Denomination { code: code.to_owned(), scale })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn eur(scale: u8) -> Denomination {
        Denomination { code: "EUR".to_owned(), scale }
    }

    #[test]
    fn an_asset_is_said_as_code_and_scale() {
        assert_eq!(parse("EUR:2").unwrap(), eur(2));
        for wrong in ["EUR", ":2", "EUR:", "EUR:256", "EUR:-1"] {
            assert_eq!(parse(wrong).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }

    #[test]
    fn what_servers_say_of_receivers_is_read() {
        let wallet = json!({ "id": "https://a.example/bob", "assetCode": "EUR", "assetScale": 9 });
        assert_eq!(asset_of(&wallet), Some(eur(9)));
        let payment =
            json!({ "receivedAmount": { "value": "0", "assetCode": "EUR", "assetScale": 9 } });
        assert_eq!(asset_of(&payment), Some(eur(9)));
        assert_eq!(asset_of(&json!({ "assetCode": "EUR", "assetScale": 256 })), None);
        assert_eq!(asset_of(&json!({ "destination_account": "g.bob" })), None);
    }
}
