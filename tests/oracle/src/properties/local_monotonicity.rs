//! # 2. Local Monotonicity (paper 004, section 3.1)
//!
//! "If process p installs a view v after installing a view v' then v's
//! identifier id_v is greater than v's identifier id_v'."
//!
//! The identifier is the pair `order`, compared number by number; it grows over all `view` lines of
//! a process, even if it left and came back. An identifier stands for one view: all `view` lines
//! with the same `view` have the same `order`, `members` in the same order (seniority) and, in EVS
//! groups, the same `configuration`.

use super::Case;
use crate::history::Oddity;
use crate::report::{Findings, Property};

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    let history = case.history;
    for (process, row) in history.processes.iter() {
        for pair in row.installs.windows(2) {
            let views = [history.installs[pair[0]].view, history.installs[pair[1]].view];
            let orders = views.map(|view| history.views[view].order);
            if orders[0] < orders[1] {
                continue;
            }
            case.add(findings, Property::LocalMonotonicity, process, || {
                let [before, after] = views.map(|view| case.view(view));
                let process = case.process(process);
                let [(e0, p0), (e1, p1)] = orders;
                format!(
                    "{process} installed view {after} of order [{e1}, {p1}] after view {before} of \
                     order [{e0}, {p0}]"
                )
            });
        }
    }
    for oddity in &history.oddities {
        let Oddity::ViewDiffers { install, what } = oddity else { continue };
        let install = &history.installs[*install];
        case.add(findings, Property::LocalMonotonicity, install.process, || {
            let (process, view) = (case.process(install.process), case.view(install.view));
            format!("{process} installed view {view} with another {what} than others did")
        });
    }
}
