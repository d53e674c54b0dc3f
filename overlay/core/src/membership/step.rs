//! What one call of the machine looks at and fills.

use super::{Context, Effect, Past};
use crate::{
    configuration::{Configuration, Peer},
    figures::Figures,
    ids::{Ballot, ConfigurationTag, NodeId},
    output::Warning,
    settings::Settings,
    time::Time,
    wire::{control::Membership as Message, heartbeat::Heartbeat},
};
use std::{collections::VecDeque, time::Duration};

/// The context of a call and what comes out of it.
pub(super) struct Step<'a> {
    pub(super) now: Time,
    pub(super) settings: &'a Settings,
    pub(super) configuration: &'a Configuration,
    pub(super) past: &'a dyn Past,
    pub(super) backlogged: bool,
    pub(super) figures: &'a mut Figures,
    effects: &'a mut Vec<Effect>,
    /// What this node has said to itself and not handled yet.
    pub(super) to_myself: VecDeque<Message>,
}

impl<'a> Step<'a> {
    pub(super) fn new(
        context: &Context<'a>,
        figures: &'a mut Figures,
        effects: &'a mut Vec<Effect>,
    ) -> Self {
        Self {
            now: context.now,
            settings: context.settings,
            configuration: context.configuration,
            past: context.past,
            backlogged: context.backlogged,
            figures,
            effects,
            to_myself: VecDeque::new(),
        }
    }

    pub(super) fn me(&self) -> NodeId {
        self.settings.node
    }

    /// This node as others see it.
    pub(super) fn me_as_peer(&self) -> Peer {
        Peer { node: self.settings.node, priority: self.settings.priority }
    }

    /// Sends to a peer, or to this node itself.
    pub(super) fn send(&mut self, to: NodeId, message: Message) {
        if to == self.me() {
            self.to_myself.push_back(message);
        } else {
            self.effects.push(Effect::Send(to, message));
        }
    }

    pub(super) fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(super) fn warn(&mut self, node: NodeId, reason: String) {
        self.effects.push(Effect::Warning(Warning::Suspected { node, reason }));
    }

    pub(super) fn is_member(&self, node: NodeId) -> bool {
        self.configuration.rank_of(node).is_some()
    }

    /// Whether a heartbeat tells of the configuration that this ballot names.
    pub(super) fn is_of(&self, heartbeat: &Heartbeat, ballot: Ballot) -> bool {
        heartbeat.epoch == ballot.epoch
            && heartbeat.tag == ConfigurationTag::new(&self.settings.overlay, ballot)
    }

    /// The configuration's nodes other than this one.
    pub(super) fn others(&self) -> Vec<NodeId> {
        let me = self.me();
        self.configuration.nodes().filter(|&node| node != me).collect()
    }
}

/// Jitter: xorshift64*, so that equal seeds give equal runs. Nothing secret depends on it.
pub(super) struct Random(u64);

impl Random {
    /// Nodes of one seed must not march in step.
    pub(super) fn new(settings: &Settings) -> Self {
        let fold = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        let node = settings.node.key.iter().fold(settings.node.incarnation, fold);
        Self((settings.seed ^ node) | 1)
    }

    /// Between nothing and `limit`.
    pub(super) fn below(&mut self, limit: Duration) -> Duration {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        let limit = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        let share = (u128::from(limit) * u128::from(drawn)) >> 32;
        Duration::from_micros(u64::try_from(share).unwrap_or(limit))
    }
}
