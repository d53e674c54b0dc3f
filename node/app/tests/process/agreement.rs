//! Views, orders and services, and what a kill, a leave and a restart do to them.

use crate::company::{Company, delivered, is, text};
use serde_json::json;

const SERVICES: [&str; 5] = ["unreliable", "fifo", "causal", "agreed", "safe"];

#[test]
fn two_nodes_meet_and_every_service_works() {
    let company = Company::new();
    let mut nodes = company.start_several(2);
    let views: Vec<String> = nodes.iter().map(|node| node.await_view(2)).collect();
    assert_eq!(views[0], views[1]);
    for (number, node) in nodes.iter_mut().enumerate() {
        for service in SERVICES {
            node.send(&format!("{service} of {number}"), service);
        }
    }
    for node in &nodes {
        for number in 0..2 {
            // The unreliable one may be lost, though hardly on loopback.
            for service in &SERVICES[1..] {
                let message = node.await_message(&format!("{service} of {number}"));
                assert_eq!(text(&message, "service"), *service);
            }
        }
        node.await_event("state", |event| is(event, "state") && event["state"] == "insecure");
    }
    let to = nodes[1].member();
    nodes[0].tell(&json!({"send": {"group": "ops", "text": "for you", "to": to}, "id": 1}));
    let message = nodes[1].await_message("for you");
    assert_eq!(text(&message, "service"), "unicast");
    nodes[0].await_event("done", |event| is(event, "done") && event["id"] == 1);
    assert!(!nodes[0].events().iter().any(|event| event.get("text") == Some(&json!("for you"))));

    let second = nodes.pop().unwrap();
    company.stop(second);
    let first = nodes.pop().unwrap();
    first.await_view(1);
    company.stop(first);
    company.judge();
}

#[test]
fn two_nodes_have_a_key_and_change_it() {
    let mut company = Company::new();
    company.agree_by("str");
    let mut nodes = company.start_several(2);
    let views: Vec<String> = nodes.iter().map(|node| node.await_view(2)).collect();
    assert_eq!(views[0], views[1]);
    let of_two = |event: &serde_json::Map<String, serde_json::Value>| {
        is(event, "view") && event["members"].as_array().is_some_and(|members| members.len() == 2)
    };
    let view = nodes[0].await_event("view", of_two);
    assert_eq!(text(&view, "key").len(), 16);
    assert_eq!(text(&view, "safety").split(' ').count(), 6);
    assert_eq!(view["modules"]["key_agreement"], "str");
    nodes[0].await_event("state", |event| is(event, "state") && event["state"] == "secure");
    nodes[1].tell(&json!({"refresh": "ops", "id": 1}));
    nodes[1].await_event("done", |event| is(event, "done") && event["id"] == 1);
    let old = text(&view, "key").to_owned();
    let next = nodes[0].await_event("next view", |event| of_two(event) && event["key"] != *old);
    assert_eq!(next["safety"], view["safety"], "the same members");
    nodes[0].send("under the new key", "agreed");
    nodes[1].await_message("under the new key");
    nodes.into_iter().for_each(|node| company.stop(node));
    company.judge();
}

#[test]
fn five_nodes_agree_through_kill_leave_and_restart() {
    five_nodes_agree(Company::new());
}

#[test]
fn five_nodes_with_keys_agree_through_kill_leave_and_restart() {
    let mut company = Company::new();
    company.agree_by("tgdh");
    five_nodes_agree(company);
}

