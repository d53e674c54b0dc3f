//! # 1. Self Inclusion (paper 004, section 3.1)
//!
//! "If process p installs a view v then p is a member of v."
//!
//! Read from every `view` line: its `member` is among its `members`.

use super::Case;
use crate::report::{Findings, Property};

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    for (_, install) in case.history.installs.iter().filter(|(_, row)| !row.names_itself) {
        case.add(findings, Property::SelfInclusion, install.process, || {
            let (process, view) = (case.process(install.process), case.view(install.view));
            format!("{process} installed view {view}, which does not have it as a member")
        });
    }
}
