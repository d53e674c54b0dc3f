//! How a node's members join a group.

use crate::Error;
use crate::config;
use bytes::Bytes;
use cenacle_core::{GroupName, Semantics};
use cenacle_host::{EncryptionSelector, KeyAgreementSelector, PolicySelector, Registry, Selected};
use cenacle_plugin::Value;
use cenacle_secure::{Charter, Choice};
use std::collections::BTreeMap;
use std::sync::Arc;

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
    pub(crate) fn of_configuration(group: &config::GroupSettings) -> Result<Self, Error> {
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

/// A group that can be joined.
#[derive(Clone, Debug)]
pub(crate) struct Offered {
    pub(crate) options: GroupOptions,
    /// Of a group with keys.
    pub(crate) charter: Option<Charter>,
}
