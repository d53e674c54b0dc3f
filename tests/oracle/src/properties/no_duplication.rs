//! # 5. No Duplication (paper 004, section 3.1)
//!
//! "A message is sent only once. A message is delivered only once to the same
//! process."
//!
//! Holds for all services, over all views of a process. Ids name messages within their group.

use super::Case;
use crate::history::Oddity;
use crate::report::{Findings, Property};
use crate::table::Marks;

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    let history = case.history;
    for oddity in &history.oddities {
        let Oddity::SentTwice { message, process } = oddity else { continue };
        case.add(findings, Property::NoDuplication, *process, || {
            let (process, message) = (case.process(*process), case.message(*message));
            format!("{process} sent {message}, which had been sent before")
        });
    }
    let mut delivered = Marks::new(history.messages.len());
    for (process, row) in history.processes.iter() {
        delivered.clear();
        let stays = row.stays.iter().flat_map(|stay| &history.stays[*stay].deliveries);
        for message in stays.chain(&row.strays) {
            if delivered.insert(*message) {
                continue;
            }
            case.add(findings, Property::NoDuplication, process, || {
                let (process, message) = (case.process(process), case.message(*message));
                format!("{process} delivered {message} more than once")
            });
        }
    }
}
