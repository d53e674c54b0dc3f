//! Networks to play with.

use bytes::Bytes;
use cenacle_core::NodeId;
use cenacle_net::{
    Admission, Drop, Events, Identity, Multiaddr, NetEvent, Network, Psk, Settings, Status,
};
use futures::StreamExt;
use std::{
    collections::VecDeque,
    future::Future,
    time::{Duration, Instant},
};

/// No wait of a test is longer; a machine under load is slow.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a test.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let _ = env_logger::builder().is_test(true).try_init();
    async_std::task::block_on(test)
}

pub const TCP: &str = "/ip4/127.0.0.1/tcp/0";
pub const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";

/// A network and what it has told.
pub struct Peer {
    pub network: Network,
    pub events: Events,
    pub address: Multiaddr,
    /// Told, and not yet asked for.
    pub told: VecDeque<NetEvent>,
}

/// Settings of a node of the overlay `lab` that knows the secret.
pub fn settings() -> Settings {
    let psk = Psk::new(&mut [7; 32]);
    Settings::new("lab", Identity::generate().unwrap(), Admission::Psk(psk))
}

/// The same, listening here and beginning there.
pub fn at(listen: &str, bootstrap: &[&Peer]) -> Settings {
    let mut settings = settings();
    settings.listen = vec![listen.parse().unwrap()];
    settings.bootstrap = bootstrap.iter().map(|peer| peer.address.clone()).collect();
    settings
}

impl Peer {
    /// Starts, and waits until it listens if it should.
    pub async fn start(settings: Settings) -> Self {
        let listens = settings.listen.iter().any(|a| !a.to_string().contains("p2p-circuit"));
        let (network, events) = Network::start(settings).await.unwrap();
        let address = Multiaddr::empty();
        let mut peer = Self { network, events, address, told: VecDeque::new() };
        if listens {
            peer.address = peer
                .wait("an address", |event| match event {
                    NetEvent::Listening { address } => Some(address.clone()),
                    _ => None,
                })
                .await;
        }
        peer
    }

    pub fn node(&self) -> NodeId {
        self.network.node()
    }

    /// The first event that is wanted; others wait for later calls.
    pub async fn wait<T>(&mut self, what: &str, want: impl Fn(&NetEvent) -> Option<T>) -> T {
        for at in 0..self.told.len() {
            if let Some(found) = want(&self.told[at]) {
                self.told.remove(at);
                return found;
            }
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let next = async_std::future::timeout(left, self.events.next()).await;
            let Ok(event) = next else {
                panic!("no {what} in {PATIENCE:?}; {:?}; {:?}", self.told, self.status())
            };
            let event = event.expect("events end");
            if let Some(found) = want(&event) {
                return found;
            }
            self.told.push_back(event);
        }
    }

    /// Waits for so long, keeping what is told.
    pub async fn idle(&mut self, long: Duration) {
        let deadline = Instant::now() + long;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match async_std::future::timeout(left, self.events.next()).await {
                Ok(Some(event)) => self.told.push_back(event),
                Ok(None) | Err(_) => return,
            }
        }
    }

    pub async fn connected(&mut self, node: NodeId) {
        let connected = NetEvent::Connected { node };
        self.wait("connection", |event| (*event == connected).then_some(())).await;
    }

    pub async fn closed(&mut self, node: NodeId) {
        let closed = NetEvent::Closed { node };
        self.wait("closing", |event| (*event == closed).then_some(())).await;
    }

    /// The detail of a warning.
    pub async fn warned(&mut self, reason: &str) -> String {
        self.wait(reason, |event| match event {
            NetEvent::Warning { reason: word, detail } if *word == reason => Some(detail.clone()),
            _ => None,
        })
        .await
    }

    /// So many frames of a node, in their order.
    pub async fn frames(&mut self, from: NodeId, count: usize) -> Vec<Bytes> {
        let mut all = Vec::new();
        while all.len() < count {
            let some = self.wait("frames", |event| match event {
                NetEvent::Frames { from: origin, frames } if *origin == from => {
                    Some(frames.clone())
                }
                _ => None,
            });
            all.extend(some.await);
        }
        all
    }

    pub fn status(&self) -> Status {
        self.network.status()
    }

    pub fn drops(&self, reason: Drop) -> u64 {
        let drops = self.status().drops;
        drops.iter().find(|(known, _)| *known == reason).map_or(0, |(_, count)| *count)
    }

    pub fn send(&mut self, to: NodeId, frame: impl Into<Bytes>) {
        self.network.send(to, frame.into());
        self.network.flush();
    }

    pub fn multicast(&mut self, frame: impl Into<Bytes>) {
        self.network.multicast(frame.into());
        self.network.flush();
    }

    pub async fn stop(self) {
        self.network.stop(Duration::from_secs(5)).await;
    }
}

/// Two that are connected.
pub async fn pair(listen: &str) -> (Peer, Peer) {
    let mut a = Peer::start(at(listen, &[])).await;
    let mut b = Peer::start(at(listen, &[&a])).await;
    a.connected(b.node()).await;
    b.connected(a.node()).await;
    (a, b)
}

/// Asks again and again until it is so.
pub async fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < deadline, "never: {what}");
        async_std::task::sleep(Duration::from_millis(5)).await;
    }
}

/// Bytes that tell where they are from.
pub fn pattern(seed: usize, length: usize) -> Bytes {
    (0..length).map(|at| (seed * 31 + at * 7 + at / 256) as u8).collect()
}
