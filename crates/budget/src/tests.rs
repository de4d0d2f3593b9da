use std::future::Future;
use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};

use super::*;

/// A budget whose two lanes of captures have `bytes` each.
fn lanes_of(bytes: usize) -> Budget {
    Budget::new(bytes / 3 * 8)
}

#[test]
fn what_fits_is_held_at_once_and_given_back_by_dropping() {
    let budget = lanes_of(300);
    let share = budget.share(Lane::Writing, 0);
    let permit = share.try_acquire(200).unwrap();
    assert_eq!((permit.bytes(), budget.used(), budget.used_in(Lane::Writing)), (200, 200, 200));
    assert!(share.try_acquire(101).is_none());
    drop(permit);
    assert_eq!(budget.used(), 0);
    assert_eq!(share.try_acquire(300).unwrap().bytes(), 300);
}

#[test]
fn lanes_do_not_hold_each_other_up() {
    let budget = lanes_of(300);
    let _all = budget.share(Lane::Reading, 0).try_acquire(300).unwrap();
    let _too = budget.share(Lane::Serving, 0).try_acquire(200).unwrap();
    assert!(budget.share(Lane::Writing, 0).try_acquire(300).is_some());
}

#[test]
fn an_item_larger_than_all_passes_alone() {
    let budget = lanes_of(300);
    let share = budget.share(Lane::Writing, 0);
    let huge = share.try_acquire(5_000).unwrap();
    assert!(share.try_acquire(1).is_none());
    drop(huge);
    let _small = share.try_acquire(1).unwrap();
    assert!(share.try_acquire(5_000).is_none());
}

#[test]
fn a_reserve_is_there_whatever_others_hold() {
    let budget = lanes_of(300);
    let (greedy, modest) = (budget.share(Lane::Writing, 0), budget.share(Lane::Writing, 100));
    assert!(greedy.try_acquire(200).is_some(), "alone, it may take all but the reserves");
    let _held = greedy.try_acquire(200).unwrap();
    assert!(greedy.try_acquire(1).is_none());
    let _first = modest.try_acquire(60).unwrap();
    assert!(modest.try_acquire(60).is_none(), "the reserve is used up");
    let _second = modest.try_acquire(40).unwrap();
    assert_eq!((budget.used(), budget.reserved()), (300, 100));
}

#[test]
fn a_share_that_goes_leaves_its_reserve_to_others() {
    let budget = lanes_of(300);
    let (one, other) = (budget.share(Lane::Writing, 200), budget.share(Lane::Writing, 0));
    let _held = other.try_acquire(100).unwrap();
    assert!(other.try_acquire(200).is_none());
    let kept = one.try_acquire(10).unwrap();
    drop(one);
    assert_eq!(budget.reserved(), 200, "as long as a permit of it lives");
    drop(kept);
    assert!(other.try_acquire(200).is_some());
}

/// Polls once.
fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn who_came_first_is_served_first_and_a_small_one_does_not_overtake() {
    let budget = lanes_of(300);
    let (a, b) = (budget.share(Lane::Writing, 0), budget.share(Lane::Writing, 0));
    let first = a.try_acquire(200).unwrap();
    let second = a.try_acquire(100).unwrap();
    let mut large = pin!(a.acquire(250));
    let mut small = pin!(b.acquire(50));
    assert!(poll(large.as_mut()).is_pending());
    assert!(poll(small.as_mut()).is_pending());
    assert_eq!(budget.waiting(), 2);
    drop(second);
    assert!(poll(small.as_mut()).is_pending(), "there would be room, but the large one is first");
    drop(first);
    let Poll::Ready(Ok(large)) = poll(large.as_mut()) else { panic!("its turn") };
    let Poll::Ready(Ok(_small)) = poll(small.as_mut()) else { panic!("it fits beside") };
    assert_eq!(budget.used(), 300);
    drop(large);
}

