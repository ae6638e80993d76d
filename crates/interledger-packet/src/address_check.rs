//! The grammar of ILP addresses, as a check of bytes.

use std::fmt;

use crate::limits::MAX_ADDRESS_BYTES;

/// The first segment of every address (IL-RFC 15, "Allocation Schemes").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// `g`: reachable from every other `g` address.
    Global,
    /// `private`: has a meaning in a private network only.
    Private,
    /// `example`: for documents.
    Example,
    /// `peer`: between two peers; never forwarded.
    Peer,
    /// `self`: on this machine only.
    Loopback,
    /// `test`: the public test network and tests.
    Test,
    /// `test1`: as `test`.
    Test1,
    /// `test2`: as `test`.
    Test2,
    /// `test3`: as `test`.
    Test3,
    /// `local`: among the nodes of one operator.
    Local,
}

impl Scheme {
    /// The segment, such as `g`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Global => "g",
            Self::Private => "private",
            Self::Example => "example",
            Self::Peer => "peer",
            Self::Loopback => "self",
            Self::Test => "test",
            Self::Test1 => "test1",
            Self::Test2 => "test2",
            Self::Test3 => "test3",
            Self::Local => "local",
        }
    }

    /// Whether it is `test`, `test1`, `test2` or `test3`: money that is worth nothing.
    #[must_use]
    pub const fn is_test(self) -> bool {
        matches!(self, Self::Test | Self::Test1 | Self::Test2 | Self::Test3)
    }

    const fn from_segment(segment: &[u8]) -> Option<Self> {
        Some(match segment {
            b"g" => Self::Global,
            b"private" => Self::Private,
            b"example" => Self::Example,
            b"peer" => Self::Peer,
            b"self" => Self::Loopback,
            b"test" => Self::Test,
            b"test1" => Self::Test1,
            b"test2" => Self::Test2,
            b"test3" => Self::Test3,
            b"local" => Self::Local,
            _ => return None,
        })
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// Why text is no ILP address (IL-RFC 15, "Address Requirements"). Offsets count from the address's
/// first byte, segments from 1, which is the allocation scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is nothing.
    #[error("the address is empty, an allocation scheme and a segment are expected")]
    Empty,
    /// The address is longer than addresses may be.
    #[error("the address has {found} bytes, at most 1023 are allowed")]
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
    /// The first segment is no allocation scheme.
    #[error(
        "segment 1 ({length} bytes) is no allocation scheme; g, private, example, peer, self, \
         test, test1, test2, test3 and local are"
    )]
    UnknownScheme {
        /// The length of the first segment, in bytes.
        length: usize,
    },
    /// There is an allocation scheme and no more.
    #[error("the allocation scheme stands alone, at least one segment must follow it")]
    SchemeOnly,
    /// Two periods follow each other, or the last byte is one.
    #[error("segment {segment} is empty at byte {offset} of the address")]
    EmptySegment {
        /// Which segment it is.
        segment: usize,
        /// Where it would begin.
        offset: usize,
    },
    /// A byte that no segment may have.
    #[error(
        "segment {segment} has '{}' at byte {offset} of the address; A-Z a-z 0-9 _ ~ - are allowed",
        found.escape_ascii()
    )]
    InvalidByte {
        /// Which segment it is in.
        segment: usize,
        /// Where the byte stands.
        offset: usize,
        /// The byte.
        found: u8,
    },
}

/// Checks a whole address: a scheme and at least one segment.
#[inline]
pub(crate) fn check_address(bytes: &[u8]) -> Result<(), AddressError> {
    match check_prefix(bytes)? {
        true => Ok(()),
        false => Err(AddressError::SchemeOnly),
    }
}

/// Checks a whole address or a scheme alone; says whether segments follow the scheme.
#[inline]
pub(crate) fn check_prefix(bytes: &[u8]) -> Result<bool, AddressError> {
    let (scheme, rest) = split_scheme(bytes);
    let known = Scheme::from_segment(scheme).is_some();
    if bytes.len() > MAX_ADDRESS_BYTES || !known || !are_segments(rest) {
        return Err(diagnose(bytes));
    }
    Ok(!rest.is_empty())
}

