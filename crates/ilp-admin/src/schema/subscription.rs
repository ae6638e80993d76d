//! The subscriptions.

mod packets;
mod peer_liquidity;

use async_graphql::{
    Context, ID, Result, SimpleObject, Subscription as SubscriptionRoot,
    futures_util::{Stream, stream},
};
use ilp_operator::{Operator, OutgoingPaymentView, paying::Progress};
use tokio::sync::watch;

use self::{packets::PacketSample, peer_liquidity::PeerLiquidity};
use crate::schema::forms::context::{operator, or_error};
use crate::schema::{
    forms::{amount::Amount, scalars::UInt64},
    wallets::outgoing_payment::OutgoingPaymentState,
};

/// Everything that can be followed.
pub(crate) struct Subscription;

/// The progress of an outgoing payment.
#[derive(SimpleObject)]
pub(crate) struct OutgoingPaymentProgress {
    /// The payment's id.
    id: ID,
    /// The state of the payment.
    state: OutgoingPaymentState,
    /// The amount to leave the wallet, without the fee.
    debit_amount: Amount,
    /// The amount sent so far.
    sent_amount: Amount,
    /// The amount to arrive.
    receive_amount: Amount,
    /// The amount that has arrived so far.
    delivered_amount: Amount,
    /// The number of packets fulfilled so far, over all attempts.
    packet_count: UInt64,
    /// The reason of the failure; null unless the payment failed.
    error: Option<String>,
}

impl OutgoingPaymentProgress {
    fn new(view: &OutgoingPaymentView, progress: Progress) -> Self {
        let OutgoingPaymentView { record, asset, .. } = view;
        let quote = &record.quote;
        let in_source = |value: u64| Amount::new(value, &asset.code, asset.scale);
        let in_target =
            |value: u64| Amount::new(value, &quote.receive_asset_code, quote.receive_asset_scale);
        Self {
            id: record.id.into(),
            state: record.state.into(),
            debit_amount: in_source(quote.debit_minus_fees),
            sent_amount: in_source(progress.sent),
            receive_amount: in_target(quote.receive_amount),
            delivered_amount: in_target(progress.delivered),
            packet_count: progress.packets.into(),
            error: record.error.clone(),
        }
    }
}

/// The state of a subscriber.
struct Follower {
    operator: Operator,
    view: OutgoingPaymentView,
    next: Next,
    /// The progress that was sent last.
    progress: Progress,
}

enum Next {
    /// The present state is sent next.
    First(Option<watch::Receiver<Progress>>),
    /// Changes are sent from now on.
    Follow(watch::Receiver<Progress>),
    Nothing,
}

/// Everything that can be followed, over a WebSocket that speaks `graphql-transport-ws`.
#[SubscriptionRoot]
impl Subscription {
    /// The progress of an outgoing payment: how it stands now, then every change while it is being
    /// sent, and last how it ended. Of changes that come faster than they are read, the last counts.
    /// `NOT_FOUND` when there is no payment of this id.
    async fn outgoing_payment_progress(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The payment's id.")] id: ID,
    ) -> Result<impl Stream<Item = Result<OutgoingPaymentProgress>>> {
        let operator = operator(context).clone();
        let (view, progress) = or_error(operator.payments().watch(&id).await)?;
        let (next, progress) = (Next::First(progress), so_far(&view));
        let follower = Follower { operator, view, next, progress };
        Ok(stream::unfold(follower, Follower::tell))
    }

    /// Some of the packets that end here, four times a second while there are any: where they came
    /// from and went, what they carried, and how they ended. Whoever reads slowly sees fewer. The
    /// node looks at single packets only while somebody follows this.
    async fn packets(&self, context: &Context<'_>) -> impl Stream<Item = PacketSample> {
        packets::follow(operator(context).clone())
    }

    /// The amount that a peer may still send: its present value, then each change, as seen four
    /// times a second, until the peer is deleted. `NOT_FOUND` when there is no peer of this id.
    async fn peer_liquidity(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The peer's id.")] peer_id: ID,
    ) -> Result<impl Stream<Item = PeerLiquidity>> {
        let operator = operator(context).clone();
        let peer = or_error(operator.peers().get(&peer_id).await)?;
        Ok(peer_liquidity::follow(operator, peer.record.id))
    }
}

impl Follower {
    async fn tell(mut self) -> Option<(Result<OutgoingPaymentProgress>, Self)> {
        match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Nothing => return None,
            Next::First(progress) => {
                self.next = progress.map_or(Next::Nothing, Next::Follow);
            }
            Next::Follow(mut progress) => {
                if progress.changed().await.is_ok() {
                    self.progress = *progress.borrow_and_update();
                    self.next = Next::Follow(progress);
                } else if let Err(error) = self.see_the_end().await {
                    return Some((Err(error), self));
                }
            }
        }
        Some((Ok(OutgoingPaymentProgress::new(&self.view, self.progress)), self))
    }

    /// Sends the final state from the record, once the payment is not being sent any more.
    async fn see_the_end(&mut self) -> Result<()> {
        let id = self.view.record.id.to_string();
        self.view = or_error(self.operator.payments().outgoing(&id).await)?;
        self.progress = so_far(&self.view);
        Ok(())
    }
}

fn so_far(view: &OutgoingPaymentView) -> Progress {
    let record = &view.record;
    let packets = record.packets.unwrap_or(0);
    Progress { sent: view.sent, delivered: record.delivered, packets }
}
