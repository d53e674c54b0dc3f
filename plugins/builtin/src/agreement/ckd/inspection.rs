//! What the conformance suites may see of an instance.

use super::{Ckd, Keys, PAIRWISE, SECRET};
use cenacle_dh::DhGroup;

impl<G: DhGroup> Keys<G> {
    /// A member's inverse is shown as the key that it is the inverse of, too: who holds the one
    /// holds the other, and the controller has it in that form.
    fn exponents(&self) -> Vec<G::Scalar> {
        match self {
            Self::Member(inverse) => vec![(**inverse).clone(), G::default().invert(inverse)],
            Self::Controller { share, keys } => {
                let share = share.iter().map(|share| share.exponent.clone());
                share.chain(keys.iter().map(|(_, key)| (**key).clone())).collect()
            }
        }
    }
}

super::super::inspect::inspect!(Ckd, SECRET, PAIRWISE, |held| {
    let base = held.base.iter().flat_map(|base| base.keys.exponents());
    let run = held.run.iter().flat_map(|run| &run.share).chain(&held.offered);
    base.chain(run.map(|share| share.exponent.clone()))
});
