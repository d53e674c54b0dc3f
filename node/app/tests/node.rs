//! The library: nodes of one process.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may stop")]

use async_std::future::timeout;
use async_std::task::block_on;
use cenacle::{Error, Event, Group, GroupOptions, Node, Service, State};
use std::collections::BTreeSet;
use std::time::Duration;

/// Nothing here measures time: a loaded machine gets as long as it wants.
const PATIENCE: Duration = Duration::from_secs(120);

fn ops() -> GroupOptions {
    GroupOptions::insecure("ops").unwrap()
}

async fn alone() -> Node {
    Node::builder().group(ops()).start().await.unwrap()
}

async fn pair() -> (Node, Node) {
    let loopback = "/ip4/127.0.0.1/tcp/0".parse().unwrap();
    let first = Node::builder().listen(loopback).group(ops()).start().await.unwrap();
    let address = first.listening().await.unwrap();
    let second = Node::builder().bootstrap(address).group(ops()).start().await.unwrap();
    (first, second)
}

async fn next(group: &mut Group) -> Event {
    timeout(PATIENCE, group.next()).await.expect("an event").expect("no end yet")
}

async fn view_of(group: &mut Group, members: usize) {
    loop {
        if matches!(next(group).await, Event::View(view) if view.members.len() == members) {
            return;
        }
    }
}

async fn message(group: &mut Group) -> String {
    loop {
        if let Event::Message(message) = next(group).await {
            return String::from_utf8(message.body.to_vec()).unwrap();
        }
    }
}

#[test]
fn a_send_waits_for_the_first_view_and_errors_say_what_to_change() {
    block_on(async {
        let node = alone().await;
        let unknown = node.join("opps").await.unwrap_err();
        assert!(unknown.to_string().contains("there are ops"), "{unknown}");
        let mut group = node.join("ops").await.unwrap();
        // The view cannot be there before the pump had a turn; if it is, that is well too.
        assert!(matches!(group.try_send("x", Service::Fifo), Ok(()) | Err(Error::NoView { .. })));
        group.send("first", Service::Agreed).await.unwrap();
        while message(&mut group).await != "first" {}
        let too_large = vec![0; (64 << 20) + 1];
        let refused = group.send(too_large, Service::Agreed).await.unwrap_err();
        assert_eq!(refused, Error::TooLarge { max: 64 << 20 });
        let refused = group.send("x", Service::Unicast).await.unwrap_err();
        assert_eq!(refused, Error::NoAddressee);
        let nobody = cenacle::MemberId { local: 77, ..group.member() };
        let refused = group.unicast(nobody, "x").await.unwrap_err();
        assert_eq!(refused.code(), "not_in_view");
        let own = group.member();
        group.unicast(own, "to myself").await.unwrap();
        assert_eq!(message(&mut group).await, "to myself");
        let sender = group.sender();
        group.leave().await.unwrap();
        assert_eq!(sender.send("late", Service::Fifo).await.unwrap_err().code(), "not_joined");
        let group = node.join("ops").await.unwrap();
        node.stop().await;
        drop(group);
        assert_eq!(sender.try_send("late", Service::Fifo).unwrap_err().code(), "not_joined");
    });
}

#[test]
fn states_tell_offline_from_insecure() {
    block_on(async {
        let (first, second) = pair().await;
        let mut at_first = first.join("ops").await.unwrap();
        let mut at_second = second.join("ops").await.unwrap();
        for group in [&mut at_first, &mut at_second] {
            let mut states = Vec::new();
            while states.last() != Some(&State::Insecure) {
                if let Event::State(state) = next(group).await {
                    states.push(state);
                }
            }
        }
        // Dropping a group leaves it, dropping a node stops it.
        drop(at_second);
        view_of(&mut at_first, 1).await;
        drop(first);
        while timeout(PATIENCE, at_first.next()).await.unwrap().is_some() {}
        second.stop().await;
    });
}

#[test]
fn a_stop_loses_nothing_that_was_accepted() {
    block_on(async {
        let (first, second) = pair().await;
        let mut at_first = first.join("ops").await.unwrap();
        let mut at_second = second.join("ops").await.unwrap();
        view_of(&mut at_first, 2).await;
        view_of(&mut at_second, 2).await;
        let reader = async_std::task::spawn(async move {
            while timeout(PATIENCE, at_second.next()).await.unwrap().is_some() {}
        });
        let sender = at_first.sender();
        // More than all queues together.
        let body = vec![7; 10_000];
        let sending = async_std::task::spawn(async move {
            for _ in 0..3_000 {
                sender.send(&body[..], Service::Agreed).await.unwrap();
            }
            first.stop().await;
        });
        let mut numbers = BTreeSet::new();
        while let Some(event) = timeout(PATIENCE, at_first.next()).await.unwrap() {
            if let Event::Message(message) = event {
                numbers.insert(message.number);
            }
        }
        assert_eq!(numbers.len(), 3_000);
        sending.await;
        second.stop().await;
        reader.await;
    });
}

#[test]
fn who_does_not_read_is_told_before_memory_grows() {
    block_on(async {
        let node = alone().await;
        let mut group = node.join("ops").await.unwrap();
        let mut sent = 0_u64;
        // Empty bodies: what counts is what an event takes.
        let refused = loop {
            match timeout(PATIENCE, group.send("", Service::Fifo)).await.unwrap() {
                Ok(()) => sent += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(refused.code(), "backlog");
        let status = node.status().await.unwrap();
        assert!(status.unread < 64 << 20, "{}", status.unread);
        // A sender of its own waits, while the group is read.
        let sender = group.sender();
        let waiting =
            async_std::task::spawn(async move { sender.send("end", Service::Fifo).await });
        let mut read = 0;
        loop {
            if let Event::Message(message) = next(&mut group).await {
                if message.body == "end" {
                    break;
                }
                read += 1;
            }
        }
        assert_eq!(read, sent);
        waiting.await.unwrap();
        group.send("again", Service::Safe).await.unwrap();
        assert_eq!(message(&mut group).await, "again");
        node.stop().await;
    });
}
