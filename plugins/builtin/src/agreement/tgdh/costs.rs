//! What a change costs.

use cenacle_plugin::{Bound, Costs, Expected, Occasion, Scenario};

/// Paper 001, Table I, for trees that grew by the insertion rule.
pub(super) fn expected(scenario: &Scenario) -> Expected {
    let height = |members: u32| members.next_power_of_two().trailing_zeros();
    let after = scenario.after();
    let h = match scenario.occasion {
        Occasion::Merge => height(scenario.members).max(height(scenario.joining)) + 1,
        _ => height(after).max(height(scenario.members)),
    };
    let costs = |rounds, messages, exponentiations, signatures, verifications| Costs {
        rounds,
        messages,
        unicasts: 0,
        multicasts: messages,
        exponentiations,
        signatures,
        verifications,
    };
    let (paper, contract) = match scenario.occasion {
        Occasion::Join | Occasion::Merge => {
            (costs(2, 3, (3 * h).div_ceil(2), 2, 3), costs(2, 3, 3 * h, 2, 3))
        }
        Occasion::Leave | Occasion::LeaderLeave | Occasion::Refresh => {
            (costs(1, 1, (3 * h).div_ceil(2), 1, 1), costs(1, 1, 3 * h, 1, 1))
        }
        Occasion::Partition => {
            let paper = costs(h, 2 * h, 3 * h, h, h);
            // One message for each missing key at most; a member checks all of them.
            let missing = (2 * scenario.leaving).min(after);
            (paper, costs(h.max(1), missing.max(1), 3 * h, h.max(1), missing.max(1)))
        }
        Occasion::Build => {
            let messages = (2 * after).saturating_sub(2);
            (costs(h, 2 * h, 3 * h, h, h), costs(h.max(1), messages, 3 * h, h, messages))
        }
    };
    Expected {
        paper: Some(paper),
        contract: Costs { exponentiations: contract.exponentiations.max(1), ..contract },
        bound: Bound::AtMost,
        difference: Some(
            "the paper's 3h/2 is an average; a partition or a build needs a message for each \
             missing key, which the paper's 2h leaves out",
        ),
    }
}
