//! What the member of a group is told.

use bytes::Bytes;
use cenacle_core::{Ballot, MemberId, Order, Refusal, Service, ViewId};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// Something that happened to a member of a group, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// How the member stands has changed.
    State(State),
    /// A new view.
    View(View),
    /// A message.
    Message(Message),
    /// A message of this member has got its number and its view.
    Sent(Sent),
    /// The transitional signal: messages that follow were sent before the next view, and perhaps
    /// not all members of this one have them.
    Transitional {
        /// The view that ends.
        view: ViewId,
    },
    /// The next view wants to come. With `manual_flush` the application answers by
    /// [`crate::Group::flush_ok`]; otherwise it is answered already.
    FlushRequest {
        /// The view that ends.
        view: ViewId,
    },
    /// The member has left; the last event.
    Left,
    /// The member was not let in, or was put out; the last event.
    Refused(Refusal),
    /// A message that was accepted could not be sent: its group or addressee had gone meanwhile, or
    /// the node stopped.
    NotSent {
        /// How it should have travelled.
        service: Service,
        /// Why it did not.
        reason: crate::Error,
    },
}

impl Event {
    /// Whether nothing follows.
    pub(crate) fn is_last(&self) -> bool {
        matches!(self, Self::Left | Self::Refused(_))
    }
}

/// How a member stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum State {
    /// No other node of the overlay is connected: whoever is in the view is this node's own.
    Offline,
    /// Other nodes are there; the member is not in a view yet.
    Discovering,
    /// In a view whose key is being agreed: what is sent waits.
    Agreeing,
    /// In a view whose members share a key that nobody else has.
    Secure,
    /// In a view of a group without keys: whoever is admitted to the overlay can read it.
    Insecure,
    /// In a view in which this member may only listen.
    ReadOnly,
}

impl State {
    /// As event lines spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Discovering => "discovering",
            Self::Agreeing => "agreeing",
            Self::Secure => "secure",
            Self::Insecure => "insecure",
            Self::ReadOnly => "read_only",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A message as it is delivered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// Who sent it.
    pub from: MemberId,
    /// Counts its sender's messages, from 1.
    pub number: u64,
    /// The present view here.
    pub view: ViewId,
    /// How it travelled.
    pub service: Service,
    /// Its place, if it is agreed or safe.
    pub order: Option<Order>,
    /// What.
    pub body: Bytes,
}

/// A message of this member on its way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sent {
    /// Counts this member's messages, from 1.
    pub number: u64,
    /// The view it belongs to.
    pub view: Option<ViewId>,
    /// How it travels.
    pub service: Service,
    /// The addressee of a unicast.
    pub to: Option<MemberId>,
}

/// Who is in the group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct View {
    /// Its name, with its place in the order.
    pub id: ViewId,
    /// The configuration that installed it.
    pub configuration: Ballot,
    /// The members by seniority.
    pub members: Vec<MemberId>,
    /// The members that come from the same previous view together with this one.
    pub transitional: Vec<MemberId>,
    /// The fingerprint of the view's key.
    pub key: Fingerprint,
    /// What two people read to each other to know that they mean the same members and the same
    /// charter; groups without keys have none.
    pub safety: Option<String>,
    /// What members go by, of those that have said so ([`crate::Builder::name`]).
    pub names: BTreeMap<MemberId, String>,
    /// What agrees the key, encrypts, and decides.
    pub modules: Modules,
}

/// The modules of a group; a group without keys has none.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Modules {
    /// The key agreement module.
    pub key_agreement: Cow<'static, str>,
    /// The cipher module.
    pub cipher: Cow<'static, str>,
    /// The policy module.
    pub policy: Cow<'static, str>,
}

impl Default for Modules {
    fn default() -> Self {
        Self::NONE
    }
}

impl Modules {
    /// Those that a charter names.
    pub(crate) fn of(charter: &cenacle_secure::Charter) -> Self {
        Self {
            key_agreement: Cow::Owned(charter.key_agreement.name.clone()),
            cipher: Cow::Owned(charter.cipher.name.clone()),
            policy: Cow::Owned(charter.policy.name.clone()),
        }
    }

    /// Those of a group without keys.
    pub const NONE: Self = Self {
        key_agreement: Cow::Borrowed("none"),
        cipher: Cow::Borrowed("none"),
        policy: Cow::Borrowed("none"),
    };
}

/// What people compare to see that they have the same key; a group without keys has none.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Fingerprint(Option<[u8; 8]>);

impl Fingerprint {
    /// The fingerprint of a group without keys.
    pub const NONE: Self = Self(None);

    /// The fingerprint of these bytes, as a view's key has it: for programs that test what they do
    /// with views.
    pub const fn of(bytes: [u8; 8]) -> Self {
        Self(Some(bytes))
    }

    /// Whether there is a key.
    pub fn is_some(&self) -> bool {
        self.0.is_some()
    }
}

impl fmt::Display for Fingerprint {
    /// Sixteen hexadecimal digits, or `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(bytes) => write!(f, "{:016x}", u64::from_be_bytes(bytes)),
            None => f.write_str("none"),
        }
    }
}
