//! `cenacle id`: what others need to know of a node to reach it, or to list it.

use crate::args;
use crate::configured;
use crate::failure::Failure;
use crate::screen::Screen;
use cenacle::config::Config;
use cenacle_net::{Identity, Multiaddr, Protocol};
use serde::Serialize;
use std::io::Write;

/// What scripts get: the fields of the event `start`. Their names are a contract.
#[derive(Serialize)]
struct Line {
    peer: String,
    addresses: Vec<String>,
}

/// Prints the peer id and the listening addresses.
pub(crate) fn run(words: &args::Id, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let config = configured::load(&words.configured)?;
    let identity = identity(&config)?;
    let peer = identity.peer_id();
    let with_peer = |address: &Multiaddr| address.clone().with(Protocol::P2p(peer)).to_string();
    let addresses: Vec<String> = config.node().listen.iter().map(with_peer).collect();
    if words.json {
        let line = Line { peer: peer.to_string(), addresses };
        serde_json::to_writer(&mut *screen, &line).map_err(std::io::Error::from)?;
        writeln!(screen)?;
        return Ok(());
    }
    writeln!(screen, "{peer}")?;
    for address in &addresses {
        writeln!(screen, "{address}")?;
    }
    if config.node().listen.iter().any(is_everywhere) {
        let note = "0.0.0.0 and :: stand for each of this machine's addresses: give others one of \
                    those in its place.";
        screen.paragraph("", note)?;
    }
    Ok(())
}

/// The node's key, which must be there already.
pub(crate) fn identity(config: &Config) -> Result<Identity, Failure> {
    let file = &config.node().identity;
    if !file.exists() {
        return Err(Failure::Failed(
            "this node has no identity yet: its first start makes one, and `cenacle init` makes \
             one with a new configuration"
                .to_owned(),
        ));
    }
    Identity::load(file).map_err(|error| Failure::Failed(error.to_string()))
}

fn is_everywhere(address: &Multiaddr) -> bool {
    address.iter().any(|part| match part {
        Protocol::Ip4(address) => address.is_unspecified(),
        Protocol::Ip6(address) => address.is_unspecified(),
        _ => false,
    })
}
