//! One change, counted and timed.

use crate::envelopes::Shared;
use crate::failure::Failure;
use cenacle_host::SelectedKeyAgreement;
use cenacle_plugin::network::{Carrier, Network, Outcome, Plain};
use cenacle_plugin::{Inline, Scenario, Secret};
use cenacle_secure::{FRAME_OVERHEAD, OVERHEAD};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the timed runs of one change may take together, if that is enough for
/// [`FEWEST`] of them. With it the default command takes about a minute a group.
const BUDGET: Duration = Duration::from_millis(150);
/// The fewest and the most runs that are timed when nobody says how many.
const FEWEST: u32 = 3;
const MOST: u32 = 51;
/// A run that takes longer than this is timed once.
const LONG: Duration = Duration::from_millis(500);

/// What a change cost.
pub(crate) struct Measurement {
    /// Counts.
    pub(crate) counted: Outcome,
    /// Bytes of all messages, in their envelopes.
    pub(crate) bytes: u64,
    /// Runs that were timed.
    pub(crate) repetitions: u32,
    /// Medians, in nanoseconds.
    pub(crate) critical_ns: u64,
    pub(crate) total_ns: u64,
    pub(crate) view_setup_ns: u64,
}

/// Plays `scenario` once without time and several times with signatures and clock, each time from
/// the same groups.
pub(crate) fn measure(
    module: &SelectedKeyAgreement,
    scenario: &Scenario,
    repetitions: Option<u32>,
) -> Result<Measurement, Failure> {
    let name = &module.descriptor().name;
    let (event, members) = (scenario.occasion.name(), scenario.members);
    // The same groups for the same question: what is left to chance follows from the size.
    let seed = u64::from(members);
    let envelopes =
        Shared::new(name, members + scenario.joining, &Secret::derive("cenacle bench v1", b"keys"));
    let stopped = |failure| {
        let refusal = envelopes.borrow().refusal().map(|error| format!(" ({error})"));
        let refusal = refusal.unwrap_or_default();
        Failure::Failed(format!(
            "{name}, {event} of {members}: {failure}{refusal}; this is a defect of the module"
        ))
    };

    let mut network = Network::new(module.module().as_ref(), module.options().clone(), seed)
        .with_executor(Arc::new(Inline));
    network.prepare(scenario).map_err(stopped)?;
    let counted = network.rehearse(scenario).map_err(stopped)?;

    let mut network = network.with_carrier(Box::new(envelopes.clone()));
    let begun = Instant::now();
    let mut timed = vec![network.rehearse(scenario).map_err(stopped)?];
    let repetitions = repetitions.unwrap_or_else(|| affordable(begun.elapsed()));
    if repetitions > 1 {
        // The first run warmed up.
        timed.clear();
    }
    while timed.len() < repetitions as usize {
        timed.push(network.rehearse(scenario).map_err(stopped)?);
    }
    let view_setup_ns = median(envelopes.borrow().setup_ns().to_vec());
    Ok(Measurement {
        bytes: bytes_of(&counted),
        counted,
        repetitions,
        critical_ns: median(timed.iter().map(|outcome| outcome.time_critical_ns).collect()),
        total_ns: median(timed.iter().map(|outcome| outcome.time_total_ns).collect()),
        view_setup_ns,
    })
}

/// Bytes of all messages, in envelopes and frames in place of the plain carrier's.
fn bytes_of(counted: &Outcome) -> u64 {
    let plain = Plain::default().seal(0, None, &[]).len();
    let extra = |messages: u32, overhead: usize| u64::from(messages) * (overhead - plain) as u64;
    let sealed = counted.apart.sealed;
    counted.bytes + extra(counted.costs.messages - sealed, OVERHEAD) + extra(sealed, FRAME_OVERHEAD)
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
    fn what_takes_long_is_repeated_less() {
        assert_eq!(affordable(Duration::from_micros(10)), MOST);
        assert_eq!(affordable(Duration::from_millis(10)), 15);
        assert_eq!(affordable(Duration::from_millis(400)), FEWEST);
        assert_eq!(affordable(Duration::from_secs(5)), 1);
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![9, 1, 5]), 5);
        assert_eq!(median(vec![]), 0);
    }
}
