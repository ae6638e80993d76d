//! The parts of a request that show who sent it.

use std::fmt;

/// The parts of a request that show who sent it, as they were sent and not yet checked.
#[derive(Clone, Default)]
pub struct Credentials<'a> {
    /// The header `Authorization`.
    pub authorization: Option<&'a [u8]>,
    /// The header `signature`.
    pub signature: Option<&'a str>,
    /// The header `tenant-id`.
    pub tenant_id: Option<&'a [u8]>,
    /// The cookies, one text for each header that has some.
    pub cookies: Vec<&'a str>,
    /// The form token that a script of the node's own pages repeats. Another site's page can't
    /// send it without asking first, which the node never allows.
    pub form_token: Option<&'a str>,
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials(..)")
    }
}
