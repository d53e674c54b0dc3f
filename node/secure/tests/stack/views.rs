//! Secure views through all that happens to a group, with every module.

use crate::net::{Net, name};
use bytes::Bytes;
use cenacle_core::{Event as Plain, Input, Service};
use cenacle_secure::{Event, SecureJoin, StackError};

const MODULES: [&str; 9] = ["tgdh", "gdh", "str", "bd", "ckd", "basic", "binary", "dist", "wgl"];

/// A group of so many nodes, secure.
fn group(count: usize, module: &str) -> Net {
    let mut net = Net::new(count);
    let charter = net.charter(module);
    for number in 0..count {
        net.join(number, &charter);
    }
    net.seconds(1);
    let all: Vec<usize> = (0..count).collect();
    net.agree(&all);
    net
}

#[test]
fn members_agree_on_a_key_and_talk_under_it() {
    for module in MODULES {
        let mut net = group(3, module);
        net.forget();
        net.send(0, Service::Agreed, "agreed");
        net.send(1, Service::Fifo, "fifo");
        net.send(2, Service::Safe, "safe");
        net.send(0, Service::Causal, "causal");
        net.send(1, Service::Unreliable, "unreliable");
        net.unicast(2, 0, "for one");
        net.seconds(1);
        for number in 0..3 {
            let mut heard = net.heard(number);
            heard.sort_unstable();
            let mut sent = vec!["agreed", "causal", "fifo", "safe", "unreliable"];
            if number == 0 {
                sent.insert(3, "for one");
            }
            assert_eq!(heard, sent, "{module}, node {number}");
        }
        let texts = ["agreed", "causal", "fifo", "safe", "for one"];
        for text in texts {
            let clear = |frame: &Bytes| frame.windows(text.len()).any(|w| w == text.as_bytes());
            assert!(!net.wire.iter().any(clear), "{module}: {text:?} is on the wire");
        }
    }
}

#[test]
fn every_change_of_members_changes_the_key() {
    for module in MODULES {
        let mut net = group(4, module);
        let first = net.agree(&[0, 1, 2, 3]);
        net.leave(1);
        net.seconds(1);
        let second = net.agree(&[0, 2, 3]);
        assert!(matches!(net.nodes[1].told.last(), Some(Event::Plain(Plain::Left))));
        net.kill(0);
        net.seconds(3);
        let third = net.agree(&[2, 3]);
        net.leave(3);
        net.seconds(1);
        let last = net.agree(&[2]);
        assert!(first != second && second != third && third != last, "{module}");
    }
}

#[test]
fn parts_go_on_alone_and_together_again() {
    for module in MODULES {
        let mut net = group(5, module);
        net.part(&[&[0, 1], &[2, 3, 4]]);
        net.seconds(4);
        let one = net.agree(&[0, 1]);
        let other = net.agree(&[2, 3, 4]);
        assert_ne!(one, other, "{module}");
        net.send(0, Service::Agreed, "here");
        net.send(4, Service::Agreed, "there");
        net.part(&[]);
        net.seconds(4);
        net.agree(&[0, 1, 2, 3, 4]);
        for (number, own) in [(0, "here"), (1, "here"), (2, "there"), (3, "there"), (4, "there")] {
            assert_eq!(net.heard(number), [own], "{module}");
        }
        let transitional = &net.last_view(0).view.transitional;
        assert_eq!(transitional.len(), 2, "{module}: who came along from the last secure view");
        assert_eq!(net.last_view(3).view.transitional.len(), 3, "{module}");
    }
}

#[test]
fn a_refresh_changes_the_key_and_nothing_else() {
    for module in MODULES {
        let mut net = group(3, module);
        let before = net.agree(&[0, 1, 2]);
        net.refresh(1);
        net.seconds(1);
        let after = net.agree(&[0, 1, 2]);
        assert_ne!(before, after, "{module}");
        let view = net.last_view(0);
        assert_eq!(view.view.transitional.len(), 3, "{module}");
        assert_eq!(net.views(0).iter().filter(|v| v.view.members.len() == 3).count(), 2);
        net.refresh(1);
        net.refresh(0);
        assert_ne!(after, net.agree(&[0, 1, 2]), "{module}: again");
    }
}

