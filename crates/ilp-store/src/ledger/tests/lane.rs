//! The lane of a thread: the writer hears of posts, and those who wait of the disk, once per turn.

use std::{pin::Pin, sync::atomic::AtomicUsize, task::Wake, time::Instant};

use super::*;

#[derive(Default)]
struct Counter(AtomicUsize);

impl Counter {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn poll<F: Future + Unpin>(future: &mut F, counter: &Arc<Counter>) -> Poll<F::Output> {
    let waker = Waker::from(Arc::clone(counter));
    Pin::new(future).poll(&mut Context::from_waker(&waker))
}

fn wait_until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "it never comes");
        thread::yield_now();
    }
}

#[test]
fn what_a_turn_posts_is_handed_over_and_woken_by_one_task() {
    let (_dir, store) = fresh();
    let (ledger, record, _) = watched(&store, options(8), Duration::ZERO);
    fund(&ledger, 1, 100);
    let funded = ledger.durable_sequence();
    let [task, first, second] = [(); 3].map(|()| Arc::<Counter>::default());
    let mut lane = ledger.lane();
    assert!(poll(&mut lane, &task).is_pending());

    let mut posts = [&first, &second].map(|counter| {
        let hold = hold(&ledger, 1, 2, 10).unwrap();
        let mut post = Box::pin(ledger.post(hold));
        assert!(poll(&mut post, counter).is_pending());
        post
    });
    // One wake for both, and nothing for the writer before the lane's turn.
    assert_eq!(task.count(), 1);
    assert_eq!(ledger.durable_sequence(), funded);
    assert!(poll(&mut lane, &task).is_pending());
    wait_until(|| ledger.durable_sequence() == funded + 2);
    // The writer wakes the lane, and the lane those who wait.
    wait_until(|| task.count() == 2);
    assert_eq!((first.count(), second.count()), (0, 0));
    assert!(poll(&mut lane, &task).is_pending());
    assert_eq!((first.count(), second.count()), (1, 1));
    for post in &mut posts {
        assert_eq!(poll(post, &first), Poll::Ready(Ok(())));
    }
    assert_eq!(record.lock().len() as u64, funded + 2);
}

#[test]
fn a_lane_that_ends_leaves_nobody_waiting() {
    let (_dir, store) = fresh();
    let (ledger, ..) = watched(&store, options(8), Duration::ZERO);
    fund(&ledger, 1, 100);
    let [task, packet] = [(); 2].map(|()| Arc::<Counter>::default());
    let mut lane = ledger.lane();
    assert!(poll(&mut lane, &task).is_pending());
    let mut post = Box::pin(ledger.post(hold(&ledger, 1, 2, 10).unwrap()));
    assert!(poll(&mut post, &packet).is_pending());
    drop(lane);
    assert_eq!(packet.count(), 1, "who waited is sent to wait elsewhere");
    // Whether it is durable by now or not: no lane's turn is needed any more.
    assert_eq!(block_on(post), Ok(()));
    block_on(async { ledger.post(hold(&ledger, 1, 2, 10).unwrap()).await }).unwrap();
    assert_eq!(available(&ledger, 2), 20);
}

#[test]
fn a_failure_ends_the_wait_in_a_lane() {
    let (_dir, store) = fresh();
    let (ledger, _, fails) = watched(&store, options(8), Duration::ZERO);
    fund(&ledger, 1, 100);
    let [task, packet] = [(); 2].map(|()| Arc::<Counter>::default());
    let mut lane = ledger.lane();
    assert!(poll(&mut lane, &task).is_pending());
    let mut post = Box::pin(ledger.post(hold(&ledger, 1, 2, 10).unwrap()));
    assert!(poll(&mut post, &packet).is_pending());
    fails.store(true, Ordering::SeqCst);
    assert!(poll(&mut lane, &task).is_pending());
    wait_until(|| packet.count() == 1);
    assert_eq!(poll(&mut post, &packet), Poll::Ready(Err(Stopped)));
}

#[test]
fn lanes_on_many_threads_carry_everything() {
    const THREADS: u128 = 4;
    const EACH: u64 = 500;
    let (_dir, store) = fresh();
    let (ledger, record, _) = watched(&store, options(64), Duration::ZERO);
    (1..=THREADS).for_each(|peer| fund(&ledger, peer, EACH));
    thread::scope(|scope| {
        for peer in 1..=THREADS {
            let ledger = &ledger;
            scope.spawn(move || {
                let mut lane = Box::pin(ledger.lane());
                let carried = async {
                    for _ in 0..EACH {
                        ledger.post(hold(ledger, peer, 100, 1).unwrap()).await.unwrap();
                    }
                };
                let mut carried = std::pin::pin!(carried);
                block_on(std::future::poll_fn(|context| {
                    let done = carried.as_mut().poll(context);
                    assert!(lane.as_mut().poll(context).is_pending());
                    done
                }));
            });
        }
    });
    assert_eq!(available(&ledger, 100), THREADS * u128::from(EACH));
    let sequences: Vec<u64> = record.lock().iter().map(|posted| posted.sequence).collect();
    assert!(sequences.windows(2).all(|pair| pair[0] + 1 == pair[1]), "none left out");
}
