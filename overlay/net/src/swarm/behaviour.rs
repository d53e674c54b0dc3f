//! What runs on each connection of an admitted peer.

use crate::{
    error::Error, frames::behaviour::Behaviour as Frames, gossip::Gossipsub, settings::Settings,
    shared::Shared,
};
use libp2p::{
    connection_limits::{self, ConnectionLimits},
    dcutr, identify, mdns, ping, relay,
    swarm::{NetworkBehaviour, behaviour::toggle::Toggle},
};
use std::{sync::Arc, time::Duration};

/// What identify tells of the protocols; peers do not compare it.
const AGENT: &str = "cenacle/1";
/// Round trips are measured this often: for people, the engine has its own detector.
const PING: Duration = Duration::from_secs(10);
/// A circuit lives until its ends close it: it carries frames for as long as both are members.
const CIRCUIT: Duration = Duration::from_secs(7 * 24 * 3600);
/// Circuits that one relay carries, and of one peer.
const CIRCUITS: usize = 256;
const CIRCUITS_PER_PEER: usize = 32;

/// All of it. The limits come first: what they deny is not seen by the others.
#[derive(NetworkBehaviour)]
pub(crate) struct Peers {
    limits: connection_limits::Behaviour,
    pub(crate) frames: Frames,
    pub(crate) gossip: Toggle<Gossipsub>,
    ping: ping::Behaviour,
    identify: identify::Behaviour,
    circuits: relay::client::Behaviour,
    relay: Toggle<relay::Behaviour>,
    punching: dcutr::Behaviour,
    mdns: Toggle<mdns::tokio::Behaviour>,
}

impl Peers {
    pub(crate) fn new(
        settings: &Settings,
        shared: &Arc<Shared>,
        circuits: relay::client::Behaviour,
        gossip: Option<Gossipsub>,
    ) -> Result<Self, Error> {
        let peer = shared.peer;
        let limits = &settings.limits;
        let bounds = ConnectionLimits::default()
            .with_max_pending_incoming(Some(limits.max_pending))
            .with_max_pending_outgoing(Some(limits.max_pending))
            .with_max_established(Some(limits.max_connections))
            .with_max_established_per_peer(Some(limits.max_connections_per_peer));
        let identify =
            identify::Config::new(AGENT.to_owned(), settings.identity.keypair().public())
                .with_push_listen_addr_updates(true)
                // Addresses are in signed records; this one's are not used.
                .with_cache_size(0);
        let mdns = settings
            .mdns
            .then(|| mdns::tokio::Behaviour::new(mdns::Config::default(), peer))
            .transpose()
            .map_err(|error| Error::Transport { what: "mDNS", detail: error.to_string() })?;
        Ok(Self {
            limits: connection_limits::Behaviour::new(bounds),
            frames: Frames::new(shared.clone()),
            gossip: gossip.into(),
            ping: ping::Behaviour::new(ping::Config::new().with_interval(PING)),
            identify: identify::Behaviour::new(identify),
            circuits,
            relay: settings.relay.then(|| relay::Behaviour::new(peer, relay_config())).into(),
            punching: dcutr::Behaviour::new(peer),
            mdns: mdns.into(),
        })
    }
}

/// Only admitted peers ask, and what they carry is the overlay's own: rates are not limited, numbers
/// are.
fn relay_config() -> relay::Config {
    relay::Config {
        max_circuits: CIRCUITS,
        max_circuits_per_peer: CIRCUITS_PER_PEER,
        max_circuit_duration: CIRCUIT,
        // No limit.
        max_circuit_bytes: 0,
        reservation_rate_limiters: Vec::new(),
        circuit_src_rate_limiters: Vec::new(),
        ..relay::Config::default()
    }
}
