//! # 7. Transitional Set (paper 004, section 3.1)
//!
//! "1) Every process is part of its transitional set for a view v." It is also a set of members of
//! that view: those who are not in it do not come along.
//!
//! "2) If two processes p and q install the same view and q is included in p's transitional set for
//! this view, then p's previous view was identical to q's previous view." A process that joins, or
//! joins again after it left, has no previous view, so only itself is in its transitional set.
//!
//! "3) If two processes p and q install the same view v and q is included in p's transitional set
//! for v, then p and q have the same transitional set for v."
//!
//! View by view in EVS groups too. Processes with the same previous view and the same set are
//! judged once, by the first of them.

use std::collections::BTreeMap;

use super::Case;
use crate::report::{Findings, Property};
use crate::streams::Installed;
use crate::table::{InstallId, Marks, SetId, ViewId};

const PROPERTY: Property = Property::TransitionalSet;

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    let history = case.history;
    let mut installed = Installed::new(history);
    let mut members = Marks::new(history.processes.len());
    for (view, row) in history.views.iter() {
        installed.fill(history, view);
        members.clear();
        for member in &row.members {
            members.insert(*member);
        }
        let mut classes: BTreeMap<(Option<ViewId>, SetId), InstallId> = BTreeMap::new();
        for id in &row.installs {
            let install = &history.installs[*id];
            let process = install.process;
            if !history.sets.contains(install.transitional, process) {
                case.add(findings, PROPERTY, process, || {
                    let (process, view) = (case.process(process), case.view(view));
                    format!("{process} is not in its own transitional set for view {view}")
                });
            }
            classes.entry((previous(case, *id), install.transitional)).or_insert(*id);
        }
        for ((before, set), id) in classes {
            let process = history.installs[id].process;
            // Who installed the view all the same is left to Self Inclusion.
            let strangers = history.sets.members(set).iter();
            let strangers = strangers
                .filter(|other| !members.contains(**other) && installed.of(**other).is_none());
            for stranger in strangers {
                case.add(findings, PROPERTY, process, || {
                    format!(
                        "{} has {} in its transitional set for view {}, which is no member of it",
                        case.process(process),
                        case.process(*stranger),
                        case.view(view),
                    )
                });
            }
            judge_class(case, findings, &installed, (before, set), id);
        }
    }
}

/// Compares one process with all that are in its transitional set and installed the view.
fn judge_class(
    case: &Case<'_>,
    findings: &mut Findings,
    installed: &Installed,
    (before, set): (Option<ViewId>, SetId),
    id: InstallId,
) {
    let history = case.history;
    let (process, view) = (history.installs[id].process, history.installs[id].view);
    let others = history.sets.members(set).iter().filter(|other| **other != process);
    for other in others.filter_map(|other| installed.of(*other)) {
        let (second, from) = (&history.installs[other], previous(case, other));
        let names = || {
            let (process, other) = (case.process(process), case.process(second.process));
            format!("{process} has {other} in its transitional set for view {}", case.view(view))
        };
        if before.is_none() || before != from {
            case.add(findings, PROPERTY, process, || {
                let [before, from] =
                    [before, from].map(|view| view.map_or("none", |view| case.view(view)));
                format!("{}, but came from view {before}, the other from {from}", names())
            });
        } else if second.transitional != set {
            case.add(findings, PROPERTY, process, || {
                format!(
                    "{}, but their sets are {} and {}",
                    names(),
                    history.list(history.sets.members(set)),
                    history.list(history.sets.members(second.transitional)),
                )
            });
        }
    }
}

fn previous(case: &Case<'_>, install: InstallId) -> Option<ViewId> {
    let history = case.history;
    history.installs[install].previous.map(|before| history.installs[before].view)
}
