//! Spans by OTLP over HTTP.
//!
//! A packet's span is made when the packet is done, from the times that were measured anyway, and
//! put into a bounded queue. Its children are spans for the packet's waits and for the node's own
//! work. A thread of the library's sends the spans from the queue. When that thread or the
//! collector doesn't keep up, spans are dropped: no packet ever waits for one.

use std::{
    future::{Future, ready},
    pin::Pin,
    time::Duration,
};

use bytes::Bytes;
use ilp_connector::Source;
use ilp_http::web::{WebClient, WebOptions};
use ilp_net::ServiceUrl;
use interledger_packet::Reply;
use opentelemetry::{
    Context, KeyValue,
    trace::{Span, SpanKind, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{
        BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, SpanLimits,
    },
};
use tokio::runtime::{self, Runtime};

use crate::{clock, commands::Failure, metrics::Times, run::no_runtime, web::Web};

/// The number of spans that wait to be sent: some 500 bytes each, so 8 MiB. Further ones are
/// dropped.
const QUEUE_MAX: usize = 16_384;
/// The number of spans in a request, 1 MiB at the most.
const BATCH_MAX: usize = 2_048;
/// The time that a span waits for others to go with it.
const DELAY: Duration = Duration::from_secs(1);
/// The time for a collector's answer. No other request is sent meanwhile.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The time for the last spans when the node ends.
const END_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest part of a collector's answer that is read: it tells how many spans were refused, and
/// why.
const ANSWER_BYTES_MAX: usize = 16 * 1_024;

/// The path for spans, if the URL has none.
const PATH: &str = "/v1/traces";

/// The recorder of packets' spans, which by default records nothing. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traces {
    to: Option<Collector>,
}

#[derive(Clone, Debug)]
struct Collector {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Traces {
    /// Prepares sending, if a URL is configured. Sends nothing yet.
    pub(crate) fn start(
        url: Option<&ServiceUrl>,
        node_name: &str,
        web: &Web,
    ) -> Result<Self, Failure> {
        let Some(url) = url else { return Ok(Self::default()) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Post::new(web)?)
            .with_endpoint(with_path(url.reveal()))
            .with_timeout(TIMEOUT)
            .build()
            // The library's message repeats the URL, which may hold a secret.
            .map_err(|_| Failure::Refused("telemetry.otlp_url can't be used".to_owned()))?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE_MAX)
            .with_max_export_batch_size(BATCH_MAX)
            .with_scheduled_delay(DELAY)
            .build();
        let queue = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let resource = Resource::builder_empty().with_attributes([
            KeyValue::new("service.name", "jirani"),
            KeyValue::new("service.instance.id", node_name.to_owned()),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ]);
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::AlwaysOn)
            .with_span_limits(SpanLimits::default())
            .with_resource(resource.build())
            .with_span_processor(queue)
            .build();
        let tracer = provider.tracer("jirani");
        tracing::info!("a span for each packet is sent to telemetry.otlp_url");
        Ok(Self { to: Some(Collector { provider, tracer }) })
    }

    /// Records the span of a packet that has just been answered. Peers are named by their ids; the
    /// destination is left out, since an address often names a customer.
    pub(crate) fn packet(&self, source: Source<'_>, reply: &Bytes, times: &Times) {
        let Some(Collector { tracer, .. }) = &self.to else { return };
        let now = clock::system_time();
        let microseconds = |took: Duration| i64::try_from(took.as_micros()).unwrap_or(i64::MAX);
        let wait = |key, took: Option<Duration>| Some(KeyValue::new(key, microseconds(took?)));
        let mut attributes = vec![
            KeyValue::new("ilp.source", source_name(source)),
            KeyValue::new("ilp.reply", reply_name(reply)),
            KeyValue::new("jirani.own_us", microseconds(times.own)),
        ];
        attributes.extend(wait("jirani.next_hop_us", times.next_hop));
        attributes.extend(wait("jirani.durability_us", times.durability));
        let came = now.checked_sub(times.total).unwrap_or(now);
        let span = tracer
            .span_builder("packet")
            .with_kind(SpanKind::Server)
            .with_start_time(came)
            .with_attributes(attributes);
        // A packet carries no trace context, so each begins a trace of its own.
        let mut span = span.start_with_context(tracer, &Context::new());
        let below = Context::new().with_remote_span_context(span.span_context().clone());
        for Part { name, kind, from, to } in parts(times) {
            let part = tracer.span_builder(name).with_kind(kind).with_start_time(came + from);
            part.start_with_context(tracer, &below).end_with_timestamp(came + to);
        }
        span.end_with_timestamp(now);
    }

    /// Sends the waiting spans, for a bounded time.
    pub(crate) fn end(&self) {
        let Some(Collector { provider, .. }) = &self.to else { return };
        if let Err(error) = provider.shutdown_with_timeout(END_TIMEOUT) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// A part of a packet's time, counted from its arrival.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    name: &'static str,
    kind: SpanKind,
    from: Duration,
    to: Duration,
}

/// Returns the parts of a packet's time, in order and without gaps. The waits for several next hops
/// are one part, together with the node's own work between them.
fn parts(times: &Times) -> impl Iterator<Item = Part> {
    let total = times.total;
    let durable_from = total.saturating_sub(times.durability.unwrap_or_default());
    let (asked, done) = times.asking.unwrap_or((durable_from, durable_from));
    let part = |name, kind, from, to| Part { name, kind, from, to };
    let all = [
        part("own work", SpanKind::Internal, Duration::ZERO, asked),
        part("next hop", SpanKind::Client, asked, done),
        part("own work", SpanKind::Internal, done, durable_from),
        part("durability", SpanKind::Internal, durable_from, total),
    ];
    all.into_iter().filter(|part| part.from < part.to)
}

fn source_name(source: Source<'_>) -> String {
    match source {
        Source::Peer(peer) => peer.id.to_string(),
        Source::Local(_) | Source::Probe(_) | Source::Own | Source::Test(_) => "own".to_owned(),
    }
}

/// Returns the code of a Reject, `fulfill`, or `none` for a malformed reply.
fn reply_name(reply: &Bytes) -> String {
    match Reply::parse(reply.clone()) {
        Ok(Reply::Fulfill(_)) => "fulfill".to_owned(),
        Ok(Reply::Reject(reject)) => reject.code().to_string(),
        Err(_) => "none".to_owned(),
    }
}

fn with_path(url: &str) -> String {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    match after_scheme.split_once(['/', '?']) {
        None => format!("{url}{PATH}"),
        Some((_, "")) => format!("{}{PATH}", url.trim_end_matches('/')),
        Some(_) => url.to_owned(),
    }
}

/// A blocking form of the client for requests that carry no packet. It may block, since the thread
/// is the library's own.
#[derive(Debug)]
struct Post {
    client: WebClient,
    runtime: Runtime,
}

impl Post {
    fn new(web: &Web) -> Result<Self, Failure> {
        let client = web.client(WebOptions {
            time_max: TIMEOUT,
            connect_time_max: TIMEOUT,
            body_bytes_max: ANSWER_BYTES_MAX,
            ..WebOptions::default()
        });
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self { client, runtime: runtime.map_err(no_runtime)? })
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        Ok(self.runtime.block_on(self.client.send(request))?)
    }
}

impl HttpClient for Post {
    fn send_bytes<'a, 'async_trait>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'async_trait>>
    where
        'a: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(ready(self.send(request)))
    }
}

#[cfg(test)]
mod tests;
