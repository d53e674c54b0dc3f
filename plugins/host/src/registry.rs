//! The registry: all modules that a node has, by kind and name.

use crate::Error;
use crate::shelf::{Item, Shelf};
use cenacle_plugin::{
    CipherModule, Descriptor, KeyAgreementModule, Kind, ModuleSource, PolicyModule,
};
use serde::Serialize;
use std::sync::Arc;

/// Where a module came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Origin {
    /// It is part of Cenacle.
    BuiltIn,
    /// The program that uses the library registered it.
    Registered,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::BuiltIn => "built in",
            Self::Registered => "registered by the program",
        })
    }
}

/// A line of the list of modules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// What the module is.
    pub kind: Kind,
    /// Where it came from.
    pub origin: Origin,
    /// What it said of itself when it was registered.
    #[serde(flatten)]
    pub descriptor: Arc<Descriptor>,
}

/// All modules of a node.
///
/// Modules are added through a shared reference, also while groups use others, and stay. A name
/// belongs to the first module of its kind that takes it.
///
/// ```
/// use cenacle_host::Registry;
/// use cenacle_plugin::ModuleSource;
///
/// let registry = Registry::new();
/// assert!(registry.list().is_empty());
/// assert!(registry.cipher("aes256gcm").is_none());
/// ```
pub struct Registry {
    key_agreements: Shelf<dyn KeyAgreementModule>,
    ciphers: Shelf<dyn CipherModule>,
    policies: Shelf<dyn PolicyModule>,
}

impl Registry {
    /// A registry without modules.
    pub fn new() -> Self {
        Self {
            key_agreements: Shelf::new(Kind::KeyAgreement),
            ciphers: Shelf::new(Kind::Cipher),
            policies: Shelf::new(Kind::Policy),
        }
    }

    /// Adds a key agreement module. Fails, and changes nothing, when its descriptor is malformed or
    /// of another kind, its name is taken, or there are too many modules.
    pub fn register_key_agreement(
        &self,
        module: Arc<dyn KeyAgreementModule>,
        origin: Origin,
    ) -> Result<(), Error> {
        let descriptor = module.descriptor().clone();
        self.key_agreements.add(module, descriptor, origin)
    }

    /// Adds a cipher module. Fails like [`Self::register_key_agreement`].
    pub fn register_cipher(
        &self,
        module: Arc<dyn CipherModule>,
        origin: Origin,
    ) -> Result<(), Error> {
        let descriptor = module.descriptor().clone();
        self.ciphers.add(module, descriptor, origin)
    }

    /// Adds a policy module. Fails like [`Self::register_key_agreement`].
    pub fn register_policy(
        &self,
        module: Arc<dyn PolicyModule>,
        origin: Origin,
    ) -> Result<(), Error> {
        let descriptor = module.descriptor().clone();
        self.policies.add(module, descriptor, origin)
    }

    /// All modules: key agreement, ciphers, policies, each by name.
    pub fn list(&self) -> Vec<Entry> {
        fn entries<M: ?Sized>(shelf: &Shelf<M>) -> impl Iterator<Item = Entry> {
            let kind = shelf.kind();
            shelf.list().into_iter().map(move |Item { descriptor, origin, .. }| Entry {
                kind,
                origin,
                descriptor,
            })
        }
        entries(&self.key_agreements)
            .chain(entries(&self.ciphers))
            .chain(entries(&self.policies))
            .collect()
    }

    pub(crate) fn key_agreements(&self) -> &Shelf<dyn KeyAgreementModule> {
        &self.key_agreements
    }

    pub(crate) fn ciphers(&self) -> &Shelf<dyn CipherModule> {
        &self.ciphers
    }

    pub(crate) fn policies(&self) -> &Shelf<dyn PolicyModule> {
        &self.policies
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names =
            self.list().into_iter().map(|entry| (entry.kind, entry.descriptor.name.clone()));
        f.debug_set().entries(names).finish()
    }
}

impl ModuleSource for Registry {
    fn key_agreement(&self, name: &str) -> Option<Arc<dyn KeyAgreementModule>> {
        self.key_agreements.get(name).map(|item| item.module)
    }

    fn cipher(&self, name: &str) -> Option<Arc<dyn CipherModule>> {
        self.ciphers.get(name).map(|item| item.module)
    }

    fn policy(&self, name: &str) -> Option<Arc<dyn PolicyModule>> {
        self.policies.get(name).map(|item| item.module)
    }
}
