//! The connection token, the segment behind the receiver's own address.
//!
//! It says, encrypted and authenticated by the receiver for itself, whom the connection pays. So a
//! receiver keeps no connections: a restart loses none, and a flood of them costs no memory. The
//! form is that of `@interledger/stream-receiver`, so that a server secret can move from there:
//!
//! ```text
//! flags u8 | tag (length, bytes), if flag 1 | nonce 16, secret 32, if flag 2
//!          | asset code (length, bytes), scale u8, if flag 4
//! ```

use bytes::{BufMut, Bytes};
use interledger_packet::{
    MAX_ADDRESS_BYTES,
    oer::{Reader, put_var_octets, var_octets_bytes},
};

use super::Asset;

const HAS_TAG: u8 = 1;
const HAS_RECEIPT_SETUP: u8 = 2;
const HAS_ASSET: u8 = 4;

/// A nonce of 16 bytes and a secret of 32, for receipts (IL-RFC 39, withdrawn). They are skipped:
/// no receipts are given.
const RECEIPT_SETUP_BYTES: usize = 16 + 32;

/// The contents of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TokenContents {
    pub(crate) tag: Option<Bytes>,
    pub(crate) asset: Option<Asset>,
}

impl TokenContents {
    /// Reads a decrypted token. `None` when it is not one; flags of later versions are ignored.
    pub(crate) fn read(plaintext: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(plaintext);
        let flags = reader.u8("flags").ok()?;
        let tag = if flags & HAS_TAG == 0 {
            None
        } else {
            let tag = reader.var_octets("tag", MAX_ADDRESS_BYTES).ok()?;
            Some(Bytes::copy_from_slice(tag))
        };
        if flags & HAS_RECEIPT_SETUP != 0 {
            reader.octets("receipt setup", RECEIPT_SETUP_BYTES).ok()?;
        }
        let asset = if flags & HAS_ASSET == 0 {
            None
        } else {
            let code = reader.var_octets("asset code", MAX_ADDRESS_BYTES).ok()?;
            let code = std::str::from_utf8(code).ok()?.to_owned();
            Some(Asset { code, scale: reader.u8("asset scale").ok()? })
        };
        Some(Self { tag, asset })
    }

    /// How many bytes [`TokenContents::put`] writes.
    pub(crate) fn bytes(&self) -> usize {
        let tag = self.tag.as_ref().map_or(0, |tag| var_octets_bytes(tag.len()));
        let asset = self
            .asset
            .as_ref()
            .map_or(0, |asset| var_octets_bytes(asset.code.len()).saturating_add(1));
        tag.saturating_add(asset).saturating_add(1)
    }

    pub(crate) fn put(&self, buffer: &mut impl BufMut) {
        let tag_flag = if self.tag.is_some() { HAS_TAG } else { 0 };
        let asset_flag = if self.asset.is_some() { HAS_ASSET } else { 0 };
        buffer.put_u8(tag_flag | asset_flag);
        if let Some(tag) = &self.tag {
            put_var_octets(buffer, tag);
        }
        if let Some(asset) = &self.asset {
            put_var_octets(buffer, asset.code.as_bytes());
            buffer.put_u8(asset.scale);
        }
    }
}
