//! Ways to each other that no address in a file tells.

use crate::company::{Process, is};
use crate::town::{Town, await_views, possible, talk};
use serde_json::json;

#[test]
fn neighbours_find_each_other_by_mdns() {
    if !possible() {
        return;
    }
    let mut town = Town::new(3);
    town.company.entry = town.company.entry.replace("mdns = false", "mdns = true");
    let mut nodes: Vec<Process> =
        (0..3).map(|number| town.company.start(&format!("n{number}"), &[])).collect();
    await_views(&nodes, 3);
    talk(&mut nodes, "good morning");
    town.end(nodes);
}

/// Two that cannot reach each other, and a third that carries their connection; nothing is gossiped.
#[test]
fn a_relay_carries_what_cannot_go_directly() {
    if !possible() {
        return;
    }
    let mut town = Town::new(3);
    town.company.overlay.push_str("relay = true\ndissemination = \"direct\"\n");
    town.lab.cut(1, 2).unwrap();
    town.lab.cut(2, 1).unwrap();
    let relay = town.company.start("n0", &[]);
    let address = relay.address();
    let mut nodes = vec![relay];
    for name in ["n1", "n2"] {
        town.company.configure(name, std::slice::from_ref(&address), "");
        let mut command = town.company.command(name, &["join", "ops", "--json"]);
        let own = town.address(name);
        command.args(["--set", &format!("node.listen={own},{address}/p2p-circuit")]);
        nodes.push(Process::start(name, command));
    }
    await_views(&nodes, 3);
    talk(&mut nodes, "through you");
    nodes[1].tell(&json!({"status": {}}));
    let carried = |peer: &serde_json::Value| peer["path"] == "relay";
    nodes[1].await_event("a relayed path", |event| {
        is(event, "status") && event["peers"].as_array().is_some_and(|p| p.iter().any(carried))
    });
    town.end(nodes);
}