/// The scheme of what [`check_address`] or [`check_prefix`] has found good.
#[inline]
pub(crate) fn scheme_of(checked: &[u8]) -> Scheme {
    let (scheme, _) = split_scheme(checked);
    Scheme::from_segment(scheme).expect("the scheme was checked when the address was made")
}

/// Whether `prefix` is the first segments of `address`, or all of them.
#[inline]
pub(crate) fn starts_with_segments(address: &[u8], prefix: &[u8]) -> bool {
    match address.strip_prefix(prefix) {
        Some([] | [b'.', ..]) => !prefix.is_empty(),
        _ => false,
    }
}

/// Cuts behind the first segment; the rest begins with its period. A scheme has seven bytes at
/// most, so eight are enough to find the period, and an endless first segment costs nothing.
#[inline]
fn split_scheme(bytes: &[u8]) -> (&[u8], &[u8]) {
    let period = bytes.iter().take(8).position(|&byte| byte == b'.');
    period.and_then(|length| bytes.split_at_checked(length)).unwrap_or((bytes, &[]))
}

/// Whether `rest`, which is empty or begins with a period, is a sequence of `.segment`.
///
/// Each byte is looked at together with the one before it, 16 pairs at a time, and no loop ends
/// early: so the compiler makes vector operations of it, and what is parsed is nearly always
/// right. The last 16 pairs overlap those before them, which spares a loop over single bytes.
#[inline]
fn are_segments(rest: &[u8]) -> bool {
    let Some((_, after)) = rest.split_first() else { return true };
    let before = rest.get(..after.len()).unwrap_or_default();
    let pairs_are_good = match (before.last_chunk::<16>(), after.last_chunk::<16>()) {
        (Some(last_before), Some(last_after)) => {
            let (before_chunks, _) = before.as_chunks::<16>();
            let (after_chunks, _) = after.as_chunks::<16>();
            before_chunks
                .iter()
                .zip(after_chunks)
                .fold(are_pairs(last_before, last_after), |good, (before, after)| {
                    good & are_pairs(before, after)
                })
        }
        _ => are_pairs(before, after),
    };
    pairs_are_good & (rest.last() != Some(&b'.'))
}

/// Whether every byte of `after` may follow the byte of `before` at its place.
#[inline]
fn are_pairs(before: &[u8], after: &[u8]) -> bool {
    before.iter().zip(after).fold(true, |good, (&before, &after)| {
        good & (is_allowed(after) | ((after == b'.') & (before != b'.')))
    })
}

#[inline]
const fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() | (byte == b'_') | (byte == b'~') | (byte == b'-')
}

/// Says what is wrong with bytes that are known to be no address.
#[cold]
fn diagnose(bytes: &[u8]) -> AddressError {
    if bytes.is_empty() {
        return AddressError::Empty;
    }
    if bytes.len() > MAX_ADDRESS_BYTES {
        return AddressError::TooLong { found: bytes.len() };
    }
    let mut offset = 0_usize;
    for (index, segment) in bytes.split(|&byte| byte == b'.').enumerate() {
        let number = index.saturating_add(1);
        if segment.is_empty() {
            return AddressError::EmptySegment { segment: number, offset };
        }
        let bad = segment.iter().enumerate().find(|(_, byte)| !is_allowed(**byte));
        if let Some((position, &found)) = bad {
            let offset = offset.saturating_add(position);
            return AddressError::InvalidByte { segment: number, offset, found };
        }
        if index == 0 && Scheme::from_segment(segment).is_none() {
            return AddressError::UnknownScheme { length: segment.len() };
        }
        offset = offset.saturating_add(segment.len()).saturating_add(1);
    }
    AddressError::SchemeOnly
}
