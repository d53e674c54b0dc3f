//! One line of the result, as scripts read it.

use super::measure::Measurement;
use crate::failure::Failure;
use crate::screen::Screen;
use cenacle_host::SelectedKeyAgreement;
use cenacle_plugin::{Bound, Costs, Scenario};
use serde::Serialize;
use std::io::Write;

/// A change in a group of one size. The names of the fields are a contract.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) module: String,
    pub(crate) group: Option<String>,
    /// Members before the change; after it for a build.
    pub(crate) size: u32,
    pub(crate) event: &'static str,
    pub(crate) members_after: u32,
    /// Rounds, messages, unicasts, multicasts; exponentiations, signatures, verifications of the
    /// longest chain.
    #[serde(flatten)]
    pub(crate) costs: Costs,
    pub(crate) bytes: u64,
    pub(crate) exponentiations_total: u32,
    pub(crate) own_share_exponentiations: u32,
    pub(crate) own_share_exponentiations_total: u32,
    pub(crate) check_exponentiations: u32,
    pub(crate) check_exponentiations_total: u32,
    pub(crate) products: u32,
    pub(crate) products_total: u32,
    pub(crate) confirmations: u32,
    /// Secure channels that were set up, and those that were needed and there.
    pub(crate) channels: u32,
    pub(crate) channels_cached: u32,
    /// Those of the messages that their module sealed itself, so that nobody signed them.
    pub(crate) sealed: u32,
    /// In no column of messages, rounds or bytes.
    pub(crate) acknowledgements: u32,
    pub(crate) acknowledgement_rounds: u32,
    pub(crate) acknowledgement_bytes: u64,
    /// The module's contract.
    pub(crate) expected: Option<Costs>,
    pub(crate) bound: Option<Bound>,
    pub(crate) paper: Option<Costs>,
    /// Why the contract is not the paper's figure.
    pub(crate) difference: Option<&'static str>,
    /// Columns that break the contract; none, if all is well.
    pub(crate) broken: Vec<String>,
    pub(crate) time_critical_us: u64,
    pub(crate) time_total_us: u64,
    /// At a member that stays, and at one that comes.
    pub(crate) view_setup_us: u64,
    pub(crate) newcomer_setup_us: u64,
    pub(crate) repetitions: u32,
    /// What all members' work consists of, in runs of their own.
    pub(crate) exponentiations_us: u64,
    pub(crate) products_us: u64,
    pub(crate) signatures_us: u64,
    pub(crate) other_us: u64,
    /// The last one in per cent of `time_total_us`.
    pub(crate) other_percent: f64,
}

impl Row {
    /// The row of a measurement.
    pub(crate) fn new(
        module: &SelectedKeyAgreement,
        scenario: &Scenario,
        measured: &Measurement,
    ) -> Self {
        let counted = &measured.counted;
        let expected = module.module().expected(scenario);
        let broken = expected.as_ref().map(|expected| expected.broken_by(&counted.costs));
        let apart = module.module().expected_apart(scenario);
        let broken_apart = apart.map(|expected| expected.broken_by(&counted.apart));
        let in_words = |(name, got, want)| format!("{name} {got}, not {want}");
        Self {
            module: module.descriptor().name.clone(),
            group: module.options().text("group").map(str::to_owned),
            size: scenario.members,
            event: scenario.occasion.name(),
            members_after: scenario.after(),
            costs: counted.costs,
            bytes: measured.bytes,
            exponentiations_total: counted.total.exponentiations,
            own_share_exponentiations: counted.own_share,
            own_share_exponentiations_total: counted.total.own_share,
            check_exponentiations: counted.checks,
            check_exponentiations_total: counted.total.checks,
            products: counted.products,
            products_total: counted.total.products,
            confirmations: scenario.after(),
            channels: counted.apart.channels,
            channels_cached: counted.apart.channels_cached,
            sealed: counted.apart.sealed,
            acknowledgements: counted.apart.acknowledgements,
            acknowledgement_rounds: counted.apart.acknowledgement_rounds,
            acknowledgement_bytes: measured.acknowledgement_bytes,
            expected: expected.as_ref().map(|expected| expected.contract),
            bound: expected.as_ref().map(|expected| expected.bound),
            paper: expected.as_ref().and_then(|expected| expected.paper),
            difference: expected.as_ref().and_then(|expected| expected.difference),
            broken: broken.into_iter().chain(broken_apart).flatten().map(in_words).collect(),
            time_critical_us: microseconds(measured.critical_ns),
            time_total_us: microseconds(measured.total_ns),
            view_setup_us: microseconds(measured.view_setup_ns),
            newcomer_setup_us: microseconds(measured.newcomer_setup_ns),
            repetitions: measured.repetitions,
            exponentiations_us: microseconds(measured.parts.exponentiations_ns),
            products_us: microseconds(measured.parts.products_ns),
            signatures_us: microseconds(measured.parts.signatures_ns),
            other_us: microseconds(measured.parts.other_ns),
            other_percent: measured.parts.other_percent(measured.total_ns),
        }
    }

    /// Whether the module keeps secure channels, or acknowledges.
    pub(crate) fn keeps_channels(&self) -> bool {
        self.channels > 0 || self.channels_cached > 0 || self.acknowledgements > 0
    }

    /// Writes the row as one JSON object on a line of its own.
    pub(crate) fn write_line(&self, screen: &mut Screen<'_>) -> Result<(), Failure> {
        serde_json::to_writer(&mut *screen, self).map_err(std::io::Error::from)?;
        writeln!(screen)?;
        screen.flush()?;
        Ok(())
    }
}

fn microseconds(nanoseconds: u64) -> u64 {
    nanoseconds.saturating_add(500) / 1000
}