fn five_nodes_agree(company: Company) {
    let mut nodes = company.start_several(5);
    let views: Vec<String> = nodes.iter().map(|node| node.await_view(5)).collect();
    assert!(views.iter().all(|view| *view == views[0]), "{views:?}");
    for round in 0..20 {
        for (number, node) in nodes.iter_mut().enumerate() {
            node.send(&format!("{round} of {number}"), ["agreed", "safe"][round % 2]);
        }
    }
    for node in &nodes {
        for number in 0..5 {
            node.await_message(&format!("18 of {number}"));
            node.await_message(&format!("19 of {number}"));
        }
    }
    let orders: Vec<Vec<String>> = nodes.iter().map(|node| delivered(node, "agreed")).collect();
    assert!(orders.iter().all(|order| order.len() == 50 && *order == orders[0]), "{orders:?}");

    // One dies, in the middle of its sending.
    let mut victim = nodes.pop().unwrap();
    for number in 0..50 {
        victim.send(&format!("last words {number}"), "agreed");
    }
    company.kill(victim);
    for node in &nodes {
        node.await_view(4);
    }

    // One leaves.
    let leaver = nodes.pop().unwrap();
    company.stop(leaver);
    for node in &nodes {
        node.await_view(3);
    }

    // The one that died comes again, with its key, as another member.
    let again = company.start("n4", &[nodes[1].address()]);
    nodes.push(again);
    let views: Vec<String> = nodes.iter().map(|node| node.await_view(4)).collect();
    assert!(views.iter().all(|view| *view == views[0]), "{views:?}");
    nodes[3].send("back", "safe");
    for node in &nodes {
        node.await_message("back");
    }
    for node in nodes {
        company.stop(node);
    }
    company.judge();
}

#[test]
fn a_group_is_left_and_joined_again_while_the_node_goes_on() {
    let company = Company::new();
    let mut nodes = company.start_several(2);
    nodes.iter().for_each(|node| _ = node.await_view(2));
    let before = nodes[1].member();
    nodes[1].tell(&json!({"join": "dev", "id": "dev"}));
    nodes[1].await_event("done", |event| is(event, "done") && event["id"] == "dev");
    nodes[1].tell(&json!({"leave": "dev", "id": "out"}));
    nodes[1].await_event("done", |event| is(event, "done") && event["id"] == "out");
    nodes[1].tell(&json!({"join": "dev"}));
    nodes[1].tell(&json!({"send": {"group": "dev", "text": "alone here"}}));
    let message = nodes[1].await_message("alone here");
    assert_eq!(text(&message, "group"), "dev");
    assert_ne!(text(&message, "member"), before);
    for node in nodes {
        company.stop(node);
    }
    company.judge();
}

#[test]
fn flush_requests_can_be_answered_by_hand() {
    let mut company = Company::new();
    company.group = "manual_flush = true".to_owned();
    let mut first = company.start("n0", &[]);
    first.await_view(1);
    let mut second = company.start("n1", &[first.address()]);
    let request = first.await_event("flush request", |event| is(event, "flush_request"));
    first.send("before the flush", "fifo");
    first.tell(&json!({"flush_ok": "ops", "id": 7}));
    first.await_event("done", |event| is(event, "done") && event["id"] == 7);
    let flushed = first.await_event("flush_ok", |event| is(event, "flush_ok"));
    assert_eq!(text(&flushed, "view"), text(&request, "view"));
    // It was in a view of its own.
    second.await_event("flush request", |event| is(event, "flush_request"));
    second.tell(&json!({"flush_ok": "ops"}));
    first.await_view(2);
    second.await_view(2);
    let events = first.events();
    let at = |kind| events.iter().rposition(|event| is(event, kind)).expect(kind);
    let order = ["send", "flush_ok", "done", "view"].map(at);
    assert!(order.is_sorted(), "{order:?}");
    first.tell(&json!({"flush_ok": "ops", "id": 8}));
    let refused = first.await_event("refusal", |event| is(event, "refused"));
    assert_eq!((&refused["id"], text(&refused, "reason")), (&json!(8), "no_flush_request"));
    company.stop(second);
    first.await_events("second flush request", |events| {
        (events.iter().filter(|event| is(event, "flush_request")).count() == 2).then_some(())
    });
    first.tell(&json!({"flush_ok": "ops"}));
    first.await_view(1);
    company.stop(first);
    company.judge();
}
