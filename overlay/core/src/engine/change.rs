//! What membership decides: the end of a configuration and the beginning of the next.

use super::{Below, Engine, Stopping, below, past::PastView};
use crate::{
    configuration::Configuration,
    defect::Defect,
    figures::Rare,
    ids::NodeId,
    membership::{Context, Effect, Happening, Installation},
    order::{Announcer, Order, Phase, Turns},
    output::{Outbox, Output},
    streams::{Repair, Stability, Streams},
    wire::control::{Control, Plan},
};
use std::collections::VecDeque;

impl Engine {
    /// Tells membership what happens, and does what it wants done.
    pub(super) fn happen(&mut self, happening: Happening, out: &mut Outbox) {
        let mut next = Some(happening);
        // Stays empty, and so costs nothing, for the many signs of life.
        let mut happenings = VecDeque::new();
        while let Some(happening) = next {
            let mut effects = Vec::new();
            let forget = self.settings.lacks(Defect::ForgetRecovered);
            let past = PastView {
                settings: &self.settings,
                configuration: &self.configuration,
                streams: &self.streams,
                stability: &self.stability,
                base: self.groups.base(),
                complete: self.frozen_at.as_ref().filter(|_| forget),
            };
            let context = Context {
                now: self.now,
                settings: &self.settings,
                configuration: &self.configuration,
                past: &past,
                backlogged: self.backlog.is_some(),
            };
            self.membership.handle(&context, happening, &mut self.figures, &mut effects);
            for effect in effects {
                happenings.extend(self.effect(effect, out));
            }
            next = happenings.pop_front();
        }
    }

    /// Does one thing; what happens by it goes back to membership.
    fn effect(&mut self, effect: Effect, out: &mut Outbox) -> Option<Happening> {
        match effect {
            Effect::Send(to, message) => {
                self.send_control(to, &Control::Membership(message), out);
            }
            Effect::Heartbeat(listeners, heartbeat) => {
                let frame = heartbeat.write();
                let sends = listeners.into_iter().map(|to| (to, frame.clone()));
                out.extend(sends.map(|(to, frame)| Output::Send { to, frame }));
            }
            Effect::Announce(message) => {
                let control = Control::Membership(message);
                if let Some(frame) = crate::wire::header::control_frame(self.overlay, &control) {
                    out.push(Output::Announce { frame });
                }
            }
            Effect::Freeze => {
                self.frozen = true;
                self.frozen_at = Some(self.streams.vector(|s| s.complete()));
            }
            Effect::Recover(plan) => return self.recover(plan),
            Effect::GiveUp => self.plan = None,
            Effect::Install(installation) => {
                self.install(installation, out);
                return Some(Happening::Installed);
            }
            Effect::Warning(warning) => out.push(Output::Warning(warning)),
            Effect::Gone => {
                self.stopping = Some(Stopping::Stopped);
                self.groups.close(out);
                out.push(Output::Stopped);
            }
        }
        None
    }

    /// Begins to fetch what lacks to the plan's target.
    fn recover(&mut self, plan: Plan) -> Option<Happening> {
        let size = self.configuration.size();
        let vectors =
            [plan.target.len(), plan.promises.len(), plan.stable.len(), plan.holders.len()];
        if plan.configuration != self.configuration.id || vectors.iter().any(|&n| n != size) {
            // Membership has checked this; without it there is no plan to follow.
            return None;
        }
        for (rank, &target) in (0..).zip(&plan.target) {
            if self.streams.get(rank).is_some_and(|stream| target > stream.received()) {
                self.streams.heard_of(rank, target);
                self.figures.saw(Rare::Fetched);
            }
        }
        self.routes.clear();
        self.repair.recover(plan.holders.clone(), plan.survivors.clone());
        self.plan = Some(plan);
        self.reach()
    }

