//! Whether a world is at rest, and how long it may take to get there.

use crate::{
    application::HEALED_FLUSH,
    member::{Member, Standing},
    naming,
    node::Node,
    plan::micros,
    random::scaled,
    world::World,
};
use cenacle_core::{NodeId, Rare, Semantics};

/// How often a world that settles is looked at, in microseconds.
const LOOK: u64 = 5_000;
/// More names than this say nothing new.
const SHOWN: usize = 12;

impl World {
    /// How long it may take until everything is at rest after the last fault, in microseconds:
    /// twice (the longest limit of the failure detector, a beacon period and a gather window), and
    /// twenty times the longest way. On top: what members take to flush, three views in a row; what
    /// waits to be sent, a window per four ways; and the clocks' skew.
    pub fn bound(&self) -> u64 {
        let settings = &self.plan.settings;
        let detector = 4 * micros(settings.suspect_after);
        let way = self.shared.network.longest();
        let base =
            2 * (detector + micros(settings.beacon) + micros(settings.gather_window)) + 20 * way;
        let members = || self.nodes.iter().flatten().flat_map(|node| &node.members);
        let flush = members().filter_map(|member| member.flush_after).max().unwrap_or(0);
        let owed = |node: &Node| node.members.iter().map(|member| member.owed.1).sum::<u64>();
        let waiting: u64 = self.nodes.iter().flatten().map(owed).max().unwrap_or(0);
        let sending = waiting / (settings.window as u64 / 2).max(1) * 4 * way;
        let stopping = self.nodes.iter().flatten().any(|node| node.stopping);
        let shutdown = if stopping { micros(settings.shutdown_limit) } else { 0 };
        // Who held the others up is kept out for a while, up to 32 beacons.
        let shun = if self.has_expelled() { 32 * micros(settings.beacon) } else { 0 };
        let sum = base + 3 * flush.min(HEALED_FLUSH) + sending + shutdown + shun;
        sum + scaled(sum, self.plan.skew as f64 / 1e6)
    }

    fn has_expelled(&self) -> bool {
        let figures = || self.nodes.iter().flatten().map(|node| node.stack.engine().figures());
        let saw = |case| figures().any(|figures| figures.rare(case) > 0);
        saw(Rare::Expelled) || saw(Rare::SteppedAside)
    }

    /// Runs until everything has been at rest for a while. When that began, in microseconds from
    /// now; or who is where. `sides` are the places that can reach each other.
    pub fn settle(&mut self, sides: &[Vec<usize>]) -> Result<u64, String> {
        let begin = self.shared.now;
        let bound = self.bound();
        let rest = 2 * micros(self.plan.settings.beacon) + 4 * self.shared.network.longest();
        let mut since = None;
        loop {
            self.run_until(self.shared.now + LOOK);
            if self.shared.hangs {
                return Err(format!("it hangs\n{}", self.who_is_where()));
            }
            let passed = self.shared.now - begin;
            match (self.unrest(sides), since) {
                (None, None) => since = Some(passed),
                (None, Some(first)) if passed - first >= rest => return Ok(first),
                (None, Some(_)) => {}
                (Some(_), _) if passed <= bound => since = None,
                (Some(unrest), before) => {
                    let again = before.map_or(String::new(), |at| {
                        format!(" (there was rest {} ms after the last fault)", at / 1000)
                    });
                    return Err(format!(
                        "not at rest {} ms after the last fault{again}: {unrest}\n{}",
                        bound / 1000,
                        self.who_is_where()
                    ));
                }
            }
        }
    }

    /// All places, as one side.
    pub fn one_side(&self) -> Vec<Vec<usize>> {
        vec![(0..self.nodes.len()).collect()]
    }

    /// What still moves; nothing if everything is at rest.
    pub fn unrest(&self, sides: &[Vec<usize>]) -> Option<String> {
        sides.iter().find_map(|side| {
            let nodes: Vec<&Node> =
                side.iter().filter_map(|place| self.nodes.get(*place)?.as_ref()).collect();
            moving(&nodes).or_else(|| apart(&nodes)).or_else(|| {
                (0..self.shared.habits.group_count()).find_map(|group| divided(&nodes, group))
            })
        })
    }

    /// Nodes with their configurations, members with their views.
    pub fn who_is_where(&self) -> String {
        let mut text = String::new();
        for node in self.nodes.iter().flatten().take(3 * SHOWN) {
            let configuration = node.stack.engine().configuration();
            let mut members: Vec<String> =
                configuration.nodes().take(SHOWN).map(|n| n.to_string()).collect();
            if configuration.size() > SHOWN {
                members.push("...".into());
            }
            text.push_str(&format!(
                "  {} at place {} in {} of {}: {}{}\n",
                node.id,
                node.place,
                configuration.id,
                configuration.size(),
                members.join(" "),
                if node.stopping { ", stopping" } else { "" }
            ));
            text.push_str(&format!("    {:?}\n", node.stack.engine()));
            for member in node.members.iter().filter(|m| m.standing != Standing::Gone) {
                let view = member.view.map_or("no view".into(), |view| view.to_string());
                let unrest = member.unrest().unwrap_or("at rest");
                text.push_str(&format!(
                    "    {} in {}, {view} with {} members, {} delivered there, owes {} to itself: {unrest}\n",
                    member.id,
                    naming::group(member.group),
                    member.members.len(),
                    member.in_view,
                    member.owed.0
                ));
            }
        }
        text
    }
}

fn moving(nodes: &[&Node]) -> Option<String> {
    nodes.iter().find_map(|node| {
        if node.stopping {
            return Some(format!("{} has not stopped yet", node.id));
        }
        node.members.iter().find_map(|m| m.unrest().map(|what| format!("{} {what}", m.id)))
    })
}

/// Live nodes that do not share a configuration of exactly them.
fn apart(nodes: &[&Node]) -> Option<String> {
    let first = nodes.first()?.stack.engine().configuration();
    let mut alive: Vec<NodeId> = nodes.iter().map(|node| node.id).collect();
    let mut there: Vec<NodeId> = first.nodes().collect();
    alive.sort_unstable();
    there.sort_unstable();
    if alive != there {
        return Some(format!("configuration {} is not of all live nodes", first.id));
    }
    let other = nodes.iter().find(|node| node.stack.engine().configuration().id != first.id)?;
    let id = other.stack.engine().configuration().id;
    Some(format!("{} is in configuration {id}, another in {}", other.id, first.id))
}

/// Members of a group that do not share a view of exactly them.
fn divided(nodes: &[&Node], group: usize) -> Option<String> {
    let members: Vec<&Member> = nodes
        .iter()
        .flat_map(|node| &node.members)
        .filter(|member| member.group == group && member.standing == Standing::Wanted)
        .collect();
    let first = members.first()?;
    if let Some(other) = members.iter().find(|member| member.view != first.view) {
        return Some(format!("{} and {} have different views", first.id, other.id));
    }
    let mut alive: Vec<_> = members.iter().map(|member| member.id).collect();
    let mut there = first.members.clone();
    alive.sort_unstable();
    there.sort_unstable();
    if alive != there {
        return Some(format!("the view of {} is not of all who want in", first.id));
    }
    // In an EVS group newcomers have not got all that others have in the configuration.
    if first.semantics == Semantics::Evs {
        return None;
    }
    let other = members.iter().find(|member| member.in_view != first.in_view)?;
    Some(format!("{} and {} have got different messages", first.id, other.id))
}
