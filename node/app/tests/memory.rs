//! What one member's instance of a key agreement module holds while nothing is under way: counted
//! as what is given back when it is dropped, after the network that it shared names with.
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a test may stop, and tells figures")]

use cenacle_builtin::agreements;
use cenacle_plugin::network::{How, Network};
use cenacle_plugin::{KeyAgreementModule, Options};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const MEMBERS: u32 = 100;

/// The most that an instance in a group of that size may hold: a few hundred bytes for each member
/// (its name, an encoded element or two, a node of a tree).
const MOST: usize = 400 * MEMBERS as usize;

fn held_by(module: &dyn KeyAgreementModule, member: u32) -> usize {
    let options = Options::defaults(&module.descriptor().options);
    let mut network = Network::new(module, options, 1);
    let members: Vec<u32> = (0..MEMBERS).collect();
    for number in &members {
        network.add(*number).expect("an instance");
    }
    network.change(&members, How::Continue).expect("a run");
    network.complete_measured().expect("a key");
    let instance = network.remove(member).expect("the member");
    drop(network);
    let before = ALLOCATOR.stats().bytes_deallocated;
    drop(instance);
    ALLOCATOR.stats().bytes_deallocated.saturating_sub(before)
}

/// The only test of this file: others beside it would be counted too.
#[test]
fn an_instance_holds_little() {
    for module in agreements() {
        let name = &module.descriptor().name;
        let oldest = held_by(module.as_ref(), 0);
        let newest = held_by(module.as_ref(), MEMBERS - 1);
        println!("{name}: {oldest} bytes at the oldest of {MEMBERS}, {newest} at the newest");
        assert!(oldest > 0 && oldest.max(newest) <= MOST, "{name}: {oldest} and {newest} bytes");
    }
}
