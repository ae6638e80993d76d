//! Tracing: a span for each packet, sent to `telemetry.otlp_url` by a node that is built with the
//! feature `otlp`. Without the feature or the URL there are no spans.

#[cfg(not(feature = "otlp"))]
mod absent;
#[cfg(feature = "otlp")]
mod otlp;

#[cfg(not(feature = "otlp"))]
pub(crate) use self::absent::Traces;
#[cfg(feature = "otlp")]
pub(crate) use self::otlp::Traces;

/// Whether this node is built with tracing.
pub(crate) const IS_BUILT_IN: bool = cfg!(feature = "otlp");
