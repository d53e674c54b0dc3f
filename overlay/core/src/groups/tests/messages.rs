//! Unicast and unreliable messages.

use super::*;
use Semantics::Vs;

fn pair() -> Net {
    let mut net = Net::new(2);
    (0..2).for_each(|n| net.join(n, wish(Vs)));
    net.run();
    net.forget();
    net
}

#[test]
fn unicasts_come_in_order_and_once_though_frames_are_lost() {
    let mut net = pair();
    net.loses_frames = true;
    net.unicast(0, member(1, 1), "one").unwrap();
    net.unicast(0, member(1, 1), "two").unwrap();
    net.run();
    assert_eq!(net.told(0), ["1 sent 1 in 2.3 unicast", "1 sent 2 in 2.3 unicast"]);
    assert!(net.told(1).is_empty());
    net.loses_frames = false;
    net.pass(Duration::from_millis(60));
    let told = ["1 message a1#1 in 2.3 one", "1 message a1#2 in 2.3 two"];
    assert_eq!(net.told(1), told);
    net.pass(Duration::from_secs(1));
    assert!(net.told(1).is_empty());
    assert_eq!(net.nodes[0].groups.held(), 0);
    assert_eq!(net.nodes[0].groups.deadline(), None);
}

#[test]
fn a_unicast_to_a_member_of_the_same_node_is_there_at_once() {
    let mut net = Net::new(1);
    net.join(0, wish(Vs));
    net.join(0, Join { local: 2, ..wish(Vs) });
    net.run();
    net.forget();
    net.unicast(0, member(0, 2), "hello").unwrap();
    assert_eq!(net.told(0), ["1 sent 1 in 2.3 unicast", "2 message a1#1 in 2.3 hello"]);
    assert!(net.unicast(0, member(0, 3), "nobody").is_err());
}

#[test]
fn a_unicast_ahead_of_its_view_waits_for_it() {
    let mut net = Net::new(2);
    (0..2).for_each(|n| net.join(n, wish(Vs)));
    net.unicast(0, member(1, 1), "early").unwrap();
    net.unicast(0, member(1, 9), "to nobody").unwrap();
    // The first node has its view before the second.
    net.is_frozen = true;
    net.run();
    let joins: Vec<_> = net.entries.drain(..).collect();
    for (_, rank, order, entry) in joins {
        (0..2).for_each(|n| net.control(n, rank, order, entry.clone(), false));
        net.nodes.iter_mut().for_each(|node| node.delivered[0] += 1);
    }
    net.run();
    let (_, rank, order, entry) = net.entries.pop_front().unwrap();
    net.control(0, rank, order, entry.clone(), false);
    net.run();
    assert!(net.told(1).is_empty());
    assert_eq!(net.nodes[0].figures.drops(Drop::OtherView), 1);
    net.control(1, rank, order, entry, false);
    let told = ["1 view 2.3 a1,b1 from b1", "1 message a1#1 in 2.3 early"];
    assert_eq!(net.told(1), told);
    net.run();
    assert_eq!(net.nodes[0].groups.held(), 0);
}

#[test]
fn a_unicast_of_a_past_view_is_never_delivered() {
    let mut net = pair();
    net.loses_frames = true;
    net.unicast(0, member(1, 1), "lost").unwrap();
    net.run();
    net.join(0, Join { local: 2, ..wish(Vs) });
    net.run();
    net.pass(net.nodes[0].settings.flush_limit);
    net.loses_frames = false;
    assert!(net.told(1).last().unwrap().starts_with("1 view "), "the next view waits no longer");
    net.pass(Duration::from_secs(1));
    assert!(net.told(1).is_empty());
    assert_eq!(net.nodes[0].groups.held(), 0);
}

#[test]
fn the_next_view_waits_for_the_unicasts_of_the_last() {
    let mut net = pair();
    net.loses_frames = true;
    net.unicast(0, member(1, 1), "").unwrap();
    assert!(net.nodes[0].groups.held() > 0, "an empty one counts, too");
    net.join(1, Join { local: 2, ..wish(Vs) });
    net.run();
    net.loses_frames = false;
    net.pass(Duration::from_secs(1));
    let told = net.told(1);
    let at = |what: &str| told.iter().position(|line| line.contains(what)).unwrap();
    assert!(at("message a1#1 in 2.3") < at("view 2.5"), "{told:?}");
}

