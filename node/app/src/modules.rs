//! The registry that a command works with.

use crate::failure::Failure;
use cenacle_builtin::{agreements_for_benchmarks, ciphers, policies};
use cenacle_host::{Error, Origin, Registry};
use cenacle_plugin::Family;
use std::sync::Arc;

/// The modules that a node has.
pub(crate) fn of_a_node() -> Result<Arc<Registry>, Failure> {
    cenacle::built_in_modules().map_err(defect)
}

/// The same, with the groups that serve to compare with old figures and that a node refuses.
pub(crate) fn for_benchmarks() -> Result<Arc<Registry>, Failure> {
    let registry = Registry::new();
    let fill = || -> Result<(), Error> {
        for module in agreements_for_benchmarks() {
            registry.register_key_agreement(module, Origin::BuiltIn)?;
        }
        for module in ciphers() {
            registry.register_cipher(module, Origin::BuiltIn)?;
        }
        for module in policies() {
            registry.register_policy(module, Origin::BuiltIn)?;
        }
        Ok(())
    };
    fill().map_err(defect)?;
    Ok(Arc::new(registry))
}

fn defect(error: Error) -> Failure {
    Failure::Failed(format!("defect in a built-in module: {error}"))
}

/// What a selector says, as bad use where the one who typed must act.
pub(crate) fn refused(error: Error) -> Failure {
    match error.family() {
        Family::BadInput => Failure::Usage(error.to_string()),
        _ => Failure::Failed(error.to_string()),
    }
}
