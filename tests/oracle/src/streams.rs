//! What can be said only when the whole trace is known: which messages form a stream, who came
//! late, and which stays moved on together.
//!
//! A *stream* is what one process sent by reliable multicast in one period, or by unicast to one
//! other process in it. A message's `index` is its place there.
//!
//! A stay is *late* if the process had no view before it (in this life), and the configuration had
//! views of the group already: it joined an EVS group under way. Joins are agreed entries, so agreed
//! and safe messages that others delivered before its first view are none of its business, nor is
//! what was sent by members who had not yet installed that view. All else is. Views of VS groups
//! are whole from their beginning: nobody is late there.

use std::collections::BTreeMap;

use crate::history::{End, History, Part, Stay};
use crate::line::{Order, Service};
use crate::table::{Id, InstallId, Marks, MessageId, PeriodId, ProcessId, SetId, StayId, ViewId};

/// What one process sent in one period, in order.
#[derive(Debug)]
pub(crate) struct Stream {
    pub sender: ProcessId,
    /// Of a unicast stream.
    pub to: Option<ProcessId>,
    pub messages: Vec<MessageId>,
}

/// The streams of each period.
#[derive(Debug)]
pub(crate) struct Streams(Vec<Vec<Stream>>);

impl Streams {
    pub(crate) fn of(&self, period: PeriodId) -> &[Stream] {
        &self.0[period.place()]
    }

    /// Completes the history and sorts its messages into streams.
    pub(crate) fn sort(history: &mut History) -> Self {
        spread_crashes(history);
        find_late(history);
        place_open_sends(history);
        let mut streams = Self(history.periods.ids().map(|_| Vec::new()).collect());
        for process in history.processes.ids() {
            let mut known: BTreeMap<_, u32> = BTreeMap::new();
            for number in 0..history.processes[process].sends.len() {
                let id = history.processes[process].sends[number];
                let message = &mut history.messages[id];
                let Some(period) = message.period else { continue };
                if message.service == Service::Unreliable {
                    continue;
                }
                let rows = &mut streams.0[period.place()];
                // A unicast comes in its view or not at all: in EVS groups there are several in a
                // period, and what was lost with one leaves no gap in the next.
                let view = message.to.and(message.view);
                let stream = *known.entry((period, message.to, view)).or_insert_with(|| {
                    rows.push(Stream { sender: process, to: message.to, messages: Vec::new() });
                    small(rows.len() - 1)
                });
                let row = &mut rows[stream as usize];
                message.stream = Some(stream);
                message.index = small(row.messages.len());
                row.messages.push(id);
            }
        }
        streams
    }

    /// For a process that came late: where, in each stream of its period, that begins which it may
    /// not miss. Empty for others, who may miss nothing.
    pub(crate) fn first_due(&self, history: &History, stay: &Stay) -> Vec<u32> {
        let Some(start) = stay.late else { return Vec::new() };
        let is_due = |message: &MessageId| {
            let view = history.messages[*message].view;
            view.is_some_and(|view| history.views[view].order >= start)
        };
        let first = |stream: &Stream| {
            let due = stream.messages.iter().position(is_due);
            small(due.unwrap_or(stream.messages.len()))
        };
        self.of(stay.period).iter().map(first).collect()
    }
}

/// Tables hold no more than `u32::MAX` rows, so lists of their ids do not either.
pub(crate) fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A crash without a group is one in all groups.
fn spread_crashes(history: &mut History) {
    for process in history.processes.ids() {
        let member = history.members.find(0, history.processes.name(process));
        if member.is_some_and(|member| history.members[member].crashed) {
            history.processes[process].crashed = true;
        }
    }
}

fn find_late(history: &mut History) {
    for stay in history.stays.ids() {
        let row = &history.stays[stay];
        let Some((_, first)) = row.views.first() else { continue };
        let install = &history.installs[*first];
        let order = history.views[install.view].order;
        let views = &history.periods[row.period].views;
        let earlier = || views.iter().any(|view| history.views[*view].order < order);
        if install.previous.is_none() && earlier() {
            history.stays[stay].late = Some(order);
        }
    }
}

