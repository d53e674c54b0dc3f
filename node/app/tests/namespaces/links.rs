//! Lossy and slow links.

use crate::company::delivered;
use crate::town::{Town, Transport, await_views, possible, talk};
use cenacle_lab::Lab;
use std::time::Duration;

const MESSAGES: usize = 200;

fn all_arrives(town: Town) {
    let mut nodes = town.company.start_several(town.lab.nodes());
    await_views(&nodes, nodes.len());
    for round in 0..MESSAGES {
        for (number, node) in nodes.iter_mut().enumerate() {
            node.send(&format!("{number} says {round}"), "agreed");
        }
    }
    talk(&mut nodes, "last");
    let orders: Vec<_> = nodes.iter().map(|node| delivered(node, "agreed")).collect();
    assert!(orders[0].len() >= 3 * MESSAGES);
    assert!(orders.iter().all(|order| *order == orders[0]), "all in one order");
    town.end(nodes);
}

#[test]
fn nothing_is_lost_on_lossy_links() {
    if !possible() {
        return;
    }
    for transport in [Transport::Tcp, Transport::Quic] {
        let lab = Lab::new(3).unwrap();
        lab.lose(0.03).unwrap();
        all_arrives(Town::with(lab, transport));
    }
}

#[test]
fn slow_links_only_take_time() {
    if possible() {
        all_arrives(Town::delayed(3, Duration::from_millis(40)));
    }
}
