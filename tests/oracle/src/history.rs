//! What a trace told, in tables: the processes, the views they installed, what they sent and
//! delivered, in the order of their own lines.
//!
//! Only the order of the lines of one member means anything, so all that concerns two processes is
//! judged at the end, on these tables. A delivery costs four bytes.

use std::collections::HashMap;

use crate::line::{Order, Semantics, Service};
use crate::table::{
    Full, GroupId, Id, InstallId, MemberId, MessageId, Named, PeriodId, ProcessId, SetId, StayId,
    Table, ViewId,
};

/// All that the lines told.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub events: u64,
    pub members: Named<MemberId, Member>,
    pub groups: Named<GroupId, Group>,
    pub processes: Named<ProcessId, Process>,
    pub views: Named<ViewId, View>,
    pub periods: Named<PeriodId, Period>,
    pub messages: Named<MessageId, Message>,
    pub installs: Table<InstallId, Install>,
    pub stays: Table<StayId, Stay>,
    pub sets: Sets,
    pub oddities: Vec<Oddity>,
}

#[derive(Debug, Default)]
pub(crate) struct Member {
    /// A `crash` line without a group was seen.
    pub crashed: bool,
}

#[derive(Debug)]
pub(crate) struct Group {
    /// Unknown until a join or an option tells, or a view makes it the default.
    pub semantics: Option<Semantics>,
}

/// A member in one group.
#[derive(Debug)]
pub(crate) struct Process {
    pub group: GroupId,
    /// It asked to be a member, or was one, and has not left.
    pub joined: bool,
    /// It left at least once.
    pub left: bool,
    /// Whoever kills a process writes its `crash` line, so the line's place tells nothing.
    pub crashed: bool,
    /// It was refused something since its last view.
    pub refused: bool,
    /// It was asked to flush since its last view.
    pub flushing: bool,
    pub current: Option<StayId>,
    pub installs: Vec<InstallId>,
    pub stays: Vec<StayId>,
    pub sends: Vec<MessageId>,
    /// Delivered while it had no view.
    pub strays: Vec<MessageId>,
}

#[derive(Debug)]
pub(crate) struct View {
    pub period: PeriodId,
    pub order: Order,
    /// By seniority.
    pub members: Box<[ProcessId]>,
    pub installs: Vec<InstallId>,
    /// The fingerprint of its key, as its first line tells it.
    pub key: Option<Box<str>>,
}

#[derive(Debug)]
pub(crate) struct Period {
    pub group: GroupId,
    pub views: Vec<ViewId>,
    pub stays: Vec<StayId>,
}

#[derive(Debug)]
pub(crate) struct Install {
    pub process: ProcessId,
    pub view: ViewId,
    /// What the process installed before, unless it left in between.
    pub previous: Option<InstallId>,
    pub transitional: SetId,
    pub stay: StayId,
    /// The first view of its stay.
    pub begins: bool,
    /// Its own line names the process among the members.
    pub names_itself: bool,
    /// Its own line tells another key than the view's first.
    pub other_key: bool,
}

/// One process in one period: what it delivered there, in order, and where among these deliveries
/// everything else happened.
#[derive(Debug)]
pub(crate) struct Stay {
    pub process: ProcessId,
    pub period: PeriodId,
    pub deliveries: Vec<MessageId>,
    /// The views of the period that it installed, and after how many deliveries.
    pub views: Vec<(u32, InstallId)>,
    /// After how many deliveries there was a transitional signal.
    pub signals: Vec<u32>,
    pub end: End,
    /// Set at the end: the process came while the configuration was under way (EVS), and owes
    /// nothing that was before this order.
    pub late: Option<Order>,
}

