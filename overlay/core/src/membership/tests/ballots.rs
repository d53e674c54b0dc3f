//! Ballots under crashes, loss and interruption.

use super::{super::Happening, net::Net, node};
use crate::{figures::Rare, ids::NodeId, wire::control::Membership as Message};

fn together(nodes: u8, seed: u64) -> Net {
    let mut net = Net::new(nodes, seed);
    net.run(3000);
    let all: Vec<u8> = (1..=nodes).collect();
    net.assert_together(&all);
    net
}

#[test]
fn a_closed_connection_makes_one_quick_change() {
    let mut net = together(5, 1);
    let before = [1, 2, 5].map(|number| net.host(number).installations.len());
    net.crash(3);
    net.crash(4);
    net.run(100);
    net.assert_together(&[1, 2, 5]);
    let after = [1, 2, 5].map(|number| net.host(number).installations.len());
    assert_eq!(after, before.map(|count| count + 1));
}

#[test]
fn silence_is_noticed_too() {
    let mut net = together(6, 2);
    net.hosts.remove(&node(5));
    net.run(1800);
    net.assert_together(&[1, 2, 3, 4, 6]);
}

#[test]
fn the_next_rank_replaces_a_leader() {
    for silent in [false, true] {
        let mut net = together(6, 3);
        if silent {
            net.hosts.remove(&node(1));
        } else {
            net.crash(1);
        }
        net.run(if silent { 1800 } else { 150 });
        net.assert_together(&[2, 3, 4, 5, 6]);
    }
}

#[test]
fn ranks_that_hear_only_the_leader_replace_the_first_three() {
    let mut net = together(7, 4);
    for number in [1, 2, 3] {
        net.hosts.remove(&node(number));
    }
    net.run(6000);
    net.assert_together(&[4, 5, 6, 7]);
}

#[test]
fn a_proposer_that_dies_in_its_ballot_is_followed_by_another() {
    for stage in 0..40 {
        let mut net = together(5, stage);
        net.hosts.remove(&node(5));
        net.give(node(1), Happening::Closed(node(5)));
        // The ballot takes some milliseconds from here on: the proposer dies in each of them.
        net.run(9 + stage / 3);
        net.crash(1);
        net.run(4000);
        net.assert_together(&[2, 3, 4]);
    }
}

#[test]
fn an_installation_that_reaches_only_some_is_completed() {
    let mut net = together(4, 6);
    net.swallow = |from, to, message| {
        let direct = matches!(message, Message::Install { .. }) && from == node(1);
        direct && to == node(3)
    };
    net.crash(4);
    net.run(600);
    // From node 2, which has it.
    net.assert_together(&[1, 2, 3]);
}

#[test]
fn whoever_misses_an_installation_for_good_comes_back() {
    let mut net = together(4, 6);
    net.swallow = |_, to, message| matches!(message, Message::Install { .. }) && to == node(3);
    net.crash(4);
    net.run(6000);
    net.swallow = |_, _, _| false;
    net.run(6000);
    net.assert_together(&[1, 2, 3]);
    assert!(net.saw(Rare::InstallationMissed) > 0);
}

#[test]
fn an_installation_without_its_proposer_is_completed() {
    let mut net = together(5, 6);
    net.swallow = |from, to, message| {
        let direct = matches!(message, Message::Install { .. }) && from == node(1);
        direct && to != node(2)
    };
    net.crash(5);
    net.run(20);
    net.crash(1);
    net.run(6000);
    net.assert_together(&[2, 3, 4]);
}

#[test]
fn a_leaving_node_is_let_go() {
    for leaver in [1, 2, 4] {
        let mut net = together(4, 8);
        net.give(node(leaver), Happening::Leave);
        net.run(150);
        assert!(net.host(leaver).gone);
        let rest: Vec<u8> = (1..=4).filter(|&number| number != leaver).collect();
        net.assert_together(&rest);
        assert!(net.hosts.values().all(|host| host.warnings.is_empty()));
    }
}

#[test]
fn a_node_without_answer_goes_anyway() {
    let mut net = together(2, 8);
    net.part(&[2]);
    net.give(node(2), Happening::Leave);
    net.run(700);
    assert!(!net.host(2).gone);
    net.run(200);
    assert!(net.host(2).gone);
}

/// Everything at once, then quiet: all settle in one configuration.
#[test]
fn after_any_storm_all_settle_together() {
    let mut interrupted = [0; 3];
    for seed in 0..60 {
        let mut net = Net::new(6, seed);
        let mut life = 1;
        net.loss = 5;
        for _ in 0..25 {
            match net.draw(6) {
                0 => net.cut.clear(),
                1 | 2 => {
                    let side: Vec<u8> = (1..=6).filter(|_| net.draw(2) == 0).collect();
                    net.part(&side);
                }
                3 => {
                    let pair = (node(net.draw_node(6)), node(net.draw_node(6)));
                    net.cut.insert(pair);
                }
                4 => {
                    life += 1;
                    restart(&mut net, life);
                }
                _ => {}
            }
            let pause = 20 + net.draw(900);
            net.run(pause);
        }
        net.cut.clear();
        net.loss = 0;
        net.run(8000);
        let ids: Vec<_> = net.hosts.values().map(|host| host.configuration.id).collect();
        let operational = net.hosts.values().all(|host| host.machine.is_operational());
        let whole = net.hosts.values().all(|host| host.configuration.size() == net.hosts.len());
        assert!(operational && whole, "seed {seed}: {ids:?}");
        let calm = net.calls;
        net.run(1000);
        assert!(net.calls - calm < 1000, "seed {seed}: {} calls a second", net.calls - calm);
        for (sum, case) in interrupted.iter_mut().zip([
            Rare::GatheringInterrupted,
            Rare::RecoveryInterrupted,
            Rare::LeaderAlive,
        ]) {
            *sum += net.saw(case);
        }
    }
    assert!(interrupted.iter().all(|&seen| seen > 0), "{interrupted:?}");
}

fn restart(net: &mut Net, life: u64) {
    let which = node(net.draw_node(6));
    let old = net.hosts.keys().copied().find(|id| id.key == which.key);
    if let Some(old) = old {
        net.hosts.remove(&old);
    }
    net.start(NodeId { incarnation: life, ..which });
}
