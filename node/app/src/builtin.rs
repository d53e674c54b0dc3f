//! The modules that are part of Cenacle.

use cenacle_host::{Error, Origin, Registry};
use std::sync::Arc;

/// A registry of the built-in modules; more can be registered in it. Fails only by a defect in one
/// of them.
pub fn built_in_modules() -> Result<Arc<Registry>, Error> {
    let registry = Registry::new();
    for module in cenacle_builtin::agreements() {
        registry.register_key_agreement(module, Origin::BuiltIn)?;
    }
    for module in cenacle_builtin::ciphers() {
        registry.register_cipher(module, Origin::BuiltIn)?;
    }
    for module in cenacle_builtin::policies() {
        registry.register_policy(module, Origin::BuiltIn)?;
    }
    Ok(Arc::new(registry))
}
