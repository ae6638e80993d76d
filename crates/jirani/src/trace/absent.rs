//! What takes the place of traces in a node that was built without them: nothing, and at no cost.

use bytes::Bytes;
use ilp_connector::Source;
use ilp_net::ServiceUrl;

use crate::{commands::Failure, metrics::Times, web::Web};

/// The absent traces: no span is ever made.
#[derive(Clone, Debug)]
pub(crate) struct Traces;

impl Traces {
    /// The configuration has refused any URL.
    #[expect(clippy::unnecessary_wraps, reason = "it can fail in a node that has traces")]
    pub(crate) fn start(
        _url: Option<&ServiceUrl>,
        _node_name: &str,
        _web: &Web,
    ) -> Result<Self, Failure> {
        Ok(Self)
    }

    pub(crate) fn packet(&self, _source: Source<'_>, _reply: &Bytes, _times: &Times) {}

    pub(crate) fn end(&self) {}
}
