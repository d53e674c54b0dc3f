//! What is to be shown: the words of the command line, understood.

use crate::args;
use crate::failure::{Failure, number};
use crate::modules::refused;
use cenacle_host::{EncryptionSelector, KeyAgreementSelector, Registry};
use cenacle_plugin::{Descriptor, Properties};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One may leave, and two must be left to talk.
const FEWEST: u32 = 3;
/// Every node is connected to every other one, all in one process: more take longer than anybody
/// wants to watch.
const MOST: u32 = 20;

/// Members and modules of the story.
pub(crate) struct Request {
    pub(crate) nodes: u32,
    pub(crate) key_agreement: Descriptor,
    pub(crate) cipher: Descriptor,
}

impl Request {
    /// Understands `words`; the modules are those of `registry`, with their default options.
    pub(crate) fn new(words: &args::Demo, registry: Arc<Registry>) -> Result<Self, Failure> {
        let nodes = number("--nodes", &words.nodes, FEWEST, MOST)?;
        let options = BTreeMap::new();
        let key_agreement = KeyAgreementSelector::new(Arc::clone(&registry))
            .select(&words.key_agreement, &options)
            .map_err(refused)?;
        let cipher =
            EncryptionSelector::new(registry).select(&words.cipher, &options).map_err(refused)?;
        Ok(Self {
            nodes,
            key_agreement: key_agreement.descriptor().clone(),
            cipher: cipher.descriptor().clone(),
        })
    }

    /// Whether the cipher hides what it seals.
    pub(crate) fn is_confidential(&self) -> bool {
        matches!(self.cipher.properties, Properties::Cipher { confidential: true, .. })
    }
}
