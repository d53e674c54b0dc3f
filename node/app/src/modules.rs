//! The registry that a command works with.

use crate::failure::Failure;
use cenacle_builtin::{agreements, agreements_for_benchmarks, ciphers, policies};
use cenacle_host::{Error, Origin, Registry};
use cenacle_plugin::{Family, KeyAgreementModule};
use std::sync::Arc;

/// The modules that a node has.
pub(crate) fn of_a_node() -> Result<Arc<Registry>, Failure> {
    registry(agreements())
}

/// The same, with the groups that serve to compare with old figures and that a node refuses.
pub(crate) fn for_benchmarks() -> Result<Arc<Registry>, Failure> {
    registry(agreements_for_benchmarks())
}

fn registry(agreements: Vec<Arc<dyn KeyAgreementModule>>) -> Result<Arc<Registry>, Failure> {
    let registry = Registry::new();
    let fill = || -> Result<(), Error> {
        for module in agreements {
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
    fill().map_err(|error| Failure::Failed(format!("defect in a built-in module: {error}")))?;
    Ok(Arc::new(registry))
}

/// What a selector says, as bad use where the one who typed must act.
pub(crate) fn refused(error: Error) -> Failure {
    match error.family() {
        Family::BadInput => Failure::Usage(error.to_string()),
        _ => Failure::Failed(error.to_string()),
    }
}
