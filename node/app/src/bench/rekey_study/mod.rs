//! `cenacle bench rekey-study`: the experiments of papers 000 and 002 again.
//!
//! ```text
//!  words ──▶ Plan ──▶ for each module, size, story: play ──▶ Row ────┐
//!                └──▶ for each module: six failures ──────▶ Window ──┴─▶ a line or a table
//! ```

mod group;
mod plan;
mod play;
mod report;
mod row;
mod window;

use crate::args;
use crate::failure::Failure;
use crate::modules;
use crate::screen::Screen;
use plan::Plan;
use row::Row;
use std::io::Write;
use window::Window;

/// Plays what `words` ask for.
pub(crate) fn rekey_study(
    words: &args::RekeyStudy,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let plan = Plan::new(words, modules::for_benchmarks()?)?;
    if !plan.json {
        report::begin(screen)?;
    }
    for subject in &plan.subjects {
        let mut rows = Vec::new();
        for &size in &plan.sizes {
            for (story, cache) in subject.stories() {
                let played = play::play(subject, size, story, cache, plan.samples)?;
                let row = Row::new(subject, size, story, cache, &played);
                match plan.json {
                    true => line(screen, &row)?,
                    false => rows.push(row),
                }
            }
        }
        if !rows.is_empty() {
            report::costs(screen, &rows)?;
        }
    }
    windows(&plan, screen)
}

/// Figure 5 of paper 000.
fn windows(plan: &Plan, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let mut windows = Vec::new();
    for subject in plan.subjects.iter().filter(|_| plan.windows) {
        for window in Window::of(subject)? {
            match plan.json {
                true => line(screen, &window)?,
                false => windows.push(window),
            }
        }
    }
    if !windows.is_empty() {
        report::windows(screen, &windows)?;
    }
    Ok(())
}

/// One JSON object on a line of its own.
fn line(screen: &mut Screen<'_>, row: &impl serde::Serialize) -> Result<(), Failure> {
    serde_json::to_writer(&mut *screen, row).map_err(std::io::Error::from)?;
    writeln!(screen)?;
    screen.flush()?;
    Ok(())
}
