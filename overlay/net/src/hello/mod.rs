//! The handshake that comes before anything else of a peer: versions, overlay, admission, and who
//! the two are. Pure: messages go in and come out.
//!
//! ```text
//! initiator                                                      responder
//!    │  Greeting: versions, kind of admission, overlay's tag, nonce   │
//!    │ ─────────────────────────────────────────────────────────────▶ │
//!    │ ◀───────────────────────────────────────────────────────────── │  Greeting
//!    │  Proof (psk): MAC over both greetings and both keys            │
//!    │ ─────────────────────────────────────────────────────────────▶ │  wrong: Refused, no more
//!    │ ◀───────────────────────────────────────────────────────────── │  Introduction, its MAC
//!    │  Introduction, its MAC over both incarnations                  │
//!    │ ─────────────────────────────────────────────────────────────▶ │
//!    │ ◀───────────────────────────────────────────────────────────── │  Welcome
//! ```
//!
//! It runs inside the encrypted and authenticated transport, so both know the other's key already.
//! With `psk` the overlay's tag is not sent, and nobody says more than its versions and a nonce to
//! who has not proved to know the secret; the initiator's first proof tells nothing without it.

pub(crate) mod gatekeeper;
mod message;
#[cfg(test)]
mod tests;

use crate::{admission::Admission, status::Drop};
use libp2p::PeerId;
use message::{Greeting, Introduction, Message};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The versions of the protocols that this node speaks, from the oldest to the newest. Two nodes
/// speak the newest that both do; each release speaks its predecessor's, so neighbours interoperate.
pub(crate) const VERSIONS: (u8, u8) = (1, 1);

/// No message of the handshake is larger: an introduction carries one address record.
pub(crate) const MAX_MESSAGE: usize = 8 << 10;

/// Why two nodes do not go together. On the wire it is one byte: no text of a peer is ever shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// No common version.
    #[error(
        "it speaks versions {lowest} to {highest} of the protocol, this node {ours_lowest} to \
         {ours_highest}: update the older one", ours_lowest = VERSIONS.0, ours_highest = VERSIONS.1
    )]
    Version { lowest: u8, highest: u8 },
    /// Another kind of admission.
    #[error("it uses another kind of admission: set the same on both nodes")]
    Kind,
    /// Another overlay's name.
    #[error("it belongs to another overlay: check the overlay's name on both nodes")]
    Overlay,
    /// Not in the list, or the secret is another one.
    #[error("it is not admitted: check the secret or list, and the overlay's name, on both nodes")]
    Admission,
    /// A newer life of the same node is here.
    #[error("a newer start of the same identity is here: does it run twice?")]
    Superseded,
    /// This very process.
    #[error("it is this process itself")]
    Own,
    /// Another process with this node's identity.
    #[error("another process runs with this node's identity: give each node a key of its own")]
    Twice,
    /// What it says is no handshake.
    #[error("it does not speak the handshake")]
    Malformed,
}

impl Refused {
    fn code(self) -> u8 {
        match self {
            Self::Version { .. } => 1,
            Self::Kind => 2,
            Self::Overlay => 3,
            Self::Admission => 4,
            Self::Superseded => 5,
            Self::Own => 6,
            Self::Twice => 7,
            Self::Malformed => 8,
        }
    }

    fn from_code(code: u8, versions: (u8, u8)) -> Self {
        match code {
            1 => Self::Version { lowest: versions.0, highest: versions.1 },
            2 => Self::Kind,
            3 => Self::Overlay,
            4 => Self::Admission,
            5 => Self::Superseded,
            6 => Self::Own,
            7 => Self::Twice,
            _ => Self::Malformed,
        }
    }

    /// What it is counted as.
    pub(crate) fn reason(self) -> Drop {
        match self {
            Self::Version { .. } => Drop::Version,
            Self::Kind | Self::Overlay => Drop::Overlay,
            Self::Admission => Drop::Admission,
            Self::Superseded | Self::Own | Self::Twice => Drop::Superseded,
            Self::Malformed => Drop::Handshake,
        }
    }
}

/// The admission, ready for handshakes.
pub(crate) struct Entry {
    kind: Kind,
    /// What strangers may compare: zero with `psk`.
    greeting_tag: [u8; 32],
    /// What belongs to this overlay and no other: bound into every signature.
    pub(crate) tag: [u8; 32],
}

enum Kind {
    Psk(Zeroizing<[u8; 32]>),
    Allowlist(std::collections::BTreeSet<PeerId>),
    Open,
}

