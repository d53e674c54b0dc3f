//! The members of this node, at the pump's end: their events go out from here, and their commands
//! wait here for room in the engine.

use super::event::{Event, Fingerprint, Message, Modules, Sent, State, View};
use super::names;
use super::seat::{Item, Seat};
use super::shared::{Command, Shared};
use super::state::{self, Standing};
use crate::Error;
use bytes::Bytes;
use cenacle_core as core;
use cenacle_core::{GroupName, Service, Time};
use cenacle_secure::{Event as Told, SecureView, safety_number};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// A body is a slice of the block of frames that brought it. While so many bytes of events wait,
/// smaller bodies are copied, so that a slow reader of small messages does not keep whole blocks.
const LAGGING: usize = 128 << 10;
/// Bodies that are worth a copy then; larger ones keep little else.
const SMALL: usize = 16 << 10;

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    places: BTreeMap<u32, Place>,
    /// Who has events that are not handed over.
    touched: Vec<u32>,
    /// Who has commands that wait.
    waiting: BTreeSet<u32>,
    /// Whether another node of the overlay is connected.
    connected: bool,
}

#[derive(Debug)]
struct Place {
    seat: Arc<Seat>,
    staged: VecDeque<Item>,
    commands: VecDeque<Command>,
    state: Option<State>,
    /// In a group with keys.
    standing: Option<cenacle_secure::Standing>,
    touched: bool,
    /// The last event has been told.
    ended: bool,
    /// Nobody reads.
    deaf: bool,
}

/// What became of an event, with its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Kept(usize),
    Nobody(usize),
}

impl Desk {
    /// A member has asked to join.
    pub(crate) fn open(&mut self, local: u32, seat: Arc<Seat>, now: Time) {
        let place = Place {
            seat,
            staged: VecDeque::new(),
            commands: VecDeque::new(),
            state: None,
            standing: None,
            touched: false,
            ended: false,
            deaf: false,
        };
        self.places.insert(local, place);
        self.review(local, now);
    }

    pub(crate) fn group(&self, local: u32) -> Option<GroupName> {
        self.places.get(&local).map(|place| place.seat.group.clone())
    }

    pub(crate) fn seats(&self) -> impl Iterator<Item = (&Arc<Seat>, Option<State>)> {
        self.places.values().map(|place| (&place.seat, place.state))
    }

    // -- commands

    /// The command, unless it has to wait behind others of its member, or there is no such member
    /// any more, who was told so.
    pub(crate) fn behind_others(&mut self, local: u32, command: Command) -> Option<Command> {
        let place = self.places.get_mut(&local)?;
        if place.commands.is_empty() {
            return Some(command);
        }
        place.commands.push_back(command);
        None
    }

    /// The command waits for room.
    pub(crate) fn wait(&mut self, local: u32, command: Command) {
        if let Some(place) = self.places.get_mut(&local) {
            place.commands.push_back(command);
            self.waiting.insert(local);
        }
    }

    /// The command goes on waiting, before all others of its member.
    pub(crate) fn wait_first(&mut self, local: u32, command: Command) {
        if let Some(place) = self.places.get_mut(&local) {
            place.commands.push_front(command);
            self.waiting.insert(local);
        }
    }

    pub(crate) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Who has commands that wait; they do not any more unless they are put back.
    pub(crate) fn waiting(&mut self) -> BTreeSet<u32> {
        std::mem::take(&mut self.waiting)
    }

    pub(crate) fn next_waiting(&mut self, local: u32) -> Option<Command> {
        self.places.get_mut(&local)?.commands.pop_front()
    }

    /// Gives up on all that waits; tells what would have been sent.
    pub(crate) fn drop_waiting(&mut self) -> Vec<(u32, Service)> {
        let mut dropped = Vec::new();
        for local in std::mem::take(&mut self.waiting) {
            while let Some(command) = self.next_waiting(local) {
                match command {
                    Command::Send { service, .. } => dropped.push((local, service)),
                    Command::Unicast { .. } => dropped.push((local, Service::Unicast)),
                    _ => {}
                }
            }
        }
        dropped
    }

    /// The engine has taken, or refused for good, a command of this cost.
    pub(crate) fn taken(&self, local: u32, cost: usize) {
        if let Some(place) = self.places.get(&local) {
            place.seat.release(cost);
        }
    }

    /// The member sends no more.
    pub(crate) fn leaving(&self, local: u32) {
        if let Some(place) = self.places.get(&local) {
            place.seat.set_standing(Standing::Gone);
        }
    }

    /// Whoever waits to send looks again.
    pub(crate) fn wake_writers(&self) {
        self.places.values().for_each(|place| place.seat.wake_writers());
    }

    /// A message that was accepted is refused after all.
    pub(crate) fn not_sent(&mut self, local: u32, service: Service, reason: Error, now: Time) {
        self.push(local, Event::NotSent { service, reason }, 0, now);
    }

    // -- events

    /// Another node of the overlay is connected, or none is any more.
    pub(crate) fn set_connected(&mut self, connected: bool, now: Time) {
        if std::mem::replace(&mut self.connected, connected) != connected {
            let all: Vec<u32> = self.places.keys().copied().collect();
            for local in all {
                self.review(local, now);
            }
        }
    }

