//! What the stack wants done.

use super::{Pump, Stopping};
use crate::node::desk::Verdict;
use cenacle_core::{NodeId, Output as EngineOutput, Time, Warning};
use cenacle_secure::{Event, Output};

impl Pump {
    /// Does what the engine wants done, in its order.
    pub(super) fn carry_out(&mut self, now: Time) {
        let mut out = std::mem::take(&mut self.out);
        for output in out.drain(..) {
            let output = match output {
                Output::Engine(output) => output,
                Output::Event { local, event, .. } => {
                    self.tell(local, event, now);
                    continue;
                }
            };
            match output {
                EngineOutput::Send { to, frame } => self.network.send(to, frame),
                EngineOutput::Multicast { frame } => self.network.multicast(frame),
                EngineOutput::Announce { frame } => self.network.announce(frame),
                EngineOutput::Configuration { id, members } => {
                    let nodes: Vec<NodeId> = members.iter().map(|peer| peer.node).collect();
                    log::info!("configuration {id} of {} nodes", nodes.len());
                    self.network.configure(&nodes);
                }
                // Events come as the stack's.
                EngineOutput::Event { .. } => {}
                EngineOutput::Writable => (self.full, self.room) = (false, true),
                EngineOutput::Warning(warning) => self.warn(&warning),
                EngineOutput::Stopped => self.stopping = Stopping::Stopped,
            }
        }
        self.out = out;
    }

    /// Tells a member something, or whoever runs the node.
    fn tell(&mut self, local: u32, event: Event, now: Time) {
        if let Event::Warning { reason, detail } = &event {
            let group = self.desk.group(local).map(|group| format!("group {group}: "));
            self.shared.notices.warn(reason, format!("{}{detail}", group.unwrap_or_default()));
        }
        match self.desk.tell(local, event, self.shared.unread(), now) {
            Verdict::Kept(weight) => self.shared.delivered(weight),
            // Nobody reads it: as good as read.
            Verdict::Nobody(weight) => {
                self.shared.delivered(weight);
                self.shared.has_read(weight);
            }
        }
    }

    fn warn(&self, warning: &Warning) {
        let (reason, detail) = match warning {
            Warning::Suspected { node, reason } => ("suspected", format!("{node}: {reason}")),
            Warning::Slow { node } => ("slow", node.to_string()),
            Warning::FlushLate { group, node } => ("flush_late", format!("{node} in {group}")),
            other => ("other", format!("{other:?}")),
        };
        self.shared.notices.warn(reason, detail);
    }
}
