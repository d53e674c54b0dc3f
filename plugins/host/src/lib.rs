//! What a node does with modules: keeps them by name, and gives each group the ones it chose.
//!
//! ```text
//!  built in ──┐
//!             ├──register──▶ Registry ◀──ModuleSource── secure machine
//!  own code ──┘                  ▲
//!                                │ name, options
//!     KeyAgreementSelector  EncryptionSelector  PolicySelector ──▶ Selected ──create──▶ instance
//! ```
//!
//! Modules can be registered while groups run; a module once registered stays, so what a group was
//! given never changes under it. [`Pool`] runs the independent parts of one step of a module on
//! several cores.

mod error;
mod pool;
mod registry;
mod selected;
mod selectors;
mod shelf;
mod vetting;

pub use error::Error;
pub use pool::{MAX_THREADS, Pool};
pub use registry::{Entry, Origin, Registry};
pub use selected::{Selected, SelectedCipher, SelectedKeyAgreement, SelectedPolicy};
pub use selectors::{EncryptionSelector, KeyAgreementSelector, PolicySelector};
pub use shelf::MAX_MODULES;
