//! A member that was let in and does not play by the rules: the others go on without it.

use crate::net::{Net, name};
use bytes::Bytes;
use cenacle_core::{Event as Plain, Input, Join, Semantics, Service};
use cenacle_secure::Event;

/// Joins with the group's charter, and has no secure machine.
fn join_bare(net: &mut Net, number: usize, module: &str) {
    let join = Join {
        group: name(),
        local: 0,
        semantics: Semantics::Vs,
        charter: net.charter(module).encode().into(),
        blob: Bytes::from_static(b"\xa1\x65words\x41\xa0"),
        manual_flush: false,
    };
    net.input(number, Input::Join(join));
}

fn say(net: &mut Net, number: usize, service: Service, body: Vec<u8>) {
    let input = Input::Send { group: name(), local: 0, service, body: body.into() };
    let _ = net.try_input(number, input);
}

fn was_put_out(net: &Net, number: usize) -> bool {
    let last = net.nodes[number].told.last();
    matches!(last, Some(Event::Plain(Plain::Refused(why))) if why.code == "key_agreement")
}

#[test]
fn a_silent_member_is_put_out() {
    for module in ["tgdh", "gdh", "bd", "ckd", "basic", "dist"] {
        let mut net = Net::new(4);
        let charter = net.charter(module);
        (0..3).for_each(|number| net.join(number, &charter));
        net.seconds(1);
        net.agree(&[0, 1, 2]);
        join_bare(&mut net, 3, module);
        net.seconds(40);
        assert!(was_put_out(&net, 3), "{module}: {:?}", net.nodes[3].told.last());
        net.agree(&[0, 1, 2]);
        let with_it = net.views(0).iter().any(|v| v.view.members.contains(&net.member(3)));
        assert!(!with_it, "{module}: a view with it was never secure");
    }
}

#[test]
fn a_silent_member_that_was_first_is_put_out() {
    let mut net = Net::new(3);
    join_bare(&mut net, 0, "tgdh");
    net.seconds(1);
    let charter = net.charter("tgdh");
    (1..3).for_each(|number| net.join(number, &charter));
    net.seconds(40);
    assert!(was_put_out(&net, 0));
    net.agree(&[1, 2]);
}

#[test]
fn garbage_of_every_kind_is_refused_and_told() {
    let mut net = Net::new(3);
    let charter = net.charter("str");
    (0..2).for_each(|number| net.join(number, &charter));
    net.seconds(1);
    join_bare(&mut net, 2, "str");
    net.seconds(1);
    net.forget();
    let mut seed = 1u64;
    for round in 0..600usize {
        let mut body = vec![0; round % 200];
        for byte in &mut body {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (seed >> 33) as u8;
        }
        // Every kind there is, and some that there are not.
        body.push((round % 9) as u8);
        let services =
            [Service::Fifo, Service::Agreed, Service::Causal, Service::Safe, Service::Unreliable];
        say(&mut net, 2, services[round % 5], body);
    }
    // What the others said may be said again by it, to no effect.
    net.seconds(1);
    assert!(net.warnings(0).iter().any(|text| text.starts_with("refused_message: ")));
    let counted = net.nodes[0].stack.warned()["refused_message"];
    assert_eq!(counted, net.warnings(0).len() as u64, "every one is counted");
    assert!(net.heard(0).is_empty() && net.heard(1).is_empty());
    net.seconds(40);
    assert!(was_put_out(&net, 2));
    net.agree(&[0, 1]);
}
