//! `cenacle demo`: a secure group's life in a few seconds, told to somebody who has never seen one.
//!
//! ```text
//!  words ──▶ Request ──▶ Story ── tells, checks ──▶ screen
//!                          │
//!                       Company: people with nodes of their own, on real connections
//!                          │
//!                        Line: what somebody between two of them hears
//! ```
//!
//! Nothing is simulated but that all nodes run in one process on one machine. Everything that the
//! story claims is checked; a check that fails ends it with status 1.

mod checks;
mod company;
mod line;
mod names;
mod person;
mod request;
mod story;

use crate::args;
use crate::failure::Failure;
use crate::modules;
use crate::screen::Screen;
use request::Request;
use story::Story;

/// Tells the story with the modules that `words` name.
pub(crate) fn run(words: &args::Demo, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let request = Request::new(words, modules::of_a_node()?)?;
    async_std::task::block_on(Story::new(&request, screen).tell())
}
