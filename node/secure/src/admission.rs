//! Who is let into a secure group: the verdict on ordered joins, equal at all nodes.
//!
//! The group's charter decides, whatever the candidate brings: it names the policy, and a candidate
//! with another charter is told the first field in which they differ.

use crate::charter::Charter;
use crate::names::module_member;
use crate::words::{Occasion, Words};
use bytes::Bytes;
use cenacle_core::{Admission, Candidate, GroupName, Refusal, Standing};
use cenacle_plugin::{JoinRequest, ModuleSource, Verdict};
use std::sync::Arc;

/// Decides on joins to secure groups by their charters, and leaves the others to the layer above.
pub struct SecureAdmission<A> {
    modules: Arc<dyn ModuleSource>,
    above: A,
}

impl<A: Admission> SecureAdmission<A> {
    /// Finds policies in `modules`; `above` decides on groups without keys, and on what belongs to
    /// it in the words of candidates.
    pub fn new(modules: Arc<dyn ModuleSource>, above: A) -> Self {
        Self { modules, above }
    }

    fn admit(
        &self,
        candidate: &Candidate<'_>,
        charter: &Charter,
        words: &Words,
    ) -> Result<(), Refusal> {
        let refused = |code: &str, detail: String| {
            Err(Refusal { code: code.to_owned(), detail, charter: None })
        };
        let choice = &charter.policy;
        let Some(module) = self.modules.policy(&choice.name) else {
            let detail = format!("the members' nodes have no policy {:?}: install it", choice.name);
            return refused("policy", detail);
        };
        let options = choice.options(module.descriptor()).map_err(|error| error.to_string());
        let policy =
            options.and_then(|options| module.create(&options).map_err(|error| error.to_string()));
        let policy = match policy {
            Ok(policy) => policy,
            Err(error) => return refused("policy", error),
        };
        let member = match module_member(&candidate.member) {
            Ok(member) => member,
            Err(error) => return refused("member", error.to_string()),
        };
        let request = JoinRequest {
            member,
            evidence: words.evidence.clone(),
            time_s: candidate.stamped_at / 1_000_000,
        };
        match policy.admit(&request) {
            Verdict::Allow => Ok(()),
            Verdict::Refuse { reason, detail } => refused(&reason, detail),
        }
    }
}

impl<A: Admission> Admission for SecureAdmission<A> {
    fn verdict(
        &self,
        candidate: &Candidate<'_>,
        standing: &Standing<'_>,
    ) -> Result<Option<Bytes>, Refusal> {
        let Ok(charter) = Charter::decode(standing.charter) else {
            return self.above.verdict(candidate, standing);
        };
        let refused = |code: &str, detail: String, charter: Option<Bytes>| {
            Err(Refusal { code: code.to_owned(), detail, charter })
        };
        let theirs = Some(standing.charter.clone());
        if charter.group != candidate.group.as_str() {
            let detail = format!("the charter is that of {:?}", charter.group);
            return refused("charter", detail, None);
        }
        match Charter::decode(candidate.charter) {
            Ok(own) => {
                if let Some(found) = own.difference(&charter) {
                    let detail = format!(
                        "{} is {} here and {} in the group: change it in the configuration, or \
                         have the group reconfigured",
                        found.field, found.one, found.other
                    );
                    return refused("charter", detail, theirs);
                }
            }
            Err(_) => {
                let detail = "the group has keys, and the join came without: remove `insecure`";
                return refused("charter", detail.to_owned(), theirs);
            }
        }
        let words = Words::hear(candidate.blob, candidate.group, &candidate.member, Occasion::Join);
        let Ok(words) = words else {
            let detail =
                "the members here cannot read what came with the join: use the same version";
            return refused("evidence", detail.to_owned(), None);
        };
        self.admit(candidate, &charter, &words)?;
        let above = Candidate { blob: &words.above, ..candidate.clone() };
        // The charters are equal, and what is left is the layer's own.
        self.above.verdict(&Candidate { charter: standing.charter, ..above }, standing)
    }

    fn merge(&self, group: &GroupName, records: &[Bytes]) -> Bytes {
        self.above.merge(group, records)
    }
}
