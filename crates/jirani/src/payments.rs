//! How this node pays and is paid: STREAM's state machines, driven over the node's own packets.
//!
//! Records, states and the books are the operator's (`ilp_operator::paying` is the seam);
//! here are the packets. [`Receiving`] answers those that end here, [`Payer`] quotes and sends, and
//! [`Wallets`] tells payers where to send.

mod drive;
mod payer;
mod quoting;
mod receiving;
mod sending;
mod wallets;

use ring::rand::{SecureRandom, SystemRandom};

pub(crate) use self::{payer::Payer, receiving::Receiving, wallets::Wallets};

/// Random bytes for initialization vectors and for conditions that nobody can fulfill.
fn random(bytes: &mut [u8]) {
    // Without random numbers there is no safe way to encrypt, so there is no way on.
    SystemRandom::new().fill(bytes).expect("the operating system has random numbers");
}
