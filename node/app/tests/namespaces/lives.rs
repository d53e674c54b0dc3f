//! Processes that die, sleep, or vanish.

use crate::company::Process;
use crate::town::{Town, await_views, possible, talk};
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;

fn signal(node: &Process, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(node.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[test]
fn a_killed_node_is_put_out_and_comes_back_as_another() {
    if !possible() {
        return;
    }
    let town = Town::new(3);
    let mut nodes = town.settle();
    let member = nodes[2].member();
    town.company.kill(nodes.pop().unwrap());
    await_views(&nodes, 2);
    let again = town.start(2, &nodes);
    nodes.push(again);
    await_views(&nodes, 3);
    assert_ne!(nodes[2].member(), member, "another life is another member");
    talk(&mut nodes, "again");
    town.end(nodes);
}

/// The others hear nothing of its end: their connections stay half-open.
#[test]
fn a_node_that_vanishes_is_put_out() {
    if !possible() {
        return;
    }
    let town = Town::new(3);
    let mut nodes = town.settle();
    town.lab.split(&[&[0, 1], &[2]]).unwrap();
    town.company.kill(nodes.pop().unwrap());
    await_views(&nodes, 2);
    talk(&mut nodes, "two");
    town.lab.heal().unwrap();
    let again = town.start(2, &nodes);
    nodes.push(again);
    await_views(&nodes, 3);
    talk(&mut nodes, "three");
    town.end(nodes);
}

#[test]
fn a_short_sleep_is_forgiven() {
    if !possible() {
        return;
    }
    let mut town = Town::new(3);
    // A machine that is busy with other tests sleeps longer than it is told to.
    town.company.overlay = "heartbeat = \"500ms\"\nsuspect_after = \"5s\"\n".to_owned();
    let mut nodes = town.settle();
    let before = nodes[0].await_view(3);
    signal(&nodes[2], Signal::STOP);
    std::thread::sleep(Duration::from_millis(800));
    signal(&nodes[2], Signal::CONT);
    talk(&mut nodes, "awake");
    assert_eq!(nodes[0].await_view(3), before, "nobody was put out");
    town.end(nodes);
}

#[test]
fn who_sleeps_for_long_is_put_out_and_comes_back() {
    if !possible() {
        return;
    }
    let town = Town::new(3);
    let mut nodes = town.settle();
    signal(&nodes[2], Signal::STOP);
    await_views(&nodes[..2], 2);
    talk(&mut nodes[..2], "asleep");
    signal(&nodes[2], Signal::CONT);
    await_views(&nodes, 3);
    talk(&mut nodes, "awake");
    town.end(nodes);
}

#[test]
fn a_pulled_cable_is_a_partition() {
    if !possible() {
        return;
    }
    let town = Town::new(3);
    let mut nodes = town.settle();
    town.lab.pull(1, true).unwrap();
    await_views([&nodes[0], &nodes[2]], 2);
    await_views([&nodes[1]], 1);
    town.lab.pull(1, false).unwrap();
    await_views(&nodes, 3);
    talk(&mut nodes, "plugged in");
    town.end(nodes);
}
