//! End to end: the real daemon, started as an operator would, over real sockets.
//!
//! Each test starts its own nodes on free ports with their own data folders and stops them again.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on ends with a panic, which is how it fails"
)]

/// The admin API: the documented mutation, refusals in both generations of clients.
mod admin;
/// Nodes that become peers by asking each other.
mod auto_peering;
/// Money that other connectors lose, and this one doesn't.
mod books;
/// Answers of a next hop that set it aside, and answers that don't.
mod breaker;
/// The operator's pages in a real browser, with scripts and without, and for those who don't see.
mod browser;
/// Three nodes in a row: a payment, each limit, and the numbers of all.
mod chain;
/// Fields of the admin API that the command line sets.
mod command_fields;
/// The command line: what each command prints and how it ends.
mod command_line;
/// The demo: what it shows, and that nothing is left of it.
mod demo;
/// Few file descriptors, and strangers who take them.
mod descriptors;
/// The commands in README.md and the other documents, run as a reader would.
mod documents;
/// Events: one for each crossing of a threshold, signed, and sent until they are taken.
mod events;
/// Packets between peers created at runtime, and the money that moves.
mod forwarding;
/// The server's end of HTTP/2, frame by frame, which the client's own tests use too.
#[expect(dead_code, reason = "those tests use more of it")]
#[path = "../crates/ilp-http/tests/frames.rs"]
mod frames;
/// Stores of earlier versions, opened by this one.
mod golden;
/// Next hops that end each connection after so many requests.
mod goodbyes;
/// The GraphQL protocols, tested by npm's graphql-http, graphql-ws and Apollo Client against the
/// admin API.
mod graphql_clients;
/// Hostile or broken clients, peers and files, and their lack of power.
mod hostile;
/// Hostile neighbours on every port, and their effect on the others.
mod hostile_ports;
/// ILP over HTTP: each row of the table of statuses.
mod http_statuses;
/// A payment between two programs by others: `@interledger/pay` and `stream-receiver`.
mod interop;
/// `jirani pay` as its user runs it, to receivers by others, over one node and over three.
mod interop_pay;
/// A payment between two programs by others, over two nodes and three assets, at rates that never come
/// out even.
mod interop_rates;
/// Deposits and withdrawals on a running node: raced, timed out, restarted, and by command line.
mod liquidity;
/// The numbers of `/metrics` for known packets, one by one.
mod metrics;
/// The ways in which commands find their node and its secret, and their messages if they can't.
mod node_lookup;
/// The command line in odd surroundings: closed pipes, full disks, arguments that are no text.
mod odd_surroundings;
/// The endpoint that the other operator is told for packets to this node.
mod own_endpoint;
/// The packet parser against npm's `ilp-packet`.
mod packet_npm;
/// Packets that are watched as they pass.
mod packet_watch;
/// The operator's pages: forms, sessions, and who is kept out.
mod pages;
/// Payments whose path or node breaks: the reports of their ends, and the bound on their packets.
mod payment_ends;
/// Payments from wallet to wallet: split, across assets, through trouble, and over restarts.
mod payments;
/// The reason why a peer can't be reached, on every surface, and the single report of each change.
mod peer_links;
/// Two operators who peer their nodes by command, at a terminal too, and payments each way.
mod peering;
/// Several peerings with one neighbour, in an asset each.
mod peerings;
/// The place of a node's books, and the node that they belong to.
mod placement;
/// Variables that container platforms and Rafiki's files set, and the image's health check.
mod platform;
/// Files for the node's user alone, and backups only where that user wants them.
mod private_files;
/// Quotes to receivers on this machine, which reveal nothing else that is there.
mod private_receivers;
/// HTTP proxies that the environment names.
mod proxies;
/// The requests of Rafiki's tools when they set a node up.
mod rafiki;
/// Exchange rates: conversion, what is refused, and a rates service in every mood.
mod rates;
/// Killing the node under load, and counting.
mod recovery;
/// Each ILP error code that the node answers with, its cause, its data, its `triggeredBy`.
mod rejects;
/// The state of a node after a restart.
mod restart;
/// Several ways to one place, the way for all the rest, and what one peer may have under way.
mod routing;
/// Ten thousand peers, and the memory of a node that does nothing.
mod scale;
/// Reading `/metrics`: who may, how much there is of it, and while packets pass.
mod scrapes;
/// Requests to the admin API that are signed, and what is refused.
mod signature;
/// Disks that fill up, files that rot.
mod storage;
/// STREAM at its edges: receivers of other makes, data, limits, and payers that break the protocol.
mod stream_edges;
/// STREAM packets, receivers and payments against those of the npm packages.
mod stream_npm;
/// Starting and stopping nodes, stub peers, packets.
mod support;
/// Every operation of the admin API, done and refused, in both generations of clients.
mod surface;
/// URLs that are written in several ways and mean one thing.
mod urls;
/// Wallet addresses, payments within a node that is killed, and a WebSocket to follow one.
mod wallets;
