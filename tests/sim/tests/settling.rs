//! How long it takes until all nodes share one configuration, and all members of a group one view,
//! after the last fault: measured, and against the bound that the settings give.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "the figures are what one reads a failure by")]

use cenacle_sim::{Node, Plan, Preset, RunOptions, World, finish};

/// What goes wrong last.
#[derive(Clone, Copy, Debug)]
enum Last {
    /// Two halves find each other again.
    Partition,
    /// Many parts do.
    Shards,
    /// The leader dies.
    Leader,
    /// A tenth of the nodes dies at once.
    Crash,
}

/// By then the nodes have found each other, in microseconds.
const FORMED: u64 = 2_000_000;

/// A world that is one: a member on each node, in three groups, that says something now and then.
fn world(nodes: usize) -> World {
    let options = RunOptions {
        seed: 11,
        nodes,
        members: nodes,
        groups: 3,
        faults: Preset::Calm,
        large: true,
        ..RunOptions::default()
    };
    let mut plan = Plan::new(&options);
    plan.starts = vec![0; nodes];
    plan.habits.pace = 5_000_000;
    plan.hints = false;
    let mut world = World::new(plan);
    world.run_until(FORMED);
    let whole = |node: &Node| node.stack.engine().configuration().size() == nodes;
    assert!(world.nodes.iter().flatten().all(whole), "{}", world.who_is_where());
    world
}

/// All links between places whose parts differ.
fn links(nodes: usize, part: impl Fn(usize) -> usize) -> Vec<(usize, usize)> {
    let all = (0..nodes).flat_map(|a| (0..nodes).map(move |b| (a, b)));
    all.filter(|(a, b)| part(*a) != part(*b)).collect()
}

/// Virtual milliseconds until all is at rest after the last fault, and how many it may take: twice
/// the largest limit of the detector, a beacon period and a gather window, and 20 network delays.
fn measure(nodes: usize, last: Last) -> (u64, u64) {
    let mut world = world(nodes);
    let settings = world.plan.settings.clone();
    let apart = world.shared.now + 1_000_000;
    let parts = match last {
        Last::Partition => 2,
        Last::Shards => (nodes / 3).min(10),
        Last::Leader | Last::Crash => 1,
    };
    let links = links(nodes, |place| place % parts);
    world.cut(&links);
    world.run_until(apart);
    world.mend(&links);
    let leader = world.nodes[0].as_ref().unwrap().stack.engine().configuration().leader();
    let is_leader = |place: &usize| world.nodes[*place].as_ref().unwrap().id == leader;
    let dying: Vec<usize> = match last {
        Last::Partition | Last::Shards => Vec::new(),
        Last::Leader => (0..nodes).filter(is_leader).collect(),
        Last::Crash => (0..nodes).filter(|place| place % 10 == 4).collect(),
    };
    for place in dying {
        world.crash(place);
    }
    let side = world.one_side();
    assert!(world.unrest(&side).is_some(), "{nodes} nodes, {last:?}: nothing has to be mended");
    world.heal();
    let took = world.settle(&side);
    let way = world.shared.network.longest();
    let outcome = finish(world, took).unwrap();
    assert!(outcome.holds(), "{nodes} nodes, {last:?}\n{outcome}");
    let most = 4 * settings.suspect_after + settings.beacon + settings.gather_window;
    let allowed = 2 * u64::try_from(most.as_micros()).unwrap() + 20 * way;
    (outcome.settled.unwrap() / 1000, allowed / 1000)
}

fn settles(nodes: usize) {
    for last in [Last::Partition, Last::Shards, Last::Leader, Last::Crash] {
        let (took, allowed) = measure(nodes, last);
        println!("{nodes} nodes, {last:?}: at rest after {took} ms, {allowed} ms are allowed");
        assert!(took <= allowed, "{nodes} nodes, {last:?}: {took} ms of {allowed} ms");
    }
}

#[test]
fn nine_nodes_settle_in_time() {
    settles(9);
}

#[test]
fn a_hundred_nodes_settle_in_time() {
    settles(100);
}
