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
mod options;
mod payload;
mod pump;
mod runtime;
mod seat;
mod shared;
mod state;
mod status;

pub use builder::Builder;
pub use event::{Event, Fingerprint, Message, Modules, Sent, State, View};
pub use group::{Group, Sender};
pub use notice::Notice;
pub use options::GroupOptions;
pub use payload::Payload;
pub use status::{GroupStatus, Status};

use crate::Error;
use crate::config::Config;
use crate::metrics;
use builder::Parts;
use bytes::Bytes;
use cenacle_core::{Engine, GroupName, Join, MemberId, NodeId, Outbox};
use cenacle_net::{Multiaddr, Network, PeerId};
use cenacle_plugin::{Inline, ModuleSource, Secret};
use cenacle_secure::{
    Output, Parts as StackParts, Patience, SecureAdmission, SecureJoin, Signer, Stack,
};
use charter::SameCharter;
use clock::Clock;
use futures::channel::oneshot;
use options::Offered;
use pump::Pump;
use seat::Seat;
use shared::{Command, Shared, Wish};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use zeroize::Zeroize;

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
    groups: BTreeMap<GroupName, Offered>,
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
        let Parts { name, network, mut engine, groups, metrics, registry } = builder.split()?;
        let secret = network.identity.secret_seed()?;
        let signer = Arc::new(Signer::new(&Secret::new(*secret)));
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| Error::Module {
            group: "any".to_owned(),
            detail: format!("the system gives no random bytes: {error}"),
        })?;
        let pool = Secret::new(seed);
        seed.zeroize();
        let peer = network.identity.peer_id();
        // Wherever the caller is: the transports want the tasks' context.
        let (network, events) = spawn(Network::start(network)).await?;
        let clock = Clock::new();
        engine.node = network.node();
        engine.seed = jitter(engine.node);
        let shared = Shared::new(engine.node, name, &engine);
        let shared = Arc::new(shared);
        let mut out = Outbox::new();
        let modules: Arc<dyn ModuleSource> = registry;
        let overlay = engine.overlay.clone();
        let admission = SecureAdmission::new(overlay, Arc::clone(&modules), SameCharter);
        let admission = Box::new(admission);
        let machine = Engine::new(engine.clone(), admission, clock.now(), &mut out);
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
        let stack = Stack::new(
            machine,
            StackParts {
                node: engine.node,
                modules,
                executor: Arc::new(Inline),
                signer,
                seed: pool,
                patience: Patience { queue: engine.queue, ..Patience::default() },
                max_message: engine.max_message,
            },
        );
        let out = out.into_iter().map(Output::Engine).collect();
        let parts = (network, events);
        let pump = Pump::new(stack, out, parts, clock, Arc::clone(&shared), &engine);
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
        self.groups.values().map(|offered| &offered.options)
    }

    /// Joins a group of the configuration with a new member. The member is let in when its first
    /// [`Event::View`] comes; [`Event::Refused`] says why it is not.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`], [`Error::Stopped`], or a limit of the engine.
    pub async fn join(&self, name: &str) -> Result<Group, Error> {
        self.start_joining(name).await
    }

    /// [`Node::join`] as a future of its own.
    pub fn start_joining(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Group, Error>> + Send + use<> {
        let offered = self.options(name).cloned();
        let shared = Arc::clone(&self.shared);
        async move {
            let offered = offered?;
            let member = shared.next_member();
            let modules = offered.charter.as_ref().map(Modules::of);
            let max = match modules {
                Some(_) => cenacle_secure::largest(shared.max_message),
                None => shared.max_message,
            };
            let name = offered.options.name().clone();
            let seat = Arc::new(Seat::new(name, member, modules, max));
            let wish = wish(offered, member, names::words(shared.name.as_deref()));
            let group = Group::new(Arc::clone(&shared), Arc::clone(&seat));
            let (answer, answered) = oneshot::channel();
            shared.command(Command::Join { wish, seat, answer })?;
            answered.await.map_err(|_| Error::Stopped)??;
            Ok(group)
        }
    }

    fn options(&self, name: &str) -> Result<&Offered, Error> {
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

/// How a member of this node joins a group.
fn wish(offered: Offered, member: MemberId, words: Bytes) -> Wish {
    let Offered { options, charter } = offered;
    let (local, manual_flush) = (member.local, options.is_manual());
    match charter {
        Some(charter) => Wish::Secure(Box::new(SecureJoin {
            local,
            charter,
            evidence: options.shown(),
            above: words,
            manual_flush,
        })),
        None => Wish::Plain(Box::new(Join {
            group: options.name().clone(),
            local,
            semantics: options.promises(),
            charter: options.charter(),
            blob: words,
            manual_flush,
        })),
    }
}

/// For jitter: another number at every start of every node.
fn jitter(node: NodeId) -> u64 {
    let key = node.key.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    key ^ node.incarnation.rotate_left(32)
}
