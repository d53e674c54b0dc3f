//! A member that leaves and joins again under its old local number: late copies of what was asked
//! for its former life.

use super::*;
use crate::wire::control::Ask;

fn leave(life: u64) -> Ask {
    Ask::Leave { group: name(), local: 1, life, end: 0 }
}

fn join(semantics: Semantics, life: u64) -> Ask {
    let (charter, blob) = (Bytes::new(), Bytes::from_static(b"former"));
    Ask::Join { group: name(), local: 1, life, semantics, charter, blob }
}

/// What node 1 asked of the leader comes there once more.
fn again(net: &mut Net, ask: Ask) {
    with!(net, 0, node, below, todo, {
        node.groups.ask(below, id(1), ask, &mut node.figures, todo);
    });
}

/// Nodes 0 and 1 have a member each; that of node 1 lives its second life.
fn reborn(semantics: Semantics) -> Net {
    let mut net = Net::new(2);
    (0..2).for_each(|n| net.join(n, wish(semantics)));
    net.run();
    net.leave(1);
    net.run();
    net.join(1, wish(semantics));
    net.run();
    assert!(net.told(1).last().is_some_and(|line| line.contains("a1,b1 from b1")));
    net.forget();
    net
}

#[test]
fn a_late_leave_does_not_put_out_the_next_life() {
    for semantics in [Semantics::Vs, Semantics::Evs] {
        let mut net = reborn(semantics);
        again(&mut net, leave(1));
        net.run();
        assert!(net.told(0).is_empty() && net.told(1).is_empty(), "{semantics:?}");
        again(&mut net, leave(2));
        net.run();
        assert!(net.told(1).contains(&"1 left".into()), "{semantics:?}");
    }
}

#[test]
fn nor_does_one_that_the_leader_stamped() {
    for semantics in [Semantics::Vs, Semantics::Evs] {
        let mut net = reborn(semantics);
        let order = Order { epoch: 2, position: Position::new(99, 0) };
        let entry =
            |life| ControlEntry::Leave { rank: 1, local: 1, life, group: name(), expelled: None };
        (0..2).for_each(|n| net.control(n, 0, order, entry(1), false));
        assert!(net.told(1).is_empty(), "{semantics:?}");
        (0..2).for_each(|n| net.control(n, 0, order, entry(2), false));
        assert!(net.told(1).contains(&"1 left".into()), "{semantics:?}");
    }
}

/// The former life's join is in the table for a moment, and what it said there is nobody's.
#[test]
fn a_late_join_is_not_the_next_lifes() {
    for semantics in [Semantics::Vs, Semantics::Evs] {
        let mut net = Net::new(2);
        net.join(0, wish(semantics));
        net.join(1, wish(semantics));
        net.run();
        net.leave(1);
        net.run();
        net.forget();
        again(&mut net, join(semantics, 1));
        // The leader stamps it before it is asked for the next life.
        with!(net, 0, node, below, todo, {
            node.groups.settle(below, &mut node.figures, &mut node.out, todo);
        });
        net.join(1, Join { blob: Bytes::from_static(b"next"), ..wish(semantics) });
        net.run();
        net.pass(Duration::from_secs(1));
        let views: Vec<_> = net.told(1).into_iter().filter(|line| line.contains("view")).collect();
        assert_eq!(views.len(), 1, "{semantics:?}: {views:?}");
        assert!(views[0].contains("a1,b1 from b1 b1:next"), "{semantics:?}: {views:?}");
    }
}

#[test]
fn a_life_is_carried_through_a_merge() {
    let mut net = reborn(Semantics::Vs);
    net.change(&[0], true);
    net.change(&[1], true);
    net.run();
    net.change(&[0, 1], false);
    net.run();
    assert!(net.told(1).last().is_some_and(|line| line.contains("a1,b1 from b1")));
    for (life, leaves) in [(1, false), (2, true)] {
        again(&mut net, leave(life));
        net.run();
        assert_eq!(net.told(1).contains(&"1 left".into()), leaves, "life {life}");
    }
}
