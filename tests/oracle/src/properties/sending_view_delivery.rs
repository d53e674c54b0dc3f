//! # 3. Sending View Delivery (paper 004, section 3.1)
//!
//! "A message is delivered in the view that it was sent in."
//!
//! "An event occurred in view v at process p if the most recent view installed by process p before
//! the event was v": what counts is the last `view` line before a `send` or `message` line, and the
//! line's own `view` must say the same. Members of a VS group send in a view or not at all.
//!
//! In EVS groups instead: a message is delivered in one and the same configuration everywhere, the
//! one in which it was sent. A sender that is no member has no view; there, the configuration of
//! the first delivery counts.
//!
//! Holds for all services, `unreliable` and `unicast` too. What was never sent is left to Delivery
//! Integrity.

use super::Case;
use crate::history::Oddity;
use crate::line::Semantics;
use crate::report::{Findings, Property};
use crate::table::{PeriodId, ProcessId};

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    let history = case.history;
    for oddity in &history.oddities {
        match oddity {
            // A member may send to an EVS group without naming a view, and need not have one.
            Oddity::SendLabel { process, label: None, .. } if is_open(case, *process) => {}
            Oddity::SendLabel { message, process, label } => {
                case.add(findings, Property::SendingViewDelivery, *process, || {
                    let label = label.as_deref().map_or("no view", |label| label);
                    let view = history.messages[*message].view;
                    let view = view.map_or("no view", |view| case.view(view));
                    format!(
                        "{} sent {} in {label}, as it says, while it was in {view}",
                        case.process(*process),
                        case.message(*message),
                    )
                });
            }
            Oddity::DeliveryLabel { message, process, label } => {
                case.add(findings, Property::SendingViewDelivery, *process, || {
                    format!(
                        "{} delivered {} in view {label}, as it says, which is not the view it \
                         was in",
                        case.process(*process),
                        case.message(*message),
                    )
                });
            }
            _ => {}
        }
    }
    for (_, stay) in history.stays.iter() {
        for message in &stay.deliveries {
            let row = &history.messages[*message];
            if !row.sent || row.period == Some(stay.period) {
                continue;
            }
            case.add(findings, Property::SendingViewDelivery, stay.process, || {
                format!(
                    "{} delivered {} in {}, but it was sent in {}",
                    case.process(stay.process),
                    case.message(*message),
                    period(case, Some(stay.period)),
                    period(case, row.period),
                )
            });
        }
    }
}

fn is_open(case: &Case<'_>, process: ProcessId) -> bool {
    let group = case.history.processes[process].group;
    case.history.semantics(group) == Semantics::Evs
}

fn period(case: &Case<'_>, period: Option<PeriodId>) -> String {
    let Some(period) = period else { return "no view".to_owned() };
    let name = case.history.periods.name(period);
    match case.history.semantics(case.history.periods[period].group) {
        Semantics::Vs => format!("view {name}"),
        Semantics::Evs => format!("configuration {name}"),
    }
}
