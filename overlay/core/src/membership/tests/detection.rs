//! The failure detector: reasons, adaptation, forgiveness.

use super::{super::Happening, net::Net, node};

#[test]
fn every_suspicion_says_why() {
    let mut net = Net::new(5, 1);
    net.run(3000);
    net.crash(5);
    net.run(200);
    net.hosts.remove(&node(4));
    net.run(2000);
    let warnings = net.host(1).warnings.join("\n");
    assert!(warnings.contains("its connection closed and a new one was refused"), "{warnings}");
    assert!(warnings.contains("the limit is 1000 ms"), "{warnings}");
}

#[test]
fn a_node_that_stood_still_suspects_nobody() {
    let mut net = Net::new(3, 2);
    net.run(3000);
    // Half a second less than it takes the others to notice, many heartbeats of its own.
    let stopped = net.hosts.remove(&node(1)).unwrap();
    net.run(700);
    net.hosts.insert(node(1), stopped);
    net.run(3000);
    net.assert_together(&[1, 2, 3]);
    assert!(net.hosts.values().all(|host| host.warnings.is_empty()));
}

#[test]
fn a_jump_of_the_clock_forgives_everybody() {
    let mut net = Net::new(3, 2);
    net.run(3000);
    net.now.0 += 60_000_000;
    net.run(3000);
    net.assert_together(&[1, 2, 3]);
    assert!(net.hosts.values().all(|host| host.warnings.is_empty()));
}

#[test]
fn a_doubt_of_one_link_is_settled_by_the_leader() {
    let mut net = Net::new(5, 3);
    net.run(3000);
    let before = net.installations();
    // Rank 2 does not hear rank 4; the leader does.
    net.cut.insert((node(5), node(3)));
    net.run(10_000);
    assert_eq!(net.installations(), before);
    net.assert_together(&[1, 2, 3, 4, 5]);
    assert!(net.host(3).warnings.iter().any(|warning| warning.contains("silent")));
    assert!(net.host(1).warnings.is_empty());
}

#[test]
fn a_sign_of_life_takes_a_suspicion_back() {
    let mut net = Net::new(3, 4);
    net.run(3000);
    let before = net.installations();
    net.give(node(1), Happening::Closed(node(3)));
    net.give(node(1), Happening::Alive(node(3)));
    net.run(3000);
    assert_eq!(net.installations(), before);
}

#[test]
fn loss_of_a_third_is_no_failure_for_long() {
    let mut net = Net::new(4, 5);
    net.run(3000);
    net.loss = 30;
    net.run(60_000);
    net.loss = 0;
    net.run(5000);
    net.assert_together(&[1, 2, 3, 4]);
}
