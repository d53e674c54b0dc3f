//! The simulator of Cenacle: many engines, one seed, virtual time, a network that does everything a
//! network may do, and an oracle that reads along.
//!
//! ```text
//!  seed ──▶ plan ──▶ world ──steps──▶ nodes ──outputs──▶ network ──▶ queue ──▶ world
//!         (plan.rs,  (world.rs,      (node.rs,          (network.rs)  (queue.rs)
//!          faults.rs) inject.rs)      application.rs,
//!                                     workload.rs)
//!                                        └──events──▶ trace ──lines──▶ oracle, file
//!                                                    (trace.rs)
//! ```
//!
//! A run has a time in which things go wrong, then everything heals, nobody says anything new, and
//! all must come to rest within a bound (`settle.rs`). The same seed gives the same trace, byte for
//! byte.
//!
//! ```
//! use cenacle_sim::{Plan, RunOptions, World};
//!
//! let options = RunOptions { seed: 3, nodes: 3, ..RunOptions::default() };
//! let mut world = World::new(Plan::new(&options));
//! world.run_until(1_000_000);
//! assert!(world.nodes.iter().flatten().count() <= 3);
//! ```

mod application;
mod body;
mod cli;
mod clock;
mod costs;
mod delays;
mod door;
mod faults;
mod inject;
mod left_out;
mod member;
mod memory;
mod naming;
mod network;
mod node;
mod plan;
mod queue;
mod random;
mod run;
mod secure;
mod settle;
mod shared;
mod sinks;
mod soak;
mod spies;
mod totals;
mod trace;
mod workload;
mod world;

pub use cli::{Cli, main as command};
pub use costs::{Cost, Growth, Latency, measure};
pub use delays::{Delays, delays};
pub use door::Door;
pub use faults::{Fault, Preset};
pub use inject::Undo;
pub use left_out::{LeftOut, ModuleDefect};
pub use member::{Member, Standing};
pub use memory::Bounded;
pub use naming::node as node_id;
pub use network::{Fate, Links, Network};
pub use node::Node;
pub use plan::{Plan, Promise, RunOptions, fast};
pub use queue::Queue;
pub use random::Random;
pub use run::{Outcome, finish, judgement, run, run_plan};
pub use secure::key_agreements;
pub use shared::{Costs, Counts, Happening, Shared, Traffic};
pub use soak::{SoakOptions, Soaked, soak};
pub use totals::Totals;
pub use trace::{Received, Sent, Trace};
pub use workload::Habits;
pub use world::World;
