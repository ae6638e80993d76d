//! Canonical octet encoding rules, as far as Interledger uses them (IL-RFC 30).
//!
//! [`Reader`] walks over a slice and hands out pieces of it; the `put_*` functions append to any
//! [`BufMut`]. A *length* is one byte below 128, or 128 + n and then n bytes, big-endian, in the
//! shortest form. *Octets* are bytes behind such a length. A *VarUInt* is an integer as octets,
//! with no leading zero byte. There is no support for signed numbers, optional fields or
//! length-of-length above eight, because no Interledger protocol has them.

use bytes::BufMut;

use crate::error::ParseError;

/// Where a length's first byte stops being the length itself.
const LONG_FORM: u8 = 0x80;
/// An integer of more bytes than this does not fit in a `u64`.
const MAX_INTEGER_BYTES: usize = 8;

/// A cursor over bytes that are being parsed.
///
/// Every method takes the name of the field it reads, for the error; errors give offsets from the
/// start of the slice. After an error the cursor stands somewhere inside the bad field, so parsing
/// should end there.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// The length of the whole slice: with `rest` it gives the offset, and needs no update.
    end: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, end: bytes.len() }
    }

    /// The offset of the next byte.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.end.saturating_sub(self.rest.len())
    }

    /// Returns the number of bytes that are left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Reads one byte.
    ///
    /// # Errors
    /// [`ParseError::Truncated`].
    #[inline]
    pub fn u8(&mut self, field: &'static str) -> Result<u8, ParseError> {
        self.array::<1>(field).map(|&[byte]| byte)
    }

    /// Reads a 64-bit integer, big-endian.
    ///
    /// # Errors
    /// [`ParseError::Truncated`].
    #[inline]
    pub fn u64(&mut self, field: &'static str) -> Result<u64, ParseError> {
        self.array(field).map(|bytes| u64::from_be_bytes(*bytes))
    }

    /// Reads a field of `N` bytes.
    ///
    /// # Errors
    /// [`ParseError::Truncated`].
    #[inline]
    pub fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<&'a [u8; N], ParseError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or_else(|| self.truncated(field, N))?;
        self.rest = rest;
        Ok(head)
    }

    /// Reads a field of `count` bytes.
    ///
    /// # Errors
    /// [`ParseError::Truncated`].
    #[inline]
    pub fn octets(&mut self, field: &'static str, count: usize) -> Result<&'a [u8], ParseError> {
        let (head, rest) =
            self.rest.split_at_checked(count).ok_or_else(|| self.truncated(field, count))?;
        self.rest = rest;
        Ok(head)
    }

    /// Reads a length in its shortest form.
    ///
    /// # Errors
    /// [`ParseError::EmptyLength`], [`ParseError::OversizedLength`], [`ParseError::LongLength`] or
    /// [`ParseError::Truncated`].
    #[inline]
    pub fn length(&mut self, field: &'static str) -> Result<usize, ParseError> {
        let offset = self.offset();
        let first = self.u8(field)?;
        if first < LONG_FORM {
            return Ok(usize::from(first));
        }
        self.long_length(field, offset, first & !LONG_FORM)
    }

    /// Reads a length of at most `maximum`, then that many bytes.
    ///
    /// # Errors
    /// Those of [`Reader::length`], and [`ParseError::TooLong`].
    #[inline]
    pub fn var_octets(
        &mut self,
        field: &'static str,
        maximum: usize,
    ) -> Result<&'a [u8], ParseError> {
        let found = self.length(field)?;
        if found > maximum {
            let offset = self.offset();
            return Err(ParseError::TooLong { field, offset, found, maximum, unit: "bytes" });
        }
        self.octets(field, found)
    }

    /// Reads a VarUInt of 64 bits at most.
    ///
    /// # Errors
    /// Those of [`Reader::length`], and [`ParseError::Integer`] when it has no bytes, a leading
    /// zero, or more than eight bytes.
    pub fn var_uint(&mut self, field: &'static str) -> Result<u64, ParseError> {
        let (bytes, offset) = self.integer_octets(field)?;
        match integer(bytes) {
            Some(value) => Ok(value),
            None => Err(ParseError::Integer { field, offset, found: bytes.len() }),
        }
    }

    /// Reads a VarUInt of any size; what does not fit in 64 bits becomes `u64::MAX`, as STREAM
    /// (IL-RFC 29) has it for amounts it only compares.
    ///
    /// # Errors
    /// Those of [`Reader::length`], and [`ParseError::Integer`] when it has no bytes or a leading
    /// zero.
    pub fn var_uint_saturating(&mut self, field: &'static str) -> Result<u64, ParseError> {
        let (bytes, _) = self.integer_octets(field)?;
        Ok(integer(bytes).unwrap_or(u64::MAX))
    }

    /// Ends the slice after `count` more bytes, so that nothing behind them is read.
    ///
    /// # Errors
    /// [`ParseError::Truncated`].
    #[inline]
    pub fn limit(&mut self, field: &'static str, count: usize) -> Result<(), ParseError> {
        let offset = self.offset();
        self.rest = self.rest.get(..count).ok_or_else(|| self.truncated(field, count))?;
        self.end = offset.saturating_add(count);
        Ok(())
    }

    #[inline]
    fn long_length(
        &mut self,
        field: &'static str,
        offset: usize,
        count: u8,
    ) -> Result<usize, ParseError> {
        let bytes = match usize::from(count) {
            0 => return Err(ParseError::EmptyLength { field, offset }),
            1..=MAX_INTEGER_BYTES => self.octets(field, usize::from(count))?,
            _ => return Err(ParseError::OversizedLength { field, offset, found: count }),
        };
        let value = bytes.iter().fold(0_u64, |value, &byte| (value << 8) | u64::from(byte));
        if bytes.first() == Some(&0) || value < u64::from(LONG_FORM) {
            let found = bytes.len().saturating_add(1);
            return Err(ParseError::LongLength { field, offset, value, found });
        }
        // A length above usize::MAX can't be satisfied; the caller finds the slice truncated.
        Ok(usize::try_from(value).unwrap_or(usize::MAX))
    }

    fn integer_octets(&mut self, field: &'static str) -> Result<(&'a [u8], usize), ParseError> {
        let length = self.length(field)?;
        let offset = self.offset();
        let bytes = self.octets(field, length)?;
        match bytes {
            [] | [0, _, ..] => Err(ParseError::Integer { field, offset, found: bytes.len() }),
            _ => Ok((bytes, offset)),
        }
    }

    #[cold]
    const fn truncated(&self, field: &'static str, expected: usize) -> ParseError {
        let left = self.rest.len();
        ParseError::Truncated { field, offset: self.offset(), expected, left }
    }
}

