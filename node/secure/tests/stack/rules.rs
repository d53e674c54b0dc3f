//! What charter and policy decide.

use crate::bribed::Bribed;
use crate::net::{Net, name};
use cenacle_core::{Event as Plain, Input, Service};
use cenacle_plugin::Value;
use cenacle_secure::{Event, StackError, Standing};
use std::sync::Arc;

pub(crate) fn refusal(net: &Net, number: usize) -> (String, String) {
    match net.nodes[number].told.last() {
        Some(Event::Plain(Plain::Refused(refusal))) => {
            (refusal.code.clone(), refusal.detail.clone())
        }
        other => panic!("node {number} was not refused but told {other:?}"),
    }
}

/// A peer id as configuration spells it: the key in its protobuf and multihash wrapping, base58.
pub(crate) fn peer_id(key: &[u8; 32]) -> String {
    bs58::encode([&[0x00, 0x24, 0x08, 0x01, 0x12, 0x20], key.as_slice()].concat()).into_string()
}

fn options(pairs: &[(&'static str, &str)]) -> Vec<(&'static str, Value)> {
    pairs.iter().map(|(name, value)| (*name, Value::Text((*value).to_owned()))).collect()
}

#[test]
fn who_brings_another_charter_is_told_the_first_difference() {
    let mut net = Net::new(3);
    net.join(0, &net.charter("tgdh"));
    net.seconds(1);
    net.join(1, &net.charter("gdh"));
    net.join(2, &net.charter_with("tgdh", "aes256gcm", "open", &[]));
    net.seconds(1);
    let (code, detail) = refusal(&net, 1);
    assert_eq!(code, "charter");
    assert!(detail.starts_with("key_agreement is gdh here and tgdh in the group"), "{detail}");
    let (_, detail) = refusal(&net, 2);
    assert!(detail.starts_with("cipher is aes256gcm here"), "{detail}");
    net.agree(&[0]);
    let again = net.charter("tgdh");
    net.join(1, &again);
    net.seconds(1);
    net.agree(&[0, 1]);
}

#[test]
fn a_plain_member_is_not_let_into_a_secure_group_nor_the_other_way_round() {
    let mut net = Net::new(2);
    net.join(0, &net.charter("tgdh"));
    net.seconds(1);
    let plain = cenacle_core::Join {
        group: name(),
        local: 0,
        semantics: cenacle_core::Semantics::Vs,
        charter: Default::default(),
        blob: Default::default(),
        manual_flush: false,
    };
    net.input(1, Input::Join(plain.clone()));
    net.seconds(1);
    assert_eq!(refusal(&net, 1).0, "charter");
    net.leave(0);
    net.seconds(1);
    net.input(1, Input::Join(plain));
    net.seconds(1);
    net.join(0, &net.charter("tgdh"));
    net.seconds(1);
    assert_eq!(refusal(&net, 0).0, "charter");
}

#[test]
fn who_is_not_on_the_list_never_sees_a_secure_view() {
    let mut net = Net::new(3);
    let keys: Vec<[u8; 32]> = (0..2).map(|n| net.nodes[n].id.key).collect();
    let members = Value::List(keys.iter().map(peer_id).collect());
    let charter = net.charter_with("bd", "chacha20poly1305", "allowlist", &[("members", members)]);
    (0..3).for_each(|number| net.join(number, &charter));
    net.seconds(1);
    net.agree(&[0, 1]);
    refusal(&net, 2);
    assert!(net.views(2).is_empty());
    let seen =
        |number: usize| net.views(number).iter().any(|v| v.view.members.contains(&net.member(2)));
    assert!(!seen(0) && !seen(1));
}

#[test]
fn who_let_itself_in_alone_does_not_stay_when_parts_merge() {
    let mut net = Net::new(2);
    let keys: Vec<[u8; 32]> = (0..2).map(|n| net.nodes[n].id.key).collect();
    let members = Value::List(keys.iter().map(peer_id).collect());
    let charter =
        net.charter_with("tgdh", "chacha20poly1305", "allowlist", &[("members", members)]);
    net.join(0, &charter);
    net.join(1, &charter);
    net.seconds(1);
    net.agree(&[0, 1]);
    // A node that makes the group by itself, asks no policy, and meets the others then.
    net.cut = [(0, 2), (1, 2)].into();
    net.bribed = Some(Arc::new(Bribed(Vec::new())));
    net.add(1);
    net.join(2, &charter);
    net.seconds(2);
    assert_eq!(net.views(2).len(), 1);
    net.part(&[]);
    net.seconds(4);
    assert!((0..3).all(|n| net.nodes[n].stack.engine().configuration().size() == 3));
    net.agree(&[0, 1]);
    for number in 0..2 {
        let mut views = net.views(number).into_iter();
        assert!(views.all(|view| !view.view.members.contains(&net.member(2))));
    }
    net.send(1, Service::Agreed, "between us");
    net.seconds(1);
    assert_eq!(net.heard(0), ["between us"]);
    assert!(net.heard(2).is_empty());
}

#[test]
fn only_the_primary_part_goes_on_and_the_other_comes_back() {
    let mut net = Net::new(5);
    let charter =
        net.charter_with("tgdh", "chacha20poly1305", "open", &options(&[("partition", "primary")]));
    (0..5).for_each(|number| net.join(number, &charter));
    net.seconds(1);
    net.agree(&[0, 1, 2, 3, 4]);
    net.part(&[&[0, 1], &[2, 3, 4]]);
    net.seconds(4);
    net.agree(&[2, 3, 4]);
    let last = |net: &Net, number: usize| {
        let told = net.nodes[number].told.iter().rev();
        told.filter_map(|event| match event {
            Event::Standing(standing) => Some(standing.clone()),
            _ => None,
        })
        .next()
        .unwrap()
    };
    let Standing::ReadOnly { detail } = last(&net, 0) else { panic!("{:?}", last(&net, 0)) };
    assert!(detail.starts_with("2 of the 5 members"), "{detail}");
    let input =
        Input::Send { group: name(), local: 0, service: Service::Agreed, body: "no".into() };
    assert!(matches!(net.try_input(0, input), Err(StackError::ReadOnly { .. })));
    // The primary part goes on shrinking: more than half of its last view is enough.
    net.part(&[&[0, 1], &[2], &[3, 4]]);
    net.seconds(4);
    net.agree(&[3, 4]);
    assert!(matches!(last(&net, 2), Standing::ReadOnly { .. }));
    // The others together are not the primary part, however many they are.
    net.part(&[&[0, 1, 2], &[3, 4]]);
    net.seconds(4);
    assert!((0..3).all(|number| matches!(last(&net, number), Standing::ReadOnly { .. })));
    net.part(&[]);
    net.seconds(4);
    net.agree(&[0, 1, 2, 3, 4]);
    net.send(0, Service::Agreed, "back");
    net.seconds(1);
    assert_eq!(net.heard(4).last().map(String::as_str), Some("back"));
}

#[test]
fn a_key_that_is_old_or_has_sealed_much_is_changed() {
    for (option, value) in
        [("rekey_after", Value::Text("5s".into())), ("rekey_bytes", Value::Integer(1 << 12))]
    {
        let mut net = Net::new(3);
        let charter = net.charter_with("str", "chacha20poly1305", "open", &[(option, value)]);
        (0..3).for_each(|number| net.join(number, &charter));
        net.seconds(1);
        let before = net.agree(&[0, 1, 2]);
        for number in 0..100 {
            net.send(number % 3, Service::Fifo, &"x".repeat(100));
        }
        net.seconds(7);
        let after = net.agree(&[0, 1, 2]);
        assert_ne!(before, after, "{option}");
        let views = net.views(0).iter().filter(|v| v.view.members.len() == 3).count();
        assert_eq!(views, 2, "{option}: one member asks, and once");
    }
}

#[test]
fn the_larger_part_keeps_its_charter_and_the_other_is_refused() {
    let mut net = Net::new(3);
    net.part(&[&[0, 1], &[2]]);
    net.seconds(4);
    let (one, other) = (net.charter("tgdh"), net.charter("bd"));
    net.join(0, &one);
    net.join(1, &one);
    net.join(2, &other);
    net.seconds(1);
    net.agree(&[0, 1]);
    net.agree(&[2]);
    net.part(&[]);
    net.seconds(4);
    assert_eq!(refusal(&net, 2).0, "charter");
    net.agree(&[0, 1]);
    net.join(2, &one);
    net.seconds(1);
    net.agree(&[0, 1, 2]);
}

#[test]
fn exported_keys_are_shared_by_members_and_by_nobody_else() {
    let mut net = Net::new(2);
    let charter = net.charter("ckd");
    net.join(0, &charter);
    net.seconds(1);
    let export = |net: &Net, number: usize| {
        net.nodes[number].stack.export(&name(), 0, b"files", b"").map(|key| *key.expose())
    };
    let alone = export(&net, 0).unwrap();
    net.join(1, &charter);
    net.seconds(1);
    let both = export(&net, 0).unwrap();
    assert_ne!(alone, both);
    assert_eq!(export(&net, 1), Some(both));
}
