//! Views of a VS group inside one configuration, and when a configuration is cut.

use super::*;
use crate::wire::control::InstallView;
use Semantics::Vs;

/// So many nodes with a member each, in one view, nothing left to tell.
fn settled(nodes: usize, join: &Join) -> Net {
    let mut net = Net::new(nodes);
    (0..nodes).for_each(|n| net.join(n, join.clone()));
    net.run();
    let first = format!("1 view 2.{} ", nodes + 1);
    assert!(net.told(0).first().is_some_and(|line| line.starts_with(&first)));
    net.forget();
    net
}

#[test]
fn a_first_member_has_a_view_of_its_own() {
    let mut net = Net::new(2);
    net.join(1, Join { blob: Bytes::from_static(b"me"), ..wish(Vs) });
    net.send(1, Service::Agreed, "early");
    assert!(net.nodes[1].groups.held() >= 5);
    net.run();
    let told =
        ["1 view 2.2 b1 from b1 b1:me", "1 sent 1 in 2.2 agreed", "1 message b1#1 in 2.2 early"];
    assert_eq!(net.told(1), told);
    assert!(net.told(0).is_empty());
    assert_eq!(net.nodes[1].groups.held(), 0);
}

#[test]
fn joins_of_a_batch_make_one_view() {
    let mut net = Net::new(3);
    (0..3).for_each(|n| net.join(n, wish(Vs)));
    net.run();
    for n in 0..3 {
        let own = who(&member(n, 1));
        assert_eq!(net.told(n), [format!("1 view 2.4 a1,b1,c1 from {own}")]);
    }
}

#[test]
fn a_second_member_waits_for_the_flush_of_the_first() {
    let mut net = Net::new(2);
    net.join(0, manual());
    net.run();
    net.forget();
    net.join(1, wish(Vs));
    net.run();
    assert_eq!(net.told(0), ["1 transitional 2.2", "1 flush 2.2"]);
    net.send(0, Service::Fifo, "old");
    net.flush_ok(0, "blob").unwrap();
    assert!(net.flush_ok(0, "").is_err(), "asked once");
    net.send(0, Service::Fifo, "new");
    net.run();
    let told = [
        "1 sent 1 in 2.2 fifo",
        "1 message a1#1 in 2.2 old",
        "1 view 2.4 a1,b1 from a1 a1:blob",
        "1 sent 2 in 2.4 fifo",
        "1 message a1#2 in 2.4 new",
    ];
    assert_eq!(net.told(0), told);
    assert_eq!(net.told(1), ["1 view 2.4 a1,b1 from b1 a1:blob", "1 message a1#2 in 2.4 new"]);
}

#[test]
fn a_leave_comes_after_what_was_said() {
    let mut net = settled(2, &wish(Vs));
    net.send(1, Service::Agreed, "last");
    net.leave(1);
    net.run();
    let told = ["1 sent 1 in 2.3 agreed", "1 message b1#1 in 2.3 last", "1 left"];
    assert_eq!(net.told(1), told);
    let told = [
        "1 message b1#1 in 2.3 last",
        "1 transitional 2.3",
        "1 flush 2.3",
        "1 view 2.5 a1 from a1",
    ];
    assert_eq!(net.told(0), told);
    net.pass(Duration::from_secs(1));
    assert!(net.told(0).is_empty() && net.told(1).is_empty());
}

#[test]
fn two_members_of_a_node_share_a_view_and_come_from_different_ones() {
    let mut net = settled(2, &wish(Vs));
    net.join(1, Join { local: 2, ..wish(Vs) });
    net.run();
    let told = [
        "1 transitional 2.3",
        "1 flush 2.3",
        "1 view 2.5 a1,b1,b2 from a1,b1",
        "2 view 2.5 a1,b1,b2 from b2",
    ];
    assert_eq!(net.told(1), told);
}

#[test]
fn a_wish_withdrawn_too_late_becomes_a_leave() {
    let mut net = Net::new(2);
    net.join(1, wish(Vs));
    with!(net, 1, node, below, todo, {
        node.groups.settle(below, &mut node.figures, &mut node.out, todo);
    });
    net.leave(1);
    net.run();
    assert_eq!(net.told(1), ["1 left"]);
    assert!(net.nodes[0].groups.table.groups.is_empty());
}

#[test]
fn a_configuration_without_a_node_makes_a_view_without_it() {
    let mut net = settled(3, &manual());
    net.change(&[1, 2], true);
    net.run();
    assert_eq!(net.told(1), ["1 transitional 2.4", "1 flush 2.4"]);
    net.flush_ok(1, "").unwrap();
    net.run();
    assert!(net.told(1).is_empty());
    net.flush_ok(2, "").unwrap();
    net.run();
    assert_eq!(net.told(1), ["1 view 3.1 b1,c1 from b1,c1"]);
    assert_eq!(net.rare(2, Rare::FlushAcrossLeaders), 1);
}

#[test]
fn a_view_of_another_round_is_ignored() {
    let mut net = settled(2, &wish(Vs));
    net.is_frozen = true;
    net.join(0, Join { local: 2, ..wish(Vs) });
    net.run();
    let (configuration, ..) = net.entries[0].clone();
    let entry = |position| InstallView {
        group: name(),
        round: Order { epoch: 2, position: Position::new(position, 0) },
        classes: vec![(None, vec![0, 7, 7])],
        blobs: vec![],
    };
    for (clock, round) in [(8, 2), (9, 77)] {
        let order = Order { epoch: 2, position: Position::new(clock, 0) };
        net.entries.push_back((configuration, 0, order, ControlEntry::InstallView(entry(round))));
    }
    net.is_frozen = false;
    net.run();
    assert_eq!(net.rare(1, Rare::ViewOfOtherRound), 2);
    // Of the right round, but impossible.
    net.is_frozen = true;
    net.join(0, Join { local: 3, ..wish(Vs) });
    net.run();
    net.deliver(true);
    let round = net.nodes[1].groups.table.groups[&name()].round;
    let order = Order { epoch: 2, position: Position::new(99, 0) };
    let bad = ControlEntry::InstallView(InstallView { round, ..entry(0) });
    net.control(1, 0, order, bad, false);
    assert_eq!(net.nodes[1].figures.drops(Drop::Malformed), 1);
}