#[test]
fn a_leave_comes_after_the_unicasts_of_its_member_alone() {
    for (local, waits) in [(1, true), (2, false)] {
        let mut net = pair();
        net.join(0, Join { local: 2, ..wish(Vs) });
        net.run();
        net.loses_frames = true;
        net.unicast(0, member(1, 1), "last words").unwrap();
        net.forget();
        with!(net, 0, node, below, todo, {
            node.groups.leave(below, &name(), local, &mut node.out, todo).unwrap();
        });
        net.run();
        let mut told_here = net.told(0);
        let asked = told_here.iter().any(|line| line.starts_with("1 transitional"));
        assert_eq!(asked, !waits, "whether the leave is in the order");
        net.loses_frames = false;
        net.pass(Duration::from_secs(1));
        let told = net.told(1);
        assert!(told.iter().any(|line| line.ends_with("last words")), "{told:?}");
        told_here.extend(net.told(0));
        assert!(told_here.contains(&format!("{local} left")), "{told_here:?}");
    }
}

#[test]
fn what_is_said_in_a_view_that_is_over_is_not_repeated() {
    let mut net = pair();
    net.unicast(0, member(1, 1), "late").unwrap();
    let frames: Vec<_> = net.frames.drain(..).collect();
    net.change(&[1], true);
    net.run();
    net.change(&[0, 1], false);
    // The second node has moved on without the first; the first has not heard of it.
    for (to, from, frame) in frames {
        let body = frame.slice(10..);
        let result = with!(net, to, node, below, todo, {
            node.groups.frame(below, from, UNICAST, body, &mut node.out, todo)
        });
        assert_eq!(result, Err(Drop::OtherView));
        with!(net, to, node, below, todo, {
            node.groups.settle(below, &mut node.figures, &mut node.out, todo);
            let answers = todo.iter().filter(|todo| matches!(todo, Todo::Send(..)));
            assert_eq!(answers.count(), 1, "its sender need not wait");
        });
    }
}

#[test]
fn an_unreliable_message_comes_never_twice_and_never_late() {
    let mut net = pair();
    net.send(0, Service::Unreliable, "one");
    net.send(0, Service::Unreliable, "two");
    assert_eq!(net.told(0)[1], "1 message a1#1 in 2.3 one");
    let frames: Vec<_> = net.frames.drain(..).collect();
    for at in [1, 1, 0] {
        let (to, from, frame) = frames[at].clone();
        net.hear(to, from, &frame);
    }
    assert_eq!(net.told(1), ["1 message a1#2 in 2.3 two"]);
    assert_eq!(net.nodes[1].figures.drops(Drop::Duplicate), 2);
    net.join(0, Join { local: 2, ..wish(Vs) });
    net.run();
    net.forget();
    let (to, from, frame) = frames[1].clone();
    net.hear(to, from, &frame);
    assert!(net.told(1).is_empty());
    assert_eq!(net.nodes[1].figures.drops(Drop::OtherView), 1);
}

#[test]
fn no_frame_of_a_peer_makes_trouble() {
    let mut net = pair();
    net.unicast(0, member(1, 1), "one").unwrap();
    net.send(0, Service::Unreliable, "two");
    let frames: Vec<_> = net.frames.drain(..).collect();
    for (to, from, frame) in frames {
        for kind in 5..=9 {
            for end in 10..=frame.len() {
                let body = frame.slice(10..end);
                let _ = with!(net, to, node, below, todo, {
                    node.groups.frame(below, from, kind, body, &mut node.out, todo)
                });
            }
        }
        // Numbers far ahead are kept within limits.
        for number in 1..1000u64 {
            let mut body = (number % 3).to_le_bytes().to_vec();
            for field in [number * 1000, 1, 1, number] {
                crate::wire::varint::put_number(&mut body, field);
            }
            let body = body.into();
            let _ = with!(net, to, node, below, todo, {
                node.groups.frame(below, from, UNICAST, body, &mut node.out, todo)
            });
        }
    }
    net.change(&[0, 1], true);
    net.run();
    assert!(net.told(1).last().unwrap().starts_with("1 view 3."));
}
