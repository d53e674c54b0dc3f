//! The task itself: events of the swarm, orders of the pump, and time.

use super::{
    addresses::Addresses,
    behaviour::{Peers, PeersEvent},
    dialling::{Dialling, is_circuit},
    listen,
};
use crate::{
    book::peer_in,
    desk::Orders,
    error::Error,
    events::NetEvent,
    frames::behaviour::LinkEvent,
    gossip::Gossip,
    links::Link,
    redial::Target,
    runtime,
    settings::{Dissemination, Settings},
    shared::Shared,
    state::StateFolder,
    transport,
};
use cenacle_core::NodeId;
use futures::{FutureExt, StreamExt, select_biased};
use libp2p::{
    Multiaddr, PeerId, Swarm, gossipsub, identify, mdns,
    multiaddr::Protocol,
    ping, relay,
    swarm::{ListenError, SwarmEvent},
};
use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

/// How many relays hold a place for this node, where there are relays.
const RESERVATIONS: usize = 2;
/// Concurrent dials of one peer's addresses.
const DIALS: u8 = 8;

/// Owns the swarm.
pub(crate) struct Driver {
    pub(super) shared: Arc<Shared>,
    pub(super) swarm: Swarm<Peers>,
    pub(super) addresses: Addresses,
    pub(super) dialling: Dialling,
    gossip: Option<Gossip>,
    /// The configuration, without this node.
    pub(super) members: BTreeSet<NodeId>,
    /// Relays that were asked for a place.
    relays: BTreeSet<PeerId>,
    serves_as_relay: bool,
    started: Instant,
}

impl Driver {
    /// Builds the swarm and starts to listen and dial.
    pub(crate) fn new(mut settings: Settings, shared: Arc<Shared>) -> Result<Self, Error> {
        let state = settings.state.take();
        let (transport, circuits) = relay::client::new(shared.peer);
        let transport = transport::build(settings.identity.keypair(), transport, &shared)?;
        let gossips = settings.dissemination != Dissemination::Direct;
        let gossip = gossips.then(|| Gossip::new(&shared));
        let gossipsub = gossip.as_ref().map(|gossip| gossip.behaviour(&shared)).transpose()?;
        let peers = Peers::new(&settings, &shared, circuits, gossipsub)?;
        let config = libp2p::swarm::Config::with_executor(runtime::executor)
            .with_idle_connection_timeout(settings.limits.idle)
            .with_dial_concurrency_factor(DIALS.try_into().unwrap_or(std::num::NonZeroU8::MIN))
            .with_max_negotiating_inbound_streams(settings.limits.max_streams);
        let mut swarm = Swarm::new(transport, peers, shared.peer, config);
        for address in &settings.listen {
            let refused = |detail| Error::Listen { address: address.clone(), detail };
            listen::is_free(address).map_err(|error| refused(listen::said(&error)))?;
            swarm.listen_on(address.clone()).map_err(|error| refused(listen::said(&error)))?;
        }
        let started = Instant::now();
        let mut driver = Self {
            addresses: Addresses::new(&shared, state),
            dialling: Dialling::new(&shared),
            shared,
            swarm,
            gossip,
            members: BTreeSet::new(),
            relays: BTreeSet::new(),
            serves_as_relay: settings.relay,
            started,
        };
        driver.begin(&settings.bootstrap);
        Ok(driver)
    }

    /// Knows whom to dial: the bootstrap addresses, and everyone of the address book.
    fn begin(&mut self, bootstrap: &[Multiaddr]) {
        let now = self.now();
        for address in bootstrap {
            match peer_in(address) {
                Some(peer) if peer == self.shared.peer => {}
                Some(peer) => {
                    self.addresses.hint(peer, address);
                    self.dialling.schedule.know(Target::Peer(peer), now);
                }
                None => self.dialling.schedule.know(Target::Address(address.clone()), now),
            }
        }
        for peer in self.addresses.known() {
            if peer != self.shared.peer {
                self.dialling.schedule.know(Target::Peer(peer), now);
            }
        }
    }

