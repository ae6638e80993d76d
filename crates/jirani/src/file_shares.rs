//! The distribution of file descriptors among the node's parts.
//!
//! Each connection takes a descriptor. Strangers' connections must not take the one that the
//! journal needs for its next segment. So every part of the node that opens connections has a
//! bound, and all bounds together, with the files that the node keeps open anyway and a reserve,
//! stay within the limit of the process.

use procfs::process::Process;

use crate::{commands::Failure, config::Config};

/// Descriptors for parts that open files one at a time or a few at once: the journal's next
/// segment, sled's snapshots, a backup, the resolver, the rates service, 16 webhook requests in
/// progress and as many kept connections, and the node's own auto-peering requests.
const RESERVE: u64 = 64;

/// The most descriptors that a thread which carries packets opens for its event queue.
const PER_THREAD: u64 = 6;

/// The descriptors assumed open when the node starts to serve, where the system doesn't report
/// them: the store, the journal, the ports, the standard streams, two runtimes.
const OPEN_AT_START: u64 = 64;

/// The number of connections that each part of the node may have open at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileShares {
    /// Connections from peers, on the packets' port.
    pub(crate) peers: usize,
    /// Connections to next hops, for each thread that carries packets and for the operator's own.
    pub(crate) next_hops_per_thread: usize,
    /// Connections on the wallets' port.
    pub(crate) wallets: usize,
    /// Connections on the admin port.
    pub(crate) admin: usize,
    /// Connections on the port for nodes that ask to become peers. Each may look up a name, so it
    /// counts twice.
    pub(crate) auto_peering: usize,
}

/// One part's share: the wanted number; the number with which the part works well; and the least
/// with which it works at all.
struct Part {
    wanted: u64,
    enough: u64,
    least: u64,
}

impl FileShares {
    /// Raises the process's limit to what the configuration needs, as far as the system allows, and
    /// distributes it. Call it once the store and the ports are open.
    ///
    /// # Errors
    /// The system doesn't allow the least that the node can work with.
    pub(crate) fn take(config: &Config, threads: usize) -> Result<Self, Failure> {
        let own = open_now() + threads as u64 * PER_THREAD + RESERVE;
        let parts = parts(config, threads);
        let wanted = own + parts.iter().map(|part| part.wanted).sum::<u64>();
        let limit = raise_limit(wanted);
        let (shares, is_enough) = share_out(limit.saturating_sub(own), &parts).ok_or_else(|| {
            let least = own + parts.iter().map(|part| part.least).sum::<u64>();
            Failure::Refused(format!(
                "the system allows this process {limit} open files, and the node needs {least} at \
                 the least and {wanted} for what is configured; raise the limit, such as with \
                 ulimit -n {wanted} or LimitNOFILE={wanted}"
            ))
        })?;
        let shares = Self::from_parts(shares, threads);
        if !is_enough {
            tracing::warn!(
                limit,
                wanted,
                peers = shares.peers,
                next_hops_per_thread = shares.next_hops_per_thread,
                wallets = shares.wallets,
                admin = shares.admin,
                "the system allows fewer open files than are configured, so fewer connections are \
                 taken: raise the limit (ulimit -n, LimitNOFILE)"
            );
        }
        Ok(shares)
    }

    fn from_parts(
        [peers, next_hops, wallets, admin, auto_peering]: [u64; 5],
        threads: usize,
    ) -> Self {
        let count = |share: u64| usize::try_from(share).unwrap_or(usize::MAX);
        Self {
            peers: count(peers),
            next_hops_per_thread: count(next_hops) / clients(threads),
            wallets: count(wallets),
            admin: count(admin),
            auto_peering: count(auto_peering) / 2,
        }
    }
}

/// Returns the number of clients: each thread that carries packets has one, and the operator's
/// thread too.
fn clients(threads: usize) -> usize {
    threads + 1
}

