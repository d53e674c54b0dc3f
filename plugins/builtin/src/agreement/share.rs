//! A member's own share: a fresh exponent and its blinded form, perhaps shown ahead of the run.

use super::encoded::{Encoded, encode, one};
use cenacle_dh::{Calculator, DhGroup, Purpose};
use cenacle_plugin::{Action, Error, Outbox, Random, ViewChange};

/// A fresh share of a member: an exponent and the generator to its power.
#[derive(Clone)]
pub(super) struct OwnShare<G: DhGroup> {
    pub(super) exponent: G::Scalar,
    pub(super) blinded: Encoded,
}

impl<G: DhGroup> OwnShare<G> {
    pub(super) fn fresh(calculator: &mut Calculator<G>, random: &mut Random) -> Self {
        let exponent = calculator.random_scalar(random);
        let blinded = calculator.exp_base(Purpose::OwnShare, &exponent);
        Self { blinded: encode(calculator, &blinded), exponent }
    }

    /// A share made ahead of the next run, and the action that shows it to all.
    pub(super) fn offer(
        calculator: &mut Calculator<G>,
        random: &mut Random,
        out: &mut Outbox,
    ) -> Self {
        let share = Self::fresh(calculator, random);
        out.push(Action::Offer(share.blinded.to_vec()));
        share
    }

    /// The share that this member offered, if the change carries it. A share serves one change:
    /// the caller gives up what was offered, used or not.
    pub(super) fn offered(
        offered: Option<Self>,
        change: &ViewChange,
    ) -> Result<Option<Self>, Error> {
        match (change.share_of(change.me()), offered) {
            (None, _) => Ok(None),
            (Some(seen), Some(share)) if *seen == *share.blinded => Ok(Some(share)),
            _ => Err(Error::BadChange("a share of this member's that it has not offered")),
        }
    }
}

/// The share that the member at `position` sent ahead of the run.
pub(super) fn sent_ahead<G: DhGroup>(
    change: &ViewChange,
    position: u32,
) -> Result<Option<Encoded>, Error> {
    change.share_of(position).map(|share| one::<G>(position, share)).transpose()
}