    /// The time since the start.
    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Runs until it is told to stop.
    pub(crate) async fn run(mut self) {
        let shared = self.shared.clone();
        self.addresses.renew(&shared, &self.swarm);
        loop {
            self.dial_due();
            let wait = self.wait();
            let orders = select_biased! {
                orders = shared.desk.take().fuse() => Some(orders),
                event = self.swarm.select_next_some() => {
                    self.on_event(event);
                    None
                }
                () = runtime::sleep(wait).fuse() => {
                    self.addresses.save(&shared);
                    self.check_quiet();
                    self.show();
                    None
                }
            };
            let Some(orders) = orders else { continue };
            if let Some(grace) = self.on_orders(orders) {
                return self.stop(grace).await;
            }
        }
    }

    /// How long there is nothing to do but to wait for events.
    fn wait(&self) -> Duration {
        let now = self.now();
        let dial = self.dialling.schedule.deadline().map(|next| next.saturating_sub(now));
        let longest = Duration::from_secs(1);
        dial.map_or(longest, |dial| dial.min(longest)).max(Duration::from_millis(1))
    }

    fn on_orders(&mut self, orders: Orders) -> Option<Duration> {
        if let Some(members) = orders.members {
            self.configure(members);
        }
        if let (Some(gossip), Some(gossipsub)) =
            (&mut self.gossip, self.swarm.behaviour_mut().gossip.as_mut())
        {
            for parcel in orders.parcels {
                gossip.publish(&self.shared, gossipsub, parcel);
            }
        }
        for arrived in orders.records {
            self.learn(&arrived.record, Some(arrived.from));
        }
        orders.stop
    }

