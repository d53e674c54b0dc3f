//! Who gets into groups, what members say of themselves, and what views must carry of that: the hook
//! of the layer above, as simple as it can be and still go wrong.

use crate::{member::Member, random::Random, secure};
use bytes::Bytes;
use cenacle_core::{
    Admission, Candidate, GroupName, MemberId, Merged, NodeId, Part, Refusal, SameCharter,
    Semantics, Standing, View, ViewId,
};
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

/// What most members expect of their group.
const CHARTER: &[u8] = b"charter";
/// What some expect.
const OTHER: &[u8] = b"another charter";
/// The code of a refusal by the doorkeeper.
const UNWELCOME: &str = "unwelcome";

/// Admits by charter and blob, and keeps a record of whom it has admitted in which order.
#[derive(Debug, Default)]
pub(crate) struct Doorkeeper {
    /// Decides by who decides, and not only by what is asked: what no admission may do.
    pub(crate) partial_to: Option<NodeId>,
}

impl Admission for Doorkeeper {
    fn verdict(
        &self,
        candidate: &Candidate<'_>,
        standing: &Standing<'_>,
    ) -> Result<Option<Bytes>, Refusal> {
        SameCharter.verdict(candidate, standing)?;
        let stranger = self.partial_to.is_some_and(|node| node != candidate.member.node);
        if !is_welcome(candidate.blob) || stranger && standing.members.len() > 1 {
            let (code, detail) = (UNWELCOME.into(), "come with another blob".into());
            return Err(Refusal { code, detail, charter: Some(standing.charter.clone()) });
        }
        let before = standing.members.len();
        Ok(Some(digest((standing.record, before, candidate.member, candidate.blob))))
    }

    fn merge(&self, _group: &GroupName, _charter: &Bytes, parts: &[Part<'_>]) -> Merged {
        let records: Vec<&Bytes> = parts.iter().map(|part| part.record).collect();
        Merged { record: digest(records), refused: Vec::new() }
    }
}

fn digest(what: impl Hash) -> Bytes {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    Bytes::copy_from_slice(&hasher.finish().to_le_bytes())
}

fn is_welcome(blob: &[u8]) -> bool {
    blob.first() != Some(&0)
}

/// A charter; seldom another one than usual. One with keys names what agrees on them.
pub(crate) fn draw_charter(
    random: &mut Random,
    other: f64,
    group: &GroupName,
    key_agreement: Option<&str>,
) -> Bytes {
    let other = random.chance(other);
    let charter = key_agreement.and_then(|name| secure::charter(group.as_str(), name, other));
    match charter {
        Some(charter) => charter.encode().into(),
        None => Bytes::from_static(if other { OTHER } else { CHARTER }),
    }
}

/// Any bytes, at most so many, now and then none. One blob in sixteen is not welcome with a join.
pub(crate) fn draw_blob(random: &mut Random, most: u64) -> Bytes {
    let length = random.below(most + 1);
    let mut blob: Vec<u8> = (0..length).map(|_| random.draw().to_le_bytes()[0]).collect();
    if let Some(first) = blob.first_mut() {
        *first %= 16;
    }
    blob.into()
}

/// What has been told of views so far.
#[derive(Debug, Default)]
pub struct Door {
    views: BTreeMap<(usize, ViewId), u64>,
}

impl Door {
    /// What is wrong with a view that a member is told: all members are told the same, and of each
    /// what it said with its join, if it is new, or else with its flush. `member` is as it was before.
    /// In groups with keys the words of their members are about keys.
    pub fn view(&mut self, member: &Member, view: &View, has_key: bool) -> Result<(), String> {
        let mut hasher = DefaultHasher::new();
        (&view.members, &view.blobs, &view.charter, &view.record).hash(&mut hasher);
        view.configuration.hash(&mut hasher);
        if view.semantics == Semantics::Vs {
            // In an EVS group everybody sees for himself who came with him.
            for class in &view.classes {
                (class.previous, &class.members).hash(&mut hasher);
            }
        }
        let told = hasher.finish();
        let known = *self.views.entry((member.group, view.id)).or_insert(told);
        if known != told {
            return Err(format!("is told another view {} than others", view.id));
        }
        let is_new = member.view.is_none();
        let due = if is_new { &member.blob } else { &member.flushed_with };
        let is_told = |id: MemberId| view.blobs.iter().find(|(m, _)| *m == id).map(|(_, b)| b);
        if (is_new || view.semantics == Semantics::Vs)
            && !has_key
            && is_told(member.id).cloned().unwrap_or_default() != *due
        {
            let what = if is_new { "join" } else { "flush" };
            return Err(format!("does not find in view {} what it said with its {what}", view.id));
        }
        if view.charter != member.charter || is_new && !is_welcome(&member.blob) {
            return Err(format!("is in view {}, and must not be", view.id));
        }
        Ok(())
    }

