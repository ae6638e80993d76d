//! Packets that end at this node: finds their recipient, books their amount, and answers them.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use ilp_connector::{Refusal, Source};
use ilp_operator::{Declined, Operator, Recipient};
use ilp_stream::{
    Asset, ConnectionId, ConnectionTotals, Credentials, Incoming, Limits, Money, Receiver,
};
use interledger_packet::{Address, AddressError, PacketType, Prepare, Reply};
use parking_lot::Mutex;
use uuid::Uuid;

use super::random;
use crate::{clock, node::Books};

/// The number of connections whose totals are kept, at some 60 bytes each. For a dropped connection
/// the payer gets a total that starts anew, and pays the same.
const CONNECTIONS_KEPT: usize = 65_536;

/// The contents of a connection's tag: the recipient, and the most that the connection takes in
/// all.
///
/// The amount is what an incoming payment still asked for when the credentials were made. It comes
/// back with each packet, so that the limit told to payers never falls, whatever other payers pay
/// meanwhile and also after a restart (IL-RFC 29, 4.4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tag {
    id: Uuid,
    /// The limit in the recipient's units; `None` for a wallet address, which takes any amount, and
    /// for credentials from versions without the amount.
    receive_max: Option<u64>,
}

impl Tag {
    fn bytes(self) -> Vec<u8> {
        let mut bytes = self.id.as_bytes().to_vec();
        bytes.extend(self.receive_max.into_iter().flat_map(u64::to_be_bytes));
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk()?;
        let receive_max = match rest {
            [] => None,
            rest => Some(u64::from_be_bytes(rest.try_into().ok()?)),
        };
        Some(Self { id: Uuid::from_bytes(*id), receive_max })
    }
}

/// The receiving end of STREAM for all recipients of this node.
pub(crate) struct Receiving {
    receiver: Receiver,
    operator: Operator,
    /// The totals, behind a lock for two look-ups in a map, taken once for each packet that brings
    /// money here. Packets that are merely forwarded don't take it.
    totals: Mutex<ConnectionTotals>,
}

impl Receiving {
    /// Makes a receiver at `address`. All credentials given out under `secret` before are valid.
    pub(crate) fn new(secret: &[u8; 32], address: Address, operator: Operator) -> Self {
        Self {
            receiver: Receiver::new(secret, address),
            operator,
            totals: Mutex::new(ConnectionTotals::new(CONNECTIONS_KEPT)),
        }
    }

    /// Returns fresh credentials for one payer of `id`, who may pay up to `receive_max` with them.
    pub(super) fn credentials(
        &self,
        id: Uuid,
        receive_max: Option<u64>,
        asset: &Asset,
    ) -> Result<Credentials, AddressError> {
        let tag = Tag { id, receive_max }.bytes();
        self.receiver.credentials(Some(&tag), Some(asset), &mut random)
    }

    /// Answers a packet. A packet that brings money is booked first.
    pub(crate) async fn answer(&self, books: &Books, source: Source<'_>, packet: Prepare) -> Bytes {
        let sent = packet.amount();
        let arrival = match self.receiver.arrival(&packet) {
            Ok(arrival) => arrival,
            Err(reject) => return books.complete_unpaid(source, sent, None, reject.into_bytes()),
        };
        let tag = arrival.tag().and_then(|tag| Tag::read(tag));
        let Some(tag) = tag else { return books.refuse(source, sent, Refusal::NoSuchAccount) };
        let recipient = match self.operator.payments().recipient(tag.id).await {
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
            Incoming::Money(money) => {
                let receive_max = receive_max(&recipient, tag);
                self.take(books, source, &packet, &recipient, receive_max, money).await
            }
            Incoming::Question(question) => {
                let limits = self.tell(receive_max(&recipient, tag), question.connection());
                let answer = question.answer(Some(limits.now), &mut random).into_bytes();
                books.complete_unpaid(source, sent, Some((asset, amount)), answer)
            }
        }
    }

