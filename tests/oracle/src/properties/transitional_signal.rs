//! # 13. Transitional Signal (paper 004, section 3.1)
//!
//! "Each process delivers exactly one transitional signal per view."
//!
//! In a VS group: one in each view that ended, none but one in any other, and none without a view.
//! In an EVS group the same for configurations: views that come and go within one bring no signal.

use super::Case;
use crate::history::{End, Oddity};
use crate::report::{Findings, Property};

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    for oddity in &case.history.oddities {
        let Oddity::SignalLabel { process, label } = oddity else { continue };
        case.add(findings, Property::TransitionalSignal, *process, || {
            format!(
                "{} delivered the signal of view {label}, which is not the view it was in",
                case.process(*process)
            )
        });
    }
    for (_, stay) in case.history.stays.iter() {
        let problem = match (stay.signals.len(), stay.end) {
            (0, End::Next(install)) => {
                let next = case.view(case.history.installs[install].view);
                format!("went on to view {next} without a signal")
            }
            (0 | 1, _) => continue,
            (number, _) => format!("delivered {number} signals"),
        };
        case.add(findings, Property::TransitionalSignal, stay.process, || {
            format!("{} {problem} in view {}", case.process(stay.process), case.last_view(stay))
        });
    }
}