    /// What is wrong with a refusal; `member` is as it was before.
    pub fn refusal(member: &Member, refusal: &Refusal) -> Result<(), String> {
        let other = refusal.charter.as_ref().is_some_and(|charter| *charter != member.charter);
        let fits = match refusal.code.as_str() {
            UNWELCOME => !is_welcome(&member.blob) && member.view.is_none(),
            "charter" => other,
            // Put out, or lost in a merge for want of room.
            _ => true,
        };
        if fits { Ok(()) } else { Err(format!("is refused as {} without a reason", refusal.code)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{member, naming};
    use cenacle_core::{Ballot, Class, Order};

    fn member(place: usize) -> Member {
        let node = naming::node(&Random::new(1), place, 1);
        let id = MemberId { node, local: 0 };
        let mut member = Member::new(id, 0, Semantics::Vs, member::Standing::Wanted);
        (member.charter, member.blob) = (CHARTER.into(), Bytes::from_static(b"\x05me"));
        member
    }

    fn view(members: &[&Member], blobs: &[&Member]) -> View {
        let proposer = members[0].id.node;
        let ids: Vec<_> = members.iter().map(|member| member.id).collect();
        View {
            id: ViewId { order: Order::default(), proposer },
            configuration: Ballot { epoch: 1, proposer },
            semantics: Semantics::Vs,
            blobs: blobs.iter().map(|member| (member.id, member.blob.clone())).collect(),
            classes: ids.iter().map(|id| Class { previous: None, members: vec![*id] }).collect(),
            members: ids,
            transitional: Vec::new(),
            charter: CHARTER.into(),
            record: Bytes::new(),
        }
    }

    #[test]
    fn all_members_are_told_the_same_view() {
        let (a, b) = (member(0), member(1));
        let good = view(&[&a, &b], &[&a, &b]);
        let mut spoilt = vec![good.clone(); 5];
        spoilt[0].blobs[1].1 = Bytes::from_static(b"\x05you");
        spoilt[1].record = Bytes::from_static(b"record");
        spoilt[2].members.swap(0, 1);
        spoilt[3].classes.pop();
        spoilt[4].configuration.epoch = 2;
        for bad in spoilt {
            let mut door = Door::default();
            assert_eq!(door.view(&a, &good, false), Ok(()));
            assert!(
                door.view(&a, &bad, false).is_err_and(|text| text.contains("another view")),
                "{bad:?}"
            );
            assert_eq!(door.view(&b, &good, false), Ok(()));
        }
    }

    #[test]
    fn a_member_finds_what_it_said() {
        let (mut a, b) = (member(0), member(1));
        let both = view(&[&a, &b], &[&a, &b]);
        assert_eq!(Door::default().view(&a, &both, false), Ok(()));
        let lost = view(&[&a, &b], &[&b]);
        assert!(
            Door::default().view(&a, &lost, false).is_err_and(|text| text.contains("its join"))
        );
        a.view = Some(both.id);
        assert!(
            Door::default().view(&a, &both, false).is_err_and(|text| text.contains("its flush"))
        );
        assert_eq!(Door::default().view(&a, &lost, false), Ok(()));
        a.flushed_with = a.blob.clone();
        assert_eq!(Door::default().view(&a, &both, false), Ok(()));
    }

    #[test]
    fn refusals_and_admissions_have_their_reasons() {
        let mut a = member(0);
        let refusal = |code: &str, charter: &'static [u8]| Refusal {
            code: code.into(),
            detail: String::new(),
            charter: Some(charter.into()),
        };
        let unwelcome = refusal(UNWELCOME, CHARTER);
        assert!(Door::refusal(&a, &unwelcome).is_err());
        assert!(Door::refusal(&a, &refusal("charter", CHARTER)).is_err());
        assert_eq!(Door::refusal(&a, &refusal("charter", OTHER)), Ok(()));
        a.blob = Bytes::from_static(b"\0");
        assert_eq!(Door::refusal(&a, &unwelcome), Ok(()));
        assert!(Door::default().view(&a, &view(&[&a], &[&a]), false).is_err());
        (a.blob, a.charter) = (Bytes::from_static(b"\x05me"), OTHER.into());
        assert!(Door::default().view(&a, &view(&[&a], &[&a]), false).is_err());
    }
}
