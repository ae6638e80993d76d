//! ILP addresses, owned and borrowed.

use std::{
    borrow::Borrow,
    fmt,
    hash::{Hash, Hasher},
    str::{FromStr, from_utf8},
};

use bytes::{BufMut, Bytes, BytesMut};

use crate::address_check::{AddressError, Scheme, check_address, scheme_of, starts_with_segments};

/// An ILP address that lies in someone else's bytes, such as a packet's (IL-RFC 15).
///
/// It is always a whole address: an allocation scheme and at least one more segment, at most
/// [`crate::MAX_ADDRESS_BYTES`] long. Case matters. The order is that of the bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Addr<'a> {
    /// Bytes and not `str`, so that taking an address out of a packet costs no UTF-8 check.
    bytes: &'a [u8],
}

impl<'a> Addr<'a> {
    /// Takes bytes that [`check_address`] has found good.
    #[inline]
    pub(crate) const fn from_checked(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        from_utf8(self.bytes).expect("an address is ASCII, checked when it was made")
    }

    /// The address as bytes, which are ASCII.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The allocation scheme, which is the first segment.
    #[must_use]
    pub fn scheme(self) -> Scheme {
        scheme_of(self.bytes)
    }

    /// The segments, the allocation scheme first; two at least.
    pub fn segments(self) -> impl DoubleEndedIterator<Item = &'a str> + Clone {
        self.as_str().split('.')
    }

    /// Whether `prefix` is this address or its first segments: `g.bob` is a prefix of `g.bob` and
    /// `g.bob.alice`, not of `g.bobby`. An empty prefix is a prefix of nothing.
    #[must_use]
    pub fn starts_with_segments(self, prefix: impl AsRef<[u8]>) -> bool {
        starts_with_segments(self.bytes, prefix.as_ref())
    }

    /// A copy that lives on its own.
    #[must_use]
    pub fn to_address(self) -> Address {
        Address { bytes: Bytes::copy_from_slice(self.bytes) }
    }

    /// This address with `suffix`, one or more segments, behind it.
    ///
    /// # Errors
    /// Whatever makes the result no address: an empty or bad segment, or too long a whole.
    pub fn with_suffix(self, suffix: &str) -> Result<Address, AddressError> {
        let length = self.bytes.len().saturating_add(suffix.len()).saturating_add(1);
        let mut joined = BytesMut::with_capacity(length);
        joined.put_slice(self.bytes);
        joined.put_u8(b'.');
        joined.put_slice(suffix.as_bytes());
        Address::try_from(joined.freeze())
    }
}

/// An ILP address that owns its bytes; a clone shares them (IL-RFC 15). What holds for [`Addr`]
/// holds for it, and [`Address::as_addr`] makes the one from the other for free.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    bytes: Bytes,
}

impl Address {
    /// The address, borrowed.
    #[must_use]
    #[inline]
    pub fn as_addr(&self) -> Addr<'_> {
        Addr { bytes: &self.bytes }
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.as_addr().as_str()
    }

    /// The address as bytes, which are ASCII.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The address's bytes, shared.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// The allocation scheme, which is the first segment.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.as_addr().scheme()
    }

    /// The segments, the allocation scheme first; two at least.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.as_addr().segments()
    }

    /// Returns whether the address begins with a prefix: see [`Addr::starts_with_segments`].
    #[must_use]
    pub fn starts_with_segments(&self, prefix: impl AsRef<[u8]>) -> bool {
        self.as_addr().starts_with_segments(prefix)
    }

    /// Returns the address with more segments behind it: see [`Addr::with_suffix`].
    ///
    /// # Errors
    /// As [`Addr::with_suffix`].
    pub fn with_suffix(&self, suffix: &str) -> Result<Self, AddressError> {
        self.as_addr().with_suffix(suffix)
    }
}

impl<'a> TryFrom<&'a [u8]> for Addr<'a> {
    type Error = AddressError;

    fn try_from(bytes: &'a [u8]) -> Result<Self, AddressError> {
        check_address(bytes)?;
        Ok(Self { bytes })
    }
}

impl<'a> TryFrom<&'a str> for Addr<'a> {
    type Error = AddressError;

    fn try_from(text: &'a str) -> Result<Self, AddressError> {
        Self::try_from(text.as_bytes())
    }
}

impl TryFrom<Bytes> for Address {
    type Error = AddressError;

    fn try_from(bytes: Bytes) -> Result<Self, AddressError> {
        check_address(&bytes)?;
        Ok(Self { bytes })
    }
}

impl TryFrom<&[u8]> for Address {
    type Error = AddressError;

    fn try_from(bytes: &[u8]) -> Result<Self, AddressError> {
        Addr::try_from(bytes).map(Addr::to_address)
    }
}

impl TryFrom<&str> for Address {
    type Error = AddressError;

    fn try_from(text: &str) -> Result<Self, AddressError> {
        Self::try_from(text.as_bytes())
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        Self::try_from(Bytes::from(text))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::try_from(text)
    }
}

impl From<Addr<'_>> for Address {
    fn from(addr: Addr<'_>) -> Self {
        addr.to_address()
    }
}

impl<'a> From<&'a Address> for Addr<'a> {
    fn from(address: &'a Address) -> Self {
        address.as_addr()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.as_str().to_owned()
    }
}

/// The hash is that of the text, which [`Borrow<str>`] for [`Address`] demands and which lets an
/// [`Addr`] find what was stored under an [`Address`].
impl Hash for Addr<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for Address {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<[u8]> for Addr<'_> {
    fn as_ref(&self) -> &[u8] {
        self.bytes
    }
}

impl AsRef<[u8]> for Address {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AsRef<str> for Addr<'_> {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Address {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for Addr<'_> {
    fn eq(&self, other: &str) -> bool {
        self.bytes == other.as_bytes()
    }
}

impl PartialEq<str> for Address {
    fn eq(&self, other: &str) -> bool {
        self.bytes == other.as_bytes()
    }
}

impl PartialEq<&str> for Addr<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.bytes == other.as_bytes()
    }
}

impl PartialEq<&str> for Address {
    fn eq(&self, other: &&str) -> bool {
        self.bytes == other.as_bytes()
    }
}

impl PartialEq<Address> for Addr<'_> {
    fn eq(&self, other: &Address) -> bool {
        *self == other.as_addr()
    }
}

impl PartialEq<Addr<'_>> for Address {
    fn eq(&self, other: &Addr<'_>) -> bool {
        self.as_addr() == *other
    }
}

impl fmt::Display for Addr<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Debug for Addr<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

#[cfg(test)]
mod tests;