/// A sender that is no member of an EVS group has no configuration of its own to name: its message
/// belongs to the one in which it was first delivered.
fn place_open_sends(history: &mut History) {
    for stay in history.stays.ids() {
        let period = history.stays[stay].period;
        for number in 0..history.stays[stay].deliveries.len() {
            let message = history.stays[stay].deliveries[number];
            let row = &mut history.messages[message];
            if row.sent && row.period.is_none() {
                row.period = Some(period);
            }
        }
    }
}

/// Stays of one period that must have delivered the same.
#[derive(Debug)]
pub(crate) struct Company {
    pub stays: Vec<StayId>,
    /// Where they went together; absent if they are together at the end of a settled run.
    pub next: Option<ViewId>,
    /// The latest beginning, if one of them came late.
    pub start: Option<Order>,
    /// Who is in their transitional set, and has not installed that view.
    pub absent: Vec<ProcessId>,
}

impl Company {
    /// Whether a message counts that a stay delivered in this part of it.
    pub(crate) fn counts(&self, history: &History, part: &Part<'_>, message: MessageId) -> bool {
        let Some(start) = self.start else { return true };
        let row = &history.messages[message];
        let sent = row.view.is_some_and(|view| history.views[view].order >= start);
        sent || row.service.is_ordered() && history.views[part.view].order >= start
    }
}

/// All that moved together. The paper: "if process p installs a view v with process q in its
/// transitional set and process q installs v as well, then p and q are said to move together".
pub(crate) fn companies(history: &History, settled: bool) -> Vec<Company> {
    let mut found = Vec::new();
    let mut place = Installed::new(history);
    for (view, row) in history.views.iter() {
        place.fill(history, view);
        let mut classes: BTreeMap<(ViewId, SetId), Vec<StayId>> = BTreeMap::new();
        for install in row.installs.iter().filter(|id| history.installs[**id].begins) {
            let Some((before, stay)) = came_from(history, *install) else { continue };
            let set = history.installs[*install].transitional;
            classes.entry((before, set)).or_default().push(stay);
        }
        for ((before, set), mut stays) in classes {
            let members = history.sets.members(set);
            for other in members {
                let from = place.of(*other).and_then(|install| came_from(history, install));
                stays.extend(from.filter(|from| from.0 == before).map(|from| from.1));
            }
            let absent = members.iter().copied().filter(|other| place.of(*other).is_none());
            found.push(company(history, stays, Some(view), absent.collect()));
        }
    }
    for (_, period) in history.periods.iter().filter(|_| settled) {
        let open = |stay: &StayId| {
            let row = &history.stays[*stay];
            row.end == End::Open && history.is_judged(row, settled)
        };
        let stays = period.stays.iter().copied().filter(open).collect();
        found.push(company(history, stays, None, Vec::new()));
    }
    found
}

fn company(
    history: &History,
    mut stays: Vec<StayId>,
    next: Option<ViewId>,
    absent: Vec<ProcessId>,
) -> Company {
    stays.sort_unstable();
    stays.dedup();
    let start = stays.iter().filter_map(|stay| history.stays[*stay].late).max();
    Company { stays, next, start, absent }
}

/// The view and the stay that ended when this view was installed.
fn came_from(history: &History, install: InstallId) -> Option<(ViewId, StayId)> {
    let previous = &history.installs[history.installs[install].previous?];
    Some((previous.view, previous.stay))
}

/// Who installed a view, and how: by process, for one view at a time.
#[derive(Debug)]
pub(crate) struct Installed {
    filled: Marks<ProcessId>,
    installs: Vec<Option<InstallId>>,
}

impl Installed {
    pub(crate) fn new(history: &History) -> Self {
        let processes = history.processes.len();
        Self { filled: Marks::new(processes), installs: vec![None; processes] }
    }

    pub(crate) fn fill(&mut self, history: &History, view: ViewId) {
        self.filled.clear();
        for install in &history.views[view].installs {
            let process = history.installs[*install].process;
            if self.filled.insert(process) {
                self.installs[process.place()] = Some(*install);
            }
        }
    }

    pub(crate) fn of(&self, process: ProcessId) -> Option<InstallId> {
        self.installs[process.place()].filter(|_| self.filled.contains(process))
    }
}
