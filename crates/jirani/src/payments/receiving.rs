//! Packets whose way ends at this node: whose they are, what they bring, and the answer.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use ilp_admin::operator::{Declined, Operator, Recipient};
use ilp_connector::{Refusal, Source};
use ilp_stream::{
    Asset, ConnectionId, ConnectionTotals, Credentials, Incoming, Limits, Money, Receiver,
};
use interledger_packet::{Address, AddressError, PacketType, Prepare};
use parking_lot::Mutex;
use uuid::Uuid;

use super::random;
use crate::{clock, node::Books};

/// How many connections' totals are kept. Each takes some 50 bytes; a payer of one that is forgotten
/// is told a total that begins anew, and pays the same.
const CONNECTIONS_KEPT: usize = 65_536;

/// The receiving end of STREAM for everybody who is paid at this node.
pub(crate) struct Receiving {
    receiver: Receiver,
    operator: Operator,
    /// A lock for two look-ups in a map, taken once for each packet that brings money here. What
    /// packets are merely forwarded never meet it.
    totals: Mutex<ConnectionTotals>,
}

impl Receiving {
    /// A receiver at `address`. Everything that was given out under `secret` before is known again.
    pub(crate) fn new(secret: &[u8; 32], address: Address, operator: Operator) -> Self {
        Self {
            receiver: Receiver::new(secret, address),
            operator,
            totals: Mutex::new(ConnectionTotals::new(CONNECTIONS_KEPT)),
        }
    }

    /// Fresh credentials for one payer of `id`.
    pub(super) fn credentials(&self, id: Uuid, asset: &Asset) -> Result<Credentials, AddressError> {
        self.receiver.credentials(Some(id.as_bytes()), Some(asset), &mut random)
    }

    /// Answers a packet: in the books first, where it brings money.
    pub(crate) async fn answer(&self, books: &Books, source: Source<'_>, packet: Prepare) -> Bytes {
        let sent = packet.amount();
        let arrival = match self.receiver.arrival(&packet) {
            Ok(arrival) => arrival,
            Err(reject) => return books.complete_unpaid(source, sent, None, reject.into_bytes()),
        };
        let id = arrival.tag().and_then(|tag| Uuid::from_slice(tag).ok());
        let Some(id) = id else { return books.refuse(source, sent, Refusal::NoSuchAccount) };
        let recipient = match self.operator.recipient(id).await {
            Ok(Some(recipient)) => recipient,
            Ok(None) => return books.refuse(source, sent, Refusal::NoSuchAccount),
            // The log has the cause already. Senders may try again.
            Err(_) => return books.refuse(source, sent, Refusal::LedgerStopped),
        };
        let asset = &recipient.local.asset;
        let amount = match books.arriving(source, &packet, asset, clock::now()) {
            Ok(amount) => amount,
            Err(refusal) => return books.refuse(source, sent, refusal),
        };
        match arrival.brings(amount) {
            Incoming::Money(money) => self.take(books, source, &packet, &recipient, money).await,
            Incoming::Question(question) => {
                let limits = self.limits(&recipient, question.connection());
                let answer = question.answer(Some(limits), &mut random).into_bytes();
                books.complete_unpaid(source, sent, Some((asset, amount)), answer)
            }
        }
    }

    /// Sets room aside, then the money, and lets the Fulfill go once the money is durably the
    /// recipient's.
    async fn take(
        &self,
        books: &Books,
        source: Source<'_>,
        packet: &Prepare,
        recipient: &Arc<Recipient>,
        money: Money,
    ) -> Bytes {
        let (sent, amount, now) = (packet.amount(), money.amount(), clock::now());
        let arriving = Some((&*recipient.local.asset, amount));
        let limits = self.limits(recipient, money.connection());
        let room = match recipient.reserve(amount, now.unix_ms()) {
            Ok(room) => room,
            Err(Declined::Closed) => {
                let reject = money.decline_for_good(Some(limits), &mut random).into_bytes();
                return books.complete_unpaid(source, sent, arriving, reject);
            }
            Err(Declined::TooMuch { .. }) => {
                let reject = money.decline(Some(limits), &mut random).into_bytes();
                return books.complete_unpaid(source, sent, arriving, reject);
            }
        };
        let delivery = match books.deliver(source, packet, &recipient.local, amount, now).await {
            Ok(delivery) => delivery,
            Err(refusal) => return books.refuse(source, sent, refusal),
        };
        let total_received = self.totals.lock().add(money.connection(), amount);
        let limits = Limits { total_received, receive_max: limits.receive_max.max(total_received) };
        let fulfill = money.accept(Some(limits), &mut random).into_bytes();
        let reply = books.complete_delivery(delivery, fulfill, clock::now()).await;
        if reply.first() == Some(&PacketType::Fulfill.to_byte()) {
            room.keep();
            self.operator.incoming_credited(recipient);
        }
        reply
    }

    /// What the connection has brought, and all that it may: what it has brought and what the
    /// recipient still asks for.
    fn limits(&self, recipient: &Recipient, connection: ConnectionId) -> Limits {
        let total_received = self.totals.lock().get(connection);
        let receive_max = recipient.asked().map_or(u64::MAX, |asked| {
            let left = u128::from(asked).saturating_sub(recipient.received());
            total_received.saturating_add(u64::try_from(left).unwrap_or(u64::MAX))
        });
        Limits { receive_max, total_received }
    }
}

impl fmt::Debug for Receiving {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Receiving")
            .field("receiver", &self.receiver)
            .finish_non_exhaustive()
    }
}
