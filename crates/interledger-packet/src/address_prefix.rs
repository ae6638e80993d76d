//! Prefixes of ILP addresses, which routes are keyed by.

use std::{
    borrow::Borrow,
    fmt,
    hash::{Hash, Hasher},
    str::{FromStr, from_utf8},
};

use bytes::Bytes;

use crate::{
    address::{Addr, Address},
    address_check::{AddressError, Scheme, check_prefix, scheme_of, starts_with_segments},
};

/// The first segments of addresses: a whole address, or an allocation scheme alone such as `g`.
///
/// A routing table is keyed by prefixes (IL-RFC 15, "Routing"); a packet's destination never is
/// one. It has no period at its end, and it is compared segment by segment. A clone shares the
/// bytes. The order is that of the bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddressPrefix {
    bytes: Bytes,
}

impl AddressPrefix {
    /// The prefix as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        from_utf8(&self.bytes).expect("a prefix is ASCII, checked when it was made")
    }

    /// The prefix as bytes, which are ASCII.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The allocation scheme, which is the first segment.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        scheme_of(&self.bytes)
    }

    /// The segments, the allocation scheme first; one at least.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.as_str().split('.')
    }

    /// Whether `address` is this prefix or begins with its segments.
    #[must_use]
    pub fn is_prefix_of(&self, address: Addr<'_>) -> bool {
        address.starts_with_segments(&self.bytes)
    }

    /// Whether `prefix` is this prefix or its first segments, as [`Addr::starts_with_segments`].
    #[must_use]
    pub fn starts_with_segments(&self, prefix: impl AsRef<[u8]>) -> bool {
        starts_with_segments(&self.bytes, prefix.as_ref())
    }

    /// The whole address it is; `None` when it is an allocation scheme alone.
    #[must_use]
    pub fn to_address(&self) -> Option<Address> {
        Address::try_from(self.bytes.clone()).ok()
    }
}

impl TryFrom<Bytes> for AddressPrefix {
    type Error = AddressError;

    fn try_from(bytes: Bytes) -> Result<Self, AddressError> {
        check_prefix(&bytes)?;
        Ok(Self { bytes })
    }
}

impl TryFrom<&str> for AddressPrefix {
    type Error = AddressError;

    fn try_from(text: &str) -> Result<Self, AddressError> {
        check_prefix(text.as_bytes())?;
        Ok(Self { bytes: Bytes::copy_from_slice(text.as_bytes()) })
    }
}

impl TryFrom<String> for AddressPrefix {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        Self::try_from(Bytes::from(text))
    }
}

impl FromStr for AddressPrefix {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::try_from(text)
    }
}

impl From<Address> for AddressPrefix {
    fn from(address: Address) -> Self {
        Self { bytes: address.to_bytes() }
    }
}

impl From<&Address> for AddressPrefix {
    fn from(address: &Address) -> Self {
        Self { bytes: address.to_bytes() }
    }
}

impl From<Addr<'_>> for AddressPrefix {
    fn from(addr: Addr<'_>) -> Self {
        Self::from(addr.to_address())
    }
}

impl Hash for AddressPrefix {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for AddressPrefix {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<[u8]> for AddressPrefix {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AsRef<str> for AddressPrefix {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for AddressPrefix {
    fn eq(&self, other: &str) -> bool {
        self.bytes == other.as_bytes()
    }
}

impl PartialEq<&str> for AddressPrefix {
    fn eq(&self, other: &&str) -> bool {
        self.bytes == other.as_bytes()
    }
}

impl fmt::Display for AddressPrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Debug for AddressPrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

#[cfg(test)]
mod tests;