#[test]
fn what_is_said_while_a_key_is_agreed_waits_for_it() {
    let mut net = group(2, "gdh");
    net.forget();
    let charter = net.charter("gdh");
    net.add(1);
    net.seconds(2);
    net.join(2, &charter);
    net.send(2, Service::Agreed, "from the newcomer");
    net.send(0, Service::Fifo, "one");
    net.send(0, Service::Fifo, "two");
    net.seconds(1);
    net.agree(&[0, 1, 2]);
    for number in 0..2 {
        let heard = net.heard(number);
        assert_eq!(heard.iter().filter(|text| text.contains("newcomer")).count(), 1);
        let own: Vec<_> = heard.iter().filter(|text| !text.contains("newcomer")).collect();
        assert_eq!(own, ["one", "two"]);
    }
}

#[test]
fn an_application_that_flushes_itself_is_asked_once_a_secure_view() {
    let mut net = Net::new(3);
    let charter = net.charter("bd");
    net.join_with(0, &charter, true);
    net.join(1, &charter);
    net.seconds(1);
    // Node 0 may have been alone in its first view, and is asked before the second.
    let answer = |net: &mut Net| {
        let _ =
            net.try_input(0, Input::FlushOk { group: name(), local: 0, blob: Default::default() });
        net.seconds(1);
    };
    answer(&mut net);
    net.agree(&[0, 1]);
    net.forget();
    net.join(2, &charter);
    net.seconds(1);
    let asked = |net: &Net| {
        let told = net.nodes[0].told.iter();
        told.filter(|event| matches!(event, Event::Plain(Plain::FlushRequest { .. }))).count()
    };
    assert_eq!(asked(&net), 1);
    assert!(net.views(1).is_empty(), "nobody goes on without the answer");
    net.send(0, Service::Fifo, "before");
    answer(&mut net);
    net.agree(&[0, 1, 2]);
    assert_eq!(asked(&net), 1);
    assert_eq!(net.heard(1), ["before"]);
    assert_eq!(net.heard(2), Vec::<String>::new(), "who was not in the view does not hear it");
}

#[test]
fn a_leave_and_a_stop_lose_nothing() {
    let mut net = group(3, "tgdh");
    net.forget();
    for number in 0..200 {
        net.send(1, Service::Fifo, &format!("{number}"));
    }
    net.leave(1);
    net.seconds(1);
    let all: Vec<_> = (0..200).map(|number| number.to_string()).collect();
    assert_eq!(net.heard(0), all);
    net.forget();
    net.send(2, Service::Safe, "last words");
    net.input(2, Input::Shutdown);
    net.seconds(2);
    assert_eq!(net.heard(0), ["last words"]);
    net.agree(&[0]);
}

#[test]
fn nobody_joins_a_stack_that_stops() {
    let mut net = group(2, "tgdh");
    let (now, mut out) = (net.now, Vec::new());
    let charter = net.charter("tgdh");
    let stack = &mut net.nodes[1].stack;
    // Its member has something to say first: the engine does not know yet.
    stack.handle(now, Input::Shutdown, &mut out).unwrap();
    let join = SecureJoin {
        local: 1,
        charter,
        evidence: Bytes::new(),
        above: Bytes::new(),
        manual_flush: false,
    };
    let refused = stack.join(now, join, &mut out);
    assert_eq!(refused, Err(StackError::Engine(cenacle_core::Error::Stopping)));
    let plain = cenacle_core::Join {
        group: name(),
        local: 2,
        semantics: cenacle_core::Semantics::Vs,
        charter: Bytes::new(),
        blob: Bytes::new(),
        manual_flush: false,
    };
    let refused = stack.handle(now, Input::Join(plain), &mut out);
    assert_eq!(refused, Err(StackError::Engine(cenacle_core::Error::Stopping)));
}

#[test]
fn many_small_messages_share_records() {
    let mut net = group(3, "str");
    net.forget();
    let mut sent = Vec::new();
    for number in 0..500 {
        let (group, body) = (name(), format!("message {number}"));
        sent.push(body.clone());
        let input = Input::Send { group, local: 0, service: Service::Agreed, body: body.into() };
        let mut out = Vec::new();
        let now = net.now;
        net.nodes[1].stack.handle(now, input, &mut out).unwrap();
        assert!(out.is_empty());
    }
    net.input(1, Input::Drained);
    net.seconds(1);
    assert_eq!(net.heard(0), sent);
    assert_eq!(net.heard(1), sent, "one's own, too");
    let numbers: Vec<u64> = net.nodes[2]
        .told
        .iter()
        .filter_map(|event| match event {
            Event::Plain(Plain::Message { number, .. }) => Some(*number),
            _ => None,
        })
        .collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "numbered one by one");
}