    /// What the engine tells a member.
    pub(crate) fn tell(&mut self, local: u32, event: Told, unread: usize, now: Time) -> Verdict {
        let weight = event.weight();
        let Some(place) = self.places.get_mut(&local) else { return Verdict::Nobody(weight) };
        let event = match event {
            Told::Plain(event) => translate(event, unread > LAGGING),
            Told::Secure(view) => Event::View(secure_view(*view, &place.seat.modules)),
            Told::Standing(standing) => {
                place.standing = Some(standing);
                self.review(local, now);
                return Verdict::Nobody(weight);
            }
            // Told to whoever runs the node.
            _ => return Verdict::Nobody(weight),
        };
        match &event {
            Event::View(view) => {
                place.seat.set_view(Some(Arc::new(view.clone())));
                place.seat.set_standing(Standing::Member);
            }
            last if last.is_last() => {
                place.ended = true;
                place.seat.set_standing(Standing::Gone);
                place.seat.set_view(None);
            }
            _ => {}
        }
        let verdict = if place.deaf { Verdict::Nobody(weight) } else { Verdict::Kept(weight) };
        let is_view = matches!(event, Event::View(_));
        self.push(local, event, weight, now);
        if is_view {
            self.review(local, now);
        }
        verdict
    }

    fn push(&mut self, local: u32, event: Event, weight: usize, time: Time) {
        let Some(place) = self.places.get_mut(&local) else { return };
        if !std::mem::replace(&mut place.touched, true) {
            self.touched.push(local);
        }
        if !place.deaf {
            place.staged.push_back(Item { event, weight, time });
        }
    }

    /// Tells the member how it stands, if that has changed.
    fn review(&mut self, local: u32, now: Time) {
        let Some(place) = self.places.get_mut(&local) else { return };
        let members = place.seat.view().map(|view| view.members.len());
        let state = match &place.seat.modules {
            None => state::of_insecure(members, self.connected),
            Some(_) => state::of_secure(place.standing.as_ref(), self.connected),
        };
        if !place.ended && place.state.replace(state) != Some(state) {
            self.push(local, Event::State(state), 0, now);
        }
    }

    /// Hands events over to who reads them: one lock and one wake-up for each member.
    pub(crate) fn hand_over(&mut self, shared: &Shared) {
        for local in std::mem::take(&mut self.touched) {
            let Some(place) = self.places.get_mut(&local) else { continue };
            place.touched = false;
            if let Some(unread) = place.seat.put(&mut place.staged, place.ended) {
                place.deaf = true;
                shared.has_read(unread);
            }
            if place.ended {
                self.places.remove(&local);
                self.waiting.remove(&local);
            }
        }
    }

    /// The member whose unread events weigh most is not told any more; which it is.
    pub(crate) fn put_out(&mut self, shared: &Shared, now: Time) -> Option<u32> {
        let (&local, place) = self
            .places
            .iter_mut()
            .filter(|(_, place)| !place.ended && !place.deaf)
            .max_by_key(|(_, place)| place.seat.unread())?;
        let refusal = core::Refusal {
            code: "not_reading".to_owned(),
            detail: "the application does not read its events: read them, and join again".into(),
            charter: None,
        };
        place.seat.set_standing(Standing::Gone);
        place.deaf = true;
        place.staged.clear();
        let last = Item { event: Event::Refused(refusal), weight: 0, time: now };
        shared.has_read(place.seat.cut_short(last));
        Some(local)
    }

    /// The pump has ended: nothing comes any more.
    pub(crate) fn close(&mut self, shared: &Shared) {
        for place in self.places.values_mut() {
            place.seat.set_standing(Standing::Gone);
            place.touched = true;
            place.ended = true;
        }
        self.touched = self.places.keys().copied().collect();
        self.hand_over(shared);
    }
}

/// In the words of this crate.
fn translate(event: core::Event, copy: bool) -> Event {
    match event {
        core::Event::Message { from, number, view, service, order, body } => {
            let body = match copy && body.len() <= SMALL {
                true => Bytes::copy_from_slice(&body),
                false => body,
            };
            Event::Message(Message { from, number, view, service, order, body })
        }
        core::Event::Sent { number, view, service, to } => {
            Event::Sent(Sent { number, view, service, to })
        }
        core::Event::Transitional { view } => Event::Transitional { view },
        core::Event::FlushRequest { view } => Event::FlushRequest { view },
        core::Event::View(view) => Event::View(View {
            names: names_in(&view),
            modules: Modules::NONE,
            id: view.id,
            configuration: view.configuration,
            members: view.members,
            transitional: view.transitional,
            key: Fingerprint::NONE,
            safety: None,
        }),
        core::Event::Left => Event::Left,
        core::Event::Refused(refusal) => Event::Refused(refusal),
    }
}

/// A view with a key, in the words of this crate.
fn secure_view(secure: SecureView, modules: &Option<Modules>) -> View {
    let view = secure.view;
    View {
        names: names_in(&view),
        modules: modules.clone().unwrap_or_default(),
        id: view.id,
        configuration: view.configuration,
        members: view.members,
        transitional: view.transitional,
        key: Fingerprint::of(secure.fingerprint),
        safety: Some(safety_number(&secure.safety)),
    }
}

/// What the members of a view go by.
fn names_in(view: &core::View) -> BTreeMap<core::MemberId, String> {
    let mut names = names::of_record(&view.record);
    names.retain(|member, _| view.members.contains(member));
    names
}
