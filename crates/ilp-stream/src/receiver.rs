//! The receiving end: credentials for those who want to pay, and answers to their packets.

mod close;
mod incoming;
mod token;
mod totals;

use std::fmt;

use bytes::{Bytes, BytesMut};
use data_encoding::BASE64URL_NOPAD;
use interledger_packet::{Address, AddressError, ErrorCode, PacketType, Prepare, Reject};
use ring::hmac;

use crate::{
    crypto::{
        ENCRYPTION_OVERHEAD_BYTES, EncryptionKey, IV_BYTES, Keys, Random, SharedSecret,
        condition_of, hmac_key, hmac_sha256, hmac_with, random_array,
    },
    packet::{PacketError, StreamPacket},
};

pub use incoming::{Arrival, Incoming, Limits, Money, Question};
pub use totals::ConnectionTotals;

use incoming::Request;
use token::TokenContents;

const TOKEN_LABEL: &[u8] = b"ilp_stream_connection_token";
const SHARED_SECRET_LABEL: &[u8] = b"ilp_stream_shared_secret";

/// The asset that a recipient counts in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asset {
    /// Such as `USD`.
    pub code: String,
    /// The number of decimal places between the asset's usual unit and the unit of amounts.
    pub scale: u8,
}

/// The credentials that a payer needs; SPSP hands them out (IL-RFC 9).
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The address to send packets to.
    pub destination: Address,
    /// With what to encrypt them.
    pub shared_secret: SharedSecret,
}

/// The connection that a packet belongs to: the authentication tag of its token. It is the same for
/// every packet of one connection, and no payer can choose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId([u8; 16]);

impl ConnectionId {
    fn of(token: &[u8]) -> Option<Self> {
        token.get(IV_BYTES..)?.first_chunk().copied().map(Self)
    }

    /// The 16 bytes. They are no secret: they are part of the address.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// A receiver of any number of connections, none of which it remembers: all that it must know
/// about one comes back in the address of each packet.
///
/// Everything follows from one secret. Two receivers with the same secret and address accept each
/// other's credentials, and so does `@interledger/stream-receiver`, whose form this is.
pub struct Receiver {
    address: Address,
    token_key: EncryptionKey,
    /// Makes the shared secret of a connection from its token.
    secret_key: hmac::Key,
}

impl Receiver {
    /// A receiver whose connections' addresses begin with `address`.
    #[must_use]
    pub fn new(server_secret: &[u8; 32], address: Address) -> Self {
        Self {
            address,
            token_key: EncryptionKey::new(&hmac_sha256(server_secret, TOKEN_LABEL)),
            secret_key: hmac_key(&hmac_sha256(server_secret, SHARED_SECRET_LABEL)),
        }
    }

    /// The address that all its connections' addresses begin with.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// Makes a new connection. `tag` comes back with each packet, unreadable and unalterable on its
    /// way; it identifies the recipient. `asset` is sent to payers who ask.
    ///
    /// # Errors
    /// [`AddressError`] when tag and asset make the address longer than 1,023 bytes: each three of
    /// their bytes take four.
    pub fn credentials(
        &self,
        tag: Option<&[u8]>,
        asset: Option<&Asset>,
        random: &mut impl Random,
    ) -> Result<Credentials, AddressError> {
        let contents =
            TokenContents { tag: tag.map(Bytes::copy_from_slice), asset: asset.cloned() };
        let token = self
            .token_key
            .encrypt(random_array(random), contents.bytes(), |buffer| contents.put(buffer));
        Ok(Credentials {
            destination: self.address.with_suffix(&BASE64URL_NOPAD.encode(&token))?,
            shared_secret: self.shared_secret(&token),
        })
    }

    /// Reads a packet of which `amount` has arrived, in the recipient's units.
    ///
    /// # Errors
    /// Those of [`Receiver::arrival`].
    pub fn open(&self, prepare: &Prepare, amount: u64) -> Result<Incoming, Reject> {
        self.arrival(prepare).map(|arrival| arrival.brings(amount))
    }

