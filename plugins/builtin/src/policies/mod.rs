//! The policies: who is admitted, and the rules of a group that all of them share.

mod allowlist;
mod compose;
mod invitation;
mod open;
mod peer_id;
mod rules;

pub use invitation::{Draft, Invitation, InvitationError, MAX_HOLDERS, peer_key};

use allowlist::Allowlist;
use cenacle_plugin::PolicyModule;
use compose::{Compose, Rule};
use invitation::ByInvitation;
use open::Open;
use std::sync::Arc;

/// Every built-in policy, the default first.
pub fn policies() -> Vec<Arc<dyn PolicyModule>> {
    let simple: Vec<Arc<dyn PolicyModule>> = vec![
        Arc::new(Open::default()),
        Arc::new(Allowlist::default()),
        Arc::new(ByInvitation::default()),
    ];
    let compose = |rule| Arc::new(Compose::new(rule, simple.clone())) as Arc<dyn PolicyModule>;
    let composed = [Rule::All, Rule::Any].map(compose);
    simple.into_iter().chain(composed).collect()
}
