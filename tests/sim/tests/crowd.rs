//! Many nodes that come up at once, whose connections open one after the other, as they do where
//! handshakes take their time: they become one configuration in a few changes, not one for each.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "the figures are what one reads a failure by")]

use cenacle_sim::{Plan, Preset, RunOptions, World, finish};

/// As many as a small office.
const CROWD: usize = 30;

/// Connections open over so many microseconds: views of each member until all are in, and when
/// (microseconds after the last connection).
fn gather(seed: u64, takes: u64) -> (u64, u64) {
    let options = RunOptions {
        seed,
        nodes: CROWD,
        members: CROWD,
        groups: 1,
        faults: Preset::Calm,
        as_shipped: true,
        large: true,
        ..RunOptions::default()
    };
    let mut plan = Plan::new(&options);
    plan.starts = vec![0; CROWD];
    plan.hints = true;
    let mut world = World::new(plan);
    let pairs = || (0..CROWD).flat_map(|a| (0..a).map(move |b| (a, b)));
    let apart: Vec<_> = pairs().flat_map(|(a, b)| [(a, b), (b, a)]).collect();
    world.cut(&apart);
    let mut random = world.plan.random.fork(7);
    // All know the first: its connections come early.
    let mut openings: Vec<_> = pairs()
        .map(|(a, b)| (random.below(if b == 0 { takes / 4 } else { takes } + 1), a, b))
        .collect();
    openings.sort_unstable();
    for (at, a, b) in openings {
        world.run_until(100_000 + at);
        world.mend(&[(a, b), (b, a)]);
    }
    let last = world.shared.now;
    let all = |world: &World| {
        world.nodes.iter().flatten().all(|node| node.stack.engine().configuration().size() == CROWD)
    };
    while !all(&world) && world.shared.now < last + 60_000_000 {
        let next = world.shared.now + 1_000;
        world.run_until(next);
    }
    let took = world.shared.now - last;
    let views = world.shared.counts.views / CROWD as u64;
    let side = world.one_side();
    world.heal();
    let settled = world.settle(&side);
    let outcome = finish(world, settled).unwrap();
    assert!(outcome.holds(), "seed {seed}\n{outcome}");
    (views, took)
}

/// For each while that connections take to open: the most views, and milliseconds until one.
const BOUNDS: [(u64, u64, u64); 3] = [(0, 2, 100), (1_000_000, 5, 1_500), (5_000_000, 10, 3_000)];

#[test]
fn a_crowd_becomes_one_in_a_few_views() {
    for (takes, most_views, longest) in BOUNDS {
        for seed in 0..8 {
            let (views, took) = gather(seed, takes);
            let took = took / 1000;
            println!("over {takes} µs, seed {seed}: {views} views, {took} ms");
            assert!(views <= most_views, "over {takes} µs, seed {seed}: {views} views");
            assert!(took <= longest, "over {takes} µs, seed {seed}: {took} ms");
        }
    }
}
