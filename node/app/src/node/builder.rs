//! What a node needs to start, from a configuration or from code.

use super::{Node, names};
use crate::Error;
use crate::config::{self, Config};
use bytes::Bytes;
use cenacle_core::{GroupName, NodeId, Semantics, Settings as EngineSettings};
use cenacle_net::{
    Admission, Dissemination, Identity, Limits, Multiaddr, Psk, Settings as NetSettings,
    StateFolder,
};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Configures a node in code. Without more it is alone, listens nowhere and keeps nothing on disk.
///
/// Two nodes of one process that find each other:
///
/// ```
/// use cenacle::{Event, GroupOptions, Node};
///
/// # async_std::task::block_on(async {
/// let ops = GroupOptions::insecure("ops")?;
/// let alice = Node::builder()
///     .listen("/ip4/127.0.0.1/tcp/0".parse().expect("an address"))
///     .group(ops.clone())
///     .start()
///     .await?;
/// let bob = Node::builder()
///     .bootstrap(alice.listening().await.expect("it listens"))
///     .group(ops)
///     .start()
///     .await?;
/// let mut at_alice = alice.join("ops").await?;
/// let mut at_bob = bob.join("ops").await?;
/// for group in [&mut at_alice, &mut at_bob] {
///     while let Some(event) = group.next().await {
///         if matches!(event, Event::View(view) if view.members.len() == 2) {
///             break;
///         }
///     }
/// }
/// bob.stop().await;
/// alice.stop().await;
/// # Ok::<(), cenacle::Error>(())
/// # })?;
/// # Ok::<(), cenacle::Error>(())
/// ```
#[derive(Debug)]
pub struct Builder {
    name: Option<String>,
    overlay: String,
    identity: Option<Identity>,
    state: Option<StateFolder>,
    listen: Vec<Multiaddr>,
    bootstrap: Vec<Multiaddr>,
    mdns: bool,
    relay: bool,
    admission: Admission,
    dissemination: Dissemination,
    limits: Limits,
    engine: EngineSettings,
    groups: BTreeMap<GroupName, GroupOptions>,
    metrics: Option<SocketAddr>,
}

/// How this node's members join a group; all members of the group must agree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupOptions {
    name: GroupName,
    semantics: Semantics,
    insecure: bool,
    manual_flush: bool,
}

impl GroupOptions {
    /// A group without key agreement and encryption of its own: whoever is admitted to the overlay
    /// can read it.
    ///
    /// # Errors
    /// A name that no group can have.
    pub fn insecure(name: &str) -> Result<Self, Error> {
        let name = name.parse()?;
        Ok(Self { name, semantics: Semantics::Vs, insecure: true, manual_flush: false })
    }

    /// What the group promises; virtual synchrony, unless this says otherwise.
    #[must_use]
    pub fn semantics(mut self, semantics: Semantics) -> Self {
        self.semantics = semantics;
        self
    }

    /// The application answers flush requests itself ([`crate::Group::flush_ok`]).
    #[must_use]
    pub fn manual_flush(mut self) -> Self {
        self.manual_flush = true;
        self
    }

    /// The group's name.
    pub fn name(&self) -> &GroupName {
        &self.name
    }

    /// What it promises.
    pub fn promises(&self) -> Semantics {
        self.semantics
    }

    /// What the first member lays down for the group, and the others must bring.
    pub(crate) fn charter(&self) -> Bytes {
        Bytes::from_static(match self.semantics {
            Semantics::Vs => b"cenacle charter v1: insecure, vs",
            Semantics::Evs => b"cenacle charter v1: insecure, evs",
        })
    }

    pub(crate) fn is_manual(&self) -> bool {
        self.manual_flush
    }

    /// Refuses what this version cannot do.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.insecure {
            true => Ok(()),
            false => Err(Error::NeedsInsecure { group: self.name.clone() }),
        }
    }
}

impl Default for Builder {
    fn default() -> Self {
        let nobody = NodeId { key: [0; 32], incarnation: 0 };
        Self {
            name: None,
            overlay: "cenacle".to_owned(),
            identity: None,
            state: None,
            listen: Vec::new(),
            bootstrap: Vec::new(),
            mdns: false,
            relay: false,
            admission: Admission::Open,
            dissemination: Dissemination::Auto,
            limits: Limits::default(),
            engine: EngineSettings::new(nobody, ""),
            groups: BTreeMap::new(),
            metrics: None,
        }
    }
}

