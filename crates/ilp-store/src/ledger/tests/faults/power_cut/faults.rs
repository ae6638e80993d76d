//! A disk that fails or is full from some moment on: the node stops, nothing hangs, and once the disk
//! is well again the next start works, also if power is lost after that.

use super::*;
use crate::testing::power_cut::Fault;

/// How long a node may take to end after a failure.
const END_WAIT: Duration = Duration::from_secs(30);
/// How many moments of failure are tried for each kind, unless more cuts are asked for.
const MOMENTS: u64 = 12;

/// Starts a node on a disk that fails from an event on, and lets actors work until they can't.
fn work_until_failure(home: &Path, recorder: &DiskRecorder, actors: &mut [Actor]) -> bool {
    let files: Arc<dyn Files> = Arc::new(recorder.clone());
    let Ok(node) = Node::open(home, &files, small_options()) else { return true };
    let failed = work(actors, &node, recorder, 40).is_err();
    let stopped = node.ledger.stopped().is_some();
    assert!(stopped || !failed, "an operation failed and the node goes on");
    let _stopped = node.ledger.close();
    failed
}

fn fail(fault: Fault, seed: u64) -> Result<bool, String> {
    let directory = scratch();
    let home = directory.path().join("node");
    Disk.create_directory(&home).unwrap();
    let recorder = DiskRecorder::new(&home).unwrap();
    let mut random = Random::new(seed);
    recorder.fail_at(1 + random.index(400), fault);
    let mut actors: Vec<_> = (0..3).map(|number| Actor::new(number, seed)).collect();
    let (ended, end) = mpsc::channel();
    let thread = {
        let (home, recorder) = (home.clone(), recorder.clone());
        thread::spawn(move || {
            let failed = work_until_failure(&home, &recorder, &mut actors);
            ended.send(()).unwrap();
            (failed, actors)
        })
    };
    if end.recv_timeout(END_WAIT) == Err(mpsc::RecvTimeoutError::Timeout) {
        return Err("the node hangs".to_owned());
    }
    let (failed, actors) = thread.join().map_err(|_| "a panic".to_owned())?;
    recorder.heal();
    // The system still shows what a failed sync may have lost.
    let files: Arc<dyn Files> = Arc::new(recorder.clone());
    let counts = possible_counts(&recorder, recorder.events(), actors.len());
    let found = goes_on(&home, &files, paired(&actors, counts), 20)
        .map_err(|reason| format!("once the disk is well: {reason}"))?;
    let mut further = Actor::new(20, 20);
    (0..FURTHER_OPERATIONS).for_each(|_| drop(further.begin()));
    for seed in 0..3 {
        let rebuilt = scratch();
        let again = rebuilt.path().join("node");
        recorder.rebuild(recorder.events(), seed, &again).unwrap();
        let mut actors = paired(&actors, exactly(&found));
        actors.push((&further, FURTHER_OPERATIONS..=FURTHER_OPERATIONS));
        let disk: Arc<dyn Files> = Arc::new(Disk);
        goes_on(&again, &disk, actors, 21)
            .map_err(|reason| format!("after a loss of power ({seed}): {reason}"))?;
    }
    Ok(failed)
}

#[test]
fn a_failing_disk_stops_the_node_and_loses_nothing() {
    let moments = MOMENTS.max(cuts() / 5);
    for fault in [Fault::StorageFull, Fault::Write, Fault::Sync] {
        let mut failures = 0;
        for seed in 0..moments {
            let failed = fail(fault, seed);
            let failed = failed.unwrap_or_else(|reason| panic!("{fault:?}, seed {seed}: {reason}"));
            failures += u64::from(failed);
        }
        assert!(failures > moments / 3, "{fault:?}: {failures} failures");
    }
}
