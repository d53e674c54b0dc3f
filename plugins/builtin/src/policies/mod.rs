//! The policies: who is admitted, and the rules of a group that all of them share.

mod allowlist;
mod open;
mod peer_id;
mod rules;

use allowlist::Allowlist;
use cenacle_plugin::PolicyModule;
use open::Open;
use std::sync::Arc;

/// Every built-in policy, the default first.
pub fn policies() -> Vec<Arc<dyn PolicyModule>> {
    vec![Arc::new(Open::default()), Arc::new(Allowlist::default())]
}