impl Builder {
    /// From a configuration: reads the files that it names, makes the identity at the first start,
    /// and locks the state folder.
    ///
    /// # Errors
    /// A file that cannot be read, that others can read, or that is of another kind; a state folder
    /// that another process uses.
    pub fn from_config(config: &Config) -> Result<Self, Error> {
        let (node, overlay) = (config.node(), config.overlay());
        let identity = Identity::load_or_create(&node.identity)?;
        let admission = match &overlay.admission {
            config::Admission::Psk { file } => Admission::Psk(Psk::load(file)?),
            config::Admission::Allowlist(peers) => Admission::Allowlist(peers.clone()),
            config::Admission::Open => Admission::Open,
        };
        let (state, incarnation) = StateFolder::open(&node.state)?;
        let me = NodeId { key: identity.public_key(), incarnation };
        let groups = config.groups().iter().map(|group| {
            let options = GroupOptions {
                name: group.name.clone(),
                semantics: group.semantics,
                insecure: group.insecure,
                manual_flush: group.manual_flush,
            };
            (group.name.clone(), options)
        });
        Ok(Self {
            name: node.name.clone(),
            overlay: overlay.name.clone(),
            identity: Some(identity),
            state: Some(state),
            listen: node.listen.clone(),
            bootstrap: overlay.bootstrap.clone(),
            mdns: overlay.mdns,
            relay: overlay.relay,
            admission,
            dissemination: overlay.dissemination,
            limits: Limits::default(),
            engine: config.engine_settings(me),
            groups: groups.collect(),
            metrics: config.metrics().map(|metrics| metrics.listen),
        })
    }

    /// What this node's members go by: 1 to 64 bytes without control characters.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The overlay's name; nodes of another one are refused.
    #[must_use]
    pub fn overlay(mut self, name: impl Into<String>) -> Self {
        self.overlay = name.into();
        self
    }

    /// This node's key; a random one without.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Where incarnation and known addresses are kept.
    #[must_use]
    pub fn state(mut self, folder: StateFolder) -> Self {
        self.state = Some(folder);
        self
    }

    /// Listens there too.
    #[must_use]
    pub fn listen(mut self, address: Multiaddr) -> Self {
        self.listen.push(address);
        self
    }

    /// Dials there too, to find the others.
    #[must_use]
    pub fn bootstrap(mut self, address: Multiaddr) -> Self {
        self.bootstrap.push(address);
        self
    }

    /// Looks for peers in the local network.
    #[must_use]
    pub fn mdns(mut self) -> Self {
        self.mdns = true;
        self
    }

    /// Also carries connections of peers that cannot reach each other.
    #[must_use]
    pub fn relay(mut self) -> Self {
        self.relay = true;
        self
    }

    /// Who may take part; whoever can reach the port, without.
    #[must_use]
    pub fn admission(mut self, admission: Admission) -> Self {
        self.admission = admission;
        self
    }

    /// How multicasts travel.
    #[must_use]
    pub fn dissemination(mut self, dissemination: Dissemination) -> Self {
        self.dissemination = dissemination;
        self
    }

    /// Bounds of the network.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Times and limits of the engine; `node` and `overlay` in them are filled in at the start.
    #[must_use]
    pub fn engine(mut self, settings: EngineSettings) -> Self {
        self.engine = settings;
        self
    }

    /// A group that can be joined.
    #[must_use]
    pub fn group(mut self, options: GroupOptions) -> Self {
        self.groups.insert(options.name.clone(), options);
        self
    }

    /// Serves figures in Prometheus' text form at `http://address/metrics`.
    #[must_use]
    pub fn metrics(mut self, address: SocketAddr) -> Self {
        self.metrics = Some(address);
        self
    }

    /// Starts the node.
    ///
    /// # Errors
    /// Settings that cannot work, an address that cannot be listened on.
    pub async fn start(self) -> Result<Node, Error> {
        Node::from_builder(self).await
    }

    pub(crate) fn split(self) -> Result<Parts, Error> {
        if self.name.as_deref().is_some_and(|name| !names::is_name(name)) {
            return Err(Error::Name);
        }
        let identity = match self.identity {
            Some(identity) => identity,
            None => Identity::generate()?,
        };
        let network = NetSettings {
            state: self.state,
            listen: self.listen,
            bootstrap: self.bootstrap,
            mdns: self.mdns,
            dissemination: self.dissemination,
            relay: self.relay,
            limits: self.limits,
            ..NetSettings::new(self.overlay.clone(), identity, self.admission)
        };
        let engine = EngineSettings { overlay: self.overlay, ..self.engine };
        let Self { name, groups, metrics, .. } = self;
        Ok(Parts { name, network, engine, groups, metrics })
    }
}

/// What the parts of a node are told.
pub(crate) struct Parts {
    pub(crate) name: Option<String>,
    pub(crate) network: NetSettings,
    pub(crate) engine: EngineSettings,
    pub(crate) groups: BTreeMap<GroupName, GroupOptions>,
    pub(crate) metrics: Option<SocketAddr>,
}
