//! Who comes in without a shared secret.

use crate::company::{Company, Process};

/// The keys of an overlay that takes these peers alone.
fn listed(peers: &[String]) -> String {
    format!("admission = \"allowlist\"\nallowlist = {peers:?}\nmdns = false\n")
}

fn peer(node: &Process) -> String {
    let address = node.address();
    let (_, peer) = address.rsplit_once("/p2p/").unwrap();
    peer.to_owned()
}

#[test]
fn an_open_overlay_takes_whoever_comes() {
    let mut company = Company::new();
    company.entry = "admission = \"open\"\nmdns = false\n".to_owned();
    let mut nodes = company.start_several(3);
    nodes.iter().for_each(|node| _ = node.await_view(3));
    nodes[2].send("anybody here?", "agreed");
    nodes.iter().for_each(|node| _ = node.await_message("anybody here?"));
    nodes.into_iter().for_each(|node| company.stop(node));
    company.judge();
}

#[test]
fn only_who_is_listed_comes_in() {
    let mut company = Company::new();
    // The first start makes a node's key, and it tells its name.
    company.entry = listed(&[]);
    let peers: Vec<String> = ["n0", "n1", "n2"]
        .into_iter()
        .map(|name| {
            let node = company.start(name, &[]);
            let peer = peer(&node);
            company.stop(node);
            peer
        })
        .collect();
    company.entry = listed(&peers[..2]);
    let mut first = company.start("n0", &[]);
    let address = [first.address()];
    // The third lists all: it is the others that do not want it.
    company.entry = listed(&peers);
    let stranger = company.start("n2", &address);
    company.entry = listed(&peers[..2]);
    let second = company.start("n1", &address);
    first.await_view(2);
    second.await_view(2);
    first.send("between us", "agreed");
    second.await_message("between us");
    first.await_text("refusal of a stranger", |_| {
        let errors = first.errors();
        errors.contains("not admitted").then_some(())
    });
    assert_eq!(stranger.await_view(1), stranger.await_view(1));
    for node in [first, second, stranger] {
        company.stop(node);
    }
    company.judge();
}