    /// Reserves room within the limit, books the money, and releases the Fulfill once the money is
    /// durably the recipient's.
    async fn take(
        &self,
        books: &Books,
        source: Source<'_>,
        packet: &Prepare,
        recipient: &Arc<Recipient>,
        receive_max: u64,
        money: Money,
    ) -> Bytes {
        let (sent, amount, now) = (packet.amount(), money.amount(), clock::now());
        let arriving = Some((&*recipient.local.asset, amount));
        let limits = self.tell(receive_max, money.connection());
        let room = match recipient.reserve(amount, money.minimum(), now.unix_ms()) {
            Ok(room) => room,
            Err(declined) => {
                let reject = decline(money, declined, limits).into_bytes();
                return books.complete_unpaid(source, sent, arriving, reject);
            }
        };
        let delivery = match books.deliver(source, packet, &recipient.local, amount, now).await {
            Ok(delivery) => delivery,
            Err(refusal) => return books.refuse(source, sent, refusal),
        };
        let total_received = self.totals.lock().add(money.connection(), amount);
        // The last packet of a payer with a coarser unit may have brought more.
        let limits = Limits { total_received, receive_max: receive_max.max(total_received) };
        let fulfill = money.accept(Some(limits), &mut random).into_bytes();
        let reply = books.complete_delivery(delivery, fulfill, clock::now()).await;
        if reply.first() == Some(&PacketType::Fulfill.to_byte()) {
            room.keep();
            self.operator.payments().incoming_credited(recipient);
        }
        reply
    }

    /// Returns the limits for the answer to a packet: the most that the connection takes in all,
    /// and the amount that it has brought so far.
    fn tell(&self, receive_max: u64, connection: ConnectionId) -> ConnectionLimits {
        let mut totals = self.totals.lock();
        let was_told = totals.tell(connection);
        let total_received = totals.get(connection);
        let now = Limits { receive_max: receive_max.max(total_received), total_received };
        ConnectionLimits { now, was_told }
    }
}

/// The limits that a connection's payer learns.
#[derive(Clone, Copy, Debug)]
struct ConnectionLimits {
    now: Limits,
    /// Whether an answer to an earlier packet of the connection had the limit.
    was_told: bool,
}

/// Returns the most that a connection takes in all, in the recipient's units. It never changes.
fn receive_max(recipient: &Recipient, tag: Tag) -> u64 {
    recipient.asked().map_or(u64::MAX, |asked| tag.receive_max.unwrap_or(asked))
}

/// Returns the answer to money that the recipient doesn't take. The connection stays open where the
/// payer could not know that this was too much: another payer has paid meanwhile, or the payer
/// didn't have the limit yet.
fn decline(money: Money, declined: Declined, limits: ConnectionLimits) -> Reply {
    let ConnectionLimits { now, was_told } = limits;
    // A payer that states no minimum wants the whole amount to arrive.
    let least = if money.minimum() > 0 { money.minimum() } else { money.amount() };
    let is_beyond = now.total_received.saturating_add(least) > now.receive_max;
    match declined {
        Declined::Closed => money.decline_for_good(Some(now), &mut random),
        Declined::TooMuch { .. } if was_told && is_beyond => {
            money.decline_beyond_limit(now, &mut random)
        }
        Declined::TooMuch { .. } => money.decline(Some(now), &mut random),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_back_and_those_without_an_amount_are_still_good() {
        let id = Uuid::from_u128(7);
        for receive_max in [None, Some(0), Some(u64::MAX)] {
            let tag = Tag { id, receive_max };
            assert_eq!(Tag::read(&tag.bytes()), Some(tag));
        }
        assert_eq!(Tag::read(id.as_bytes()), Some(Tag { id, receive_max: None }));
        for bytes in [&[][..], &[1; 15], &[1; 17], &[1; 25]] {
            assert_eq!(Tag::read(bytes), None);
        }
    }
}
