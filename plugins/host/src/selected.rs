//! A module that a group chose, with its options checked.

use crate::shelf::{Item, Shelf};
use crate::{Error, Origin};
use cenacle_plugin::{
    Cipher, CipherModule, Descriptor, Executor, KeyAgreement, KeyAgreementModule, Options, Policy,
    PolicyModule, Value,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A module and options that it takes: everything that instances are made from.
pub struct Selected<M: ?Sized> {
    item: Item<M>,
    options: Options,
}

/// A group's key agreement module.
pub type SelectedKeyAgreement = Selected<dyn KeyAgreementModule>;
/// A group's cipher module.
pub type SelectedCipher = Selected<dyn CipherModule>;
/// A group's policy module.
pub type SelectedPolicy = Selected<dyn PolicyModule>;

impl<M: ?Sized> Selected<M> {
    pub(crate) fn from_shelf(
        shelf: &Shelf<M>,
        name: &str,
        options: &BTreeMap<String, Value>,
    ) -> Result<Self, Error> {
        let item = shelf.find(name)?;
        let options = Options::check(&item.descriptor.name, &item.descriptor.options, options)?;
        Ok(Self { item, options })
    }

    /// The module.
    pub fn module(&self) -> &Arc<M> {
        &self.item.module
    }

    /// What the module said of itself when it was registered.
    pub fn descriptor(&self) -> &Descriptor {
        &self.item.descriptor
    }

    /// Where the module came from.
    pub fn origin(&self) -> Origin {
        self.item.origin
    }

    /// All options, with defaults for those that were not given.
    pub fn options(&self) -> &Options {
        &self.options
    }

    fn failed(&self, source: cenacle_plugin::Error) -> Error {
        let descriptor = self.descriptor();
        Error::Module { kind: descriptor.kind(), name: descriptor.name.clone(), source }
    }
}

impl Selected<dyn KeyAgreementModule> {
    /// An instance for one group at one member. Fails when the module cannot use the options.
    pub fn create(&self, executor: Arc<dyn Executor>) -> Result<Box<dyn KeyAgreement>, Error> {
        self.item.module.create(&self.options, executor).map_err(|source| self.failed(source))
    }
}

impl Selected<dyn CipherModule> {
    /// The cipher. Fails when the module cannot use the options.
    pub fn create(&self) -> Result<Box<dyn Cipher>, Error> {
        self.item.module.create(&self.options).map_err(|source| self.failed(source))
    }
}

impl Selected<dyn PolicyModule> {
    /// The same with all that the module fills in by itself.
    pub(crate) fn completed(self) -> Result<Self, Error> {
        let completed = self.item.module.complete(&self.options);
        let options = completed.map_err(|source| self.failed(source))?;
        Ok(Self { options, ..self })
    }

    /// The policy. Fails when the module cannot use the options.
    pub fn create(&self) -> Result<Box<dyn Policy>, Error> {
        self.item.module.create(&self.options).map_err(|source| self.failed(source))
    }
}

impl<M: ?Sized> Clone for Selected<M> {
    fn clone(&self) -> Self {
        Self { item: self.item.clone(), options: self.options.clone() }
    }
}

impl<M: ?Sized> std::fmt::Debug for Selected<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Selected")
            .field("kind", &self.descriptor().kind())
            .field("name", &self.descriptor().name)
            .field("options", &self.options)
            .finish()
    }
}
