//! The pool runs every job once, on as many threads as it says, and survives a panic.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use cenacle_host::{Error, MAX_THREADS, Pool};
use cenacle_plugin::{Executor, Family, Job};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};

fn pool(threads: usize) -> Pool {
    Pool::new(threads).unwrap_or_else(|error| panic!("{error}"))
}

/// Jobs that write their number, doubled, each to its own place.
fn doubling(out: &mut [usize]) -> Vec<Job<'_>> {
    out.iter_mut().enumerate().map(|(n, out)| Box::new(move || *out = 2 * n) as Job<'_>).collect()
}

#[test]
fn every_job_runs_once_and_before_the_batch_ends() {
    for threads in [1, 2, 3, 8] {
        let pool = pool(threads);
        assert_eq!(pool.width(), threads);
        for jobs in [0, 1, 2, 3, 7, 100, 1000] {
            let mut out = vec![usize::MAX; jobs];
            pool.run(doubling(&mut out));
            assert!(out.iter().enumerate().all(|(n, out)| *out == 2 * n), "{threads}, {jobs}");
        }
    }
}

/// Jobs that wait for each other end only if they run at the same time.
#[test]
fn as_many_jobs_run_at_once_as_the_width_says() {
    let pool = pool(4);
    let barrier = Barrier::new(4);
    let job = || {
        barrier.wait();
    };
    pool.run((0..4).map(|_| Box::new(job) as Job<'_>).collect());
}

#[test]
fn never_more_threads_than_the_width() {
    for threads in [1, 3] {
        let pool = pool(threads);
        let seen = Mutex::new(BTreeSet::new());
        let job = || {
            let id = format!("{:?}", std::thread::current().id());
            seen.lock().expect("no panic").insert(id);
        };
        pool.run((0..200).map(|_| Box::new(job) as Job<'_>).collect());
        assert!(seen.lock().expect("no panic").len() <= threads);
    }
}

#[test]
fn batches_may_nest_and_meet() {
    let pool = pool(2);
    let total = AtomicUsize::new(0);
    let leaf = || {
        total.fetch_add(1, Ordering::Relaxed);
    };
    let inner = || pool.run((0..10).map(|_| Box::new(leaf) as Job<'_>).collect());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| pool.run((0..10).map(|_| Box::new(inner) as Job<'_>).collect()));
        }
    });
    assert_eq!(total.load(Ordering::Relaxed), 400);
}

#[test]
fn a_panic_comes_out_and_the_pool_stays_usable() {
    let pool = pool(2);
    let done = AtomicUsize::new(0);
    let job = |n: usize| {
        let done = &done;
        Box::new(move || {
            assert!(n != 5, "job five");
            done.fetch_add(1, Ordering::Relaxed);
        }) as Job<'_>
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| pool.run((0..20).map(job).collect())));
    assert!(outcome.is_err());
    assert_eq!(done.load(Ordering::Relaxed), 19, "the other thread goes on");
    let mut out = vec![0; 50];
    pool.run(doubling(&mut out));
    assert_eq!(out[49], 98);
}

#[test]
fn the_size_is_bounded() {
    for got in [0, MAX_THREADS + 1, usize::MAX] {
        let error = Pool::new(got).expect_err("out of bounds");
        assert!(matches!(error, Error::PoolSize { .. }), "{error}");
        assert_eq!(error.family(), Family::WrongCall);
    }
    assert!(Pool::new(MAX_THREADS).is_ok());
    assert!((1..=MAX_THREADS).contains(&Pool::for_this_machine().expect("threads").width()));
}
