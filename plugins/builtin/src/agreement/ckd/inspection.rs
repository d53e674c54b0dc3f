//! What the conformance suites may see of an instance.

use super::{Ckd, Keys, PAIRWISE, SECRET};
use cenacle_dh::DhGroup;

impl<G: DhGroup> Keys<G> {
    fn exponents(&self) -> Vec<&G::Scalar> {
        match self {
            Self::Member(key) => vec![key],
            Self::Controller { share, keys } => {
                let share = share.iter().map(|share| &share.exponent);
                share.chain(keys.iter().map(|(_, key)| &**key)).collect()
            }
        }
    }
}

super::super::inspect::inspect!(Ckd, SECRET, PAIRWISE, |held| {
    let base = held.base.iter().flat_map(|base| base.keys.exponents());
    let run = held.run.iter().flat_map(|run| &run.share).chain(&held.offered);
    base.chain(run.map(|share| &share.exponent))
});