    /// Writes out what is queued, and closes everything.
    async fn stop(mut self, grace: Duration) {
        let shared = self.shared.clone();
        let deadline = Instant::now() + grace;
        // Each stream is written to its end, and each peer says when it has read it.
        shared.stop();
        let waits = |link: &Arc<Link>| link.is_connected() && !link.seen.load(Ordering::SeqCst);
        while shared.links.all().iter().any(waits) && Instant::now() < deadline {
            let step = Duration::from_millis(1);
            let _ = runtime::timeout(step, self.swarm.select_next_some()).await;
        }
        let peers: Vec<_> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            // None is left if it has closed by itself.
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        // Closing writes out what connections hold, and lets the others know at once.
        while self.swarm.network_info().num_peers() > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let _ = runtime::timeout(left, self.swarm.select_next_some()).await;
        }
        self.addresses.save_now(&shared).await;
        shared.inbox.close();
    }

    /// A new configuration. Who was in the last one and is silent has been lost, though nobody has
    /// closed a connection.
    fn configure(&mut self, members: Vec<NodeId>) {
        let mut members: BTreeSet<_> = members.into_iter().collect();
        members.remove(&self.shared.node);
        let now = self.now();
        for node in self.members.difference(&members) {
            let link = self.shared.links.get(node);
            if let Some(link) = link.filter(|link| self.dialling.is_quiet(link)) {
                self.dialling.doubt(&link, now);
            }
        }
        for node in members.difference(&self.members) {
            if let Some(peer) = crate::keys::peer_of(&node.key) {
                let linked = self.shared.links.get(node).is_some_and(|link| link.is_connected());
                let target = Target::Peer(peer);
                self.dialling.schedule.know(target.clone(), now);
                if !linked {
                    self.dialling.schedule.hopeful(&target, now);
                }
            }
        }
        self.members = members;
        self.shared.announcements.configure(self.members.clone());
        self.show();
    }

    fn on_event(&mut self, event: SwarmEvent<PeersEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            SwarmEvent::NewListenAddr { address, .. } => {
                // A relay tells these to who asks it for a place.
                if self.serves_as_relay && !is_circuit(&address) {
                    self.swarm.add_external_address(address.clone());
                }
                let shared = self.shared.clone();
                self.addresses.renew(&shared, &self.swarm);
                self.show();
                shared.happened(NetEvent::Listening { address });
            }
            SwarmEvent::ExpiredListenAddr { .. } | SwarmEvent::ExternalAddrConfirmed { .. } => {
                let shared = self.shared.clone();
                self.addresses.renew(&shared, &self.swarm);
            }
            SwarmEvent::ListenerClosed { addresses, reason, .. } => {
                self.on_listener_closed(&addresses, reason);
            }
            SwarmEvent::ConnectionEstablished { connection_id, peer_id, endpoint, .. } => {
                self.on_connection(connection_id, peer_id, &endpoint);
                self.show();
            }
            SwarmEvent::OutgoingConnectionError { connection_id, peer_id, error } => {
                self.on_dial_failed(connection_id, peer_id, &error);
            }
            SwarmEvent::IncomingConnectionError { error: ListenError::Denied { .. }, .. } => {
                self.shared.denied();
            }
            SwarmEvent::IncomingConnectionError { error, .. } => {
                log::debug!("a connection from outside failed: {error}");
            }
            _ => {}
        }
    }

    fn on_listener_closed(&mut self, addresses: &[Multiaddr], reason: std::io::Result<()>) {
        let shared = self.shared.clone();
        self.addresses.renew(&shared, &self.swarm);
        // A relay that went away; another one, or the same again, is asked when it is met.
        if addresses.iter().any(is_circuit) || reason.is_err() && addresses.is_empty() {
            self.relays.clear();
        } else if let Err(error) = reason {
            let list: Vec<_> = addresses.iter().map(ToString::to_string).collect();
            let detail = format!("no longer listening on {}: {error}", list.join(", "));
            shared.warn("listener", None, detail);
        }
    }

    fn on_behaviour(&mut self, event: PeersEvent) {
        match event {
            PeersEvent::Frames(LinkEvent::Up { node, peer }) => self.on_up(node, peer),
            PeersEvent::Frames(LinkEvent::Down { node, peer, address, ours }) => {
                self.on_down(node, peer, &address, ours);
            }
            PeersEvent::Gossip(gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            }) => {
                let gossipsub = self.swarm.behaviour_mut().gossip.as_mut();
                if let (Some(gossip), Some(gossipsub)) = (&mut self.gossip, gossipsub) {
                    let (source, id) = (&propagation_source, &message_id);
                    gossip.receive(&self.shared, gossipsub, source, id, message);
                }
            }
            PeersEvent::Gossip(gossipsub::Event::SlowPeer { failed_messages, .. }) => {
                let lost = failed_messages.priority + failed_messages.non_priority;
                self.shared.figures.dropped_many(crate::status::Drop::GossipFull, lost as u64);
            }
            PeersEvent::Ping(ping::Event { peer, result: Ok(time), .. }) => {
                for link in self.links_of(&peer) {
                    link.set_round_trip(time);
                }
            }
            PeersEvent::Identify(identify::Event::Received { peer_id, info, .. })
                if info.protocols.contains(&relay::HOP_PROTOCOL_NAME) =>
            {
                self.reserve(peer_id);
            }
            PeersEvent::Mdns(mdns::Event::Discovered(found)) => {
                let now = self.now();
                for (peer, address) in
                    found.into_iter().filter(|(peer, _)| *peer != self.shared.peer)
                {
                    self.addresses.hint(peer, &address);
                    self.dialling.schedule.rumoured(Target::Peer(peer), now);
                    self.dialling.schedule.hopeful(&Target::Peer(peer), now);
                }
            }
            _ => {}
        }
    }

    pub(super) fn links_of(&self, peer: &PeerId) -> Vec<Arc<Link>> {
        crate::keys::key_of(peer).map(|key| self.shared.links.of_key(&key)).unwrap_or_default()
    }

    /// A peer serves as a relay: asks it for a place, so that this node can be reached through it.
    fn reserve(&mut self, relay: PeerId) {
        if self.relays.contains(&relay) || self.relays.len() >= RESERVATIONS {
            return;
        }
        let addresses = self.addresses.of(&relay);
        let Some(address) = addresses.into_iter().find(|a| !is_circuit(a)) else { return };
        let address = address.with(Protocol::P2p(relay)).with(Protocol::P2pCircuit);
        match self.swarm.listen_on(address) {
            Ok(_) => {
                self.relays.insert(relay);
            }
            Err(error) => log::debug!("cannot be reached through {relay}: {error}"),
        }
    }
}

/// Everything that is kept of one start to the next.
pub(super) type State = Option<StateFolder>;