    /// Whether the target is reached; then the plan's promises and stability are this node's too, so
    /// that they are in its report if the installation never comes.
    fn reach(&mut self) -> Option<Happening> {
        let plan = self.plan.as_ref()?;
        let complete = |rank| self.streams.complete(rank);
        if (0..).zip(&plan.target).any(|(rank, &target)| complete(rank) < target) {
            return None;
        }
        for ((rank, &number), &clock) in (0..).zip(&plan.target).zip(&plan.promises) {
            if let Some(stream) = self.streams.get_mut(rank) {
                stream.promised(number, clock);
            }
        }
        self.stability.settled(&plan.stable);
        Some(Happening::Reached)
    }

    /// At the end of a batch while frozen.
    pub(super) fn check_target(&mut self, out: &mut Outbox) {
        if let Some(happening) = self.reach() {
            self.happen(happening, out);
        }
    }

    /// Ends the old configuration by the plan and begins the new one (docs/protocol.md section 5).
    fn install(&mut self, installation: Installation, out: &mut Outbox) {
        self.figures.installations += 1;
        let Installation { ballot, members, classes, plan } = installation;
        let survivors: Vec<NodeId> =
            plan.survivors.iter().filter_map(|&rank| self.configuration.node(rank)).collect();
        self.cut(&plan);
        self.order.promises_were_replaced();
        self.order.enter(Phase::Released(self.streams.past()));
        self.deliver_all(false, out);
        self.groups.signal(&survivors, out);
        self.order.enter(Phase::Rest);
        self.deliver_all(true, out);
        if self.streams.ranks().any(|(_, s)| s.has_pieces()) {
            self.figures.saw(Rare::PiecesDropped);
        }

        let me = self.settings.node;
        let configuration = Configuration::new(&self.settings.overlay, ballot, members, me);
        out.push(Output::Configuration { id: ballot, members: configuration.members.clone() });
        self.configuration = configuration;
        self.begin(&classes);
        let mut todo = Vec::new();
        let below = below!(self);
        self.groups.install(&below, &classes, &mut self.figures, out, &mut todo);
        self.carry_out(todo, out);
        self.replay(out);
    }

    /// Cuts the streams at the target, with the joined promises and stability.
    fn cut(&mut self, plan: &Plan) {
        for ((rank, &target), &promise) in (0..).zip(&plan.target).zip(&plan.promises) {
            let Some(stream) = self.streams.get(rank) else { continue };
            let beyond = stream.received() > target || stream.gap().is_some();
            self.streams.cut(rank, target, promise);
            if beyond && !plan.survivors.contains(&rank) {
                self.figures.saw(Rare::DepartedStreamCut);
            }
        }
        self.stability.replace(&plan.stable);
    }

    /// Fresh machines for the new configuration.
    fn begin(&mut self, classes: &[Vec<u16>]) {
        let (size, me, now) = (self.configuration.size(), self.configuration.rank, self.now);
        self.streams =
            Streams::new(size, me, self.settings.window, super::most_of_a_stream(&self.settings));
        self.stability = Stability::new(size, me == 0, now);
        self.repair = Repair::new();
        let tables = classes.iter().filter(|_| classes.len() > 1);
        let senders = tables.filter_map(|class| class.iter().min().copied());
        self.order = Order::new(Turns::new(me, senders, &self.settings, now), &self.settings);
        self.announcer = Announcer::new(size, now);
        if self.sender.begin(size) {
            self.figures.saw(Rare::PiecesAgain);
        }
        self.subscribers.clear();
        self.routes.clear();
        self.plan = None;
        self.frozen = false;
        self.frozen_at = None;
    }

    /// Takes the frames that came before their configuration.
    fn replay(&mut self, out: &mut Outbox) {
        let early = std::mem::take(&mut self.early);
        for (from, bytes) in early.frames {
            if let Err(reason) = self.take_frame(from, bytes, out) {
                self.figures.dropped(reason);
            }
        }
    }
}
