//! One change, counted and timed.

use crate::envelopes::Shared;
use crate::failure::Failure;
use crate::meter::{Meter, Parts};
use cenacle_host::SelectedKeyAgreement;
use cenacle_plugin::network::{self, Carrier, Network, Outcome, Plain};
use cenacle_plugin::{Executor, Inline, Scenario, Secret};
use cenacle_secure::{FRAME_OVERHEAD, OVERHEAD};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the timed runs of one change may take together, if that is enough for
/// [`FEWEST`] of them.
const BUDGET: Duration = Duration::from_millis(300);
/// The fewest and the most runs that are timed when nobody says how many.
const FEWEST: u32 = 3;
const MOST: u32 = 51;
/// A run that takes longer than this is timed once.
const LONG: Duration = Duration::from_secs(2);

/// What a change cost.
pub(crate) struct Measurement {
    /// Counts.
    pub(crate) counted: Outcome,
    /// Bytes of all messages, in their envelopes.
    pub(crate) bytes: u64,
    /// Bytes of all acknowledgements, in their frames.
    pub(crate) acknowledgement_bytes: u64,
    /// Runs that were timed.
    pub(crate) repetitions: u32,
    /// Medians, in nanoseconds.
    pub(crate) critical_ns: u64,
    pub(crate) total_ns: u64,
    pub(crate) view_setup_ns: u64,
    pub(crate) newcomer_setup_ns: u64,
    /// What all members' work consists of, in further runs.
    pub(crate) parts: Parts,
}

/// Plays `scenario` once without time, several times with signatures and clock, and as many times
/// with a meter; each time from the same groups.
pub(crate) fn measure(
    module: &SelectedKeyAgreement,
    scenario: &Scenario,
    repetitions: Option<u32>,
) -> Result<Measurement, Failure> {
    let mut stage = Stage::new(module, scenario, Arc::new(Inline));
    stage.prepare()?;
    let counted = stage.rehearse()?;
    stage = stage.with_envelopes();
    let begun = Instant::now();
    let mut timed = vec![stage.rehearse()?];
    let repetitions = repetitions.unwrap_or_else(|| affordable(begun.elapsed()));
    if repetitions > 1 {
        // The first run warmed up.
        timed.clear();
    }
    while timed.len() < repetitions as usize {
        timed.push(stage.rehearse()?);
    }
    let setups = stage.envelopes.borrow().setups().to_vec();
    Ok(Measurement {
        bytes: bytes_of(&counted),
        acknowledgement_bytes: acknowledgement_bytes_of(&counted),
        counted,
        repetitions,
        critical_ns: median(timed.iter().map(|outcome| outcome.time_critical_ns).collect()),
        total_ns: median(timed.iter().map(|outcome| outcome.time_total_ns).collect()),
        view_setup_ns: median(setups.iter().map(|setup| setup.oldest_ns).collect()),
        newcomer_setup_ns: median(setups.iter().map(|setup| setup.newcomer_ns).collect()),
        parts: parts(module, scenario, repetitions)?,
    })
}

/// What the work consists of: of each part, the run in which it took least.
fn parts(
    module: &SelectedKeyAgreement,
    scenario: &Scenario,
    repetitions: u32,
) -> Result<Parts, Failure> {
    let meter = Arc::new(Meter::new());
    let mut stage = Stage::new(module, scenario, meter.clone());
    stage.envelopes = stage.envelopes.metered(&meter);
    stage.prepare()?;
    stage = stage.with_envelopes();
    let mut least: Option<Parts> = None;
    // The first one warms up.
    for _ in 0..=repetitions {
        meter.take(0);
        let outcome = stage.rehearse()?;
        let parts = meter.take(outcome.time_total_ns);
        least = Some(least.map_or(parts, |least| least.least(parts)));
    }
    Ok(least.unwrap_or_default())
}

/// A network on which one change is played again and again.
struct Stage<'m> {
    name: &'m str,
    scenario: Scenario,
    envelopes: Shared,
    network: Network<'m>,
}

impl<'m> Stage<'m> {
    fn new(
        module: &'m SelectedKeyAgreement,
        scenario: &Scenario,
        executor: Arc<dyn Executor>,
    ) -> Self {
        let name = &module.descriptor().name;
        let keys = Secret::derive("cenacle bench v1", b"keys");
        // The same groups for the same question: what is left to chance follows from the size.
        let seed = u64::from(scenario.members);
        let mut network = Network::new(module.module().as_ref(), module.options().clone(), seed);
        network.keeps_history = false;
        Self {
            name,
            scenario: *scenario,
            envelopes: Shared::new(name, scenario.members + scenario.joining, &keys),
            network: network.with_executor(executor),
        }
    }

    fn with_envelopes(self) -> Self {
        let network = self.network.with_carrier(Box::new(self.envelopes.clone()));
        Self { network, ..self }
    }

    fn prepare(&mut self) -> Result<(), Failure> {
        let prepared = self.network.prepare(&self.scenario);
        prepared.map_err(|failure| self.stopped(&failure))
    }

    fn rehearse(&mut self) -> Result<Outcome, Failure> {
        let outcome = self.network.rehearse(&self.scenario);
        outcome.map_err(|failure| self.stopped(&failure))
    }

