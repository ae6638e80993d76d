//! The path and the query of a URL: what may stand in them, and the normal form of a path.

/// The reason why a text is not the path of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// A character that no path has.
    #[error("the path holds {0:?}, which must be percent-encoded in a URL")]
    Character(char),
    /// A percent sign without two hexadecimal digits.
    #[error(
        "the path holds a % that two hexadecimal digits don't follow; write %25 for a % itself"
    )]
    PercentEncoding,
    /// A segment that is `.` or `..`, in either spelling. Some programs resolve it and others don't,
    /// so that it would be two URLs under one name.
    #[error("the path holds a segment of dots; write the path that is meant")]
    DotSegment,
    /// A character that no query has.
    #[error("the query holds {0:?}, which must be percent-encoded in a URL")]
    QueryCharacter(char),
}

/// Returns the normal form of a path (RFC 3986, section 6.2.2): at least `/`; characters that need
/// no percent-encoding are decoded, and the digits of all other encodings are in upper case.
pub(crate) fn normal(path: &str) -> Result<String, PathError> {
    let is_path_character =
        |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/%".contains(c);
    if let Some(stray) = path.chars().find(|c| !is_path_character(*c)) {
        return Err(PathError::Character(stray));
    }
    let mut parts = path.split('%');
    let mut normal = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let digits = digits.ok_or(PathError::PercentEncoding)?;
        match u8::from_str_radix(digits, 16).map(char::from) {
            Ok(plain) if plain.is_ascii_alphanumeric() || "-._~".contains(plain) => {
                normal.push(plain);
            }
            _ => {
                normal.push('%');
                normal.push_str(&digits.to_ascii_uppercase());
            }
        }
        normal.push_str(&part[2..]);
    }
    if normal.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(PathError::DotSegment);
    }
    if normal.is_empty() {
        normal.push('/');
    }
    Ok(normal)
}

/// Checks that a query holds what HTTP clients and servers pass on as it is. Queries have no normal
/// form: what they mean is up to the server.
pub(crate) fn check_query(query: &str) -> Result<(), PathError> {
    let stray = query.chars().find(|c| !c.is_ascii_graphic() || "\"<>\\#".contains(*c));
    stray.map_or(Ok(()), |stray| Err(PathError::QueryCharacter(stray)))
}
