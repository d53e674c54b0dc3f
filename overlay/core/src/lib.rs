//! The engine of Cenacle: agreed configurations, ordered multicast and named groups, as one pure
//! machine. It knows no sockets, clocks, tasks or randomness: inputs with the time go in, outputs
//! come out, and the same inputs give the same outputs, byte for byte.
//!
//! `docs/protocol.md` says what it promises, what its frames are, and why it holds.

mod admission;
mod configuration;
mod defect;
mod engine;
mod error;
mod figures;
mod groups;
mod ids;
mod input;
mod membership;
mod order;
mod output;
mod sender;
mod settings;
mod streams;
mod time;
mod wire;

pub use admission::{Admission, Candidate, Merged, Part, SameCharter, Standing};
pub use configuration::{Configuration, Peer};
#[cfg_attr(not(feature = "defects"), doc(hidden))]
pub use defect::Defect;
pub use engine::{Engine, Memory};
pub use error::{Drop, Error};
pub use figures::{Figures, Rare};
pub use ids::{Ballot, Channel, GroupName, MemberId, NodeId, Order, Position, ViewId};
pub use input::{Input, Join, Semantics, Service};
pub use output::{Class, Event, Outbox, Output, Refusal, View, Warning};
pub use settings::Settings;
pub use time::Time;
