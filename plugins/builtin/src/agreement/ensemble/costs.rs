//! What the heads of [`handout`](super::handout), [`dist`](super::dist) and [`wgl`](super::wgl) say
//! of costs, for each occasion.
//!
//! All four cost what their *missing channels* cost: those that the change needs and that no earlier
//! change set up. So the changes before are gone through as well: which channels they left, and in
//! `dist` which tree.

use super::graph::{Slot, slots};
use super::layout::{Layout, depth};
use super::module::{ACK_DEGREE, Scheme};
use super::tree::{Tree, merge};
use cenacle_plugin::{Apart, Bound, Costs, Expected, Occasion, Scenario};
use std::collections::{BTreeMap, BTreeSet};

/// Two ends of a channel, by member number; the one that seals first.
type Channel = (u32, u32);

/// Members that have confirmed something together.
#[derive(Default)]
struct Class {
    members: Vec<u32>,
    channels: BTreeSet<Channel>,
    /// Over places in `members`.
    tree: Option<Tree>,
}

/// A change: the needed channels, and what `dist` does besides.
struct Change {
    members: u32,
    missing: Vec<Channel>,
    cached: u32,
    /// Of the first channel downwards in `binary`: whether one at the root is missing.
    at_root: bool,
    reports: u32,
    wraps: u32,
    slots: u32,
    /// What it leaves.
    class: Class,
}

/// What a scenario costs.
pub(super) fn expected(scheme: Scheme, scenario: &Scenario) -> Expected {
    let change = play(scheme, scenario);
    let contract = if change.members < 2 { Costs::default() } else { costs(scheme, &change) };
    let bound = if scheme == Scheme::Dist { Bound::AtMost } else { Bound::Exactly };
    let paper = (change.members > 1).then(|| paper(scheme, scenario, contract));
    let difference = paper.filter(|paper| *paper != contract).map(|_| difference(scheme));
    Expected { paper, contract, bound, difference }
}

/// The same in the columns of channels and acknowledgements.
pub(super) fn expected_apart(scheme: Scheme, scenario: &Scenario) -> Apart {
    let change = play(scheme, scenario);
    let (others, channels) = (change.members.saturating_sub(1), count(&change.missing));
    let degree = u32::try_from(ACK_DEGREE).unwrap_or(u32::MAX);
    Apart {
        channels,
        channels_cached: change.cached,
        load: 2 * channels,
        sealed: if scheme == Scheme::Wgl { 0 } else { channels + change.cached },
        acknowledgements: others,
        acknowledgement_rounds: depth(change.members, degree),
    }
}

fn costs(scheme: Scheme, change: &Change) -> Costs {
    let (missing, others) = (count(&change.missing), change.members - 1);
    let shares = u32::from(missing > 0);
    let busiest = busiest(&change.missing);
    // The leader of `basic` and `wgl` shows its share to one by unicast, to several by multicast.
    let (to_one, to_all) = (u32::from(missing == 1), u32::from(missing > 1));
    let mut costs = match scheme {
        Scheme::Basic => Costs {
            rounds: shares + 1,
            unicasts: others + missing + to_one,
            multicasts: to_all,
            signatures: shares,
            verifications: missing,
            ..Costs::default()
        },
        Scheme::Binary => Costs {
            rounds: binary_rounds(change),
            unicasts: others + 2 * missing,
            signatures: busiest,
            verifications: busiest,
            ..Costs::default()
        },
        Scheme::Dist => dist(change, busiest),
        Scheme::Wgl => Costs {
            rounds: shares + 1,
            unicasts: missing + to_one,
            multicasts: to_all + 1,
            signatures: shares + 1,
            verifications: missing + 1,
            ..Costs::default()
        },
    };
    costs.messages = costs.unicasts + costs.multicasts;
    costs.exponentiations = busiest;
    costs
}

