//! # 8. Virtual Synchrony (paper 004, section 3.1)
//!
//! "Two processes p and q that move together through two consecutive views v
//! and v' deliver the same set of messages in v."
//!
//! "If process p installs a view v with process q in its transitional set and process q installs v
//! as well, then p and q are said to move together." Judged for reliable multicasts.
//!
//! In EVS groups p and q move together from one configuration to the next, coming from the same
//! view. If one of them came late (see `streams`), they are compared from its first view on.
//!
//! In a settled run, those that are alive in the same period at its end are treated as if they
//! moved on together.

use super::Case;
use crate::history::Stay;
use crate::report::{Findings, Property};
use crate::streams::Company;
use crate::table::{Marks, MessageId};

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    let messages = case.history.messages.len();
    let (mut first, mut second) = (Marks::new(messages), Marks::new(messages));
    for company in case.companies {
        let mut stays = company.stays.iter().map(|stay| &case.history.stays[*stay]);
        let Some(reference) = stays.next() else { continue };
        let expected = gather(case, company, reference, &mut first);
        for stay in stays {
            let found = gather(case, company, stay, &mut second);
            if found.len() == expected.len() && found.iter().all(|id| first.contains(*id)) {
                continue;
            }
            let more = found.iter().filter(|id| !first.contains(**id));
            let less = expected.iter().filter(|id| !second.contains(**id));
            for (mut missing, has, lacks) in [
                (more.collect::<Vec<_>>().into_iter(), stay, reference),
                (less.collect::<Vec<_>>().into_iter(), reference, stay),
            ] {
                let count = missing.len();
                let Some(message) = missing.next() else { continue };
                case.add(findings, Property::VirtualSynchrony, lacks.process, || {
                    explain(case, company, (has, lacks), *message, count)
                });
            }
        }
    }
}

/// The reliable multicasts that a stay delivered, each once; they are marked too.
fn gather(
    case: &Case<'_>,
    company: &Company,
    stay: &Stay,
    marks: &mut Marks<MessageId>,
) -> Vec<MessageId> {
    marks.clear();
    let mut found = Vec::with_capacity(stay.deliveries.len());
    for part in case.history.parts(stay) {
        for message in part.deliveries {
            let service = case.history.messages[*message].service;
            if service.is_reliable_multicast()
                && company.counts(case.history, &part, *message)
                && marks.insert(*message)
            {
                found.push(*message);
            }
        }
    }
    found
}

fn explain(
    case: &Case<'_>,
    company: &Company,
    (has, lacks): (&Stay, &Stay),
    message: MessageId,
    count: usize,
) -> String {
    let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
    let together = match company.next {
        Some(view) => format!("they moved together to view {}", case.view(view)),
        None => "the run has settled".to_owned(),
    };
    format!(
        "{} delivered {}{more} in view {}, {} did not, but {together}",
        case.process(has.process),
        case.message(message),
        case.last_view(has),
        case.process(lacks.process),
    )
}
