//! What the application knows about one of its members.

use bytes::Bytes;
use cenacle_core::{MemberId, Semantics, Service, View, ViewId};

/// Where a member stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Never joins: sends to an open group from outside.
    Outsider,
    /// Joins, or is in.
    Wanted,
    /// Asked to leave.
    Leaving,
    /// Has left, or was refused.
    Gone,
}

/// One member of a node.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub id: MemberId,
    /// The number of its group.
    pub group: usize,
    /// What its group promises.
    pub semantics: Semantics,
    /// Where it stands.
    pub standing: Standing,
    /// It answers flush requests itself, after so many microseconds.
    pub flush_after: Option<u64>,
    /// The mean time between its messages, in microseconds; 0: it is silent.
    pub pace: u64,
    /// Its node knows of its wish: what it says now is a member's, and not an outsider's.
    pub asked: bool,
    /// When it talks next is laid down.
    pub talking: bool,
    /// What it expects of its group.
    pub charter: Bytes,
    /// What it said with its join.
    pub blob: Bytes,
    /// What it said with its flush of the present view.
    pub flushed_with: Bytes,
    /// Its present view.
    pub view: Option<ViewId>,
    /// The members of that.
    pub members: Vec<MemberId>,
    /// It has been asked to flush since then.
    pub flushing: bool,
    /// The transitional signal came since then.
    pub signalled: bool,
    /// Reliable multicasts delivered in the present view.
    pub in_view: u64,
    /// Its own reliable multicasts that were taken, but not delivered to itself yet; and their bytes.
    pub owed: (u64, u64),
    /// It does not try to send before.
    pub rests_until: u64,
}

impl Member {
    /// A member that has done nothing yet.
    pub fn new(id: MemberId, group: usize, semantics: Semantics, standing: Standing) -> Self {
        Self {
            id,
            group,
            semantics,
            standing,
            flush_after: None,
            pace: 0,
            asked: false,
            talking: false,
            charter: Bytes::new(),
            blob: Bytes::new(),
            flushed_with: Bytes::new(),
            view: None,
            members: Vec::new(),
            flushing: false,
            signalled: false,
            in_view: 0,
            owed: (0, 0),
            rests_until: 0,
        }
    }

    /// A message of it was taken.
    pub fn took(&mut self, service: Service, bytes: usize) {
        if self.standing != Standing::Outsider && is_reliable_multicast(service) {
            self.owed.0 += 1;
            self.owed.1 += bytes as u64;
        }
    }

    /// A message was delivered to it.
    pub fn delivered(&mut self, from: MemberId, service: Service, bytes: usize) {
        if !is_reliable_multicast(service) {
            return;
        }
        self.in_view += 1;
        if from == self.id {
            self.owed.0 = self.owed.0.saturating_sub(1);
            self.owed.1 = self.owed.1.saturating_sub(bytes as u64);
        }
    }

    /// A view was installed.
    pub fn installed(&mut self, view: View) {
        self.view = Some(view.id);
        self.members = view.members;
        self.flushed_with = Bytes::new();
        (self.flushing, self.signalled, self.in_view) = (false, false, 0);
    }

    /// It has left, or is put out.
    pub fn gone(&mut self) {
        self.standing = Standing::Gone;
        self.asked = false;
        self.view = None;
        (self.members, self.flushed_with) = (Vec::new(), Bytes::new());
        (self.flushing, self.signalled, self.owed) = (false, false, (0, 0));
    }

    /// Whether it may send now.
    pub fn may_send(&self, now: u64) -> bool {
        let talks = matches!(self.standing, Standing::Outsider | Standing::Wanted);
        talks && now >= self.rests_until
    }

    /// What still has to happen before it is at rest.
    pub fn unrest(&self) -> Option<&'static str> {
        match self.standing {
            Standing::Outsider | Standing::Gone => None,
            Standing::Leaving => Some("wants to leave and has not left"),
            Standing::Wanted if self.view.is_none() => Some("wants in and has no view"),
            Standing::Wanted if self.flushing => Some("was asked to flush and got no view"),
            Standing::Wanted if self.signalled => Some("got a signal and no view"),
            Standing::Wanted if self.owed.0 > 0 => Some("has not got its own messages"),
            Standing::Wanted => None,
        }
    }
}

/// Whether every member of the view gets a message of this service.
pub(crate) fn is_reliable_multicast(service: Service) -> bool {
    !matches!(service, Service::Unreliable | Service::Unicast)
}
