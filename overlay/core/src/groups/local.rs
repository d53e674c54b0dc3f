//! This node's members in its groups: wishes, the present view, flushes, messages that wait.

use super::{Message, Todo, view::Current};
use crate::{
    ids::{Ballot, Channel, GroupName, MemberId, NodeId, Order, ViewId},
    input::{Join, Semantics, Service},
    output::{Event, Outbox, Output},
    time::Time,
};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A message that waits for the member's next view.
#[derive(Debug)]
pub(super) enum Held {
    Multicast(Service, Bytes),
    Unicast(MemberId, Bytes),
}

impl Held {
    /// What it counts while it waits; more than its body, so that empty ones are bounded too.
    pub(super) fn bytes(&self) -> usize {
        let (Self::Multicast(_, body) | Self::Unicast(_, body)) = self;
        size_of::<Self>() + body.len()
    }
}

/// A member of this node: from its wish to join until it has left.
#[derive(Debug)]
pub(super) struct Member {
    /// What it asked for.
    pub(super) wish: Join,
    /// Which of the lives of members with its local number it is.
    pub(super) life: u64,
    /// Its join has been delivered: it is in the table.
    pub(super) joined: bool,
    /// It has the present view.
    pub(super) in_view: bool,
    /// Its answer to the flush request of the present view, with its blob.
    pub(super) flushed: Option<Bytes>,
    pub(super) leaving: bool,
    /// When its join or leave was asked last in this configuration, and for a leave the end of the
    /// stream at its first time: later entries are not this member's.
    pub(super) asked: Option<(Time, u64)>,
    pub(super) held: VecDeque<Held>,
    /// In an EVS group: the last configuration of which it has had the signal.
    pub(super) signalled_in: Option<Ballot>,
}

/// A group in which this node has members, or for which messages of this node still wait.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) group: GroupName,
    pub(super) semantics: Semantics,
    /// Of the group as such (EVS).
    pub(super) own_channel: Channel,
    pub(super) view: Option<Current>,
    pub(super) members: BTreeMap<u32, Member>,
    /// The present view has had its signal; in a VS group the flush is open.
    pub(super) signalled: bool,
    /// Since when, as the first `settle` afterwards saw it, and under which leader.
    pub(super) opened: Option<Time>,
    pub(super) opened_under: Option<NodeId>,
    /// Nobody sends in this view any more: a member is late with its flush.
    pub(super) closed: bool,
    /// The round answered last, in this configuration, and when.
    pub(super) answered: Option<(Order, Time)>,
    /// A new view is wanted instead of that of this round, and since when that has been asked.
    pub(super) renewing: Option<(Order, Option<Time>)>,
    /// Who is wanted out: which life, why, and when it was asked last.
    pub(super) expelling: BTreeMap<MemberId, (u64, String, Option<Time>)>,
    /// Numbers heard last of unreliable messages of the view, by sender.
    pub(super) heard: BTreeMap<MemberId, u64>,
    /// The same of senders that are no members (EVS), in this configuration.
    pub(super) heard_outside: BTreeMap<MemberId, u64>,
}

impl Local {
    fn new(group: GroupName, semantics: Semantics) -> Self {
        Self {
            own_channel: Channel::of_group(&group),
            group,
            semantics,
            view: None,
            members: BTreeMap::new(),
            signalled: false,
            opened: None,
            opened_under: None,
            closed: false,
            answered: None,
            renewing: None,
            expelling: BTreeMap::new(),
            heard: BTreeMap::new(),
            heard_outside: BTreeMap::new(),
        }
    }

    /// What the group's messages of this node are addressed to.
    pub(super) fn channel(&self) -> Option<Channel> {
        match self.semantics {
            Semantics::Vs => self.view.as_ref().map(|view| view.channel),
            Semantics::Evs => Some(self.own_channel),
        }
    }

    pub(super) fn tell(&self, local: u32, event: Event, out: &mut Outbox) {
        out.push(Output::Event { group: self.group.clone(), local, event });
    }

    /// Whether the member's messages wait for its next view.
    pub(super) fn holds(&self, member: &Member) -> bool {
        !member.in_view || member.flushed.is_some() || self.closed
    }

    /// The members that have the present view.
    pub(super) fn in_view(&self) -> impl Iterator<Item = u32> {
        self.members.iter().filter(|(_, m)| m.in_view).map(|(&local, _)| local)
    }

    pub(super) fn all_flushed(&self) -> bool {
        self.members.values().all(|m| !m.in_view || m.flushed.is_some())
    }

    /// Gives the present view its one signal, and asks for the flush of a VS group.
    pub(super) fn signal(&mut self, leader: NodeId, out: &mut Outbox) {
        let Some(view) = self.view.as_ref().map(|view| view.id) else { return };
        if self.semantics == Semantics::Evs {
            return self.signal_evs(view, out);
        }
        if self.signalled {
            return;
        }
        self.signalled = true;
        self.opened = None;
        self.opened_under = Some(leader);
        for (&local, member) in self.members.iter_mut().filter(|(_, m)| m.in_view) {
            let mut tell = |event| {
                out.push(Output::Event { group: self.group.clone(), local, event });
            };
            tell(Event::Transitional { view });
            tell(Event::FlushRequest { view });
            if !member.wish.manual_flush || member.leaving {
                member.flushed = Some(Bytes::new());
            }
        }
    }

