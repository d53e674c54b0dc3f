//! The frames' part of the swarm: gives each connection its handler, and keeps the links.

use super::handler::{Handler, Verdict};
use crate::{
    events::NetEvent,
    keys,
    links::{Link, Port},
    shared::Shared,
    status::{Drop, Path},
};
use cenacle_core::NodeId;
use futures::task::AtomicWaker;
use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    multiaddr::Protocol,
    swarm::{
        CloseConnection, ConnectionClosed, ConnectionDenied, ConnectionId, FromSwarm,
        NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
    },
};
use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    sync::{Arc, atomic::AtomicBool},
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// A connection on which nothing has come for so long counts as dead when a new one is there: more
/// than two of the engine's heartbeats.
const QUIET: Duration = Duration::from_millis(600);

/// It is not closed at once, since it may be well after all, and frames may be on their way on it.
const RETIREMENT: Duration = Duration::from_secs(5);

/// What the swarm's task is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum LinkEvent {
    /// The first connection of this life of a peer.
    Up { node: NodeId, peer: PeerId },
    /// Its last connection closed; `ours` if this side wanted it.
    Down { node: NodeId, peer: PeerId, address: Multiaddr, ours: bool },
}

/// The links' keeper.
pub(crate) struct Behaviour {
    shared: Arc<Shared>,
    connections: BTreeMap<ConnectionId, Connection>,
    /// Connections that were replaced, to be closed.
    retiring: VecDeque<(Instant, ConnectionId)>,
    events: VecDeque<ToSwarm<LinkEvent, Infallible>>,
}

struct Connection {
    link: Arc<Link>,
    port: Arc<Port>,
    /// The other end's address.
    address: Multiaddr,
    /// This side has asked for its end.
    closing: bool,
}

impl Behaviour {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            connections: BTreeMap::new(),
            retiring: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// A handler for a connection of an admitted peer.
    fn enter(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        path: Path,
        dialled: bool,
    ) -> Result<Handler, ConnectionDenied> {
        let key = keys::key_of(&peer).ok_or_else(|| denied("its key is not an Ed25519 key"))?;
        let introduced = self.shared.introduced(&key);
        let introduced = introduced.ok_or_else(|| denied("it has not introduced itself"))?;
        let node = NodeId { key, incarnation: introduced.incarnation };
        let link = self.shared.links.enter(node, peer);
        let port = Arc::new(Port {
            connection,
            path,
            by_smaller: dialled == (self.shared.node.key < key),
            active: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        });
        let address = address.clone();
        let entry = Connection { link: link.clone(), port: port.clone(), address, closing: false };
        self.connections.insert(connection, entry);
        Ok(Handler::new(self.shared.clone(), link, port))
    }

    fn established(&mut self, connection: ConnectionId) {
        let Some(Connection { link, port, .. }) = self.connections.get(&connection) else { return };
        let (link, port) = (link.clone(), port.clone());
        let first = !link.is_connected();
        let dead = link.attach(port, QUIET);
        // Whoever looked the link up before it had a port looks again.
        self.shared.links.enter(link.node, link.peer);
        let end = Instant::now() + RETIREMENT;
        self.retiring.extend(dead.into_iter().map(|connection| (end, connection)));
        for old in self.shared.links.of_key(&link.node.key) {
            if old.node.incarnation < link.node.incarnation {
                old.connections().into_iter().for_each(|connection| self.close(connection));
            }
        }
        if first {
            self.shared.happened(NetEvent::Connected { node: link.node });
            let up = LinkEvent::Up { node: link.node, peer: link.peer };
            self.events.push_back(ToSwarm::GenerateEvent(up));
        }
    }

    /// Closes one connection, by the will of this side.
    fn close(&mut self, connection: ConnectionId) {
        let Some(entry) = self.connections.get_mut(&connection) else { return };
        entry.closing = true;
        self.events.push_back(ToSwarm::CloseConnection {
            peer_id: entry.link.peer,
            connection: CloseConnection::One(connection),
        });
    }

    fn failed(&mut self, connection: ConnectionId) {
        if let Some(entry) = self.connections.remove(&connection) {
            self.shared.links.leave(&entry.link.node);
        }
    }

    fn closed(&mut self, closed: ConnectionClosed<'_>) {
        let Some(entry) = self.connections.remove(&closed.connection_id) else { return };
        let link = entry.link;
        let Some(lost) = link.detach(closed.connection_id) else { return };
        self.shared.figures.dropped_many(Drop::PeerGone, lost);
        self.shared.links.leave(&link.node);
        let down = LinkEvent::Down {
            node: link.node,
            peer: link.peer,
            address: entry.address,
            ours: entry.closing,
        };
        self.events.push_back(ToSwarm::GenerateEvent(down));
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = LinkEvent;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        // A circuit that comes in shows in this side's address.
        self.enter(connection, peer, remote, path(local), false)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        _role: Endpoint,
        _port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.enter(connection, peer, address, path(address), true)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(established) => {
                self.established(established.connection_id);
            }
            FromSwarm::ConnectionClosed(closed) => self.closed(closed),
            // A connection that another behaviour has denied after this one's handler was made.
            FromSwarm::DialFailure(failed) => self.failed(failed.connection_id),
            FromSwarm::ListenFailure(failed) => self.failed(failed.connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        _peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {
            Verdict::Useless => self.close(connection),
        }
    }

    fn poll(
        &mut self,
        _cx: &mut Context<'_>,
    ) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        // The driver polls at least once a second.
        while let Some((_, connection)) =
            self.retiring.front().filter(|(end, _)| *end <= Instant::now())
        {
            let connection = *connection;
            self.retiring.pop_front();
            self.close(connection);
        }
        // Other events come of calls of the swarm, which polls after them.
        self.events.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

fn denied(reason: &'static str) -> ConnectionDenied {
    ConnectionDenied::new(std::io::Error::other(reason))
}

/// How a connection to this address goes.
fn path(address: &Multiaddr) -> Path {
    let mut path = Path::Tcp;
    for part in address {
        match part {
            Protocol::P2pCircuit => return Path::Relay,
            Protocol::Quic | Protocol::QuicV1 => path = Path::Quic,
            _ => {}
        }
    }
    path
}
