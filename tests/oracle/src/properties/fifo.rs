//! # 9. FIFO Delivery (paper 004, section 3.1)
//!
//! "If message m is sent before message m' by the same process in the same view,
//! then any process that delivers m' delivers m before m'."
//!
//! Read per stream: at each receiver the places of a sender's messages grow by one. That holds for
//! all reliable multicasts of a sender together, whatever their services, and for unicasts between
//! two processes; it holds even if the sender crashed, and after the transitional signal. A process
//! that came late (see `streams`) may begin later in a stream, but not behind what it is owed.

use super::Case;
use crate::history::Stay;
use crate::report::{Findings, Property};
use crate::table::MessageId;

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    for (id, period) in case.history.periods.iter() {
        let streams = case.streams.of(id);
        for stay in &period.stays {
            let stay = &case.history.stays[*stay];
            let first_due = case.streams.first_due(case.history, stay);
            let mut next = vec![0; streams.len()];
            for (message, stream, index) in case.in_streams(stay) {
                let expected = match (next[stream as usize], first_due.get(stream as usize)) {
                    (0, Some(due)) => index.min(*due),
                    (expected, _) => expected,
                };
                if index > expected {
                    let missing = streams[stream as usize].messages[expected as usize];
                    report(case, findings, stay, missing, message);
                }
                // What comes late was reported when it was passed over.
                next[stream as usize] = next[stream as usize].max(index + 1);
            }
        }
    }
}

fn report(
    case: &Case<'_>,
    findings: &mut Findings,
    stay: &Stay,
    missing: MessageId,
    message: MessageId,
) {
    case.add(findings, Property::Fifo, stay.process, || {
        format!(
            "{} delivered {} in view {}, and had not delivered {}, which {} sent before it",
            case.process(stay.process),
            case.message(message),
            case.last_view(stay),
            case.message(missing),
            case.process(case.history.messages[message].sender),
        )
    });
}
