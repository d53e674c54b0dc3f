//! What the header of `ckd` says of costs, for each occasion.

use super::super::nothing;
use cenacle_plugin::{Bound, Costs, Expected, Occasion, Scenario};

/// Paper 004, Table 2. A build is a merge into a group of one, a refresh a leave of nobody.
pub(super) fn expected(scenario: &Scenario) -> Expected {
    const READING: &str = "the paper leaves out the exponentiation by which a member reads the key";
    const LEADER: &str = "the paper's row contradicts itself; this is a merge of all others with \
                          the new controller";
    let after = scenario.after();
    if after < 2 {
        return nothing();
    }
    let before = scenario.members;
    // A controller that is new asks all others for shares, one that stays only the newcomers.
    let (asked, by_multicast) = match scenario.occasion {
        Occasion::Build | Occasion::LeaderLeave => (after - 1, true),
        _ => (scenario.joining, scenario.joining > 1),
    };
    let contract = distribution(asked, by_multicast, after);
    let difference = match scenario.occasion {
        Occasion::LeaderLeave => Some(LEADER),
        Occasion::Leave | Occasion::Partition | Occasion::Refresh => Some(READING),
        Occasion::Build | Occasion::Join | Occasion::Merge => None,
    };
    let paper = match difference {
        Some(LEADER) => Costs {
            messages: (3 * before).saturating_sub(6),
            unicasts: (2 * before).saturating_sub(4),
            exponentiations: (2 * before).saturating_sub(3),
            signatures: (2 * before).saturating_sub(2),
            verifications: before,
            ..contract
        },
        Some(_) => Costs { exponentiations: contract.exponentiations - 1, ..contract },
        None => contract,
    };
    Expected { paper: Some(paper), contract, bound: Bound::Exactly, difference }
}

/// What it takes to ask that many members for shares and to hand out the key in a group of `after`.
fn distribution(asked: u32, by_multicast: bool, after: u32) -> Costs {
    let keys = Costs {
        rounds: 1,
        messages: 1,
        unicasts: 0,
        multicasts: 1,
        exponentiations: after,
        signatures: 1,
        verifications: 1,
    };
    if asked == 0 {
        return keys;
    }
    Costs {
        rounds: 3,
        messages: asked + 2,
        unicasts: asked + u32::from(!by_multicast),
        multicasts: 1 + u32::from(by_multicast),
        exponentiations: after + asked,
        signatures: 3,
        verifications: asked + 2,
    }
}
