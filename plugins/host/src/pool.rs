//! Several cores for the independent parts of one step.

use crate::Error;
use cenacle_plugin::{Executor, Job};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::{Mutex, PoisonError};

/// The most threads of a pool. One step of a key agreement has a few dozen independent parts at
/// most, and a node must leave cores to others.
pub const MAX_THREADS: usize = 64;

/// Runs the jobs of a batch on several threads, the caller's among them.
///
/// One pool serves all groups of a node: a caller always works on its own batch, so a busy pool
/// makes a batch slower and never stops it. A batch ends when its last job has ended; a panic in a
/// job comes out of [`Executor::run`] on the caller's thread and leaves the pool usable. A job may
/// run a batch of its own.
///
/// ```
/// use cenacle_host::Pool;
/// use cenacle_plugin::{Executor, Job};
///
/// let pool = Pool::new(2)?;
/// let mut squares = [1, 2, 3, 4];
/// let jobs = squares.iter_mut().map(|n| Box::new(move || *n *= *n) as Job<'_>).collect();
/// pool.run(jobs);
/// assert_eq!(squares, [1, 4, 9, 16]);
/// # Ok::<(), cenacle_host::Error>(())
/// ```
#[derive(Debug)]
pub struct Pool {
    /// The threads beside the caller's; none where the caller's is the only one.
    helpers: Option<ThreadPool>,
    width: usize,
}

impl Pool {
    /// A pool in which a batch runs on up to `threads` threads: the caller's, and `threads - 1` of
    /// the pool's own. Fails when that is not 1 to [`MAX_THREADS`], or the system has no threads
    /// left.
    pub fn new(threads: usize) -> Result<Self, Error> {
        if threads == 0 || threads > MAX_THREADS {
            return Err(Error::PoolSize { got: threads, max: MAX_THREADS });
        }
        let helpers = match threads - 1 {
            0 => None,
            helpers => Some(
                ThreadPoolBuilder::new()
                    .num_threads(helpers)
                    .thread_name(|index| format!("cenacle-pool-{index}"))
                    .build()
                    .map_err(Error::NoThreads)?,
            ),
        };
        Ok(Self { helpers, width: threads })
    }

    /// A pool as wide as this machine has cores for this process, at most [`MAX_THREADS`]; of the
    /// caller's thread alone where that cannot be found out.
    pub fn for_this_machine() -> Result<Self, Error> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::new(cores.min(MAX_THREADS))
    }
}

impl Executor for Pool {
    fn width(&self) -> usize {
        self.width
    }

    fn run<'a>(&self, jobs: Vec<Job<'a>>) {
        let runners = self.width.min(jobs.len());
        let queue = Mutex::new(jobs.into_iter());
        // The lock is let go before the job begins, and no job runs under it: it is never poisoned.
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let work = || {
            while let Some(job) = next() {
                job();
            }
        };
        match &self.helpers {
            Some(helpers) if runners > 1 => helpers.in_place_scope(|scope| {
                for _ in 1..runners {
                    scope.spawn(|_| work());
                }
                work();
            }),
            _ => work(),
        }
    }
}
