//! # One key a view
//!
//! Not among the properties of paper 004, section 3.1, but what its algorithms are for: all members
//! of a secure view have the same key (section 4), and no key comes back (key independence, paper
//! 001, section III).
//!
//! Read from every `view` line of a group with keys: its `key` is the one that the other members of
//! the view tell, and that of no other view, whatever the group.

use super::Case;
use crate::report::{Findings, Property};
use std::collections::HashMap;

pub(super) fn judge(case: &Case<'_>, findings: &mut Findings) {
    for (_, install) in case.history.installs.iter().filter(|(_, row)| row.other_key) {
        case.add(findings, Property::Key, install.process, || {
            let (process, view) = (case.process(install.process), case.view(install.view));
            format!("{process} has another key for view {view} than others")
        });
    }
    let mut known = HashMap::new();
    for (id, view) in case.history.views.iter() {
        let Some(key) = view.key.as_deref() else { continue };
        let Some(other) = known.insert(key, id) else { continue };
        let Some(install) = view.installs.first() else { continue };
        case.add(findings, Property::Key, case.history.installs[*install].process, || {
            format!("views {} and {} have the same key", case.view(other), case.view(id))
        });
    }
}
