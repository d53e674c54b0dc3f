//! How many one-way delays of the network lie between a wish and the last member's secure view.
//!
//! All ways take the same time and processors cost nothing, so what is measured is the number of
//! messages that wait for each other: of the engine, of the module, and of the secure machine.

use crate::{
    faults::Preset,
    member::Standing,
    network::Links,
    plan::{Plan, RunOptions, fast},
    shared::Costs,
    world::World,
};
use cenacle_core::Input;
use std::{fmt, time::Duration};

/// A way, in microseconds: from one continent to the next.
const WAY: u64 = 25_000;
/// From one look to the next, in microseconds.
const LOOK: u64 = 500;
/// No change takes nearly as long, in microseconds.
const LONGEST: u64 = 10_000_000;

/// One-way delays of changes in a group with keys.
#[derive(Clone, Debug)]
pub struct Delays {
    /// What agrees on keys; none in a group without.
    pub key_agreement: Option<String>,
    /// Members before the join.
    pub members: usize,
    /// From the wish to join to the last member's view.
    pub join: f64,
    /// From the wish to leave to the last remaining member's view.
    pub leave: f64,
    /// From the wish for another key to the last member's view.
    pub refresh: Option<f64>,
}

/// Measures with so many members, one at each node.
///
/// # Errors
///
/// The group did not settle.
pub fn delays(members: usize, seed: u64, key_agreement: Option<&str>) -> Result<Delays, String> {
    let mut world = world(members, seed, key_agreement);
    world.run_until(4_000_000);
    settle(&mut world)?;
    // A node that is neither the leader nor the most senior member's.
    let place = members / 2;
    let join = time(&mut world, members + 1, |world| {
        if let Some(Some(node)) = world.nodes.get_mut(place) {
            node.join(0, &mut world.shared);
        }
    })?;
    settle(&mut world)?;
    let refresh = key_agreement.is_some().then(|| {
        time(&mut world, members + 1, |world| {
            wish(world, place, 0, |group, local| Input::Renew { group, local })
        })
    });
    let refresh = refresh.transpose()?;
    settle(&mut world)?;
    let leave = time(&mut world, members, |world| {
        wish(world, place, 1, |group, local| Input::Leave { group, local });
    })?;
    let in_ways = |time: u64| time as f64 / WAY as f64;
    let key_agreement = key_agreement.map(str::to_owned);
    let (join, leave, refresh) = (in_ways(join), in_ways(leave), refresh.map(in_ways));
    Ok(Delays { key_agreement, members, join, leave, refresh })
}

fn wish(
    world: &mut World,
    place: usize,
    local: u32,
    make: impl FnOnce(cenacle_core::GroupName, u32) -> Input,
) {
    let Some(group) = world.shared.habits.group(0).cloned() else { return };
    if let Some(Some(node)) = world.nodes.get_mut(place) {
        node.wishes.push(make(group, local));
        node.wake_at(world.shared.now, &mut world.shared);
    }
}

fn world(nodes: usize, seed: u64, key_agreement: Option<&str>) -> World {
    let options = RunOptions {
        seed,
        nodes,
        members: nodes,
        groups: 1,
        faults: Preset::Calm,
        key_agreement: key_agreement.map(str::to_owned),
        large: true,
        ..RunOptions::default()
    };
    let mut plan = Plan::new(&options);
    plan.settings = fast(&plan.random);
    plan.settings.propose_limit = Duration::from_millis(500);
    plan.links = Links { latency: WAY, spread: 0, ..Links::default() };
    plan.costs = Costs { frame: 0, byte: 0 };
    plan.habits.pace = 0;
    plan.habits.manual_flush = 0.0;
    plan.habits.other_charter = 0.0;
    plan.habits.key_agreement = key_agreement.map(str::to_owned);
    plan.starts = vec![0; nodes];
    plan.skew = 0;
    World::new(plan)
}

/// The views of all present members, and how many members these have, if it is the same everywhere.
fn views(world: &World) -> Vec<(Option<cenacle_core::ViewId>, usize)> {
    let members = world.nodes.iter().flatten().flat_map(|node| &node.members);
    let present = members.filter(|member| member.standing == Standing::Wanted);
    present.map(|member| (member.view, member.members.len())).collect()
}

/// From `act` until all present members have another view than before, of this size.
fn time(world: &mut World, size: usize, act: impl FnOnce(&mut World)) -> Result<u64, String> {
    let before = views(world).first().and_then(|(view, _)| *view);
    let begin = world.shared.now;
    act(world);
    while world.shared.now < begin + LONGEST {
        world.run_until(world.shared.now + LOOK);
        let views = views(world);
        let there = |(view, members): &(Option<_>, usize)| *view != before && *members == size;
        if views.len() == size && views.iter().all(there) {
            return Ok(world.shared.now - begin);
        }
    }
    Err(format!("no view of {size} members\n{}", world.who_is_where()))
}

fn settle(world: &mut World) -> Result<(), String> {
    let side = world.one_side();
    world.settle(&side).map(drop)
}

impl fmt::Display for Delays {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.key_agreement.as_deref().unwrap_or("none");
        write!(
            out,
            "{name}, {} members: join {:.1} one-way delays, leave {:.1}",
            self.members, self.join, self.leave
        )?;
        match self.refresh {
            Some(refresh) => write!(out, ", refresh {refresh:.1}"),
            None => Ok(()),
        }
    }
}
