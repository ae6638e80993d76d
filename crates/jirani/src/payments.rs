//! Outgoing and incoming payments: STREAM's state machines, driven over the node's own packets.
//!
//! Records, states and the books are the operator's (`ilp_operator::paying` is the seam); here are
//! the packets. [`Receiving`] answers the packets that end here, [`Payer`] quotes and sends, and
//! [`Wallets`] tells payers where to send.

mod drive;
mod payer;
mod quoting;
mod receiving;
mod sending;
mod wallets;

use ring::rand::{SecureRandom, SystemRandom};

pub(crate) use self::{payer::Payer, receiving::Receiving, wallets::Wallets};

/// Fills a buffer with random bytes, for initialization vectors and for conditions that can't be
/// fulfilled.
fn random(bytes: &mut [u8]) {
    // Without random numbers no packet can be encrypted safely, so the process ends.
    SystemRandom::new().fill(bytes).expect("the operating system has random numbers");
}
