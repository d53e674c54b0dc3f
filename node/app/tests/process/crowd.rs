//! Many nodes at once.

use crate::company::{Company, Process, is};

/// As many as a small office; all find each other through the first.
const CROWD: usize = 30;
/// Configuration changes that a crowd may take to come together: not one each. How few they are
/// depends on how long the machine takes for nine hundred handshakes; where those take no time it is
/// one (`tests/sim/tests/crowd.rs`).
const MOST_VIEWS: usize = CROWD / 2;

#[test]
fn thirty_nodes_come_together_in_few_views() {
    let company = Company::new();
    let first = company.start("n0", &[]);
    let address = vec![first.address()];
    for number in 1..CROWD {
        company.configure(&format!("n{number}"), &address, "");
    }
    let start = |number: usize| company.start_configured(&format!("n{number}"));
    let mut nodes: Vec<Process> = std::iter::once(first).chain((1..CROWD).map(start)).collect();
    let views: Vec<String> = nodes.iter().map(|node| node.await_view(CROWD)).collect();
    assert!(views.iter().all(|view| *view == views[0]), "{views:?}");
    let seen = nodes[0].events().iter().filter(|event| is(event, "view")).count();
    assert!(seen <= MOST_VIEWS, "{seen} views until all {CROWD} were in");
    for (number, node) in nodes.iter_mut().enumerate() {
        node.send(&format!("here is {number}"), "agreed");
    }
    for node in &nodes {
        for number in 0..CROWD {
            node.await_message(&format!("here is {number}"));
        }
    }
    nodes.iter_mut().for_each(Process::end_input);
    for node in nodes {
        company.stop(node);
    }
    company.judge();
}
