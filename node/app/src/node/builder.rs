//! What a node needs to start, from a configuration or from code.

use super::{Node, names};
use crate::Error;
use crate::config::{self, Config};
use bytes::Bytes;
use cenacle_core::{GroupName, NodeId, Semantics, Settings as EngineSettings};
use cenacle_host::{EncryptionSelector, KeyAgreementSelector, PolicySelector, Registry, Selected};
use cenacle_net::{
    Admission, Dissemination, Identity, Limits, Multiaddr, Psk, Settings as NetSettings,
    StateFolder,
};
use cenacle_plugin::Value;
use cenacle_secure::{Charter, Choice};
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

/// How this node's members join a group; all members of the group must agree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupOptions {
    name: GroupName,
    semantics: Semantics,
    manual_flush: bool,
    /// None: the group has no keys.
    modules: Option<Choices>,
    evidence: Evidence,
}

/// What a member shows for itself; not to be seen in logs.
#[derive(Clone, Default, PartialEq, Eq)]
struct Evidence(Bytes);

impl std::fmt::Debug for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Evidence({} bytes)", self.0.len())
    }
}

/// A module by name, with the options that were given.
type Chosen = (String, BTreeMap<String, Value>);

/// The modules of a group with keys.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Choices {
    key_agreement: Chosen,
    cipher: Chosen,
    policy: Chosen,
}

impl GroupOptions {
    /// A group whose members agree on a key at every change of view, and seal what they say under
    /// it: with `tgdh`, `chacha20poly1305` and the policy `open`, unless more is said.
    ///
    /// # Errors
    /// A name that no group can have.
    pub fn secure(name: &str) -> Result<Self, Error> {
        let name = name.parse()?;
        let plain = |name: &str| (name.to_owned(), BTreeMap::new());
        let modules = Choices {
            key_agreement: plain("tgdh"),
            cipher: plain("chacha20poly1305"),
            policy: plain("open"),
        };
        Ok(Self {
            name,
            semantics: Semantics::Vs,
            manual_flush: false,
            modules: Some(modules),
            evidence: Evidence::default(),
        })
    }

    /// What agrees on the group's keys, with its options; checked when the node starts. Without
    /// effect in a group without keys, as the next two.
    #[must_use]
    pub fn key_agreement(self, name: &str, options: BTreeMap<String, Value>) -> Self {
        self.choose(|modules| modules.key_agreement = (name.to_owned(), options))
    }

    /// What seals the group's messages.
    #[must_use]
    pub fn cipher(self, name: &str, options: BTreeMap<String, Value>) -> Self {
        self.choose(|modules| modules.cipher = (name.to_owned(), options))
    }

    /// Who may do what in the group.
    #[must_use]
    pub fn policy(self, name: &str, options: BTreeMap<String, Value>) -> Self {
        self.choose(|modules| modules.policy = (name.to_owned(), options))
    }

    fn choose(mut self, choose: impl FnOnce(&mut Choices)) -> Self {
        if let Some(modules) = &mut self.modules {
            choose(modules);
        }
        self
    }

    /// What this node's member shows for itself to the group's policy, such as an invitation.
    #[must_use]
    pub fn evidence(mut self, evidence: impl Into<Bytes>) -> Self {
        self.evidence = Evidence(evidence.into());
        self
    }

    /// A group without key agreement and encryption of its own: whoever is admitted to the overlay
    /// can read it.
    ///
    /// # Errors
    /// A name that no group can have.
    pub fn insecure(name: &str) -> Result<Self, Error> {
        let name = name.parse()?;
        Ok(Self {
            name,
            semantics: Semantics::Vs,
            manual_flush: false,
            modules: None,
            evidence: Evidence::default(),
        })
    }

    /// What the group promises; virtual synchrony, unless this says otherwise. Groups with keys
    /// promise no less.
    #[must_use]
    pub fn semantics(mut self, semantics: Semantics) -> Self {
        if self.modules.is_none() {
            self.semantics = semantics;
        }
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

    /// What members of a group with keys must have in common; none of a group without.
    pub(crate) fn secure_charter(
        &self,
        registry: &Arc<Registry>,
    ) -> Result<Option<Charter>, Error> {
        let Some(Choices { key_agreement, cipher, policy }) = &self.modules else {
            return Ok(None);
        };
        let failed = |error: cenacle_host::Error| Error::Module {
            group: self.name.to_string(),
            detail: error.to_string(),
        };
        let agreements = KeyAgreementSelector::new(Arc::clone(registry));
        let agreement = agreements.select(&key_agreement.0, &key_agreement.1).map_err(failed)?;
        let ciphers = EncryptionSelector::new(Arc::clone(registry));
        let cipher = ciphers.select(&cipher.0, &cipher.1).map_err(failed)?;
        let policies = PolicySelector::new(Arc::clone(registry));
        let policy = policies.select(&policy.0, &policy.1).map_err(failed)?;
        Ok(Some(Charter::new(
            self.name.as_str(),
            Choice::new(agreement.descriptor(), agreement.options()),
            Choice::new(cipher.descriptor(), cipher.options()),
            Choice::new(policy.descriptor(), policy.options()),
        )))
    }

    /// What this node's member shows for itself.
    pub(crate) fn shown(&self) -> Bytes {
        self.evidence.0.clone()
    }

    /// What the first member lays down for a group without keys, and the others must bring.
    pub(crate) fn charter(&self) -> Bytes {
        Bytes::from_static(match self.semantics {
            Semantics::Vs => b"cenacle charter v1: insecure, vs",
            Semantics::Evs => b"cenacle charter v1: insecure, evs",
        })
    }

    pub(crate) fn is_manual(&self) -> bool {
        self.manual_flush
    }

    /// Reads the group's file of evidence.
    fn of_configuration(group: &config::GroupSettings) -> Result<Self, Error> {
        fn chosen<M: ?Sized>(module: &Selected<M>) -> Chosen {
            let options = module.options().iter();
            let options = options.map(|(name, value)| (name.to_owned(), value.clone()));
            (module.descriptor().name.clone(), options.collect())
        }
        let modules = (!group.insecure).then(|| Choices {
            key_agreement: chosen(&group.modules.key_agreement),
            cipher: chosen(&group.modules.cipher),
            policy: chosen(&group.modules.policy),
        });
        let shown = group.evidence_file.as_deref().filter(|_| modules.is_some());
        let shown = shown.map(config::evidence::read).transpose();
        let shown = shown.map_err(|(problem, way_out)| Error::Evidence {
            group: group.name.clone(),
            detail: format!("{problem}; {way_out}"),
        })?;
        Ok(Self {
            name: group.name.clone(),
            semantics: group.semantics,
            manual_flush: group.manual_flush,
            modules,
            evidence: Evidence(shown.unwrap_or_default().into()),
        })
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
        self.groups.insert(options.name.clone(), options);
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

/// A group that can be joined.
#[derive(Clone, Debug)]
pub(crate) struct Offered {
    pub(crate) options: GroupOptions,
    /// Of a group with keys.
    pub(crate) charter: Option<Charter>,
}
