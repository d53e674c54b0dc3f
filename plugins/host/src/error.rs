//! Errors of registry, selectors and pool.

use crate::Origin;
use cenacle_plugin::{Family, Kind, OptionError};

/// Why a module was not registered, not found, or not usable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The module describes itself wrongly.
    #[error("this {kind} module cannot be registered: {why}")]
    Malformed {
        /// What it was to be registered as.
        kind: Kind,
        /// What is wrong with its descriptor.
        why: String,
    },
    /// There is a module of that kind and name already; no module takes another's place.
    #[error("there is a {kind} module called {name:?} already ({origin}); rename the new one")]
    NameTaken {
        /// The kind.
        kind: Kind,
        /// The name.
        name: String,
        /// Where the module that has the name came from.
        origin: Origin,
    },
    /// The registry is full.
    #[error("there are {max} {kind} modules; no more can be registered")]
    TooManyModules {
        /// The kind.
        kind: Kind,
        /// The limit.
        max: usize,
    },
    /// Nothing of that kind has that name.
    #[error("there is no {kind} module called {name:?}; {hint}")]
    UnknownModule {
        /// The kind.
        kind: Kind,
        /// What was asked for, cut when it is long.
        name: String,
        /// The nearest name and the list of all.
        hint: String,
    },
    /// An option that the module does not have, or a value out of bounds.
    #[error(transparent)]
    BadOption(#[from] OptionError),
    /// The module refused the options, or failed.
    #[error("{kind} module {name:?}: {source}")]
    Module {
        /// The kind.
        kind: Kind,
        /// The name.
        name: String,
        /// What it said.
        source: cenacle_plugin::Error,
    },
    /// A pool of no threads, or of more than [`crate::MAX_THREADS`].
    #[error("a pool has 1 to {max} threads, not {got}")]
    PoolSize {
        /// How many were asked for.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// The system gave no threads.
    #[error("no threads for the pool: {0}")]
    NoThreads(#[source] rayon::ThreadPoolBuildError),
}

impl Error {
    /// Who must act.
    pub fn family(&self) -> Family {
        match self {
            Self::Malformed { .. }
            | Self::NameTaken { .. }
            | Self::UnknownModule { .. }
            | Self::BadOption(_) => Family::BadInput,
            Self::TooManyModules { .. } | Self::NoThreads(_) => Family::Limit,
            Self::PoolSize { .. } => Family::WrongCall,
            Self::Module { source, .. } => source.family(),
        }
    }
}
