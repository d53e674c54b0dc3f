//! Partitions and cuts.

use crate::company::is;
use crate::town::{Town, Transport, await_views, possible, talk};
use cenacle_lab::Lab;
use std::time::Duration;

fn parts_and_merges(town: Town) {
    let mut nodes = town.settle();
    talk(&mut nodes, "before");
    town.lab.split(&[&[0, 1, 2], &[3, 4]]).unwrap();
    let (larger, smaller) = nodes.split_at_mut(3);
    await_views(larger.iter(), 3);
    await_views(smaller.iter(), 2);
    talk(larger, "larger");
    talk(smaller, "smaller");
    town.lab.heal().unwrap();
    await_views(&nodes, 5);
    talk(&mut nodes, "after");
    town.end(nodes);
}

#[test]
fn a_network_parts_and_merges_over_tcp() {
    if possible() {
        parts_and_merges(Town::new(5));
    }
}

#[test]
fn a_network_parts_and_merges_over_quic() {
    if possible() {
        parts_and_merges(Town::with(Lab::new(5).unwrap(), Transport::Quic));
    }
}

/// Two that do not hear each other, and all others do: nobody is put out, and all is delivered.
#[test]
fn who_cannot_hear_each_other_stay_together() {
    if !possible() {
        return;
    }
    let town = Town::new(4);
    let mut nodes = town.settle();
    // Not the leader: that one must hear everybody.
    let leader = leader(&mut nodes);
    let others: Vec<usize> = (0..4).filter(|&node| node != leader).collect();
    let (one, another) = (others[0], others[1]);
    town.lab.cut(one, another).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    talk(&mut nodes, "one way");
    town.lab.cut(another, one).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    talk(&mut nodes, "no way");
    await_views(&nodes, 4);
    town.lab.heal().unwrap();
    talk(&mut nodes, "every way");
    town.end(nodes);
}

/// The leader and another do not hear each other, first one way and then at all. Whoever leads then,
/// those that are in one view hear each other, and after the heal all do.
#[test]
fn a_leader_that_one_cannot_hear_settles() {
    if !possible() {
        return;
    }
    let town = Town::new(4);
    let mut nodes = town.settle();
    let leader = leader(&mut nodes);
    let another = (leader + 1) % 4;
    for (from, to) in [(leader, another), (another, leader)] {
        town.lab.cut(from, to).unwrap();
        std::thread::sleep(Duration::from_secs(4));
        let word = format!("{from} to {to}");
        let third = (leader + 2) % 4;
        nodes[third].send(&word, "agreed");
        nodes[third].await_message(&word);
        let events = nodes[third].events();
        let view = events.iter().rev().find(|event| is(event, "view")).expect("a view");
        let members = view["members"].as_array().expect("members");
        assert!(members.len() > 1, "only one cut: {members:?}");
        let near = nodes.iter().filter(|node| members.contains(&node.member().into()));
        near.for_each(|node| _ = node.await_message(&word));
    }
    town.lab.heal().unwrap();
    await_views(&nodes, 4);
    talk(&mut nodes, "every way");
    town.end(nodes);
}

/// Which of the nodes leads the configuration.
fn leader(nodes: &mut [crate::company::Process]) -> usize {
    nodes[0].tell(&serde_json::json!({"status": {}}));
    let status = nodes[0].await_event("status", |event| is(event, "status"));
    let leader = status["leader"].as_str().expect("a leader").to_owned();
    let leads = |node: &crate::company::Process| node.member().starts_with(&leader);
    nodes.iter().position(leads).expect("one of them")
}
