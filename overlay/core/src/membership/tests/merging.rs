//! Configurations that find each other, and those that cannot.

use super::{net::Net, node};
use crate::{figures::Rare, ids::NodeId};

#[test]
fn nodes_that_start_alone_become_one_configuration() {
    for seed in 0..20 {
        let mut net = Net::new(5, seed);
        net.run(3000);
        net.assert_together(&[1, 2, 3, 4, 5]);
    }
}

#[test]
fn two_halves_merge_and_keep_their_classes() {
    let mut net = Net::new(6, 1);
    net.part(&[1, 3, 5]);
    net.run(3000);
    net.assert_together(&[1, 3, 5]);
    net.assert_together(&[2, 4, 6]);
    net.cut.clear();
    net.run(3000);
    net.assert_together(&[1, 2, 3, 4, 5, 6]);
    let last = net.host(1).installations.last().unwrap();
    assert_eq!(last.classes, [vec![0, 2, 4], vec![1, 3, 5]]);
    assert_eq!(last.plan.survivors, [0, 1, 2]);
}

#[test]
fn three_parts_merge_at_once_if_they_meet_at_once() {
    let mut seen = 0;
    for seed in 0..20 {
        let mut net = Net::new(6, seed);
        net.part(&[1, 2]);
        net.part(&[3, 4]);
        net.run(3000);
        net.cut.clear();
        net.run(4000);
        net.assert_together(&[1, 2, 3, 4, 5, 6]);
        seen += net.saw(Rare::ThreeWayMerge);
    }
    assert!(seen > 0, "three configurations have never merged at once");
}

#[test]
fn a_partition_is_two_configurations_and_heals() {
    for seed in 0..20 {
        let mut net = Net::new(5, seed);
        net.run(3000);
        net.part(&[1, 4]);
        net.run(4000);
        net.assert_together(&[1, 4]);
        net.assert_together(&[2, 3, 5]);
        net.cut.clear();
        net.run(4000);
        net.assert_together(&[1, 2, 3, 4, 5]);
    }
}

#[test]
fn lasting_cuts_settle() {
    for (from, to) in [(1, 4), (4, 1), (2, 4), (4, 2), (1, 2), (2, 1), (3, 4), (5, 4)] {
        for both in [false, true] {
            let mut net = Net::new(5, 7);
            net.run(3000);
            net.cut.insert((node(from), node(to)));
            if both {
                net.cut.insert((node(to), node(from)));
            }
            net.run(10_000);
            let before = net.installations();
            net.run(20_000);
            assert_eq!(net.installations(), before, "{from} to {to} cut, both ways: {both}");
            net.cut.clear();
            net.run(5000);
            net.assert_together(&[1, 2, 3, 4, 5]);
        }
    }
}

#[test]
fn a_configuration_is_not_torn_while_links_open() {
    let mut net = Net::new(3, 2);
    net.part(&[1]);
    net.run(3000);
    net.assert_together(&[2, 3]);
    net.cut.clear();
    net.cut.extend([(node(1), node(3)), (node(3), node(1))]);
    let limit = net.host(1).settings.propose_limit * 2;
    let before = net.installations();
    net.run(u64::try_from(limit.as_millis()).unwrap());
    assert_eq!(net.installations(), before, "1 reaches 2, but not 3 yet");
    net.cut.clear();
    net.run(3000);
    net.assert_together(&[1, 2, 3]);
    assert_eq!(net.installations(), before + 3, "one change for each");
}

#[test]
fn a_suitor_that_goes_with_others_is_let_go_at_once() {
    use super::super::{Effect, Happening, Message};
    use super::net::Host;
    use crate::{configuration::Peer, ids::Ballot, settings::Settings, time::Time};
    let start = Time(1_000_000);
    let mut host = Host::new(Settings::new(node(1), "test"), start);
    let leader = Peer { node: node(4), priority: 0 };
    let configuration = Ballot { epoch: 3, proposer: node(4) };
    let beacon = Message::Beacon { configuration, leader, size: 1 };
    let effects = host.handle(start, Happening::Message(node(4), beacon));
    let Some(Effect::Send(_, Message::Probe { nonce })) = effects.first() else {
        panic!("{effects:?}");
    };
    let reply =
        Message::ProbeReply { nonce: *nonce, epoch: 3, configuration, members: vec![leader] };
    host.handle(start, Happening::Message(node(4), reply));
    host.handle(start + host.settings.gather_window, Happening::Tick);
    let ballot = host.machine.awaited().unwrap();
    let promised = Ballot { epoch: 9, proposer: node(2) };
    let reject = Message::Reject { ballot, promised };
    let now = start + host.settings.gather_window * 2;
    host.handle(now, Happening::Message(node(4), reject));
    let alone = host.machine.awaited().unwrap();
    assert!(alone > ballot && !host.machine.in_ballot(node(4)), "{alone:?}");
}

#[test]
fn a_restarted_node_replaces_its_former_life() {
    let mut net = Net::new(3, 3);
    net.run(3000);
    // Killed without its connections closing: only its new life tells.
    net.hosts.remove(&node(2));
    let again = NodeId { incarnation: 2, ..node(2) };
    net.start(again);
    net.run(3000);
    let expected = [node(1), again, node(3)];
    for host in net.hosts.values() {
        assert!(host.configuration.nodes().eq(expected), "{:?}", host.configuration);
    }
    let told = |warning: &String| warning.contains("has restarted as");
    assert!(net.host(1).warnings.iter().any(told));
}

#[test]
fn an_excluded_node_stays_out_for_a_while() {
    use super::super::Happening;
    let mut net = Net::new(3, 5);
    net.run(3000);
    net.give(node(1), Happening::Exclude(node(3)));
    // Less than a beacon period, after which it may come back.
    net.run(150);
    net.assert_together(&[1, 2]);
    net.run(8000);
    net.assert_together(&[1, 2, 3]);
    assert_eq!(net.saw(Rare::Expelled), 1);
}

#[test]
fn whoever_is_put_out_again_stays_out_longer() {
    use super::super::Happening;
    let mut net = Net::new(3, 5);
    net.run(3000);
    let beacon = u64::try_from(net.host(1).settings.beacon.as_millis()).unwrap();
    for times in 0..4 {
        // It is said until it is out, and is once.
        (0..3).for_each(|_| net.give(node(1), Happening::Exclude(node(3))));
        net.run(beacon * (1 << times) - beacon / 10);
        net.assert_together(&[1, 2]);
        net.run(beacon * 3);
        net.assert_together(&[1, 2, 3]);
    }
}

#[test]
fn a_leader_that_holds_the_others_up_steps_aside() {
    use super::super::Happening;
    let mut net = Net::new(3, 5);
    net.run(3000);
    net.hosts.get_mut(&node(1)).unwrap().backlogged = true;
    net.give(node(1), Happening::Exclude(node(1)));
    net.run(300);
    net.assert_together(&[2, 3]);
    assert_eq!(net.saw(Rare::SteppedAside), 2);
    net.run(30_000);
    net.assert_together(&[2, 3]);
    net.assert_together(&[1]);
    net.hosts.get_mut(&node(1)).unwrap().backlogged = false;
    net.run(8000);
    net.assert_together(&[1, 2, 3]);
}
