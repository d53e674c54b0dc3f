//! Groups with keys through the library: nodes of one process, on real transports.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may stop")]

use async_std::future::timeout;
use async_std::task::block_on;
use cenacle::{Error, Event, Group, GroupOptions, Node, Service, State, View};
use std::collections::BTreeMap;
use std::time::Duration;

/// Nothing here measures time: a loaded machine gets as long as it wants.
const PATIENCE: Duration = Duration::from_secs(120);
const MODULES: [&str; 9] = ["tgdh", "gdh", "str", "bd", "ckd", "basic", "binary", "dist", "wgl"];

async fn next(group: &mut Group) -> Event {
    timeout(PATIENCE, group.next()).await.expect("an event").expect("no end yet")
}

async fn view_of(group: &mut Group, members: usize) -> View {
    loop {
        match next(group).await {
            Event::View(view) if view.members.len() == members => return view,
            Event::View(view) => assert!(view.key.is_some(), "no view without a key"),
            _ => {}
        }
    }
}

async fn text(group: &mut Group) -> String {
    loop {
        if let Event::Message(message) = next(group).await {
            return String::from_utf8(message.body.to_vec()).unwrap();
        }
    }
}

/// So many nodes that share these groups and find each other.
async fn nodes(count: usize, groups: &[GroupOptions]) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    let mut first = None;
    for _ in 0..count {
        let mut builder = Node::builder();
        for group in groups {
            builder = builder.group(group.clone());
        }
        builder = match first.clone() {
            Some(address) => builder.bootstrap(address),
            None => builder.listen("/ip4/127.0.0.1/tcp/0".parse().unwrap()),
        };
        let node = builder.start().await.unwrap();
        if first.is_none() {
            first = node.listening().await;
        }
        nodes.push(node);
    }
    nodes
}

/// Two nodes, both joining one group.
async fn two_in_ops() -> (Vec<Node>, Group, Group) {
    let nodes = nodes(2, &[GroupOptions::secure("ops").unwrap()]).await;
    let one = nodes[0].join("ops").await.unwrap();
    let other = nodes[1].join("ops").await.unwrap();
    (nodes, one, other)
}

async fn stop(nodes: Vec<Node>) {
    for node in nodes {
        node.stop().await;
    }
}

#[test]
fn every_module_gives_a_group_its_keys() {
    block_on(async {
        let options: Vec<GroupOptions> = MODULES
            .iter()
            .map(|name| {
                let group = GroupOptions::secure(name).unwrap();
                group.key_agreement(name, BTreeMap::new())
            })
            .collect();
        // All of them at the same time, of the same nodes.
        let nodes = nodes(3, &options).await;
        let mut groups = Vec::new();
        for name in MODULES {
            let mut members = Vec::new();
            for node in &nodes {
                members.push(node.join(name).await.unwrap());
            }
            groups.push(members);
        }
        let mut keys = Vec::new();
        for (name, mut members) in MODULES.iter().zip(groups) {
            let mut views = Vec::new();
            for group in &mut members {
                views.push(view_of(group, 3).await);
            }
            assert!(views.windows(2).all(|pair| pair[0].key == pair[1].key), "{name}");
            assert!(views.windows(2).all(|pair| pair[0].safety == pair[1].safety), "{name}");
            assert_eq!(views[0].modules.key_agreement, *name);
            keys.push(views[0].key.to_string());
            members[1].send(*name, Service::Agreed).await.unwrap();
            for group in &mut members {
                assert_eq!(text(group).await, *name);
            }
            let [first, ..] = members.as_mut_slice() else { panic!() };
            let exported = first.export(b"files", b"").await.unwrap().expect("a key");
            let other = members[2].export(b"files", b"").await.unwrap().expect("a key");
            assert!(exported == other, "{name}");
            let gone = members.pop().expect("a third");
            gone.leave().await.unwrap();
            let after = view_of(&mut members[0], 2).await;
            keys.push(after.key.to_string());
        }
        let all = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), all, "a key came back");
        stop(nodes).await;
    });
}

