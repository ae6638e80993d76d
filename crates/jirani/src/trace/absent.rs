//! The replacement of tracing in a node that is built without the feature `otlp`. It does nothing,
//! at no cost.

use bytes::Bytes;
use ilp_connector::Source;
use ilp_net::ServiceUrl;

use crate::{commands::Failure, metrics::Times, web::Web};

/// Traces that make no spans.
#[derive(Clone, Debug)]
pub(crate) struct Traces;

impl Traces {
    /// Returns the absent traces. The configuration has refused any URL.
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
