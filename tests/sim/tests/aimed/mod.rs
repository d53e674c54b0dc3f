//! Stories that lead straight to the place where one rule matters.

use cenacle_core::{Defect, Input, Service};
use cenacle_oracle::Oracle;
use cenacle_sim::{
    LeftOut, Outcome, Plan, Preset, Promise, RunOptions, World, finish, judgement, run_plan,
};

/// By then the nodes have found each other, and their members are in one view.
const FORMED: u64 = 1_500_000;

/// A calm world of so many nodes with a member each, all in one view; the node of place 0 leads, then
/// that of place 1…
fn formed(nodes: usize, semantics: Promise, defect: Option<Defect>, manual_flush: f64) -> World {
    let options = RunOptions {
        nodes,
        members: nodes,
        groups: 1,
        faults: Preset::Calm,
        semantics,
        large: true,
        defect: defect.map(LeftOut::Engine),
        ..RunOptions::default()
    };
    let mut plan = Plan::new(&options);
    (plan.habits.pace, plan.habits.manual_flush) = (0, manual_flush);
    plan.starts = vec![0; nodes];
    plan.hints = false;
    plan.priorities = (0..nodes).rev().map(|priority| u32::try_from(priority).unwrap()).collect();
    let mut world = World::new(plan);
    let judgement = judgement(&world, true);
    world.shared.trace.to_oracle(Oracle::new(judgement));
    world.run_until(FORMED);
    assert_eq!(world.unrest(&world.one_side()), None, "{}", world.who_is_where());
    world
}

fn say(world: &mut World, place: usize, service: Service) {
    world.shared.habits.services = vec![service];
    let node = world.nodes[place].as_mut().unwrap();
    node.say(0, 1, &mut world.shared);
}

/// All links between the two sides.
fn between(one: &[usize], other: &[usize]) -> Vec<(usize, usize)> {
    let pairs = one.iter().flat_map(|a| other.iter().map(move |b| (*a, *b)));
    pairs.flat_map(|(a, b)| [(a, b), (b, a)]).collect()
}

fn pass(world: &mut World, time: u64) {
    world.run_until(world.shared.now + time);
}

/// Lets things happen until it is so.
fn until(world: &mut World, so: impl Fn(&World) -> bool) {
    let end = world.shared.now + 5_000_000;
    while !so(world) {
        assert!(world.shared.now < end, "it never is so: {}", world.who_is_where());
        world.step();
    }
}

fn is_operational(world: &World, place: usize) -> bool {
    world.nodes[place].as_ref().is_some_and(|node| node.stack.engine().is_operational())
}

fn size(world: &World, place: usize) -> usize {
    world.nodes[place].as_ref().map_or(0, |node| node.stack.engine().configuration().size())
}

fn end(mut world: World) -> Outcome {
    world.heal();
    let side = world.one_side();
    let settled = world.settle(&side);
    finish(world, settled).unwrap()
}

fn wrong(outcome: &Outcome) -> Option<String> {
    (!outcome.holds()).then(|| outcome.to_string())
}

/// Node 3 says something safe that reaches node 0 alone, and dies. Node 0 leads the recovery: nodes 1
/// and 2 fetch the message from it. At some step of that nothing of node 0 reaches them any more. If
/// they had recovered, node 0 installs, and has delivered the message with them in its transitional
/// set; they go on without it, and owe the message.
pub(crate) fn an_installation_that_reaches_the_proposer_alone(
    defect: Option<Defect>,
) -> Option<String> {
    let mut missed = 0;
    for step in 0..400 {
        let mut world = formed(4, Promise::Evs, defect, 0.0);
        // So that it has a turn.
        say(&mut world, 3, Service::Agreed);
        pass(&mut world, 20_000);
        let sides = between(&[0, 3], &[1, 2]);
        world.cut(&sides);
        say(&mut world, 3, Service::Safe);
        pass(&mut world, 4_000);
        let gone = world.nodes[3].as_ref().unwrap().id;
        world.crash(3);
        let node = world.nodes[0].as_mut().unwrap();
        node.wishes.push(Input::Closed { node: gone });
        node.wake_at(world.shared.now, &mut world.shared);
        until(&mut world, |world| !is_operational(world, 0));
        world.mend(&sides);
        for _ in 0..step {
            world.step();
        }
        let over = is_operational(&world, 1) && size(&world, 1) == 3;
        world.cut(&[(0, 1), (0, 2)]);
        pass(&mut world, 1_000_000);
        let alone = size(&world, 0) == 3 || size(&world, 1) == 2;
        missed += u32::from(alone);
        let outcome = end(world);
        if let Some(wrong) = wrong(&outcome) {
            return Some(format!("after {step} steps: {wrong}"));
        }
        if over {
            break;
        }
    }
    assert!(missed > 0, "nobody ever missed the installation");
    None
}

/// Node 2 is cut off while members take their time to flush, and what node 0 says does not reach it.
/// The partition heals before the flush, in the same view: what node 0 says now is not for node 2.
pub(crate) fn a_partition_that_heals_before_the_flush(defect: Option<Defect>) -> Option<String> {
    let mut world = formed(3, Promise::Vs, defect, 1.0);
    for node in world.nodes.iter_mut().flatten() {
        node.members[0].flush_after = Some(1_500_000);
    }
    let sides = between(&[0, 1], &[2]);
    world.cut(&sides);
    until(&mut world, |world| size(world, 0) == 2 && size(world, 2) == 1);
    say(&mut world, 0, Service::Fifo);
    pass(&mut world, 10_000);
    world.mend(&sides);
    until(&mut world, |world| (0..3).all(|place| size(world, place) == 3));
    assert!(world.nodes.iter().flatten().all(|node| node.members[0].flushing));
    say(&mut world, 0, Service::Fifo);
    pass(&mut world, 2_000_000);
    wrong(&end(world))
}

/// Members leave and come again all the time, under their old numbers too, and many frames come twice
/// and late.
pub(crate) fn late_copies_of_leaves(defect: Option<Defect>) -> Option<String> {
    for semantics in [Promise::Vs, Promise::Evs] {
        let options = RunOptions {
            nodes: 4,
            groups: 2,
            faults: Preset::Calm,
            seconds: 20,
            semantics,
            defect: defect.map(LeftOut::Engine),
            ..RunOptions::default()
        };
        let mut plan = Plan::new(&options);
        (plan.links.latency, plan.links.spread) = (200, 15_000);
        (plan.links.duplicate, plan.links.reorder, plan.links.in_order) = (0.5, 0.5, false);
        (plan.churn, plan.habits.rejoin) = (50_000, 1.0);
        let outcome = run_plan(plan, &options).unwrap();
        if let Some(wrong) = wrong(&outcome) {
            return Some(format!("{semantics:?}: {wrong}"));
        }
    }
    None
}
