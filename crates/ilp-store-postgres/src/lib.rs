//! The log of several nodes in PostgreSQL: one node at a time writes it, and any other can take over.
//!
//! The node that has the book inserts each page of its log as a row before anybody is told of its
//! content; its commit waits for a synchronous standby. The other nodes copy the pages into their own
//! folders. When the node dies, another one takes the next page number, after which no page of the dead
//! node can ever be inserted, and opens its folder.
//!
//! - `database`: where the database is, and connections to it. `session` is one connection, and tells a
//!   commit that was durable from one that is in doubt.
//! - `schema`: the tables. `book`: who has the book, and the fence. `pages`: reading and finding pages.
//!   `snapshots`: what stands for the pages that were removed.
//! - `page_writer`: the thread that inserts pages, and decides about those in doubt. `signs_of_life` shows
//!   meanwhile that the node lives.
//! - `follower`: brings a folder along, and waits for its turn.
//! - `cluster`: the whole of it for a node.
//!
//! Three rules come from experiments with killed databases. No read proves that a page is there: a
//! restarted primary shows commits that its standby never had. A commit whose wait was cancelled comes
//! with a notice, and is in doubt. A fence is the next page number and never a look at a row, which
//! doesn't wait for an insert under way.

mod book;
mod cluster;
mod database;
mod error;
mod follower;
mod page_writer;
mod pages;
mod schema;
mod session;
mod signs_of_life;
mod snapshots;

pub use book::BookState;
pub use cluster::{Cluster, ClusterOptions, PageRetention, Seat, SyncRule};
pub use database::{Database, DatabaseUrl};
pub use error::{ClusterError, Lost};
pub use follower::Candidate;
