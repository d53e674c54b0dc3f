//! Nodes and their members.
//!
//! ```text
//!  Group, Sender ── commands ──▶ shared ──▶ pump ──▶ engine, network
//!       ▲                                    │
//!       └───────── events ◀── seat ◀── desk ─┘
//! ```
//!
//! An application's task and the pump meet in two places, each a short lock: the queue of commands
//! (`shared`, one a node, bounded by what each member may have in it) and the queue of events (`seat`,
//! one a member, bounded by the engine, which withholds acknowledgements when it is not read).

mod builder;
mod charter;
mod clock;
mod desk;
mod event;
mod group;
mod names;
mod notice;
mod payload;
mod pump;
mod runtime;
mod seat;
mod shared;
mod state;
mod status;

pub use builder::{Builder, GroupOptions};
pub use event::{Event, Fingerprint, Message, Modules, Sent, State, View};
pub use group::{Group, Sender};
pub use notice::Notice;
pub use payload::Payload;
pub use status::{GroupStatus, Status};

use crate::Error;
use crate::config::Config;
use crate::metrics;
use builder::Parts;
use cenacle_core::{Engine, GroupName, Join, NodeId, Outbox};
use cenacle_net::{Multiaddr, Network, PeerId};
use charter::SameCharter;
use clock::Clock;
use futures::channel::oneshot;
use pump::Pump;
use seat::Seat;
use shared::{Command, Shared};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// What is queued when a node has stopped may still be written out for so long: the others' last
/// repairs, a round trip or two.
const GRACE: Duration = Duration::from_millis(500);

/// A node of an overlay: finds the others, and joins groups.
///
/// It works on its own tasks, whatever runtime the application uses. Dropping it stops it in the
/// background; [`Node::stop`] waits for that.
///
/// ```no_run
/// use cenacle::{Event, Node, Service, config::Config};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::start(Config::load("cenacle.toml")?).await?;
/// let mut ops = node.join("ops").await?;
/// ops.send(b"hello", Service::Agreed).await?;
/// while let Some(event) = ops.next().await {
///     match event {
///         Event::Message(m) => println!("{}: {:?}", m.from, m.body),
///         Event::View(v) => println!("{} members, key {}", v.members.len(), v.key),
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Node {
    shared: Arc<Shared>,
    groups: BTreeMap<GroupName, GroupOptions>,
    peer: PeerId,
    pump: Option<Task<()>>,
    _metrics: Option<metrics::Server>,
}

/// Stops a node from anywhere, such as a signal's handler.
#[derive(Clone, Debug)]
pub struct Stopper(Arc<Shared>);

impl Stopper {
    /// Tells the node to leave all groups and to stop; does not wait.
    pub fn stop(&self) {
        // A node that has stopped needs no telling.
        let _ = self.0.command(Command::Stop);
    }
}

impl Node {
    /// Starts a node as a configuration says.
    ///
    /// # Errors
    /// Files that cannot be used, settings that cannot work, an address that cannot be listened on.
    pub async fn start(config: Config) -> Result<Self, Error> {
        Builder::from_config(&config)?.start().await
    }

    /// Configures a node in code.
    pub fn builder() -> Builder {
        Builder::default()
    }

    async fn from_builder(builder: Builder) -> Result<Self, Error> {
        let Parts { name, network, mut engine, groups, metrics } = builder.split()?;
        let peer = network.identity.peer_id();
        // Wherever the caller is: the transports want the tasks' context.
        let (network, events) = spawn(Network::start(network)).await?;
        let clock = Clock::new();
        engine.node = network.node();
        engine.seed = seed(engine.node);
        let shared = Shared::new(engine.node, name, &engine);
        let shared = Arc::new(shared);
        let mut out = Outbox::new();
        let machine = Engine::new(engine.clone(), Box::new(SameCharter), clock.now(), &mut out);
        let machine = match machine {
            Ok(machine) => machine,
            Err(error) => {
                network.stop(Duration::ZERO).await;
                return Err(error.into());
            }
        };
        let metrics = match metrics {
            Some(address) => match metrics::Server::start(address, Arc::clone(&shared)) {
                Ok(server) => Some(server),
                Err(error) => {
                    network.stop(Duration::ZERO).await;
                    return Err(error);
                }
            },
            None => None,
        };
        let parts = (network, events);
        let pump = Pump::new(machine, out, parts, clock, Arc::clone(&shared), &engine);
        let pump = spawn(async move { pump.run().await.stop(GRACE).await });
        Ok(Self { shared, groups, peer, pump: Some(pump), _metrics: metrics })
    }

