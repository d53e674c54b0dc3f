//! How independent pieces of one step run at the same time, if the host has cores to spare.

/// A piece of work that borrows from the caller's stack.
pub type Job<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Runs independent jobs; given by the host so that a module needs no threads of its own.
///
/// The results must not depend on the executor: jobs of one batch touch nothing in common.
pub trait Executor: Send + Sync {
    /// How many jobs can run at the same time; 1 means that splitting work gains nothing.
    fn width(&self) -> usize;

    /// Runs every job and returns when the last one has ended.
    fn run<'a>(&self, jobs: Vec<Job<'a>>);

    /// Arithmetic of that kind begins on this thread; [`ends`](Self::ends) follows before anything
    /// else begins. A host that measures reads its clock here, since a module has none.
    fn begins(&self, what: Arithmetic) {
        let _ = what;
    }

    /// The arithmetic that began has ended.
    fn ends(&self, what: Arithmetic) {
        let _ = what;
    }
}

/// What a module computes, as hosts tell its times apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// Exponentiations, with decoding their bases and encoding or hashing their results.
    Exponentiation,
    /// Products, quotients, and exponentiations by small public numbers.
    Product,
}

/// Runs jobs one after another on the calling thread: the simulator's executor, and the one that
/// makes "as if each member had its own single-threaded machine" true in benchmarks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inline;

impl Executor for Inline {
    fn width(&self) -> usize {
        1
    }

    fn run<'a>(&self, jobs: Vec<Job<'a>>) {
        for job in jobs {
            job();
        }
    }
}
