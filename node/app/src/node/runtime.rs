//! The runtime, named here and nowhere else in this crate.

use std::future::Future;
use std::time::Duration;

/// A task that goes on if this is dropped.
pub(crate) type Task<T> = async_std::task::JoinHandle<T>;

/// Starts a task.
pub(crate) fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> Task<T> {
    async_std::task::spawn(task)
}

/// The outcome of a future, unless it takes longer.
pub(crate) async fn timeout<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    async_std::future::timeout(limit, future).await.ok()
}
