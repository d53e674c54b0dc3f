//! The runtime, named here and nowhere else: a move to another one changes this file.
//!
//! async-std with its feature `tokio1`, which gives its threads a tokio context, so that libp2p's
//! transports run as they are (`docs/adr/0001-async-std-and-current-libp2p.md`).

use futures::future::BoxFuture;
use std::{future::Future, time::Duration};

/// Runs a task to its end, or until its handle is dropped or told to cancel: never forgotten.
pub(crate) type Task<T> = async_std::task::JoinHandle<T>;

/// Starts a task.
pub(crate) fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> Task<T> {
    async_std::task::spawn(task)
}

/// As libp2p wants to start its connections' tasks.
pub(crate) fn executor(task: BoxFuture<'static, ()>) {
    drop(async_std::task::spawn(task));
}

/// Waits.
pub(crate) async fn sleep(duration: Duration) {
    async_std::task::sleep(duration).await;
}

/// The outcome of a future, unless it takes longer.
pub(crate) async fn timeout<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    async_std::future::timeout(limit, future).await.ok()
}

/// Runs what may wait for a disk, on a thread of its own.
pub(crate) fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Task<T> {
    async_std::task::spawn_blocking(work)
}
