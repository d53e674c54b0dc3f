//! What a module says of itself.

use crate::{OptionSpec, Order};
use serde::{Deserialize, Serialize};

/// The kinds of modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Agrees on a group's secret.
    KeyAgreement,
    /// Seals and opens.
    Cipher,
    /// Decides who may do what.
    Policy,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::KeyAgreement => "key agreement",
            Self::Cipher => "cipher",
            Self::Policy => "policy",
        })
    }
}

/// What a group may rely on when it chooses a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Properties {
    /// Of a key agreement module.
    KeyAgreement {
        /// Every member contributes to the secret, none can choose it.
        contributory: bool,
        /// Who knows some group keys learns nothing about the others.
        key_independence: bool,
        /// Who learns the long-term keys later learns no earlier group key.
        perfect_forward_secrecy: bool,
        /// The weakest order of multicasts that the protocol works with.
        needs_order: Order,
        /// The largest view it takes.
        max_members: u32,
    },
    /// Of a cipher module.
    Cipher {
        /// Hides what it seals; a cipher without this only protects it from change.
        confidential: bool,
        /// Bytes of a key.
        key_len: u32,
        /// Bytes that sealing adds.
        overhead: u32,
        /// The most messages that one key may seal.
        max_messages: u64,
    },
    /// Of a policy module.
    Policy {
        /// Admits anybody that the overlay admits.
        admits_anyone: bool,
    },
}

impl Properties {
    /// The kind of module that these are properties of.
    pub fn kind(&self) -> Kind {
        match self {
            Self::KeyAgreement { .. } => Kind::KeyAgreement,
            Self::Cipher { .. } => Kind::Cipher,
            Self::Policy { .. } => Kind::Policy,
        }
    }
}

/// A module's own description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Descriptor {
    /// What groups call it: 1 to [`MAX_NAME`] of `a-z`, `0-9`, `-` and `_`, beginning with a letter.
    pub name: String,
    /// The version of what it does; members of a group must have the same.
    pub version: String,
    /// One sentence for people.
    pub summary: String,
    /// What a group may rely on.
    pub properties: Properties,
    /// Its options, in the order in which they are shown.
    pub options: Vec<OptionSpec>,
}

/// The most bytes of a module's or an option's name.
pub const MAX_NAME: usize = 40;

impl Descriptor {
    /// The kind of module.
    pub fn kind(&self) -> Kind {
        self.properties.kind()
    }

    /// Whether name, version and options are well formed; says what is not.
    pub fn check(&self) -> Result<(), String> {
        if !is_name(&self.name) {
            return Err(format!("{:?} is not a module's name: use a-z, 0-9, - and _", self.name));
        }
        if self.version.is_empty() || self.version.len() > MAX_NAME {
            return Err(format!("module {:?} has no usable version", self.name));
        }
        for (index, option) in self.options.iter().enumerate() {
            option.check().map_err(|why| format!("module {:?}: {why}", self.name))?;
            if self.options.iter().take(index).any(|other| other.name == option.name) {
                return Err(format!(
                    "module {:?} has the option {:?} twice",
                    self.name, option.name
                ));
            }
        }
        Ok(())
    }
}

/// Whether `text` may be the name of a module.
pub(crate) fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    text.len() <= MAX_NAME
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(allowed)
}
