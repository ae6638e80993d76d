//! A span for each packet, sent to `telemetry.otlp_url`: by a node that was built with the feature
//! `otlp` and told where to. In any other there is nothing of it, and nothing is sent anywhere.

#[cfg(not(feature = "otlp"))]
mod absent;
#[cfg(feature = "otlp")]
mod otlp;

#[cfg(not(feature = "otlp"))]
pub(crate) use self::absent::Traces;
#[cfg(feature = "otlp")]
pub(crate) use self::otlp::Traces;

/// Whether this node could send spans.
pub(crate) const IS_BUILT_IN: bool = cfg!(feature = "otlp");