    /// In an EVS group every member gets one signal a configuration in which it has had a view,
    /// however many views there were, and also if the first came after the configuration's signal.
    fn signal_evs(&mut self, view: ViewId, out: &mut Outbox) {
        let configuration = Ballot { epoch: view.order.epoch, proposer: view.proposer };
        for (&local, member) in self.members.iter_mut().filter(|(_, m)| m.in_view) {
            if member.signalled_in.replace(configuration) != Some(configuration) {
                let event = Event::Transitional { view };
                out.push(Output::Event { group: self.group.clone(), local, event });
            }
        }
    }
}

/// All of them, found by name or by channel. Slots keep their numbers.
#[derive(Default)]
pub(super) struct Locals {
    slots: Vec<Option<Local>>,
    free: Vec<usize>,
    by_name: BTreeMap<GroupName, usize>,
    by_channel: BTreeMap<Channel, usize>,
    /// Slots that `settle` must look at.
    pub(super) busy: BTreeSet<usize>,
}

impl Locals {
    pub(super) fn slot(&self, group: &GroupName) -> Option<usize> {
        self.by_name.get(group).copied()
    }

    pub(super) fn slot_of_channel(&self, channel: Channel) -> Option<usize> {
        self.by_channel.get(&channel).copied()
    }

    pub(super) fn get(&self, slot: usize) -> Option<&Local> {
        self.slots.get(slot).and_then(Option::as_ref)
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut Local> {
        self.slots.get_mut(slot).and_then(Option::as_mut)
    }

    pub(super) fn channel(&self, slot: usize) -> Option<Channel> {
        self.get(slot).and_then(Local::channel)
    }

    pub(super) fn named(&self, group: &GroupName) -> Option<&Local> {
        self.get(self.slot(group)?)
    }

    pub(super) fn named_mut(&mut self, group: &GroupName) -> Option<&mut Local> {
        self.get_mut(self.slot(group)?)
    }

    pub(super) fn of_channel(&self, channel: Channel) -> Option<&Local> {
        self.get(self.slot_of_channel(channel)?)
    }

    /// All slots in the order of the groups' names.
    pub(super) fn all(&self) -> Vec<usize> {
        self.by_name.values().copied().collect()
    }

    /// The group's slot, made if there is none.
    pub(super) fn open(&mut self, group: &GroupName, semantics: Semantics) -> usize {
        if let Some(slot) = self.slot(group) {
            self.busy.insert(slot);
            return slot;
        }
        let slot = self.free.pop().unwrap_or(self.slots.len());
        if slot == self.slots.len() {
            self.slots.push(None);
        }
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(Local::new(group.clone(), semantics));
        }
        self.by_name.insert(group.clone(), slot);
        self.busy.insert(slot);
        self.set_semantics(slot, semantics);
        slot
    }

    /// `settle` is to look at the group.
    pub(super) fn touch(&mut self, group: &GroupName) {
        self.busy.extend(self.by_name.get(group));
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// What the order says the group is; members that thought otherwise are refused.
    pub(super) fn set_semantics(&mut self, slot: usize, semantics: Semantics) {
        let Some(local) = self.slots.get_mut(slot).and_then(Option::as_mut) else { return };
        local.semantics = semantics;
        let channel = local.own_channel;
        match semantics {
            Semantics::Evs => _ = self.by_channel.insert(channel, slot),
            Semantics::Vs => _ = self.by_channel.remove(&channel),
        }
    }

    /// Puts the group's next view in place and gives back the channel of the last.
    pub(super) fn set_view(&mut self, slot: usize, view: Option<Current>) -> Option<Channel> {
        let local = self.slots.get_mut(slot).and_then(Option::as_mut)?;
        let old = local.view.take().map(|view| view.channel);
        if let Some(old) = old {
            self.by_channel.remove(&old);
        }
        if let Some(view) = &view {
            self.by_channel.insert(view.channel, slot);
        }
        local.view = view;
        local.signalled = false;
        local.opened = None;
        local.opened_under = None;
        local.closed = false;
        local.heard.clear();
        self.busy.insert(slot);
        old
    }

    /// Forgets a group without members for which nothing waits; its last channel.
    pub(super) fn remove(&mut self, slot: usize) -> Option<Channel> {
        let channel = self.set_view(slot, None);
        self.busy.remove(&slot);
        if let Some(local) = self.slots.get_mut(slot).and_then(Option::take) {
            self.by_name.remove(&local.group);
            self.by_channel.remove(&local.own_channel);
            self.free.push(slot);
        }
        channel
    }
}

/// A held message of a VS or EVS group on its way.
pub(super) fn queued(channel: Channel, local: u32, service: Service, body: Bytes) -> Todo {
    Todo::Queue(Message { channel, local, service, body })
}
