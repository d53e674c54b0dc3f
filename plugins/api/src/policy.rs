//! The interface of policy modules: pure questions about who may do what.
//!
//! All members ask the same questions about the same ordered input and must get the same answers,
//! so a policy sees no clock and keeps no state: time comes in as the leader stamped it.

use crate::{Descriptor, Error, Member, Options};
use serde::{Deserialize, Serialize};

/// The most bytes of evidence that a join carries.
pub const MAX_EVIDENCE: usize = 4096;

/// A join that the engine has ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinRequest {
    /// Who wants to join; its public key was proved by its signature.
    pub member: Member,
    /// What it shows for itself, such as an invitation.
    #[serde(with = "serde_bytes")]
    pub evidence: Vec<u8>,
    /// Seconds since 1970 as the leader stamped them into the join.
    pub time_s: u64,
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

    /// The policy with a group's options, which were checked against the descriptor.
    fn create(&self, options: &Options) -> Result<Box<dyn Policy>, Error>;
}

/// The policy of one group. Every answer is a function of its arguments and the options alone.
pub trait Policy: Send + Sync {
    /// May this member join?
    fn admit(&self, request: &JoinRequest) -> Verdict;

    /// May this member of the view send?
    fn may_send(&self, member: &Member) -> Verdict;

    /// Is a new key due?
    fn rekey(&self, usage: &KeyUse) -> Option<RekeyReason>;

    /// May this component go on sending, or is it read-only until the group is whole again?
    fn may_continue(&self, component: &Component) -> bool;

    /// What a newcomer may see.
    fn history(&self) -> History;
}
