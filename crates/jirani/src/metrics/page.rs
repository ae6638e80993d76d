//! A writer of metrics, which takes one line of code for a metric.

use std::fmt::{self, Result};

use ilp_connector::histogram::Durations;
use prometheus_client::{
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet},
    metrics::MetricType,
};

/// The text that is being written. Names of counters get `_total` at their end, and those of texts
/// `_info`.
#[derive(Debug)]
pub(super) struct Page<'a> {
    encoder: DescriptorEncoder<'a>,
}

/// Metrics of one name, which differ by their labels.
#[derive(Debug)]
pub(super) struct Family<'a> {
    encoder: MetricEncoder<'a>,
    kind: Kind,
}

/// The behaviour of a number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// The number only grows, until the process ends.
    Counter,
    /// The number goes up and down.
    Gauge,
}

/// A number. Integers are written to the last digit below 2^64, which only sums of amounts reach.
/// (Readers of the text keep 53 bits of either.)
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Whole(u64),
    Real(f64),
}

pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

impl<'a> Page<'a> {
    pub(super) fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self { encoder }
    }

    /// Writes a counter without labels.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: impl Into<Number>) -> Result {
        self.family(Kind::Counter, name, help)?.row(&[], value)
    }

    /// Writes a gauge without labels.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: impl Into<Number>) -> Result {
        self.family(Kind::Gauge, name, help)?.row(&[], value)
    }

    /// Writes durations, in seconds.
    pub(super) fn histogram(&mut self, name: &str, help: &str, durations: &Durations) -> Result {
        let mut encoder =
            self.encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        let bound = |ns: Option<u64>| ns.map_or(f64::INFINITY, seconds);
        let buckets: Vec<_> = durations.buckets().map(|(ns, count)| (bound(ns), count)).collect();
        let (sum, count) = (seconds(durations.sum_ns), durations.count());
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    /// Writes texts, as labels.
    pub(super) fn info<'l>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = Labels<'l>>,
    ) -> Result {
        let mut encoder = self.encoder.encode_descriptor(name, help, None, MetricType::Info)?;
        rows.into_iter().try_for_each(|labels| encoder.encode_info(&labels))
    }

    /// Writes the head of metrics with labels.
    pub(super) fn family<'b>(
        &'b mut self,
        kind: Kind,
        name: &'b str,
        help: &str,
    ) -> std::result::Result<Family<'b>, fmt::Error> {
        let metric_type = match kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
        };
        Ok(Family { encoder: self.encoder.encode_descriptor(name, help, None, metric_type)?, kind })
    }
}

impl Family<'_> {
    /// Writes one metric with its labels.
    pub(super) fn row(&mut self, labels: Labels<'_>, value: impl Into<Number>) -> Result {
        if labels.is_empty() {
            return write(&mut self.encoder, self.kind, value.into());
        }
        write(&mut self.encoder.encode_family(&labels)?, self.kind, value.into())
    }
}

fn write(encoder: &mut MetricEncoder<'_>, kind: Kind, number: Number) -> Result {
    match (kind, number) {
        (Kind::Counter, Number::Whole(value)) => {
            encoder.encode_counter::<NoLabelSet, _, u64>(&value, None)
        }
        (Kind::Counter, Number::Real(value)) => {
            encoder.encode_counter::<NoLabelSet, _, u64>(&value, None)
        }
        (Kind::Gauge, Number::Whole(value)) => encoder.encode_gauge(&value),
        (Kind::Gauge, Number::Real(value)) => encoder.encode_gauge(&value),
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Self {
        Self::Whole(value as u64)
    }
}

impl From<bool> for Number {
    fn from(value: bool) -> Self {
        Self::Whole(value.into())
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<u128> for Number {
    fn from(value: u128) -> Self {
        u64::try_from(value).map_or(Self::Real(value as f64), Self::Whole)
    }
}

/// Returns nanoseconds as seconds.
fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
