//! End-to-end tests: the real daemon, started as an operator would, over real sockets.
//!
//! Each test starts its own nodes on free ports with their own data folders and stops them again.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on ends with a panic, which is how it fails"
)]

/// The admin API: the documented mutation, and refusals in both generations of clients.
mod admin;
/// Nodes that become peers by a peering request.
mod auto_peering;
/// Faults by which other connectors lose money.
mod books;
/// The circuit breaker of a next hop.
mod breaker;
/// The operator's pages in a real browser, with and without scripts, and their accessibility.
mod browser;
/// Three nodes in a row: a payment, each limit, and the metrics of all.
mod chain;
/// Several nodes with one set of books in PostgreSQL.
mod cluster;
/// Fields of the admin API that the command line sets.
mod command_fields;
/// The command line: each command's output and exit code.
mod command_line;
/// The demo: its output, and the absence of remains.
mod demo;
/// Few file descriptors, and strangers that take them.
mod descriptors;
/// The commands in README.md and the other documents, run as a reader would.
mod documents;
/// Events: one for each crossing of a threshold, signed, and repeated until the receiver confirms
/// them.
mod events;
/// Packets between peers created at runtime, and the money that moves.
mod forwarding;
/// The server's end of HTTP/2, frame by frame, which the client's own tests use too.
#[expect(dead_code, reason = "those tests use more of it")]
#[path = "../crates/ilp-http/tests/frames.rs"]
mod frames;
/// Stores of earlier versions, opened by this one.
mod golden;
/// Next hops that end each connection after a number of requests.
mod goodbyes;
/// The GraphQL protocols, tested by npm's graphql-http, graphql-ws and Apollo Client against the
/// admin API.
mod graphql_clients;
/// Hostile or broken clients, peers and files, which must do no harm.
mod hostile;
/// Hostile neighbours on every port, and their effect on the others.
mod hostile_ports;
/// ILP over HTTP: each row of the table of statuses.
mod http_statuses;
/// A payment between two programs by others: `@interledger/pay` and `stream-receiver`.
mod interop;
/// `jirani pay` as its user runs it, to receivers by others, over one node and over three.
mod interop_pay;
/// A payment between two programs by others, over two nodes and three assets, at rates that are
/// never exact.
mod interop_rates;
/// Deposits and withdrawals on a running node: concurrent, expired, across restarts, and by command
/// line.
mod liquidity;
/// The metrics for known packets, one by one.
mod metrics;
/// The ways in which commands find their node and its secret, and their messages if they can't.
mod node_lookup;
/// The command line in odd surroundings: closed pipes, full disks, arguments that are not UTF-8.
mod odd_surroundings;
/// The endpoint for packets to this node, as the other operator gets it.
mod own_endpoint;
/// The packet parser against npm's `ilp-packet`.
mod packet_npm;
/// The subscription that shows packets as they pass.
mod packet_watch;
/// The operator's pages: forms, sessions, and refusals.
mod pages;
/// Payments whose path or node breaks: the reports of their ends, and the bound on their packets.
mod payment_ends;
/// Payments from wallet to wallet: split, across assets, through failures, and over restarts.
mod payments;
/// The reason why a peer can't be reached, on every surface, and the single report of each change.
mod peer_links;
/// Two operators who peer their nodes by command, also in a dialogue, and payments each way.
mod peering;
/// Several peerings with one neighbour, each in an asset of its own.
mod peerings;
/// The location of a node's books, and the node that they belong to.
mod placement;
/// Variables that container platforms and Rafiki's files set, and the image's health check.
mod platform;
/// A PostgreSQL primary and its standby.
#[path = "support/postgres.rs"]
mod postgres;
/// The access rights of the node's files, and backups only where the node's user wants them.
mod private_files;
/// Quotes to receivers on this machine, which reveal nothing about other servers there.
mod private_receivers;
/// HTTP proxies that the environment names.
mod proxies;
/// The requests of Rafiki's tools when they set a node up.
mod rafiki;
/// Exchange rates: conversion, refusals, and a rates service that fails in every way.
mod rates;
/// `kill -9` of the node under load, and the balances afterwards.
mod recovery;
/// Each ILP error code that the node answers with, its cause, its data, its `triggeredBy`.
mod rejects;
/// The state of a node after a restart.
mod restart;
/// Several routes to one destination, the default route, and the limit of one peer's packets in
/// flight.
mod routing;
/// Ten thousand peers, and the memory of an idle node.
mod scale;
/// Reading `/metrics`: authorization, size, and reads while packets pass.
mod scrapes;
/// Signed requests to the admin API, and refused signatures.
mod signature;
/// Disks that fill up, and damaged files.
mod storage;
/// STREAM's edge cases: receivers of other makes, data, limits, and payers that break the protocol.
mod stream_edges;
/// STREAM packets, receivers and payments compared with those of the npm packages.
mod stream_npm;
/// The harness: starting and stopping nodes, stub peers, packets.
mod support;
/// Every operation of the admin API, done and refused, in both generations of clients.
mod surface;
/// URLs with several equivalent spellings.
mod urls;
/// Wallet addresses, payments within a node that is killed, and a subscription to a payment.
mod wallets;