impl Entry {
    /// Derives keys and tags.
    pub(crate) fn new(admission: &Admission, overlay: &str) -> Self {
        let name = overlay.as_bytes();
        let (kind, tag) = match admission {
            Admission::Psk(psk) => {
                let mut material = Zeroizing::new(Vec::with_capacity(32 + name.len()));
                material.extend_from_slice(psk.as_bytes());
                material.extend_from_slice(name);
                let key = blake3::derive_key("cenacle 2026 overlay admission psk v1", &material);
                let tag = blake3::derive_key("cenacle 2026 overlay secret tag v1", &material);
                (Kind::Psk(Zeroizing::new(key)), tag)
            }
            Admission::Allowlist(peers) => (
                Kind::Allowlist(peers.clone()),
                blake3::derive_key("cenacle 2026 overlay allowlist tag v1", name),
            ),
            Admission::Open => {
                (Kind::Open, blake3::derive_key("cenacle 2026 overlay open tag v1", name))
            }
        };
        let greeting_tag = if matches!(kind, Kind::Psk(_)) { [0; 32] } else { tag };
        Self { kind, greeting_tag, tag }
    }

    fn code(&self) -> u8 {
        match self.kind {
            Kind::Open => 0,
            Kind::Allowlist(_) => 1,
            Kind::Psk(_) => 2,
        }
    }

    /// Whether a key may be here at all; with `psk` and `open` every key may.
    pub(crate) fn allows(&self, peer: &PeerId) -> bool {
        match &self.kind {
            Kind::Allowlist(peers) => peers.contains(peer),
            Kind::Psk(_) | Kind::Open => true,
        }
    }

    fn mac(&self, label: &[u8; 16], transcript: &blake3::Hasher, rest: &[u64]) -> [u8; 32] {
        let Kind::Psk(key) = &self.kind else { return [0; 32] };
        let mut hasher = blake3::Hasher::new_keyed(key);
        hasher.update(label).update(transcript.finalize().as_bytes());
        for number in rest {
            hasher.update(&number.to_be_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

/// Which side one is; the transport says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Initiator,
    Responder,
}

/// What one says of oneself.
#[derive(Clone, Debug)]
pub(crate) struct Ours {
    pub(crate) role: Role,
    /// The public keys that the transport has proved.
    pub(crate) key: [u8; 32],
    pub(crate) peer_key: [u8; 32],
    pub(crate) nonce: [u8; 32],
    pub(crate) incarnation: u64,
    /// Random for this process: tells a connection to oneself from an identity that runs twice.
    pub(crate) instance: [u8; 16],
    /// The signed address record.
    pub(crate) record: Vec<u8>,
}

/// What the other has said, proved as far as the admission asks for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Introduced {
    pub(crate) version: u8,
    pub(crate) incarnation: u64,
    pub(crate) instance: [u8; 16],
    pub(crate) record: Vec<u8>,
}

/// What follows from a message.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// Send this and go on.
    Send(Vec<u8>),
    /// Send this, if anything; it is done.
    Done(Option<Vec<u8>>, Introduced),
}

#[derive(Debug)]
enum State {
    Greeting,
    Proof,
    Introduction,
    Welcome(Introduced),
}

/// One handshake.
pub(crate) struct Handshake<'a> {
    entry: &'a Entry,
    ours: Ours,
    state: State,
    greeting: Vec<u8>,
    theirs: (u8, u8),
    version: u8,
    transcript: blake3::Hasher,
}

impl<'a> Handshake<'a> {
    /// Begins; the initiator's first message comes with it.
    pub(crate) fn new(entry: &'a Entry, ours: Ours) -> (Self, Option<Vec<u8>>) {
        let greeting = Message::Greeting(Greeting {
            versions: VERSIONS,
            kind: entry.code(),
            tag: entry.greeting_tag,
            nonce: ours.nonce,
        });
        let greeting = greeting.encode();
        let first = (ours.role == Role::Initiator).then(|| greeting.clone());
        let transcript = blake3::Hasher::new_derive_key("cenacle 2026 overlay hello v1");
        let (theirs, version) = ((0, 0), 0);
        (Self { entry, ours, state: State::Greeting, greeting, theirs, version, transcript }, first)
    }

