//! The auto-peering port: another node asks to become a peer and gets what it needs in the answer.
//!
//! The wire form is Rafiki's. In addition, a peer is changed only if the request proves that the
//! peer sent it, the initial liquidity of a new peer is configured and finite, and the number of
//! requests is bounded for each address, for the networks around it and in total.

mod limiter;

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::to_bytes,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{AUTHORIZATION, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
    routing::post,
};
use ilp_connector::token::Secret;
use ilp_operator::{
    Caller, CallerKind, ClientAddress, Operator, PeeringOffer,
    peering_wire::{self as wire, OfferError},
};

use self::limiter::Limiter;
use crate::http::is_json;

/// The longest request, in bytes: an address, a URL, a token and a name.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// The time that a request may take to arrive.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

struct Port {
    operator: Operator,
    limiter: Limiter,
}

/// Returns the auto-peering port's one route. Its server adds a [`ClientAddress`] to each request.
pub fn auto_peering_router(operator: Operator) -> Router {
    let port = Port { operator, limiter: Limiter::default() };
    Router::new().route("/", post(peer)).with_state(Arc::new(port))
}

async fn peer(State(port): State<Arc<Port>>, request: Request) -> Response {
    match port.answer(request).await {
        Ok(answer) => answer,
        Err(refusal) => refused(&refusal),
    }
}

impl Port {
    async fn answer(&self, request: Request) -> Result<Response, OfferError> {
        let (head, body) = request.into_parts();
        let address = head.extensions.get::<ClientAddress>().map(|address| address.0);
        let caller = Caller { kind: CallerKind::Peer, address };
        let now_ms = self.operator.uptime_ms();
        if !self.limiter.admit(address.map(|address| address.ip()), now_ms) {
            let refusal = OfferError::TooMany;
            let reason = refusal.to_string();
            self.operator.audit().note_refusal(caller, "peeringRequest", "429", &reason).await;
            return Err(refusal);
        }
        if !is_json(&head.headers) {
            return Err(OfferError::ContentType);
        }
        let read = tokio::time::timeout(BODY_TIME_MAX, to_bytes(body, BODY_BYTES_MAX));
        let body = match read.await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => return Err(OfferError::TooLong { bytes_max: BODY_BYTES_MAX }),
            Err(_) => return Err(OfferError::TooSlow),
        };
        let mut offer = wire::read_offer(&body)?;
        offer.proof = bearer(&head.headers);
        offer.caller = Some(caller);
        self.accept(offer).await
    }

    /// In a task of its own: what was begun is ended, also when the other node hangs up.
    async fn accept(&self, offer: PeeringOffer) -> Result<Response, OfferError> {
        let operator = self.operator.clone();
        let task = tokio::spawn(async move { operator.peering().accept(offer).await });
        let accepted = task.await.map_err(|_| OfferError::Failed)?;
        let answer = accepted?;
        // One that the operator has yet to approve is as good as made to the node that asked: it
        // has all that it needs, and its packets are refused until then.
        let status = if answer.is_pending { StatusCode::ACCEPTED } else { StatusCode::OK };
        Ok((status, Json(wire::answer(&answer))).into_response())
    }
}

fn refused(refusal: &OfferError) -> Response {
    let status =
        StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(refusal.to_json())).into_response();
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}

/// Returns the token by which the other node shows that it is a peer already.
fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::new(token.trim().to_owned()))
}

#[cfg(test)]
mod tests;
