//! Joins are admitted by the group's charter: whoever brings the same is let in, and its name noted.

use super::names;
use bytes::Bytes;
use cenacle_core::{Admission, Candidate, GroupName, Merged, Part, Refusal, Standing};

/// The rule of groups without keys. All nodes decide alike, since it looks at nothing else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SameCharter;

impl Admission for SameCharter {
    fn verdict(
        &self,
        candidate: &Candidate<'_>,
        standing: &Standing<'_>,
    ) -> Result<Option<Bytes>, Refusal> {
        let same = cenacle_core::SameCharter.verdict(candidate, standing);
        same.map_err(|refusal| Refusal {
            detail: "the group was made with other settings (insecure, modules, options): give it \
                     the same in every member's configuration"
                .to_owned(),
            ..refusal
        })?;
        names::recorded(candidate, standing).map_err(|_| Refusal {
            code: "evidence".to_owned(),
            detail: "the members here cannot read what came with the join: use the same version"
                .to_owned(),
            charter: None,
        })
    }

    fn merge(&self, _: &GroupName, _: &Bytes, parts: &[Part<'_>]) -> Merged {
        Merged { record: names::merged(parts), refused: Vec::new() }
    }
}
