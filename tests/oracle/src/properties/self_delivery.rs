//! # 6. Self Delivery (paper 004, section 3.1)
//!
//! "If process p sends a message m, then p delivers m unless it crashes."
//!
//! Judged for reliable multicasts, when the sender has gone on from the period in which it sent, or
//! is alive at the end of a settled run. Whoever left is like one that crashed. A sender that is no
//! member of an EVS group delivers nothing.

use super::Case;
use crate::report::{Findings, Property};
use crate::table::Marks;

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    let history = case.history;
    let mut delivered = Marks::new(history.messages.len());
    for (process, row) in history.processes.iter().filter(|(_, row)| !row.sends.is_empty()) {
        delivered.clear();
        let stays = row.stays.iter().flat_map(|stay| &history.stays[*stay].deliveries);
        for message in stays.chain(&row.strays) {
            delivered.insert(*message);
        }
        for message in &row.sends {
            let send = &history.messages[*message];
            let stay = send.stay.map(|stay| &history.stays[stay]);
            let owed = send.service.is_reliable_multicast()
                && stay.is_some_and(|stay| history.is_judged(stay, case.settled));
            if !owed || delivered.contains(*message) {
                continue;
            }
            case.add(findings, Property::SelfDelivery, process, || {
                let view = send.view.map_or("?", |view| case.view(view));
                let (process, message) = (case.process(process), case.message(*message));
                format!("{process} sent {message} in view {view}, and never delivered it itself")
            });
        }
    }
}