/// The key goes down a level a round; below the root the channels are there when it comes.
fn binary_rounds(change: &Change) -> u32 {
    let levels = depth(change.members, 2);
    levels + u32::from(change.at_root)
}

fn dist(change: &Change, busiest: u32) -> Costs {
    let (missing, pairs) = (count(&change.missing), count(&change.missing) + change.cached);
    let (reports, bundles) = (u32::from(change.reports > 0), u32::from(change.slots > 0));
    Costs {
        rounds: reports + 1 + u32::from(missing > 0) + 1 + 2 * bundles,
        unicasts: change.reports + 2 * missing + pairs + change.wraps,
        multicasts: 1 + bundles,
        // Who was sent its key early may sign its records before it serves one that signs its own.
        signatures: reports + 1 + busiest + change.wraps.min(2) + bundles,
        verifications: change.reports + 1 + busiest + change.wraps + bundles,
        ..Costs::default()
    }
}

/// Paper 000, Table 1 and section 4; for `wgl` paper 002, section 4.4. They count neither signatures
/// nor the setting up of channels among the messages.
fn paper(scheme: Scheme, scenario: &Scenario, contract: Costs) -> Costs {
    let after = scenario.after();
    let logarithm = u32::BITS - (after - 1).leading_zeros();
    let costs = |unicasts: u32, multicasts: u32, exponentiations: u32| Costs {
        messages: unicasts + multicasts,
        unicasts,
        multicasts,
        exponentiations,
        ..contract
    };
    match scheme {
        Scheme::Basic => costs(after - 1, 0, after),
        Scheme::Binary => costs(after - 1, 0, 3 * (u32::BITS - after.leading_zeros() - 1).max(1)),
        Scheme::Dist if scenario.occasion == Occasion::Build => {
            costs(3 * after - 3, 2, logarithm + 1)
        }
        Scheme::Dist => costs(3 * logarithm, 2, logarithm + 1),
        Scheme::Wgl => Costs { rounds: 1, ..costs(0, 1, contract.exponentiations) },
    }
}

fn difference(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Basic => {
            "the paper's messages leave out the shares of new channels, and its chain supposes that \
             all are new and that the last member computes its end only when the key has come"
        }
        Scheme::Binary => {
            "the paper sets channels up on the way down, each when the key is there; here they are \
             set up all at once, and those that are cached cost nothing"
        }
        Scheme::Dist => {
            "the paper's messages are upper bounds without the shares of new channels, and its \
             chain supposes that all channels are new and adds the last member's decryption"
        }
        Scheme::Wgl => "the paper's server has its channels before it begins",
    }
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

/// The most new channels that one member has.
fn busiest(missing: &[Channel]) -> u32 {
    let mut ends: BTreeMap<u32, u32> = BTreeMap::new();
    for end in missing.iter().flat_map(|(one, other)| [one, other]) {
        *ends.entry(*end).or_default() += 1;
    }
    ends.into_values().max().unwrap_or(0)
}

/// Goes through the scenario as the suite's network plays it.
fn play(scheme: Scheme, scenario: &Scenario) -> Change {
    let before: Vec<u32> = (0..scenario.members).collect();
    if scenario.occasion == Occasion::Build {
        return change(scheme, before, &[]);
    }
    let newcomers: Vec<u32> = (scenario.members..scenario.members + scenario.joining).collect();
    let middle = scenario.members / 2;
    let stays = |number: &u32| match scenario.occasion {
        Occasion::Leave => *number != middle,
        Occasion::LeaderLeave => *number != 0,
        Occasion::Partition => number.is_multiple_of(2),
        _ => true,
    };
    let after = before.iter().copied().filter(stays).chain(newcomers.iter().copied()).collect();
    let build = |members: Vec<u32>| match members.len() {
        0 | 1 => Class { members, ..Class::default() },
        _ => change(scheme, members, &[]).class,
    };
    // A group of one has confirmed its key like any other.
    let base = change(scheme, before, &[]).class;
    change(scheme, after, &[base, build(newcomers)])
}