    /// Reads a packet before it is known what arrives with it: what that is may depend on whom the
    /// packet is for.
    ///
    /// # Errors
    /// The Reject to answer with when it is no packet of a connection of ours: F02 for an address
    /// that holds no token, F06 for a token or data that don't decrypt, F00 for a STREAM packet that
    /// was written for another kind of ILP packet or in another version.
    pub fn arrival(&self, prepare: &Prepare) -> Result<Arrival, Reject> {
        self.read(prepare).map_err(|refusal| {
            Reject::new(refusal.code(), Some(self.address.as_addr()), &refusal.to_string())
        })
    }

    fn read(&self, prepare: &Prepare) -> Result<Arrival, ArrivalError> {
        let token = self.token_of(prepare)?;
        let connection = ConnectionId::of(&token).ok_or(ArrivalError::Token)?;
        let keys = Box::new(Keys::new(&self.shared_secret(&token)));
        let contents = self.open_token(token).ok_or(ArrivalError::Token)?;
        // A copy, since the fulfillment is made from the data as it came.
        let mut data = BytesMut::from(prepare.data());
        let plaintext = keys.decrypt(&mut data).ok_or(ArrivalError::Data)?;
        let packet = StreamPacket::parse(plaintext).map_err(|error| match error {
            PacketError::Field(_) => ArrivalError::Data,
            PacketError::Version { .. } | PacketError::PacketType { .. } => ArrivalError::Kind,
        })?;
        if packet.packet_type() != PacketType::Prepare {
            return Err(ArrivalError::Kind);
        }
        let fulfillment = keys.fulfillment(prepare.data());
        let is_fulfillable = condition_of(&fulfillment) == *prepare.execution_condition();
        let request = Request::new(self.address.clone(), keys, connection, contents, &packet);
        Ok(Arrival::new(request, &packet, is_fulfillable.then_some(fulfillment)))
    }

    /// The token in a packet's address: the segment behind our own address. Segments behind the
    /// token are the payer's business.
    fn token_of(&self, prepare: &Prepare) -> Result<Vec<u8>, ArrivalError> {
        let destination = prepare.destination();
        if !destination.starts_with_segments(&self.address) {
            return Err(ArrivalError::Address);
        }
        let rest = destination.as_bytes().get(self.address.as_bytes().len()..).unwrap_or_default();
        let mut segments = rest.split(|&byte| byte == b'.').skip(1);
        let segment = segments.next().ok_or(ArrivalError::Address)?;
        // A segment that is too short to be a token, or has other characters, is an unknown
        // address.
        let token = BASE64URL_NOPAD.decode(segment).ok();
        token.filter(|token| token.len() > ENCRYPTION_OVERHEAD_BYTES).ok_or(ArrivalError::Address)
    }

    fn open_token(&self, mut token: Vec<u8>) -> Option<TokenContents> {
        TokenContents::read(self.token_key.decrypt(&mut token)?)
    }

    fn shared_secret(&self, token: &[u8]) -> SharedSecret {
        SharedSecret::new(hmac_with(&self.secret_key, token))
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Receiver").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The reason why a packet is not for this receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum ArrivalError {
    #[error("no such account at this node")]
    Address,
    #[error("the address holds no connection token of this receiver's")]
    Token,
    #[error("the data is no STREAM packet encrypted for this connection")]
    Data,
    #[error("the STREAM packet is of another version or was not written for a Prepare")]
    Kind,
}

impl ArrivalError {
    const fn code(self) -> ErrorCode {
        match self {
            Self::Address => ErrorCode::F02_UNREACHABLE,
            Self::Token | Self::Data => ErrorCode::F06_UNEXPECTED_PAYMENT,
            Self::Kind => ErrorCode::F00_BAD_REQUEST,
        }
    }
}

#[cfg(test)]
mod tests;