impl Stay {
    /// After how many deliveries the signal came; after all of them, if it did not come.
    pub(crate) fn before_signal(&self) -> usize {
        self.signals.first().map_or(self.deliveries.len(), |place| *place as usize)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Open,
    Next(InstallId),
    Left,
}

#[derive(Debug)]
pub(crate) struct Message {
    pub sender: ProcessId,
    pub service: Service,
    pub to: Option<ProcessId>,
    /// The `send` line was seen.
    pub sent: bool,
    /// Where it was sent: nowhere, if the sender had no view.
    pub period: Option<PeriodId>,
    pub view: Option<ViewId>,
    pub stay: Option<StayId>,
    /// After how many deliveries of that stay; without one, after how many stays of its sender.
    pub position: u32,
    /// Set at the end: which stream of its period it belongs to, and its place there.
    pub stream: Option<u32>,
    pub index: u32,
}

/// What a single line showed to be wrong; the property that it breaks reports it.
#[derive(Debug)]
pub(crate) enum Oddity {
    ViewDiffers { install: InstallId, what: &'static str },
    SendLabel { message: MessageId, process: ProcessId, label: Option<Box<str>> },
    DeliveryLabel { message: MessageId, process: ProcessId, label: Box<str> },
    SentTwice { message: MessageId, process: ProcessId },
    SenderDiffers { message: MessageId, process: ProcessId, claimed: Box<str> },
    ServiceDiffers { message: MessageId, process: ProcessId, claimed: Service },
    SignalLabel { process: ProcessId, label: Box<str> },
}

/// Sets of processes, each kept once.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    rows: Table<SetId, Box<[ProcessId]>>,
    known: HashMap<Box<[ProcessId]>, SetId>,
}

impl Sets {
    pub(crate) fn get(&mut self, mut members: Vec<ProcessId>) -> Result<SetId, Full> {
        members.sort_unstable();
        members.dedup();
        if let Some(id) = self.known.get(members.as_slice()) {
            return Ok(*id);
        }
        let members = members.into_boxed_slice();
        let id = self.rows.push(members.clone())?;
        self.known.insert(members, id);
        Ok(id)
    }

    /// Sorted.
    pub(crate) fn members(&self, id: SetId) -> &[ProcessId] {
        &self.rows[id]
    }

    pub(crate) fn contains(&self, id: SetId, process: ProcessId) -> bool {
        self.rows[id].binary_search(&process).is_ok()
    }
}

/// What a stay delivered while one view was its last one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub view: ViewId,
    pub begin: usize,
    pub deliveries: &'a [MessageId],
}

impl History {
    pub(crate) fn semantics(&self, group: GroupId) -> Semantics {
        self.groups[group].semantics.unwrap_or_default()
    }

    /// A stay's deliveries, view by view.
    pub(crate) fn parts<'a>(&'a self, stay: &'a Stay) -> impl Iterator<Item = Part<'a>> {
        stay.views.iter().enumerate().map(|(number, (begin, install))| {
            let next = stay.views.get(number + 1);
            let end = next.map_or(stay.deliveries.len(), |(end, _)| *end as usize);
            let begin = *begin as usize;
            let view = self.installs[*install].view;
            Part { view, begin, deliveries: &stay.deliveries[begin..end] }
        })
    }

    /// The transitional set with which the process went on to the next period.
    pub(crate) fn transitional_set(&self, stay: &Stay) -> Option<SetId> {
        match stay.end {
            End::Next(install) => Some(self.installs[install].transitional),
            End::Open | End::Left => None,
        }
    }

    /// The stay is at its end and nothing speaks against judging it: the process went on, or it is
    /// alive and the caller says that the run has settled.
    pub(crate) fn is_judged(&self, stay: &Stay, settled: bool) -> bool {
        match stay.end {
            End::Next(_) => true,
            End::Left => false,
            End::Open => settled && !self.processes[stay.process].crashed,
        }
    }

    /// The process delivered the message, wherever that was. Slow: for explanations.
    pub(crate) fn delivered(&self, process: ProcessId, message: MessageId) -> bool {
        let row = &self.processes[process];
        row.strays.contains(&message)
            || row.stays.iter().any(|stay| self.stays[*stay].deliveries.contains(&message))
    }

    pub(crate) fn in_group(&self, group: GroupId) -> impl Iterator<Item = ProcessId> {
        self.processes.iter().filter(move |(_, row)| row.group == group).map(|(id, _)| id)
    }

    pub(crate) fn deliveries(&self) -> u64 {
        let number = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        let inside: u64 = self.stays.iter().map(|(_, stay)| number(stay.deliveries.len())).sum();
        let outside: u64 = self.processes.iter().map(|(_, row)| number(row.strays.len())).sum();
        inside + outside
    }

    /// "a, b and c", shortened if there are many.
    pub(crate) fn list(&self, processes: &[ProcessId]) -> String {
        const SHOWN: usize = 12;
        let names: Vec<&str> =
            processes.iter().take(SHOWN).map(|process| self.processes.name(*process)).collect();
        match processes.len().checked_sub(SHOWN) {
            Some(more) if more > 0 => format!("{{{} and {more} more}}", names.join(", ")),
            _ => format!("{{{}}}", names.join(", ")),
        }
    }
}

/// The scope of names that belong to a group.
pub(crate) fn scope(group: GroupId) -> u32 {
    // A table's places fit.
    u32::try_from(group.place()).unwrap_or(u32::MAX)
}
