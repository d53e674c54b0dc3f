//! What a node needs to start, from a configuration or from code.

use super::options::{GroupOptions, Offered};
use super::{Node, names};
use crate::Error;
use crate::config::{self, Config};
use cenacle_core::{GroupName, NodeId, Settings as EngineSettings};
use cenacle_host::Registry;
use cenacle_net::{
    Admission, Dissemination, Identity, Limits, Multiaddr, Psk, Settings as NetSettings,
    StateFolder,
};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// Configures a node in code. Without more it is alone, listens nowhere and keeps nothing on disk.
///
/// Two nodes of one process that find each other:
///
/// ```
/// use cenacle::{Event, GroupOptions, Node};
///
/// # async_std::task::block_on(async {
/// let ops = GroupOptions::secure("ops")?;
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
    registry: Option<Arc<Registry>>,
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
            registry: None,
        }
    }
}

impl Builder {
    /// From a configuration: reads the files that it names, makes the identity at the first start,
    /// and locks the state folder.
    ///
    /// # Errors
    /// A file that cannot be read, that others can read though it is a secret, or that is of another
    /// kind; a state folder that another process uses.
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
        let mut groups = BTreeMap::new();
        for group in config.groups() {
            groups.insert(group.name.clone(), GroupOptions::of_configuration(group)?);
        }
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
            groups,
            metrics: config.metrics().map(|metrics| metrics.listen),
            registry: None,
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
        self.groups.insert(options.name().clone(), options);
        self
    }

    /// Where groups find their modules, instead of among those that are built in. All nodes that
    /// share a group with keys must have its policy.
    #[must_use]
    pub fn modules(mut self, registry: Arc<Registry>) -> Self {
        self.registry = Some(registry);
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
        let Self { name, groups, metrics, registry, .. } = self;
        let registry = match registry {
            Some(registry) => registry,
            None => crate::built_in_modules().map_err(|error| Error::Module {
                group: "any".to_owned(),
                detail: error.to_string(),
            })?,
        };
        let mut offered = BTreeMap::new();
        for (name, options) in groups {
            let charter = options.secure_charter(&registry)?;
            offered.insert(name, Offered { options, charter });
        }
        Ok(Parts { name, network, engine, groups: offered, metrics, registry })
    }
}

/// What the parts of a node are told.
pub(crate) struct Parts {
    pub(crate) name: Option<String>,
    pub(crate) network: NetSettings,
    pub(crate) engine: EngineSettings,
    pub(crate) groups: BTreeMap<GroupName, Offered>,
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) registry: Arc<Registry>,
}