#[test]
fn a_view_after_the_signal_has_its_own_at_once() {
    let mut net = settled(2, &wish(Vs));
    net.join(0, Join { local: 2, ..wish(Vs) });
    // The join is delivered, the view stays on its way until the configuration has had its signal.
    with!(net, 0, node, below, todo, {
        node.groups.settle(below, &mut node.figures, &mut node.out, todo);
    });
    net.deliver(false);
    net.is_frozen = true;
    net.run();
    net.forget();
    net.change(&[0, 1], true);
    let told = ["1 view 2.5 a1,b1,a2 from a1,b1", "1 transitional 2.5", "1 flush 2.5"];
    assert_eq!(net.told(1), told);
    assert_eq!(net.rare(1, Rare::ViewAfterSignal), 1);
    net.run();
    assert_eq!(net.told(1), ["1 view 3.1 a1,b1,a2 from a1,b1,a2"]);
}

#[test]
fn who_does_not_flush_is_warned_of_and_put_out() {
    let mut net = settled(2, &manual());
    net.join(0, Join { local: 2, ..wish(Vs) });
    net.run();
    net.flush_ok(0, "").unwrap();
    net.pass(Duration::from_secs(9));
    assert!(net.warnings.is_empty());
    net.pass(Duration::from_secs(2));
    assert_eq!(net.warnings, [Warning::FlushLate { group: name(), node: id(1) }]);
    net.forget();
    net.send(1, Service::Fifo, "too late for this view");
    net.pass(Duration::from_secs(10));
    assert_eq!(net.told(1), ["1 refused flush_timeout"]);
    assert_eq!(net.told(0).first().unwrap(), "1 view 2.6 a1,a2 from a1");
    assert_eq!(net.rare(0, Rare::Expelled), 1);
    assert_eq!(net.nodes[1].groups.held(), 0);
}

#[test]
fn an_unknown_charter_or_other_semantics_are_refused() {
    let mut net = settled(2, &wish(Vs));
    let other = Bytes::from_static(b"other");
    net.join(1, Join { local: 2, charter: other, ..wish(Vs) });
    net.join(1, Join { local: 3, ..wish(Semantics::Evs) });
    net.run();
    assert_eq!(net.told(1), ["2 refused charter", "3 refused semantics"]);
    assert!(net.told(0).is_empty());
}

impl Net {
    fn renew(&mut self, n: usize) {
        let result = self.nodes[n].groups.want_renewal(&name(), 1);
        result.unwrap();
    }

    fn expel(&mut self, n: usize, who: usize) -> Result<(), crate::Error> {
        self.nodes[n].groups.want_out(&name(), 1, member(who, 1), "rude".to_owned())
    }
}

#[test]
fn a_renewal_makes_one_view_of_the_same_members_however_many_want_it() {
    let mut net = settled(3, &wish(Vs));
    net.renew(2);
    net.renew(1);
    net.renew(1);
    net.run();
    for n in 0..3 {
        let told = net.told(n);
        assert_eq!(told[..2], ["1 transitional 2.4", "1 flush 2.4"]);
        assert_eq!(told[2..], ["1 view 2.6 a1,b1,c1 from a1,b1,c1"], "and no second one");
    }
    net.run();
    net.pass(Duration::from_secs(5));
    assert!((0..3).all(|n| net.told(n).is_empty()), "nothing is asked again");
}

#[test]
fn a_renewal_that_comes_late_says_nothing() {
    let mut net = settled(2, &wish(Vs));
    let round = net.nodes[0].groups.table.groups[&name()].round;
    net.renew(0);
    net.run();
    net.forget();
    let late = Ask::Renew { group: name(), round };
    with!(net, 0, node, below, todo, {
        node.groups.ask(below, id(1), late, &mut node.figures, todo);
    });
    net.run();
    assert!((0..2).all(|n| net.told(n).is_empty()));
}

#[test]
fn who_is_put_out_is_told_why_and_the_others_go_on() {
    let mut net = settled(3, &wish(Vs));
    net.expel(1, 2).unwrap();
    net.run();
    assert_eq!(net.told(2), ["1 refused rude"]);
    for n in 0..2 {
        let told = net.told(n);
        assert_eq!(told.last().map(String::as_str), Some("1 view 2.6 a1,b1 from a1,b1"));
    }
    assert!(net.expel(1, 2).is_err(), "who is not in cannot be put out");
    net.pass(Duration::from_secs(5));
    assert!((0..3).all(|n| net.told(n).is_empty()));
}

#[test]
fn who_is_not_in_the_group_puts_nobody_out() {
    let mut net = Net::new(3);
    (0..2).for_each(|n| net.join(n, wish(Vs)));
    net.run();
    net.forget();
    let round = net.nodes[0].groups.table.groups[&name()].round;
    let reason = "rude".to_owned();
    let expel = Ask::Expel { group: name(), member: member(1, 1), life: 1, reason };
    for ask in [expel, Ask::Renew { group: name(), round }] {
        with!(net, 0, node, below, todo, {
            node.groups.ask(below, id(2), ask, &mut node.figures, todo);
        });
        net.run();
    }
    assert!((0..2).all(|n| net.told(n).is_empty()));
}
