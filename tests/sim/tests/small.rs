//! Small cases, exhausted: three nodes, one group, a few messages of every service; and at every
//! point of the schedule one node dies, or is cut off, with and without healing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use cenacle_core::{Semantics, Service};
use cenacle_oracle::Oracle;
use cenacle_sim::{Outcome, Plan, Preset, Promise, RunOptions, World, finish, judgement};

const NODES: usize = 3;
/// By then the nodes have found each other, and their members are in one view.
const FORMED: u64 = 1_500_000;
/// Messages are on their way for so long, in microseconds.
const STORY: u64 = 40_000;
/// How long a node is cut off that is healed again.
const CUT: u64 = 700_000;

#[derive(Clone, Copy, Debug)]
enum Case {
    Crash,
    CutAndHealed,
    CutForGood,
}

fn unborn(semantics: Promise) -> World {
    let options = RunOptions {
        seed: 1,
        nodes: NODES,
        members: NODES,
        groups: 1,
        faults: Preset::Calm,
        semantics,
        large: true,
        ..RunOptions::default()
    };
    let mut plan = Plan::new(&options);
    plan.habits.pace = 0;
    plan.starts = vec![0; NODES];
    plan.hints = false;
    World::new(plan)
}

/// Every node says a few things at once; then the first one again, so that there is something of
/// every service on the way for a while.
fn speak(world: &mut World) {
    let services = [Service::Agreed, Service::Safe, Service::Causal, Service::Fifo];
    for service in services {
        world.shared.habits.services = vec![service];
        for place in 0..NODES {
            if let Some(Some(node)) = world.nodes.get_mut(place) {
                node.say(0, 1, &mut world.shared);
            }
        }
    }
    world.shared.habits.services = vec![Service::Agreed];
}

/// A world in which messages have just been sent, and an oracle has seen all.
fn begin(semantics: Promise, settled: bool) -> World {
    let mut world = unborn(semantics);
    let options = judgement(&world, settled);
    world.shared.trace.to_oracle(Oracle::new(options));
    world.run_until(FORMED);
    speak(&mut world);
    world
}

/// How many things happen while messages are on their way.
fn length(semantics: Promise) -> u64 {
    let mut world = begin(semantics, true);
    let before = world.steps;
    world.run_until(FORMED + STORY);
    world.steps - before
}

fn play(semantics: Promise, case: Case, place: usize, steps: u64) -> Outcome {
    let settled = !matches!(case, Case::CutForGood);
    let mut world = begin(semantics, settled);
    for _ in 0..steps {
        world.step();
    }
    let links: Vec<(usize, usize)> =
        (0..NODES).filter(|o| *o != place).flat_map(|o| [(o, place), (place, o)]).collect();
    let mut sides = world.one_side();
    match case {
        Case::Crash => world.crash(place),
        Case::CutAndHealed => {
            world.cut(&links);
            world.run_until(world.shared.now + CUT);
            world.mend(&links);
        }
        Case::CutForGood => {
            world.cut(&links);
            sides = vec![vec![place], (0..NODES).filter(|o| *o != place).collect()];
        }
    }
    let settled = world.settle(&sides);
    finish(world, settled).unwrap()
}

fn exhaust(semantics: Promise, case: Case) {
    let length = length(semantics);
    assert!(length > 20, "only {length} things happen: the engine says nothing");
    for place in 0..NODES {
        for steps in 0..=length {
            let outcome = play(semantics, case, place, steps);
            assert!(outcome.holds(), "{case:?} of {place} after {steps} steps\n{outcome}");
        }
    }
}

#[test]
fn a_crash_anywhere_vs() {
    exhaust(Promise::Vs, Case::Crash);
}

#[test]
fn a_crash_anywhere_evs() {
    exhaust(Promise::Evs, Case::Crash);
}

#[test]
fn a_partition_anywhere_vs() {
    exhaust(Promise::Vs, Case::CutAndHealed);
}

#[test]
fn a_partition_anywhere_evs() {
    exhaust(Promise::Evs, Case::CutAndHealed);
}

#[test]
fn a_lasting_partition_anywhere_vs() {
    exhaust(Promise::Vs, Case::CutForGood);
}

#[test]
fn a_lasting_partition_anywhere_evs() {
    exhaust(Promise::Evs, Case::CutForGood);
}

#[test]
fn the_story_begins_with_one_view_of_all() {
    for (promise, semantics) in [(Promise::Vs, Semantics::Vs), (Promise::Evs, Semantics::Evs)] {
        let mut world = unborn(promise);
        world.run_until(FORMED);
        assert_eq!(world.shared.habits.semantics(0), semantics);
        let side = world.one_side();
        assert_eq!(world.unrest(&side), None, "{}", world.who_is_where());
    }
}
