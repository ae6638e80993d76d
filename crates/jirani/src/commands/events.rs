//! `jirani events`: the events for the operator's own systems, and their delivery.

use clap::{Args, Subcommand};
use ilp_admin_client::{
    Id,
    node::{FilterString, RetryWebhookEvent, WebhookEventFilter, WebhookEvents},
};

use super::{
    Failure,
    admin_client::{AdminArgs, name_of, plain, plain_or_dash, print},
    table::{Column, Table},
};

/// The most rows of a page, as the API bounds it.
const ROWS_MAX: u8 = 100;

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  jirani events list")]
pub(crate) enum EventsCommand {
    /// List the newest events
    #[command(after_help = "Examples:\n  jirani events list\n  \
        jirani events list --type peer.liquidity_low --limit 5")]
    List(ListArgs),
    /// Send an event again, even if its delivery was given up
    #[command(after_help = "Example:\n  jirani events retry 019926a0-3b5c-7def-8123-456789abcdef")]
    Retry {
        /// The event's id
        id: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only events of this type; repeat it for several
    #[arg(long = "type", value_name = "TYPE")]
    kinds: Vec<String>,
    /// The most events to list
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=i64::from(ROWS_MAX)))]
    limit: u8,
    #[command(flatten)]
    admin: AdminArgs,
}

impl EventsCommand {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::List(args) => list(&args),
            Self::Retry { id, admin } => retry(&id, &admin),
        }
    }
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let kinds = FilterString { within: Some(args.kinds.clone()), without: None };
    let events = args.admin.ask(WebhookEvents {
        first: i32::from(args.limit),
        filter: Some(WebhookEventFilter { kind: Some(kinds) }),
    })?;
    let mut table = Table::new(&[
        Column::Left("AT"),
        Column::Left("TYPE"),
        Column::Left("STATE"),
        Column::Right("TRIES"),
        Column::Left("ABOUT"),
        Column::Left("ID"),
    ]);
    for event in &events {
        table.row([
            plain(&event.created_at),
            plain(&event.kind),
            name_of(event.state),
            event.attempts.to_string(),
            plain_or_dash(event.data["id"].as_str()),
            event.id.to_string(),
        ]);
    }
    print(&args.admin, &events, &table.lines("no events yet"))
}

fn retry(id: &str, admin: &AdminArgs) -> Result<(), Failure> {
    let event = admin.ask(RetryWebhookEvent { id: Id::new(id) })?;
    print(admin, &event, &[format!("{} will be sent again", plain(&event.kind))])
}
