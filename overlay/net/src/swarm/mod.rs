//! The swarm's task: dials, listens, discovers, gossips. Frames do not pass it.

mod addresses;
mod behaviour;
mod dialling;
mod driver;
mod listen;
#[cfg(test)]
mod tests;

pub(crate) use driver::Driver;
