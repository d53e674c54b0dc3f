//! Who is let into a secure group: the verdict on ordered joins, equal at all nodes.
//!
//! The group's charter decides, whatever the candidate brings: it names the policy, and a candidate
//! with another charter is told the first field in which they differ.

use crate::charter::Charter;
use crate::names::module_member;
use crate::register::{Late, MAX_USED, Register};
use crate::words::{Occasion, Words};
use bytes::Bytes;
use cenacle_core::{Admission, Candidate, GroupName, MemberId, Merged, Part, Refusal, Standing};
use cenacle_plugin::{Claim, JoinRequest, ModuleSource, Policy, Use, Used, Verdict};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Decides on joins to secure groups by their charters, and leaves the others to the layer above.
pub struct SecureAdmission<A> {
    overlay: String,
    modules: Arc<dyn ModuleSource>,
    above: A,
}

impl<A: Admission> SecureAdmission<A> {
    /// Finds policies in `modules`, and tells them the name of the `overlay`; `above` decides on
    /// groups without keys, and on what belongs to it in the words of candidates.
    pub fn new(overlay: impl Into<String>, modules: Arc<dyn ModuleSource>, above: A) -> Self {
        Self { overlay: overlay.into(), modules, above }
    }

    fn policy(&self, charter: &Charter) -> Result<Box<dyn Policy>, Refusal> {
        let choice = &charter.policy;
        let Some(module) = self.modules.policy(&choice.name) else {
            let detail = format!("the members' nodes have no policy {:?}: install it", choice.name);
            return Err(refusal("policy", detail));
        };
        let options = choice.options(module.descriptor()).map_err(|error| error.to_string());
        options
            .and_then(|options| module.create(&options).map_err(|error| error.to_string()))
            .map_err(|error| refusal("policy", error))
    }

    /// What the join uses up, if the group's policy allows it.
    fn admit(
        &self,
        candidate: &Candidate<'_>,
        charter: &Charter,
        evidence: Vec<u8>,
        used: Vec<Used>,
    ) -> Result<Vec<Use>, Refusal> {
        let policy = self.policy(charter)?;
        let member = module_member(&candidate.member)
            .map_err(|error| refusal("member", error.to_string()))?;
        let request = JoinRequest {
            overlay: self.overlay.clone(),
            group: candidate.group.as_str().to_owned(),
            member,
            evidence,
            time_s: candidate.stamped_at / 1_000_000,
            used,
        };
        match policy.admit(&request) {
            Verdict::Allow => Ok(policy.uses(&request)),
            Verdict::Refuse { reason, detail } => Err(refusal(&reason, detail)),
        }
    }

    /// Members of parts that merge whom the policy would not have in, whatever their parts say of
    /// them. What is not borne out is taken from the parts' registers.
    fn unwelcome(
        &self,
        charter: &Charter,
        parts: &mut [(Register, &[MemberId])],
    ) -> Vec<(MemberId, Refusal)> {
        // A policy that nobody here can ask lets nobody in either: the members' nodes have it.
        let Ok(policy) = self.policy(charter) else { return Vec::new() };
        let claim = |member: &MemberId, uses| {
            let member = module_member(member).ok()?;
            let (overlay, group) = (self.overlay.clone(), charter.group.clone());
            Some(Claim { overlay, group, member, uses })
        };
        let mut unwelcome = Vec::new();
        for (register, members) in parts {
            let proven = register
                .uses()
                .into_iter()
                .filter_map(|(member, uses)| Some((member, policy.proven(&claim(&member, uses)?))));
            let mut proven: BTreeMap<_, _> = proven.collect();
            register.retain(&proven.values().flatten().map(|one| one.token).collect());
            for member in members.iter() {
                let uses = proven.remove(member).unwrap_or_default();
                let Some(claim) = claim(member, uses) else { continue };
                if let Verdict::Refuse { reason, detail } = policy.may_stay(&claim) {
                    unwelcome.push((*member, refusal(&reason, detail)));
                }
            }
        }
        unwelcome
    }
}

fn refusal(code: &str, detail: String) -> Refusal {
    Refusal { code: code.to_owned(), detail, charter: None }
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
        let mut register = Register::read(standing.record);
        register.forget(candidate.stamped_at / 1_000_000, standing.members);
        let used = register.told(&candidate.member, standing.members);
        let uses = self.admit(candidate, &charter, words.evidence, used)?;
        register.remember(&uses, candidate.member, candidate.stamped_at).map_err(|_| {
            let detail = format!(
                "the group remembers {} KiB of invitations that were used: wait until one of them \
                 has expired for a day, or a member has gone that came by one",
                MAX_USED >> 10
            );
            refusal("limit", detail)
        })?;
        // The charters are equal, and what is left is the layer's own.
        let above =
            Candidate { blob: &words.above, charter: standing.charter, ..candidate.clone() };
        let record = register.above.clone();
        if let Some(record) =
            self.above.verdict(&above, &Standing { record: &record, ..*standing })?
        {
            register.above = record;
        }
        let record = register.write();
        Ok(Some(record).filter(|record| record != standing.record))
    }

    fn merge(&self, group: &GroupName, charter: &Bytes, parts: &[Part<'_>]) -> Merged {
        let Ok(decoded) = Charter::decode(charter) else {
            return self.above.merge(group, charter, parts);
        };
        let read = |part: &Part<'_>| Register::read(part.record);
        let registers: Vec<_> = parts.iter().map(read).collect();
        let above = parts.iter().zip(&registers).map(|(part, register)| Part {
            record: &register.above,
            members: part.members.clone(),
        });
        let Merged { record, mut refused } =
            self.above.merge(group, charter, &above.collect::<Vec<_>>());
        let members = parts.iter().map(|part| part.members.as_slice());
        let mut registers: Vec<_> = registers.into_iter().zip(members).collect();
        refused.extend(self.unwelcome(&decoded, &mut registers));
        let (mut register, late) = Register::merge(&registers);
        refused.extend(late.into_iter().map(|Late { member, first }| {
            let detail = format!(
                "what let this member in, such as an invitation, was used before by {first}, in a \
                 part of the group that was apart: come with another"
            );
            (member, refusal("used-before", detail))
        }));
        register.above = record;
        Merged { record: register.write(), refused }
    }
}
