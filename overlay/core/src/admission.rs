//! The hook of the layer above into the order of joins.

use crate::{
    ids::{GroupName, MemberId},
    output::Refusal,
};
use bytes::Bytes;

/// A join as every node of the configuration sees it, at its place in the order.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// The group.
    pub group: &'a GroupName,
    /// Who wants in.
    pub member: MemberId,
    /// The charter it expects.
    pub charter: &'a Bytes,
    /// Its evidence.
    pub blob: &'a Bytes,
    /// The leader's clock when it stamped the join, in microseconds since the Unix epoch as the
    /// leader's driver tells it: the only time a verdict may use.
    pub stamped_at: u64,
}

/// What the group is before a join.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// Its charter.
    pub charter: &'a Bytes,
    /// The record that the layer above keeps in the table.
    pub record: &'a Bytes,
    /// Its members by seniority.
    pub members: &'a [MemberId],
}

/// What one class of nodes brings to the merge of a group.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// The record that the layer above keeps in the class's table.
    pub record: &'a Bytes,
    /// The group's members at the nodes of the class, by seniority.
    pub members: Vec<MemberId>,
}

/// What a group is after a merge, as far as the layer above decides on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// The record.
    pub record: Bytes,
    /// Members that may not stay, with the reason that each is told.
    pub refused: Vec<(MemberId, Refusal)>,
}

/// Decides on joins: a pure function, so that all nodes decide alike.
pub trait Admission: Send {
    /// The verdict on a join to a group that exists, or is made by it (`standing` without members).
    /// `Some(record)` replaces the group's record; one above `max_blob` bytes refuses the join.
    fn verdict(
        &self,
        candidate: &Candidate<'_>,
        standing: &Standing<'_>,
    ) -> Result<Option<Bytes>, Refusal>;

    /// One record out of those of the classes that merge and have members in the group, in the
    /// classes' order, and who may not stay now that all is known. Of one class too: the nodes of the
    /// others have judged none of its members yet. All classes have the group's charter; the members of others are out
    /// already. A record above `max_blob` bytes is not taken: the first class's stands.
    fn merge(&self, group: &GroupName, charter: &Bytes, parts: &[Part<'_>]) -> Merged {
        let _ = (group, charter);
        let record = parts.first().map(|part| part.record.clone()).unwrap_or_default();
        Merged { record, refused: Vec::new() }
    }
}

/// Admits whoever brings the group's charter.
#[derive(Clone, Copy, Debug, Default)]
pub struct SameCharter;

impl Admission for SameCharter {
    fn verdict(
        &self,
        candidate: &Candidate<'_>,
        standing: &Standing<'_>,
    ) -> Result<Option<Bytes>, Refusal> {
        if candidate.charter == standing.charter {
            return Ok(None);
        }
        Err(Refusal {
            code: "charter".into(),
            detail: "the group has another charter: join with the group's".into(),
            charter: Some(standing.charter.clone()),
        })
    }
}
