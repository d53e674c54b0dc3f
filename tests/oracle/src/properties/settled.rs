//! Settled: when faults have ceased and there was time enough, all members of a group are in one
//! view, which has exactly them as members, and nothing is under way in it.
//!
//! Not a property of the paper: it tells a run that is stuck from one that is right. Judged only if
//! the caller says that the run has settled. Who joined and neither left nor crashed must be there.
//! Who was refused something and got no view after it may be there or not: the trace does not say
//! whether a join or a mere command was refused; but the view must not name it without its having
//! installed it.

use super::Case;
use crate::report::{Findings, Property};
use crate::table::{GroupId, ProcessId, ViewId};

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    if !case.settled {
        return;
    }
    for group in case.history.groups.ids() {
        judge_group(case, findings, group);
    }
}

fn judge_group(case: &Case<'_>, findings: &mut Findings, group: GroupId) {
    let history = case.history;
    let alive = |process: &ProcessId| {
        let row = &history.processes[*process];
        row.joined && !row.crashed
    };
    let alive: Vec<ProcessId> = history.in_group(group).filter(alive).collect();
    let expected = |process: &ProcessId| !history.processes[*process].refused;
    let Some(view) = alive.iter().filter(|id| expected(id)).find_map(|id| last_view(case, *id))
    else {
        for process in alive.into_iter().filter(expected) {
            let explanation = || format!("{} joined and got no view", case.process(process));
            case.add(findings, Property::Settled, process, explanation);
        }
        return;
    };
    let members = &history.views[view].members;
    for process in &alive {
        let here = last_view(case, *process) == Some(view);
        let named = members.contains(process);
        if expected(process) && !(here && named) || here != named {
            case.add(findings, Property::Settled, *process, || {
                let last = last_view(case, *process).map_or("none", |view| case.view(view));
                let process = case.process(*process);
                let members = history.list(members);
                format!("{process} ended in view {last}, others in {}{members}", case.view(view))
            });
        } else if here {
            judge_rest(case, findings, *process);
        }
    }
    for member in members.iter().filter(|member| !alive.contains(member)) {
        case.add(findings, Property::Settled, *member, || {
            let member = case.process(*member);
            format!("the last view, {}, names {member}, which is gone", case.view(view))
        });
    }
}

/// Nothing is under way.
fn judge_rest(case: &Case<'_>, findings: &mut Findings, process: ProcessId) {
    let row = &case.history.processes[process];
    let signal = row.current.is_some_and(|stay| !case.history.stays[stay].signals.is_empty());
    if signal || row.flushing {
        case.add(findings, Property::Settled, process, || {
            let what = if signal { "a transitional signal" } else { "a flush request" };
            format!("{} got {what} in its last view and no view after it", case.process(process))
        });
    }
}

fn last_view(case: &Case<'_>, process: ProcessId) -> Option<ViewId> {
    let row = &case.history.processes[process];
    let last = row.installs.last().filter(|_| row.current.is_some());
    last.map(|install| case.history.installs[*install].view)
}
