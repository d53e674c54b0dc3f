//! Joins are admitted by the group's charter: whoever brings the same is let in.

use bytes::Bytes;
use cenacle_core::{Admission, Candidate, Refusal, Standing};

/// The rule of groups without keys. All nodes decide alike, since it looks at nothing else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SameCharter;

impl Admission for SameCharter {
    fn verdict(
        &self,
        candidate: &Candidate<'_>,
        standing: &Standing<'_>,
    ) -> Result<Option<Bytes>, Refusal> {
        cenacle_core::SameCharter.verdict(candidate, standing).map_err(|refusal| Refusal {
            detail: "the group was made with other settings (insecure, modules, options): give it \
                     the same in every member's configuration"
                .to_owned(),
            ..refusal
        })
    }
}