/// Returns the number of bytes that the length `length` takes: 1 up to 127, 2 up to 255, 3 up to
/// 65,535.
#[must_use]
pub const fn length_bytes(length: usize) -> usize {
    let mut count = 1_usize;
    if length < 128 {
        return count;
    }
    let mut rest = length;
    while rest > 0 {
        rest >>= 8;
        count = count.saturating_add(1);
    }
    count
}

/// Returns the number of bytes that `length` octets take together with their length.
#[must_use]
pub const fn var_octets_bytes(length: usize) -> usize {
    length_bytes(length).saturating_add(length)
}

/// Returns the number of bytes that the VarUInt `value` takes together with its length.
#[must_use]
pub const fn var_uint_bytes(value: u64) -> usize {
    let mut count = 2_usize;
    let mut rest = value >> 8;
    while rest > 0 {
        rest >>= 8;
        count = count.saturating_add(1);
    }
    count
}

/// Appends a length in its shortest form.
///
/// # Panics
/// Panics, as every [`BufMut`] does, when `buffer` is of fixed size and too small.
#[inline]
pub fn put_length(buffer: &mut impl BufMut, length: usize) {
    match u8::try_from(length) {
        Ok(short) if short < LONG_FORM => buffer.put_u8(short),
        _ => {
            let bytes = length.to_be_bytes();
            let significant = without_leading_zeros(&bytes);
            // The slice has 1 to 8 bytes, so the conversion holds.
            buffer.put_u8(LONG_FORM | u8::try_from(significant.len()).unwrap_or(0));
            buffer.put_slice(significant);
        }
    }
}

/// Appends `octets` behind their length.
///
/// # Panics
/// As [`put_length`].
#[inline]
pub fn put_var_octets(buffer: &mut impl BufMut, octets: &[u8]) {
    put_length(buffer, octets.len());
    buffer.put_slice(octets);
}

/// Appends a VarUInt in its shortest form; zero is one zero byte.
///
/// # Panics
/// As [`put_length`].
#[inline]
pub fn put_var_uint(buffer: &mut impl BufMut, value: u64) {
    let bytes = value.to_be_bytes();
    let significant = without_leading_zeros(&bytes);
    put_var_octets(buffer, if significant.is_empty() { &[0] } else { significant });
}

fn integer(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= MAX_INTEGER_BYTES)
        .then(|| bytes.iter().fold(0, |value, &byte| (value << 8) | u64::from(byte)))
}

fn without_leading_zeros(mut bytes: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests;
