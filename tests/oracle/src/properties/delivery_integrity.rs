//! # 4. Delivery Integrity (paper 004, section 3.1)
//!
//! "If process p delivers a message m in a view v, then there exists a
//! process q that sent m in v causally before p delivered m."
//!
//! Read as: every `message` line has a `send` line in its group, which agrees about sender and
//! service; the receiver has a view; a unicast is delivered to its addressee alone; and there is a
//! way to order the lines of all processes, those of each as they stand, in which every message is
//! sent before it is delivered (`replay`). That it was sent in the same view is left to Sending View
//! Delivery.

use super::{Case, replay};
use crate::history::Oddity;
use crate::line::Service;
use crate::report::{Findings, Property};

const PROPERTY: Property = Property::DeliveryIntegrity;

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    judge_claims(case, findings);
    let history = case.history;
    for (process, row) in history.processes.iter() {
        for message in &row.strays {
            case.add(findings, PROPERTY, process, || {
                let (process, message) = (case.process(process), case.message(*message));
                format!("{process} delivered {message} while it had no view")
            });
        }
    }
    for (_, stay) in history.stays.iter() {
        for message in &stay.deliveries {
            let row = &history.messages[*message];
            if !row.sent {
                case.add(findings, PROPERTY, stay.process, || {
                    let (process, message) = (case.process(stay.process), case.message(*message));
                    format!("{process} delivered {message}, which nobody sent in this group")
                });
            } else if row.service == Service::Unicast && row.to != Some(stay.process) {
                case.add(findings, PROPERTY, stay.process, || {
                    let to = row.to.map_or("nobody", |to| case.process(to));
                    let (process, message) = (case.process(stay.process), case.message(*message));
                    format!("{process} delivered {message}, a unicast to {to}")
                });
            }
        }
    }
    replay::judge(case, findings);
}

/// What lines say about a message besides its id.
fn judge_claims(case: &Case<'_>, findings: &mut Findings) {
    for oddity in &case.history.oddities {
        match oddity {
            Oddity::SenderDiffers { message, process, claimed } => {
                case.add(findings, PROPERTY, *process, || {
                    format!(
                        "a line of {} tells {claimed} as the sender of {}, others tell another",
                        case.process(*process),
                        case.message(*message),
                    )
                });
            }
            Oddity::ServiceDiffers { message, process, claimed } => {
                case.add(findings, PROPERTY, *process, || {
                    format!(
                        "for {} the service of {} is {claimed}, for others it is {}",
                        case.process(*process),
                        case.message(*message),
                        case.history.messages[*message].service,
                    )
                });
            }
            _ => {}
        }
    }
}
