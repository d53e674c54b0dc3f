//! The interface of policy modules: pure questions about who may do what.
//!
//! All members ask the same questions about the same ordered input and must get the same answers,
//! so a policy sees no clock and keeps no state: time comes in as the leader stamped it, and what has
//! been used once and for all as the group's table has it.

use crate::{Descriptor, Error, Member, Options};
use serde::{Deserialize, Serialize};

/// The most bytes of evidence that a join carries.
pub const MAX_EVIDENCE: usize = 4096;

/// Bytes of what stands for something that counts once ([`Use::token`]).
pub const TOKEN_LEN: usize = 16;

/// The most bytes of what bears out a use ([`Use::proof`]).
pub const MAX_PROOF: usize = 512;

/// A join that the engine has ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinRequest {
    /// The overlay in which the group is.
    pub overlay: String,
    /// The group's name.
    pub group: String,
    /// Who wants to join; its public key was proved by its signature.
    pub member: Member,
    /// What it shows for itself, such as an invitation.
    #[serde(with = "serde_bytes")]
    pub evidence: Vec<u8>,
    /// Seconds since 1970 as the leader stamped them into the join.
    pub time_s: u64,
    /// What earlier joins to this group have used, as far as it is remembered; no token twice.
    pub used: Vec<Used>,
}

/// Something that counts once in a group, such as an invitation, which a join uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// What it is told by; different for everything that counts by itself. A policy derives it from
    /// all that tells one such thing from another, by a hash.
    #[serde(with = "serde_bytes")]
    pub token: [u8; TOKEN_LEN],
    /// Seconds since 1970 from which on it does not count at all, and need not be remembered.
    pub until_s: u64,
    /// What bears it out to those who were not there, at most [`MAX_PROOF`] bytes, such as the
    /// invitation itself. It is kept with the use, and shown again when parts of the group merge.
    #[serde(with = "serde_bytes")]
    pub proof: Vec<u8>,
}

/// What a part of a group says of one of its members: that it came in by these uses. The part may be
/// one node, which asked no policy and says whatever it likes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The overlay in which the group is.
    pub overlay: String,
    /// The group's name.
    pub group: String,
    /// The member.
    pub member: Member,
    /// What it is said to have used.
    pub uses: Vec<Use>,
}

/// Something that has been used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Used {
    /// The token of the [`Use`].
    #[serde(with = "serde_bytes")]
    pub token: [u8; TOKEN_LEN],
    /// The public key of whoever used it.
    #[serde(with = "serde_bytes")]
    pub by: [u8; 32],
    /// Whether the member that came in by it is in the group, and is another one than asks now. An
    /// earlier life of the same peer, before a restart, is not: the later one takes its place.
    pub present: bool,
}

/// What a policy says of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Verdict {
    /// Let it be done.
    Allow,
    /// Do not.
    Refuse {
        /// A code for programs: `a-z` and `-`.
        reason: String,
        /// A sentence for people that says what to do.
        detail: String,
    },
}

/// What has happened under the present key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyUse {
    /// Milliseconds since the key was confirmed.
    pub age_ms: u64,
    /// Bytes that all members have sealed under it.
    pub sealed_bytes: u64,
    /// The most messages that any one sender has sealed under its key of this epoch.
    pub sealed_messages: u64,
}

/// Why a new key is due without a change of members (paper 001, section V-B).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RekeyReason {
    /// The key is old.
    TimeOut,
    /// Much has been sealed under it.
    DataOut,
}

/// What part of a group is together after a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Members of the last primary view.
    pub last_primary: u32,
    /// Those of them that are in this component.
    pub present: u32,
}

/// What a newcomer may see of what was said before it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum History {
    /// Nothing, and nothing is kept.
    None,
    /// What was said since its own join.
    SinceJoin,
    /// The last so many messages.
    Last(u32),
}

/// A policy module: describes itself and makes policies for groups.
pub trait PolicyModule: Send + Sync {
    /// Name, properties, options.
    fn descriptor(&self) -> &Descriptor;

    /// The options with all that the module would fill in by itself, so that two groups that want the
    /// same say the same: a charter holds them so. Those of most modules are complete once they were
    /// checked against the descriptor.
    fn complete(&self, options: &Options) -> Result<Options, Error> {
        Ok(options.clone())
    }

    /// The policy with a group's options, which were checked against the descriptor.
    fn create(&self, options: &Options) -> Result<Box<dyn Policy>, Error>;
}

/// The policy of one group. Every answer is a function of its arguments and the options alone.
pub trait Policy: Send + Sync {
    /// May this member join?
    fn admit(&self, request: &JoinRequest) -> Verdict;

    /// What counts once and this join uses, if [`admit`](Self::admit) allows it; nothing otherwise.
    /// Whoever asks remembers it in the group's table until its time is over, and tells it with later
    /// joins ([`JoinRequest::used`]). Where two parts of a group have let two peers in by the same, the
    /// later one is put out when the parts merge.
    fn uses(&self, _request: &JoinRequest) -> Vec<Use> {
        Vec::new()
    }

    /// Which of the uses are borne out: the proof is that of the token and the time, and lets this peer
    /// into this group. Whether it was in time is not asked; nobody tells it. What is not borne out is
    /// not remembered, and takes no place from anybody.
    fn proven(&self, _claim: &Claim) -> Vec<Use> {
        Vec::new()
    }

    /// May this member stay when parts of a group merge? Its own part let it in, and a part is one node
    /// at first, which may not have asked the policy at all; so what lets a member in must be seen
    /// again in the claim. Whoever [`admit`](Self::admit) allows may stay by what it [uses](Self::uses).
    fn may_stay(&self, _claim: &Claim) -> Verdict {
        Verdict::Allow
    }

    /// May this member of the view send?
    fn may_send(&self, member: &Member) -> Verdict;

    /// Is a new key due?
    fn rekey(&self, usage: &KeyUse) -> Option<RekeyReason>;

    /// May this component go on sending, or is it read-only until the group is whole again?
    fn may_continue(&self, component: &Component) -> bool;

    /// What a newcomer may see.
    fn history(&self) -> History;
}
