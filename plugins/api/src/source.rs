//! Where modules are found by name, without knowing who keeps them.

use crate::{CipherModule, KeyAgreementModule, PolicyModule};
use std::sync::Arc;

/// Finds modules by name. The registry of `plugins/host` is one; tests bring their own.
pub trait ModuleSource: Send + Sync {
    /// The key agreement module of that name.
    fn key_agreement(&self, name: &str) -> Option<Arc<dyn KeyAgreementModule>>;

    /// The cipher module of that name.
    fn cipher(&self, name: &str) -> Option<Arc<dyn CipherModule>>;

    /// The policy module of that name.
    fn policy(&self, name: &str) -> Option<Arc<dyn PolicyModule>>;
}
