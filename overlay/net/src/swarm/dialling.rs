//! Dials, and what comes of them; connections that come and go.

use super::driver::Driver;
use crate::{
    book::bare,
    events::NetEvent,
    links::Link,
    redial::{Moment, Pace, Schedule, Target},
    settings::Limits,
    shared::Shared,
    transport,
};
use cenacle_core::NodeId;
use libp2p::{
    Multiaddr, PeerId, TransportError,
    core::ConnectedPoint,
    multiaddr::Protocol,
    swarm::{
        ConnectionId, DialError,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use std::{collections::BTreeMap, net::IpAddr, time::Duration};

/// A link on which nothing has come for so long is in doubt when the engine has put its node out.
const QUIET: Duration = Duration::from_millis(600);
/// A peer in doubt that has been heard again is dialled for so long all the same.
const DOUBT: Duration = Duration::from_secs(10);
/// Dials under way of a peer that was lost: with a fifth of a second between them, for as long as a
/// connect may take. Half of [`Limits::max_connections_per_peer`].
const AT_ONCE: u32 = 4;

/// Dials under way, and whom to dial when.
pub(super) struct Dialling {
    pub(super) schedule: Schedule,
    dials: BTreeMap<ConnectionId, Dial>,
    /// Who answered at addresses without a peer id.
    answered: BTreeMap<Multiaddr, PeerId>,
    /// Peers whose connection was silent when the engine put them out, and since when.
    doubted: BTreeMap<PeerId, (NodeId, Moment)>,
}

struct Dial {
    target: Target,
    /// The node whose connection closed: a refusal says that it is dead.
    probe: Option<NodeId>,
}

impl Dialling {
    pub(super) fn new(shared: &Shared) -> Self {
        let limits: &Limits = &shared.limits;
        let pace = Pace {
            fast: limits.redial,
            fast_for: limits.redial_fast_for,
            slowest: limits.redial_slowest,
            at_once: AT_ONCE,
            // What else dials (circuits, hole punching) has a quarter.
            in_all: limits.max_pending - limits.max_pending / 4,
        };
        let seed = shared.instance.first_chunk().map_or(1, |bytes| u64::from_le_bytes(*bytes));
        Self {
            schedule: Schedule::new(pace, seed),
            dials: BTreeMap::new(),
            answered: BTreeMap::new(),
            doubted: BTreeMap::new(),
        }
    }

    pub(super) fn is_quiet(&self, link: &Link) -> bool {
        link.silence() > QUIET
    }

    /// The connection to a peer may be dead: a new one is tried beside it, and takes over.
    pub(super) fn doubt(&mut self, link: &Link, now: Moment) {
        link.doubt(true);
        self.doubted.insert(link.peer, (link.node, now));
        self.schedule.lost(&Target::Peer(link.peer), now);
    }
}

impl Driver {
    /// Dials whoever is due.
    pub(super) fn dial_due(&mut self) {
        let now = self.now();
        for target in self.dialling.schedule.due(now) {
            let opts = match &target {
                Target::Peer(peer) => {
                    let addresses = self.addresses.of(peer);
                    if !self.addresses.knows(peer) {
                        // It gave way to others.
                        self.dialling.schedule.forget(&target);
                        continue;
                    }
                    if addresses.is_empty() {
                        self.dialling.schedule.failed(&target);
                        continue;
                    }
                    to_peer(*peer, addresses)
                }
                Target::Address(address) if self.addresses.is_ours(address) => {
                    self.dialling.schedule.forget(&target);
                    continue;
                }
                Target::Address(address) => {
                    DialOpts::unknown_peer_id().address(address.clone()).allocate_new_port().build()
                }
            };
            self.dial(opts, Dial { target, probe: None });
        }
    }

    fn dial(&mut self, opts: DialOpts, dial: Dial) {
        let connection = opts.connection_id();
        match self.swarm.dial(opts) {
            Ok(()) => {
                self.dialling.dials.insert(connection, dial);
            }
            Err(error) => {
                log::debug!("cannot dial {:?}: {error}", dial.target);
                self.dialling.schedule.failed(&dial.target);
            }
        }
    }

    pub(super) fn on_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        endpoint: &ConnectedPoint,
    ) {
        let now = self.now();
        let dialled = match endpoint {
            ConnectedPoint::Dialer { address, .. } => Some(address),
            ConnectedPoint::Listener { .. } => None,
        };
        self.addresses.met(peer, dialled);
        self.dialling.schedule.know(Target::Peer(peer), now);
        self.dialling.schedule.connected(&Target::Peer(peer));
        self.dialling.doubted.remove(&peer);
        if let Some(dial) = self.dialling.dials.remove(&connection) {
            self.dialling.schedule.ended(&dial.target);
            self.dialling.schedule.connected(&dial.target);
            if let Target::Address(address) = dial.target {
                self.dialling.answered.insert(address, peer);
            }
        }
    }

    pub(super) fn on_dial_failed(
        &mut self,
        connection: ConnectionId,
        peer: Option<PeerId>,
        error: &DialError,
    ) {
        log::debug!("a dial of {peer:?} failed: {error}");
        let Some(dial) = self.dialling.dials.remove(&connection) else { return };
        if matches!(error, DialError::LocalPeerId { .. }) {
            self.dialling.schedule.forget(&dial.target);
            return;
        }
        self.dialling.schedule.failed(&dial.target);
        let Some(node) = dial.probe else { return };
        let linked = self.shared.links.get(&node).is_some_and(|link| link.is_connected());
        if !linked && is_refusal(error) {
            self.shared.happened(NetEvent::Closed { node });
        }
    }

    /// The first connection to one life of a peer.
    pub(super) fn on_up(&mut self, node: NodeId, peer: PeerId) {
        if let Some(introduced) = self.shared.introduced(&node.key)
            && !introduced.record.is_empty()
        {
            self.learn(&introduced.record.into(), Some(node));
        }
        self.send_records(node, peer);
    }

    /// The last connection to one life of a peer has closed.
    pub(super) fn on_down(&mut self, node: NodeId, peer: PeerId, address: &Multiaddr, ours: bool) {
        let now = self.now();
        let later = |link: &std::sync::Arc<Link>| link.node.incarnation > node.incarnation;
        if self.links_of(&peer).iter().any(later) {
            // Another life of it is here: this one is over.
            self.shared.happened(NetEvent::Closed { node });
            return;
        }
        let target = Target::Peer(peer);
        if ours {
            self.dialling.schedule.dropped(&target, now);
            return;
        }
        let probes = self.probe_addresses(&peer, address);
        self.dialling.schedule.lost(&target, now);
        let answered = self.dialling.answered.iter().filter(|(_, known)| **known == peer);
        for address in answered.map(|(address, _)| address.clone()).collect::<Vec<_>>() {
            self.dialling.answered.remove(&address);
            self.dialling.schedule.lost(&Target::Address(address), now);
        }
        if !probes.is_empty() {
            self.dialling.schedule.begun(&target, now);
            self.dial(to_peer(peer, probes), Dial { target, probe: Some(node) });
        }
    }

    /// Where a refusal says that a process is gone: TCP, on the machine that the connection was to.
    /// A refusal of another address (its loopback as seen from here, say) says nothing.
    fn probe_addresses(&self, peer: &PeerId, closed: &Multiaddr) -> Vec<Multiaddr> {
        let Some(ip) = ip_of(closed).filter(|_| !is_circuit(closed)) else { return Vec::new() };
        let tcp = |address: &Multiaddr| address.iter().any(|part| matches!(part, Protocol::Tcp(_)));
        let same = |address: &Multiaddr| {
            tcp(address) && ip_of(address) == Some(ip) && !is_circuit(address)
        };
        self.addresses.of(peer).into_iter().filter(same).collect()
    }

    /// Peers in doubt that have been heard again for long are well. Not at once: to be heard says
    /// nothing of the other direction.
    pub(super) fn check_quiet(&mut self) {
        let now = self.now();
        let doubted = std::mem::take(&mut self.dialling.doubted);
        for (peer, (node, since)) in doubted {
            match self.shared.links.get(&node) {
                Some(link)
                    if link.is_connected()
                        && !self.dialling.is_quiet(&link)
                        && now.saturating_sub(since) > DOUBT =>
                {
                    link.doubt(false);
                    self.dialling.schedule.connected(&Target::Peer(peer));
                }
                _ => {
                    self.dialling.doubted.insert(peer, (node, since));
                }
            }
        }
    }
}

/// New ports: the listening one may not be dialled from twice to the same peer.
fn to_peer(peer: PeerId, addresses: Vec<Multiaddr>) -> DialOpts {
    let addresses = addresses.iter().map(bare).collect();
    DialOpts::peer_id(peer)
        .condition(PeerCondition::Always)
        .addresses(addresses)
        .allocate_new_port()
        .build()
}

/// Whether every address was refused, or taken and closed again, or is another peer's now.
fn is_refusal(error: &DialError) -> bool {
    match error {
        DialError::WrongPeerId { .. } => true,
        DialError::Transport(errors) => errors.iter().all(|(_, error)| match error {
            TransportError::Other(error) => {
                let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
                transport::is_refusal(inner.map_or(error.kind(), std::io::Error::kind))
            }
            TransportError::MultiaddrNotSupported(_) => false,
        }),
        _ => false,
    }
}

fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    }
}

pub(super) fn is_circuit(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::P2pCircuit)
}
