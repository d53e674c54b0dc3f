//! `cenacle bench keys`: what key agreement costs, beside what it should.
//!
//! ```text
//!  words ──▶ Plan ──▶ for each module, size, event: measure ──▶ Row ──▶ a line or a table
//! ```

mod measure;
mod plan;
mod report;
mod row;

use crate::args;
use crate::failure::Failure;
use crate::modules;
use crate::screen::Screen;
use measure::measure;
use plan::Plan;
use row::Row;
use std::collections::BTreeSet;
use std::io::Write;

/// Measures what `words` ask for; fails when a module breaks its contract.
pub(crate) fn keys(
    words: &args::Keys,
    screen: &mut Screen<'_>,
    notes: &mut dyn Write,
) -> Result<(), Failure> {
    let plan = Plan::new(words, modules::for_benchmarks()?)?;
    let mut legend = true;
    let (mut played, mut broken) = (0u32, 0u32);
    let mut noted = BTreeSet::new();
    for module in &plan.modules {
        let mut rows = Vec::new();
        for (scenario, fits) in plan.scenarios(module) {
            if let Err(why) = fits {
                if noted.insert(why.clone()) {
                    writeln!(notes, "cenacle: left out {why}")?;
                }
                continue;
            }
            let row = Row::new(module, &scenario, &measure(module, &scenario, plan.repetitions)?);
            played += 1;
            broken += u32::from(!row.broken.is_empty());
            match plan.json {
                true => row.write_line(screen)?,
                false => rows.push(row),
            }
        }
        if !rows.is_empty() {
            if std::mem::take(&mut legend) {
                report::begin(screen)?;
            }
            report::module(screen, &rows)?;
        }
    }
    verdict(played, broken)
}

fn verdict(played: u32, broken: u32) -> Result<(), Failure> {
    match (played, broken) {
        (0, _) => Err(Failure::Usage(
            "no group of these sizes can play these events; choose other sizes".to_owned(),
        )),
        (_, 0) => Ok(()),
        (_, broken) => Err(Failure::Failed(format!(
            "{broken} of {played} rows break their module's contract; look for `broken` in them"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_contract_is_a_failure() {
        assert!(verdict(3, 0).is_ok());
        assert_eq!(verdict(3, 1).unwrap_err().status(), 1);
        assert_eq!(verdict(0, 0).unwrap_err().status(), 2);
    }
}