    /// This node: its public key and the incarnation of this start.
    pub fn id(&self) -> NodeId {
        self.shared.node
    }

    /// Its key as libp2p spells it.
    pub fn peer_id(&self) -> PeerId {
        self.peer
    }

    /// The groups that can be joined.
    pub fn groups(&self) -> impl Iterator<Item = &GroupOptions> {
        self.groups.values()
    }

    /// Joins a group of the configuration with a new member. The member is let in when its first
    /// [`Event::View`] comes; [`Event::Refused`] says why it is not.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`], [`Error::NeedsInsecure`], [`Error::Stopped`], or a limit of the
    /// engine.
    pub async fn join(&self, name: &str) -> Result<Group, Error> {
        self.start_joining(name).await
    }

    /// [`Node::join`] as a future of its own.
    pub fn start_joining(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Group, Error>> + Send + use<> {
        let options = self.options(name).cloned();
        let shared = Arc::clone(&self.shared);
        async move {
            let options = options?;
            options.check()?;
            let member = shared.next_member();
            let seat = Arc::new(Seat::new(options.name().clone(), member));
            let join = Join {
                group: options.name().clone(),
                local: member.local,
                semantics: options.promises(),
                charter: options.charter(),
                blob: names::words(shared.name.as_deref()),
                manual_flush: options.is_manual(),
            };
            let group = Group::new(Arc::clone(&shared), Arc::clone(&seat));
            let (answer, answered) = oneshot::channel();
            shared.command(Command::Join { join: Box::new(join), seat, answer })?;
            answered.await.map_err(|_| Error::Stopped)??;
            Ok(group)
        }
    }

    fn options(&self, name: &str) -> Result<&GroupOptions, Error> {
        let found = self.groups.iter().find(|(group, _)| group.as_str() == name);
        found.map(|(_, options)| options).ok_or_else(|| {
            let names: Vec<&str> = self.groups.keys().map(GroupName::as_str).collect();
            let known = match names.is_empty() {
                true => " (there are none)".to_owned(),
                false => format!(" (there are {})", names.join(", ").escape_debug()),
            };
            let group: String = name.chars().take(GroupName::MAX).collect();
            Error::UnknownGroup { group, known }
        })
    }

    /// What the node is doing.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub async fn status(&self) -> Result<Status, Error> {
        self.start_status().await
    }

    /// [`Node::status`] as a future of its own.
    pub fn start_status(&self) -> impl Future<Output = Result<Status, Error>> + Send + use<> {
        request_status(&self.shared)
    }

    /// The first address that the node listens on; `None` when it has stopped. Takes the notices
    /// before it.
    pub async fn listening(&self) -> Option<Multiaddr> {
        loop {
            if let Notice::Listening { address } = poll_fn(|cx| self.poll_notice(cx)).await? {
                return Some(address);
            }
        }
    }

    /// The next thing that the operator should know, `None` when the node has stopped. One task
    /// reads notices; if nobody does, the oldest give way.
    pub fn poll_notice(&self, cx: &mut Context<'_>) -> Poll<Option<Notice>> {
        self.shared.notices.poll_next(cx)
    }

    /// A handle to stop this node with.
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.shared))
    }

    /// Leaves all groups, after what was sent, and stops. Groups end with [`Event::Left`].
    pub async fn stop(mut self) {
        let pump = self.pump.take();
        self.stopper().stop();
        if let Some(pump) = pump {
            pump.await;
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stopper().stop();
    }
}

/// Asks the pump.
pub(crate) fn request_status(
    shared: &Shared,
) -> impl Future<Output = Result<Status, Error>> + Send + use<> {
    let (answer, answered) = oneshot::channel();
    let given = shared.command(Command::Status { answer });
    async move {
        given?;
        answered.await.map_err(|_| Error::Stopped)
    }
}

pub(crate) use runtime::{Task, spawn, timeout};
pub(crate) use shared::Shared as NodeShared;

/// For jitter: another number at every start of every node.
fn seed(node: NodeId) -> u64 {
    let key = node.key.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    key ^ node.incarnation.rotate_left(32)
}