    fn stopped(&self, failure: &network::Failure) -> Failure {
        let (name, event) = (self.name, self.scenario.occasion.name());
        let refusal = self.envelopes.borrow().refusal().map(|error| format!(" ({error})"));
        Failure::Failed(format!(
            "{name}, {event} of {}: {failure}{}; this is a defect of the module",
            self.scenario.members,
            refusal.unwrap_or_default()
        ))
    }
}

/// Bytes of all messages, in envelopes and frames in place of the plain carrier's.
fn bytes_of(counted: &Outcome) -> u64 {
    let sealed = counted.apart.sealed;
    counted.bytes + extra(counted.costs.messages - sealed, OVERHEAD) + extra(sealed, FRAME_OVERHEAD)
}

/// Bytes of all acknowledgements, in frames in place of the plain carrier's.
fn acknowledgement_bytes_of(counted: &Outcome) -> u64 {
    counted.acknowledgement_bytes + extra(counted.apart.acknowledgements, FRAME_OVERHEAD)
}

/// What so many envelopes or frames add beyond what the plain carrier does.
fn extra(messages: u32, overhead: usize) -> u64 {
    u64::from(messages) * (overhead - Plain::default().seal(0, None, &[]).len()) as u64
}

/// How many runs of that length are worth their time.
fn affordable(one: Duration) -> u32 {
    if one > LONG {
        return 1;
    }
    let fitting = BUDGET.as_nanos() / one.as_nanos().max(1);
    u32::try_from(fitting).unwrap_or(MOST).clamp(FEWEST, MOST)
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::for_benchmarks;
    use cenacle_host::KeyAgreementSelector;
    use cenacle_plugin::Occasion;
    use std::collections::BTreeMap;

    fn module(name: &str) -> SelectedKeyAgreement {
        let selector = KeyAgreementSelector::new(for_benchmarks().unwrap());
        selector.select(name, &BTreeMap::new()).unwrap()
    }

    #[test]
    fn a_rehearsal_costs_what_the_first_playing_costs() {
        for entry in cenacle_builtin::agreements() {
            let name = &entry.descriptor().name;
            let module = module(name);
            for scenario in Occasion::ALL.iter().filter_map(|occasion| occasion.scenario(6)) {
                let fresh = || Network::new(module.module().as_ref(), module.options().clone(), 1);
                let played = fresh().play(&scenario).unwrap();
                let mut network = fresh();
                network.prepare(&scenario).unwrap();
                for turn in 0..3 {
                    let outcome = network.rehearse(&scenario).unwrap();
                    assert_eq!(outcome.costs, played.costs, "{name} {scenario:?}");
                    assert_eq!(outcome.total, played.total);
                    assert_eq!(outcome.bytes, played.bytes);
                    // The same chance at first, another later.
                    assert_eq!(outcome.secret == played.secret, turn == 0);
                }
            }
        }
    }

    #[test]
    fn bytes_are_those_of_signed_messages() {
        let module = module("gdh");
        let scenario = Occasion::Join.scenario(5).unwrap();
        let measured = measure(&module, &scenario, Some(2)).unwrap();
        let envelopes = Shared::new("gdh", 6, &Secret::new([7; 32]));
        let mut network = Network::new(module.module().as_ref(), module.options().clone(), 5)
            .with_carrier(Box::new(envelopes.clone()));
        assert_eq!(measured.bytes, network.play(&scenario).unwrap().bytes);
        assert!(envelopes.borrow().refusal().is_none());
        assert!(measured.critical_ns > 0 && measured.total_ns >= measured.critical_ns);
        assert_eq!(measured.repetitions, 2);
    }

    #[test]
    fn work_consists_of_what_a_module_does() {
        let parts_of = |name: &str| {
            let scenario = Occasion::Join.scenario(8).unwrap();
            measure(&module(name), &scenario, Some(3)).unwrap().parts
        };
        for (name, multiplies) in [("tgdh", false), ("gdh", false), ("bd", true)] {
            let parts = parts_of(name);
            let told = [parts.exponentiations_ns, parts.signatures_ns, parts.other_ns];
            assert!(told.iter().all(|part| *part > 0), "{name} {parts:?}");
            assert_eq!(parts.products_ns > 0, multiplies, "{name}");
        }
    }

    /// The one decodes one key, the other 41.
    #[test]
    fn who_stays_has_less_to_prepare_than_who_comes() {
        let scenario = Occasion::Join.scenario(40).unwrap();
        let measured = measure(&module("ckd"), &scenario, Some(3)).unwrap();
        assert!(measured.view_setup_ns > 0);
        assert!(measured.view_setup_ns < measured.newcomer_setup_ns);
    }

    #[test]
    fn what_takes_long_is_repeated_less() {
        assert_eq!(affordable(Duration::from_micros(10)), MOST);
        assert_eq!(affordable(Duration::from_millis(10)), 30);
        assert_eq!(affordable(Duration::from_millis(400)), FEWEST);
        assert_eq!(affordable(Duration::from_secs(5)), 1);
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![9, 1, 5]), 5);
        assert_eq!(median(vec![]), 0);
    }
}