/// A change to a view of these members, who come in these classes or alone.
fn change(scheme: Scheme, members: Vec<u32>, classes: &[Class]) -> Change {
    let stays = |(one, other): &&Channel| members.contains(one) && members.contains(other);
    let cached: BTreeSet<Channel> =
        classes.iter().flat_map(|class| class.channels.iter().filter(stays)).copied().collect();
    let is_cached =
        |&(one, other): &Channel| cached.contains(&(one, other)) || cached.contains(&(other, one));
    let (parts, tree) = trees(scheme, &members, classes);
    let number = |place: u32| members.get(place as usize).copied().unwrap_or(u32::MAX);
    let needed: Vec<Channel> = match (scheme, &tree) {
        (Scheme::Dist, Some(tree)) => agreeing(tree),
        (Scheme::Binary, _) => below(count(&members), 2),
        _ => below(count(&members), count(&members)),
    };
    let needed: Vec<Channel> =
        needed.into_iter().map(|(one, other)| (number(one), number(other))).collect();
    let missing: Vec<Channel> =
        needed.iter().copied().filter(|channel| !is_cached(channel)).collect();
    // The deepest members are below the root's first child, and perhaps below its second.
    let at_root = needed.first().is_some_and(|first| !is_cached(first))
        || (is_level(count(&members)) && needed.get(1).is_some_and(|other| !is_cached(other)));
    let slots = tree.iter().flat_map(|tree| slots(tree, |_| false)).collect::<Vec<_>>();
    let makers: BTreeSet<u32> = slots.iter().map(Slot::maker).filter(|maker| *maker != 0).collect();
    let (cached_count, members_count) = (count(&needed) - count(&missing), count(&members));
    let channels = cached.into_iter().chain(missing.iter().copied()).collect();
    Change {
        members: members_count,
        cached: cached_count,
        at_root,
        reports: count(&parts.iter().filter(|part| part.first() != 0).collect::<Vec<_>>()),
        wraps: u32::try_from(makers.len()).unwrap_or(u32::MAX),
        slots: count(&slots),
        missing,
        class: Class { members, channels, tree },
    }
}

/// Whether the binary tree of so many members is as deep on its right as on its left.
fn is_level(members: u32) -> bool {
    let full = u32::BITS - members.leading_zeros() - 1;
    members > 2 && members >= 3 << (full - 1)
}

/// The trees that `dist` begins with, and the one that it ends with; the leader is at place 0.
fn trees(scheme: Scheme, members: &[u32], classes: &[Class]) -> (Vec<Tree>, Option<Tree>) {
    if scheme != Scheme::Dist {
        return (Vec::new(), None);
    }
    let place = |number: &u32| {
        members.iter().position(|other| other == number).and_then(|at| u32::try_from(at).ok())
    };
    let mut parts = Vec::new();
    for class in classes {
        let now = |at: u32| class.members.get(at as usize).and_then(place);
        parts.extend(class.tree.iter().flat_map(|tree| tree.fall_apart(&now)));
    }
    let covered: BTreeSet<u32> = parts.iter().flat_map(Tree::members).collect();
    let alone = (0..count(members)).filter(|place| !covered.contains(place)).map(Tree::Leaf);
    parts.extend(alone);
    let tree = merge(parts.clone());
    (parts, tree)
}

/// Who sends whom a new key of the tree.
fn agreeing(tree: &Tree) -> Vec<Channel> {
    let leaders = |slot: Slot| (slot.node.left.first(), slot.node.right.first());
    slots(tree, |_| true).into_iter().filter(|slot| slot.right).map(leaders).collect()
}

/// Who is above whom in a tree of that degree.
fn below(members: u32, degree: u32) -> Vec<Channel> {
    let layout = Layout::new(0, members);
    (1..members).filter_map(|at| Some((layout.parent(at, degree)?, at))).collect()
}
