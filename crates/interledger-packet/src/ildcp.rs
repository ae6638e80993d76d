//! How a child node asks its parent for an address (ILDCP, IL-RFC 31).
//!
//! The child sends a Prepare of amount 0 to `peer.config`; the parent answers with a Fulfill whose
//! data is a [`Response`]. Condition and fulfillment are the same for everyone: the exchange moves
//! no money, so there is nothing they could guard.

use std::str::from_utf8;

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    address::Addr,
    envelope::{self, check_data},
    error::{BuildError, ParseError},
    fulfill::{Fulfill, FulfillBuilder},
    limits::{CONDITION_BYTES, FULFILLMENT_BYTES, MAX_DATA_BYTES},
    oer::{Reader, put_var_octets, var_octets_bytes},
    prepare::{Prepare, PrepareBuilder},
    timestamp::Timestamp,
};

/// Where requests go.
pub const DESTINATION: Addr<'static> = Addr::from_checked(b"peer.config");

/// The preimage of [`CONDITION`]: 32 zero bytes.
pub const FULFILLMENT: [u8; FULFILLMENT_BYTES] = [0; FULFILLMENT_BYTES];

/// The SHA-256 digest of 32 zero bytes; in base64 `Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU=`.
pub const CONDITION: [u8; CONDITION_BYTES] = [
    0x66, 0x68, 0x7a, 0xad, 0xf8, 0x62, 0xbd, 0x77, 0x6c, 0x8f, 0xc1, 0x8b, 0x8e, 0x9f, 0x8e, 0x20,
    0x08, 0x97, 0x14, 0x85, 0x6e, 0xe2, 0x33, 0xb3, 0x90, 0x2a, 0x59, 0x1d, 0x0d, 0x5f, 0x29, 0x25,
];

/// The request, which differs from any other only in its expiry.
#[must_use]
pub fn request(expires_at: Timestamp) -> Prepare {
    let execution_condition = &CONDITION;
    PrepareBuilder {
        amount: 0,
        expires_at,
        execution_condition,
        destination: DESTINATION,
        data: &[],
    }
    .write()
}

/// Whether a Prepare is a request: it is addressed to `peer.config` and can be fulfilled with
/// [`FULFILLMENT`]. Amount and data may be other than 0 and empty in future versions.
#[must_use]
pub fn is_request(prepare: &Prepare) -> bool {
    prepare.destination() == DESTINATION && prepare.execution_condition() == &CONDITION
}

/// The parent's answer to the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response<'a> {
    /// The address that the child should call its own.
    pub client_address: Addr<'a>,
    /// How many decimal places lie between the asset's usual unit and the unit of amounts.
    pub asset_scale: u8,
    /// The asset, such as `USD`.
    pub asset_code: &'a str,
}

impl<'a> Response<'a> {
    /// Reads the data of a Fulfill. What follows the asset code is left to future versions, which
    /// IL-RFC 31 announces.
    ///
    /// # Errors
    /// [`ParseError`] with the first field that is wrong and its offset in `data`.
    pub fn from_data(data: &'a [u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(data);
        let client_address = envelope::read_address(&mut reader, "clientAddress")?;
        let asset_scale = reader.u8("assetScale")?;
        let code = reader.var_octets("assetCode", MAX_DATA_BYTES)?;
        let code_offset = reader.offset().saturating_sub(code.len());
        let asset_code = from_utf8(code).map_err(|error| ParseError::Text {
            field: "assetCode",
            offset: code_offset.saturating_add(error.valid_up_to()),
        })?;
        Ok(Self { client_address, asset_scale, asset_code })
    }

    /// Writes the data of a Fulfill.
    ///
    /// # Errors
    /// [`BuildError::TooLong`] when the asset code makes it longer than a packet carries.
    pub fn to_data(&self) -> Result<Bytes, BuildError> {
        let address = self.client_address.as_bytes();
        let length = var_octets_bytes(address.len())
            .saturating_add(1)
            .saturating_add(var_octets_bytes(self.asset_code.len()));
        let mut data = BytesMut::with_capacity(length);
        put_var_octets(&mut data, address);
        data.put_u8(self.asset_scale);
        put_var_octets(&mut data, self.asset_code.as_bytes());
        check_data(&data)?;
        Ok(data.freeze())
    }

    /// Writes the whole Fulfill.
    ///
    /// # Errors
    /// As [`Response::to_data`].
    pub fn to_fulfill(&self) -> Result<Fulfill, BuildError> {
        FulfillBuilder { fulfillment: &FULFILLMENT, data: &self.to_data()? }.build()
    }
}

#[cfg(test)]
mod tests;