    /// Takes a message. `judge` decides on who introduces itself; it is asked once.
    pub(crate) fn receive(
        &mut self,
        message: &[u8],
        judge: impl FnOnce(&Introduced) -> Result<(), Refused>,
    ) -> Result<Step, Refused> {
        let decoded = Message::decode(message).ok_or(Refused::Malformed)?;
        if let Message::Refused(code) = decoded {
            return Err(Refused::from_code(code, self.theirs));
        }
        let state = std::mem::replace(&mut self.state, State::Greeting);
        match (state, decoded, self.ours.role) {
            (State::Greeting, Message::Greeting(theirs), role) => {
                self.greeted(&theirs, message)?;
                match role {
                    Role::Initiator => {
                        self.state = State::Introduction;
                        Ok(Step::Send(Message::Proof(self.proof()).encode()))
                    }
                    Role::Responder => {
                        self.state = State::Proof;
                        Ok(Step::Send(self.greeting.clone()))
                    }
                }
            }
            (State::Proof, Message::Proof(proof), Role::Responder) => {
                check(&proof, &self.proof())?;
                self.state = State::Introduction;
                Ok(Step::Send(self.introduction(None)))
            }
            (State::Introduction, Message::Introduction(theirs), role) => {
                check(&theirs.mac, &self.introduction_mac(role.other(), theirs.incarnation))?;
                let introduced = Introduced {
                    version: self.version,
                    incarnation: theirs.incarnation,
                    instance: theirs.instance,
                    record: theirs.record,
                };
                judge(&introduced)?;
                match role {
                    Role::Initiator => {
                        let reply = self.introduction(Some(introduced.incarnation));
                        self.state = State::Welcome(introduced);
                        Ok(Step::Send(reply))
                    }
                    Role::Responder => Ok(Step::Done(Some(Message::Welcome.encode()), introduced)),
                }
            }
            (State::Welcome(introduced), Message::Welcome, Role::Initiator) => {
                Ok(Step::Done(None, introduced))
            }
            _ => Err(Refused::Malformed),
        }
    }

    fn greeted(&mut self, theirs: &Greeting, message: &[u8]) -> Result<(), Refused> {
        self.theirs = theirs.versions;
        let (lowest, highest) = theirs.versions;
        self.version = highest.min(VERSIONS.1);
        if self.version < lowest.max(VERSIONS.0) {
            return Err(Refused::Version { lowest, highest });
        }
        if theirs.kind != self.entry.code() {
            return Err(Refused::Kind);
        }
        if theirs.tag != self.entry.greeting_tag {
            return Err(Refused::Overlay);
        }
        // Both greetings as they were sent, so that versions cannot be talked down, and both keys.
        let (first, second, keys) = match self.ours.role {
            Role::Initiator => (&*self.greeting, message, [self.ours.key, self.ours.peer_key]),
            Role::Responder => (message, &*self.greeting, [self.ours.peer_key, self.ours.key]),
        };
        for part in [first, second, &keys[0], &keys[1]] {
            self.transcript.update(&(part.len() as u64).to_be_bytes()).update(part);
        }
        Ok(())
    }

    /// That the initiator knows the secret; both can compute it.
    fn proof(&self) -> [u8; 32] {
        self.entry.mac(b"initiator knows ", &self.transcript, &[])
    }

    /// The proof in the introduction of the side `of`, whose incarnation may be ours or theirs.
    fn introduction_mac(&self, of: Role, theirs: u64) -> [u8; 32] {
        let incarnation = self.ours.incarnation;
        match (of, self.ours.role) {
            (Role::Responder, Role::Initiator) => {
                self.entry.mac(b"responder is    ", &self.transcript, &[theirs])
            }
            (Role::Responder, Role::Responder) => {
                self.entry.mac(b"responder is    ", &self.transcript, &[incarnation])
            }
            (Role::Initiator, Role::Initiator) => {
                self.entry.mac(b"initiator is    ", &self.transcript, &[incarnation, theirs])
            }
            (Role::Initiator, Role::Responder) => {
                self.entry.mac(b"initiator is    ", &self.transcript, &[theirs, incarnation])
            }
        }
    }

    fn introduction(&self, theirs: Option<u64>) -> Vec<u8> {
        Message::Introduction(Introduction {
            incarnation: self.ours.incarnation,
            instance: self.ours.instance,
            mac: self.introduction_mac(self.ours.role, theirs.unwrap_or(0)),
            record: self.ours.record.clone(),
        })
        .encode()
    }
}

impl Role {
    fn other(self) -> Self {
        match self {
            Self::Initiator => Self::Responder,
            Self::Responder => Self::Initiator,
        }
    }
}

/// As the refused one is told.
pub(crate) fn refusal(refused: Refused) -> Vec<u8> {
    Message::Refused(refused.code()).encode()
}

fn check(theirs: &[u8; 32], ours: &[u8; 32]) -> Result<(), Refused> {
    if bool::from(theirs.ct_eq(ours)) { Ok(()) } else { Err(Refused::Admission) }
}