/// Returns the parts in the order of [`FileShares`].
fn parts(config: &Config, threads: usize) -> [Part; 5] {
    let clients = clients(threads) as u64;
    let is_asked = config.auto_peering.enabled_listen().is_some();
    let next_hops = clients * 4;
    [
        Part::new(config.ilp.connections_max as u64, 16),
        // A next hop takes one connection over HTTP/2, and one for each packet in flight over
        // HTTP/1.1. No operator has configured so many, so the connections configured for peers
        // have priority over most of them.
        Part { wanted: 16_384.max(next_hops), enough: 4_096.max(next_hops), least: next_hops },
        Part::new(1_024, 8),
        Part::new(256, 32),
        Part::new(if is_asked { 512 } else { 0 }, 16),
    ]
}

/// Returns each part's share, and whether every part has its wanted number; `None` where not even
/// the least is available. Each part gets its least, then its enough, and then its wanted number.
/// Where the rest is too little for all, each part gets the same fraction of what it lacks.
fn share_out(files: u64, parts: &[Part; 5]) -> Option<([u64; 5], bool)> {
    let mut shares = parts.each_ref().map(|part| part.least);
    let mut left = files.checked_sub(shares.iter().sum())?;
    for goal in [|part: &Part| part.enough, |part: &Part| part.wanted] {
        let lacking: [u64; 5] =
            std::array::from_fn(|index| goal(&parts[index]).saturating_sub(shares[index]));
        let lack: u64 = lacking.iter().sum();
        let given = left.min(lack);
        for (share, lacking) in shares.iter_mut().zip(lacking) {
            // The product is at most a million times larger, so it fits into 64 bits.
            *share += lacking * given / lack.max(1);
        }
        left -= given;
    }
    let has_all = shares.iter().zip(parts).all(|(share, part)| *share >= part.wanted);
    Some((shares, has_all))
}

impl Part {
    /// Makes a part that works well only with its wanted number. An operator may configure less
    /// than the least.
    fn new(wanted: u64, least: u64) -> Self {
        Self { wanted, enough: wanted, least: least.min(wanted) }
    }
}

/// Returns the number of open descriptors, including those that a parent process left open.
fn open_now() -> u64 {
    let count = Process::myself().and_then(|process| process.fd_count());
    count.map_or(OPEN_AT_START, |count| count as u64)
}

/// Raises the limit and returns it. Shells and containers often start programs with a soft limit of
/// 1,024 under a hard one that is far higher.
fn raise_limit(wanted: u64) -> u64 {
    rlimit::increase_nofile_limit(wanted).unwrap_or_else(|error| {
        tracing::warn!(%error, "the limit of open files can't be raised");
        rlimit::Resource::NOFILE.get_soft().unwrap_or(wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> [Part; 5] {
        let next_hops = Part { wanted: 16_384, enough: 4_096, least: 8 };
        let [peers, wallets, admin, asking] = [(12_000, 16), (1_024, 8), (256, 32), (0, 16)]
            .map(|(wanted, least)| Part::new(wanted, least));
        [peers, next_hops, wallets, admin, asking]
    }

    #[test]
    fn enough_is_all_that_is_wanted_and_no_more() {
        let all = [12_000, 16_384, 1_024, 256, 0];
        assert_eq!(share_out(29_664, &parts()), Some((all, true)));
        assert_eq!(share_out(u64::MAX, &parts()), Some((all, true)));
    }

    #[test]
    fn what_is_configured_comes_before_what_nobody_asked_for() {
        let (shares, has_all) = share_out(19_800, &parts()).expect("there is enough");
        assert_eq!((shares, has_all), ([12_000, 6_520, 1_024, 256, 0], false));
    }

    #[test]
    fn less_is_shared_out_and_the_least_is_kept() {
        let least = [16, 8, 8, 32, 0];
        assert_eq!(share_out(64, &parts()), Some((least, false)));
        assert_eq!(share_out(63, &parts()), None);
        for files in [65, 126, 700, 10_000, 17_375, 17_377, 29_663] {
            let (shares, has_all) = share_out(files, &parts()).expect("there is enough");
            let sum: u64 = shares.iter().sum();
            assert!(sum <= files && sum + 10 > files, "{shares:?} of {files}");
            assert!(!has_all && shares.iter().zip(least).all(|(share, least)| *share >= least));
        }
    }

    #[test]
    fn a_part_may_want_less_than_the_least() {
        let mut parts = parts();
        parts[0] = Part::new(1, 16);
        assert_eq!(share_out(49, &parts), Some(([1, 8, 8, 32, 0], false)));
    }
}
