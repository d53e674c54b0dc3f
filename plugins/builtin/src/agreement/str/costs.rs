//! What the header of `str` says of costs, for each occasion.

use super::super::nothing;
use cenacle_plugin::{Bound, Costs, Expected, Occasion, Scenario};

/// For a group whose stack is the order of seniority, as it is in one that was built and joined.
pub(super) fn expected(scenario: &Scenario) -> Expected {
    const SHARES: &str = "the study counts own shares, here in their own column, and a sponsor that \
                          climbs to the top before it sends";
    const AVERAGE: &str = "the study gives the average over who leaves";
    let (after, joining) = (scenario.after(), scenario.joining);
    if after < 2 {
        return nothing();
    }
    // The most, which a sponsor at level 1 or 2 needs.
    let most = 3 * after - 5;
    let at_level = |level: u32| if level < 2 { most } else { 3 * after.saturating_sub(level) + 1 };
    let middle = scenario.members / 2;
    let (exponentiations, bound) = match scenario.occasion {
        Occasion::Build | Occasion::LeaderLeave => (most, Bound::Exactly),
        Occasion::Join | Occasion::Merge => (at_level(scenario.members), Bound::Exactly),
        // The middle is at level n/2 + 1, the sponsor below it.
        Occasion::Leave => (at_level(middle), Bound::Exactly),
        Occasion::Partition | Occasion::Refresh => (most, Bound::AtMost),
    };
    let one = Costs {
        rounds: 1,
        messages: 1,
        unicasts: 0,
        multicasts: 1,
        exponentiations,
        signatures: 1,
        verifications: 1,
    };
    // Classes that come, each with a sponsor that multicasts.
    let classes = match scenario.occasion {
        Occasion::Build => after - 1,
        Occasion::Join | Occasion::Merge => 1,
        _ => 0,
    };
    // A sponsor without company in the base verifies one message less than others of its class.
    let alone = scenario.occasion == Occasion::Build || scenario.members == 1;
    let contract = match classes {
        0 => one,
        _ => Costs {
            rounds: 2,
            messages: classes + 2,
            multicasts: classes + 2,
            signatures: 2,
            verifications: classes + if alone && joining < 2 { 1 } else { 2 },
            ..one
        },
    };
    let (paper, difference) = match scenario.occasion {
        Occasion::Build | Occasion::Refresh => (None, None),
        Occasion::Join => (Some(7), Some(SHARES)),
        Occasion::Merge => (Some(3 * joining + 4), Some(SHARES)),
        _ => (Some((3 * scenario.members).div_ceil(2) + 2), Some(AVERAGE)),
    };
    let paper = paper.map(|exponentiations| Costs {
        exponentiations,
        verifications: if classes > 0 { 3 } else { 1 },
        ..contract
    });
    Expected { paper, contract, bound, difference }
}