#[test]
fn a_refresh_gives_the_same_members_another_key() {
    block_on(async {
        let (nodes, mut one, mut other) = two_in_ops().await;
        let before = view_of(&mut one, 2).await;
        view_of(&mut other, 2).await;
        other.refresh().await.unwrap();
        let after = view_of(&mut one, 2).await;
        assert_ne!(before.key, after.key);
        assert_eq!((before.members, before.safety), (after.members.clone(), after.safety));
        assert_eq!(after.transitional, after.members);
        stop(nodes).await;
    });
}

#[test]
fn states_tell_when_a_key_is_agreed() {
    block_on(async {
        let (nodes, mut one, _other) = two_in_ops().await;
        let mut states = Vec::new();
        let mut members = 0;
        while members < 2 || states.last() != Some(&State::Secure) {
            match next(&mut one).await {
                Event::State(state) => states.push(state),
                Event::View(view) => members = view.members.len(),
                _ => {}
            }
        }
        assert!(states.contains(&State::Agreeing), "{states:?}");
        assert!(!states.contains(&State::Insecure), "{states:?}");
        assert!(states.windows(2).all(|pair| pair[0] != pair[1]), "{states:?}");
        stop(nodes).await;
    });
}

#[test]
fn who_brings_another_charter_is_refused_and_told_why() {
    block_on(async {
        let one = Node::builder()
            .listen("/ip4/127.0.0.1/tcp/0".parse().unwrap())
            .group(GroupOptions::secure("ops").unwrap())
            .start()
            .await
            .unwrap();
        let gdh = GroupOptions::secure("ops").unwrap().key_agreement("gdh", BTreeMap::new());
        let address = one.listening().await.unwrap();
        let other = Node::builder().bootstrap(address).group(gdh).start().await.unwrap();
        let mut first = one.join("ops").await.unwrap();
        view_of(&mut first, 1).await;
        while other.status().await.unwrap().members.len() < 2 {
            async_std::task::sleep(Duration::from_millis(20)).await;
        }
        let mut second = other.join("ops").await.unwrap();
        let refusal = loop {
            match next(&mut second).await {
                Event::Refused(refusal) => break refusal,
                Event::View(view) => panic!("it was let in: {view:?}"),
                _ => {}
            }
        };
        assert_eq!(refusal.code, "charter");
        assert!(refusal.detail.starts_with("key_agreement is gdh here and tgdh in the group"));
        stop(vec![one, other]).await;
    });
}

#[test]
fn what_cannot_be_is_refused_at_the_start() {
    block_on(async {
        let unknown = GroupOptions::secure("ops").unwrap().key_agreement("tgdk", BTreeMap::new());
        let error = Node::builder().group(unknown).start().await.unwrap_err();
        assert!(matches!(error, Error::Module { .. }));
        assert!(error.to_string().contains("tgdh"), "{error}");
        let node = Node::builder().group(GroupOptions::insecure("open").unwrap()).start().await;
        let node = node.unwrap();
        let group = node.join("open").await.unwrap();
        assert_eq!(group.refresh().await.unwrap_err().code(), "no_keys");
        assert!(group.export(b"x", b"").await.unwrap().is_none());
        node.stop().await;
    });
}

#[test]
fn large_messages_travel_under_a_key() {
    block_on(async {
        let (nodes, mut one, mut other) = two_in_ops().await;
        view_of(&mut one, 2).await;
        view_of(&mut other, 2).await;
        let body: Vec<u8> = (0..5 << 20).map(|n: u32| n.to_le_bytes()[0] ^ 0x5a).collect();
        one.send(body.clone(), Service::Agreed).await.unwrap();
        let heard = loop {
            if let Event::Message(message) = next(&mut other).await {
                break message.body;
            }
        };
        assert!(heard == body);
        let too_large = vec![0; 64 << 20];
        let refused = one.send(too_large, Service::Agreed).await.unwrap_err();
        assert_eq!(refused.code(), "too_large");
        stop(nodes).await;
    });
}
