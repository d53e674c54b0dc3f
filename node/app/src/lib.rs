//! Secure group communication for peers: the library behind the `cenacle` command.
//!
//! ```text
//!  cenacle.toml ──┐
//!  CENACLE_…    ──┼──▶ config ──▶ Config
//!  flags        ──┘                ▲
//!  own code ──── Builder ──────────┘
//! ```
//!
//! [`config`] reads what a node is told, checks it once and whole, and hands out typed values; nothing
//! behind it looks at a file or at the environment again.

mod builtin;
pub mod config;
mod error;

pub use builtin::built_in_modules;
pub use config::Config;
pub use error::Error;
