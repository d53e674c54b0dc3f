//! The properties, each in a file of its own.
//!
//! | file | paper 004, section 3.1 |
//! |---|---|
//! | `self_inclusion` | 1. Self Inclusion |
//! | `local_monotonicity` | 2. Local Monotonicity |
//! | `sending_view_delivery` | 3. Sending View Delivery; in EVS groups, one configuration |
//! | `delivery_integrity`, `replay` | 4. Delivery Integrity |
//! | `no_duplication` | 5. No Duplication |
//! | `self_delivery` | 6. Self Delivery |
//! | `transitional_set` | 7. Transitional Set |
//! | `virtual_synchrony` | 8. Virtual Synchrony |
//! | `fifo` | 9. FIFO Delivery |
//! | `causal` | 10. Causal Delivery, which is also part 1 of 11 |
//! | `agreed`, `one_order` | 11. Agreed Delivery |
//! | `safe` | 12. Safe Delivery |
//! | `transitional_signal` | 13. Transitional Signal |
//! | `key` | not in the paper's list |
//! | `settled` | not in the paper |

mod agreed;
mod causal;
mod delivery_integrity;
mod fifo;
mod key;
mod local_monotonicity;
mod no_duplication;
mod one_order;
mod replay;
mod safe;
mod self_delivery;
mod self_inclusion;
mod sending_view_delivery;
mod settled;
mod transitional_set;
mod transitional_signal;
mod virtual_synchrony;

use crate::history::{History, Stay};
use crate::report::{Findings, Property};
use crate::streams::{Company, Streams, companies};
use crate::table::{MessageId, ProcessId, ViewId};

/// Everything that a property is judged by.
struct Case<'a> {
    history: &'a History,
    streams: &'a Streams,
    companies: &'a [Company],
    settled: bool,
}

/// Judges all properties.
pub(crate) fn judge(history: &mut History, settled: bool, findings: &mut Findings) {
    let streams = Streams::sort(history);
    let companies = companies(history, settled);
    let case = Case { history, streams: &streams, companies: &companies, settled };
    for judge in [
        self_inclusion::judge,
        local_monotonicity::judge,
        sending_view_delivery::judge,
        delivery_integrity::judge,
        no_duplication::judge,
        self_delivery::judge,
        transitional_set::judge,
        virtual_synchrony::judge,
        fifo::judge,
        causal::judge,
        agreed::judge,
        safe::judge,
        transitional_signal::judge,
        key::judge,
        settled::judge,
    ] {
        judge(&case, findings);
    }
}

impl<'a> Case<'a> {
    fn add(
        &self,
        findings: &mut Findings,
        property: Property,
        process: ProcessId,
        explanation: impl FnOnce() -> String,
    ) {
        let group = self.history.processes[process].group;
        findings.add(property, self.history.groups.name(group), explanation);
    }

    fn process(&self, process: ProcessId) -> &'a str {
        self.history.processes.name(process)
    }

    fn message(&self, message: MessageId) -> &'a str {
        self.history.messages.name(message)
    }

    fn view(&self, view: ViewId) -> &'a str {
        self.history.views.name(view)
    }

    /// The last view that a stay saw.
    fn last_view(&self, stay: &Stay) -> &'a str {
        stay.views
            .last()
            .map_or("?", |(_, install)| self.view(self.history.installs[*install].view))
    }

    /// The deliveries of a stay that belong to its period, with their streams. What does not belong
    /// there breaks Sending View Delivery and is left to it.
    fn in_streams(&self, stay: &'a Stay) -> impl Iterator<Item = (MessageId, u32, u32)> + 'a {
        let history = self.history;
        stay.deliveries.iter().filter_map(move |id| {
            let message = &history.messages[*id];
            let here = message.period == Some(stay.period);
            message.stream.filter(|_| here).map(|stream| (*id, stream, message.index))
        })
    }
}
