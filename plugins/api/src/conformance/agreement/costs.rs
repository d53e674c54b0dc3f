//! What changes cost, beside what they should.

use crate::network::{Network, Outcome};
use crate::{Apart, Expected, KeyAgreementModule, Occasion, Options, Scenario};

/// One change in a group of one size.
#[derive(Clone, Debug)]
pub struct CostRow {
    /// The change.
    pub scenario: Scenario,
    /// What it cost.
    pub outcome: Outcome,
    /// What it should cost, if the module says so.
    pub expected: Option<Expected>,
    /// The same of secure channels and acknowledgements.
    pub expected_apart: Option<Apart>,
}

impl CostRow {
    /// The columns in which the contract is broken, in words; empty if none is.
    pub fn broken(&self) -> String {
        let mut broken = Vec::new();
        if let Some(expected) = &self.expected {
            broken.extend(expected.broken_by(&self.outcome.costs));
        }
        if let Some(apart) = &self.expected_apart {
            broken.extend(apart.broken_by(&self.outcome.apart));
        }
        let words = broken.iter().map(|(name, got, want)| format!("{name} {got}, not {want}"));
        words.collect::<Vec<_>>().join("; ")
    }
}

/// Every change in groups of these sizes.
pub fn cost_table(
    module: &dyn KeyAgreementModule,
    options: &Options,
    sizes: impl IntoIterator<Item = u32>,
) -> Result<Vec<CostRow>, String> {
    let mut rows = Vec::new();
    for size in sizes {
        for scenario in Occasion::ALL.iter().filter_map(|occasion| occasion.scenario(size)) {
            let mut network = Network::new(module, options.clone(), u64::from(size));
            let outcome = network
                .play(&scenario)
                .map_err(|failure| format!("{} of {size}: {failure}", scenario.occasion.name()))?;
            let expected = module.expected(&scenario);
            let expected_apart = module.expected_apart(&scenario);
            rows.push(CostRow { scenario, outcome, expected, expected_apart });
        }
    }
    Ok(rows)
}
