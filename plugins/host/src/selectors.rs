//! The selectors: from the names and options of a group's configuration to modules, at run time.
//!
//! Every group has its own choice, so two groups of a node may use different modules at the same
//! time. An error names what is unknown, the nearest name, and all there are.

use crate::{Error, Registry, SelectedCipher, SelectedKeyAgreement, SelectedPolicy};
use cenacle_plugin::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Finds the module that agrees on a group's keys.
#[derive(Clone, Debug)]
pub struct KeyAgreementSelector(Arc<Registry>);

impl KeyAgreementSelector {
    /// Selects among the modules of `registry`, also those that are registered later.
    pub fn new(registry: Arc<Registry>) -> Self {
        Self(registry)
    }

    /// The module called `name` with `options`, the ones not given at their defaults. Fails when
    /// there is no such module, or it has no such option, or a value is out of bounds.
    pub fn select(
        &self,
        name: &str,
        options: &BTreeMap<String, Value>,
    ) -> Result<SelectedKeyAgreement, Error> {
        SelectedKeyAgreement::from_shelf(self.0.key_agreements(), name, options)
    }
}

/// Finds the module that seals a group's messages.
#[derive(Clone, Debug)]
pub struct EncryptionSelector(Arc<Registry>);

impl EncryptionSelector {
    /// Selects among the modules of `registry`, also those that are registered later.
    pub fn new(registry: Arc<Registry>) -> Self {
        Self(registry)
    }

    /// The cipher called `name`; as [`KeyAgreementSelector::select`].
    pub fn select(
        &self,
        name: &str,
        options: &BTreeMap<String, Value>,
    ) -> Result<SelectedCipher, Error> {
        SelectedCipher::from_shelf(self.0.ciphers(), name, options)
    }
}

/// Finds the module that decides who may do what in a group.
#[derive(Clone, Debug)]
pub struct PolicySelector(Arc<Registry>);

impl PolicySelector {
    /// Selects among the modules of `registry`, also those that are registered later.
    pub fn new(registry: Arc<Registry>) -> Self {
        Self(registry)
    }

    /// The policy called `name`, with options as it completes them; as
    /// [`KeyAgreementSelector::select`], and it fails when the module cannot complete the options.
    pub fn select(
        &self,
        name: &str,
        options: &BTreeMap<String, Value>,
    ) -> Result<SelectedPolicy, Error> {
        SelectedPolicy::from_shelf(self.0.policies(), name, options)?.completed()
    }
}