#[test]
fn who_gives_up_waiting_takes_nothing_and_blocks_nobody() {
    let budget = lanes_of(300);
    let share = budget.share(Lane::Writing, 0);
    let held = share.try_acquire(300).unwrap();
    {
        let mut large = pin!(share.acquire(300));
        let mut small = pin!(share.acquire(10));
        assert!(poll(large.as_mut()).is_pending() && poll(small.as_mut()).is_pending());
        drop(held);
        assert_eq!(budget.used(), 300, "the large one has its turn, and does not know it yet");
    }
    assert_eq!((budget.used(), budget.waiting()), (0, 0));
}

#[test]
fn an_item_that_has_become_small_enough_for_its_reserve_waits_for_nobody() {
    let budget = lanes_of(300);
    let (other, own) = (budget.share(Lane::Writing, 0), budget.share(Lane::Writing, 100));
    let _pool = other.try_acquire(200).unwrap();
    let reserve = own.try_acquire(100).unwrap();
    let mut before = pin!(other.acquire(50));
    let mut waits = pin!(own.acquire(80));
    assert!(poll(before.as_mut()).is_pending() && poll(waits.as_mut()).is_pending());
    drop(reserve);
    assert!(matches!(poll(waits.as_mut()), Poll::Ready(Ok(_))));
    assert!(poll(before.as_mut()).is_pending());
}

#[test]
fn a_smaller_permit_lets_others_in() {
    let budget = lanes_of(300);
    let share = budget.share(Lane::Writing, 0);
    let mut permit = share.try_acquire(300).unwrap();
    let mut waits = pin!(share.acquire(200));
    assert!(!share.is_waited_for());
    assert!(poll(waits.as_mut()).is_pending());
    assert!(share.is_waited_for());
    permit.shrink_to(100);
    assert!(!share.is_waited_for());
    assert!(matches!(poll(waits.as_mut()), Poll::Ready(Ok(_))));
    drop(permit);
    assert_eq!(budget.used(), 0);
}

#[test]
fn closing_a_share_ends_the_waiting_of_its_threads_alone() {
    let budget = lanes_of(300);
    let (closed, open) = (budget.share(Lane::Writing, 0), budget.share(Lane::Writing, 0));
    let held = open.try_acquire(300).unwrap();
    std::thread::scope(|threads| {
        let one = threads.spawn(|| closed.acquire_blocking(10).map(drop));
        let other = threads.spawn(|| open.acquire_blocking(20).map(drop));
        while budget.waiting() < 2 {
            std::thread::yield_now();
        }
        closed.close();
        assert_eq!(one.join().unwrap(), Err(Closed));
        assert_eq!(budget.waiting(), 1);
        drop(held);
        assert_eq!(other.join().unwrap(), Ok(()));
    });
    assert!(matches!(closed.acquire_blocking(1), Err(Closed)));
    closed.reopen();
    assert!(closed.acquire_blocking(1).is_ok());
    assert_eq!(budget.used(), 0);
}

#[test]
fn many_threads_with_two_lanes_never_deadlock_nor_hold_more_than_the_budget() {
    const THREADS: usize = 16;
    let budget = lanes_of(3_000);
    let (ended, all) = mpsc::channel();
    for thread in 0..THREADS {
        let (budget, ended) = (budget.clone(), ended.clone());
        std::thread::spawn(move || {
            let read = budget.share(Lane::Reading, 10);
            let write = budget.share(Lane::Writing, 10);
            for round in 0..300 {
                let bytes = 1 + (thread * 7919 + round * 104_729) % 4_000;
                let chunk = read.acquire_blocking(bytes).unwrap();
                let batch = write.acquire_blocking(bytes * 2).unwrap();
                // Each lane holds what it has, or one item alone beside the reserves.
                let bound = 3_000_usize.max(4_000 + 10 * THREADS);
                assert!(budget.used_in(Lane::Reading) <= bound);
                assert!(budget.used_in(Lane::Writing) <= 2 * bound);
                drop(chunk);
                drop(batch);
            }
            ended.send(()).unwrap();
        });
    }
    for _ in 0..THREADS {
        all.recv_timeout(std::time::Duration::from_secs(60)).expect("no deadlock");
    }
    assert_eq!((budget.used(), budget.waiting()), (0, 0));
}
