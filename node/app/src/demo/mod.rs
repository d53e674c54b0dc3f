//! `cenacle demo`: a secure group's life in a few seconds, told to somebody who has never seen one.
//!
//! ```text
//!  words ──▶ Request ──▶ Story ── tells, checks ──▶ screen
//!                          │
//!                       Company: members in memory, their keys, what an eavesdropper heard
//! ```
//!
//! Everything that the story claims is checked; a check that fails ends it with status 1. It says
//! itself what is not real yet.

mod checks;
mod company;
mod keys;
mod mallory;
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
    Story::begin(&request, screen)?.tell()
}
