//! The charter: what the members of a group agreed to use, before they agree on any key.
//!
//! It travels in every join, as bytes that are the same wherever they are made, and its hash is part
//! of every run's context: members with different charters cannot agree on a key.

use cenacle_plugin::{Descriptor, MAX_NAME, MAX_TABLE_DEPTH, OptionError, Options, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most bytes of an encoded charter.
pub const MAX_CHARTER: usize = 16 << 10;

/// How deep an encoded charter may be: charter, choice and options; a list and a table for each policy
/// within another, and its options; with room to spare.
const MAX_DEPTH: usize = 8 + 3 * MAX_TABLE_DEPTH;

/// The form of charters that this version writes and reads.
const VERSION: u8 = 1;

/// Where a group's keys are agreed (paper 001, section V).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// Above the group communication engine, at the members (section V-A).
    #[default]
    Layered,
}

/// A module that a group chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Its name.
    pub name: String,
    /// The version of what it does.
    pub version: String,
    /// All of its options, those that were not given at their defaults.
    pub options: BTreeMap<String, Value>,
}

impl Choice {
    /// The choice of the module that describes itself so, with checked options.
    pub fn new(descriptor: &Descriptor, options: &Options) -> Self {
        let owned = |(name, value): (&str, &Value)| (name.to_owned(), value.clone());
        Self {
            name: descriptor.name.clone(),
            version: descriptor.version.clone(),
            options: options.iter().map(owned).collect(),
        }
    }

    /// The options as the module takes them. Fails where the module has others.
    pub fn options(&self, descriptor: &Descriptor) -> Result<Options, OptionError> {
        Options::check(&self.name, &descriptor.options, &self.options)
    }
}

/// A group's choice of everything that its members must have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charter {
    version: u8,
    /// The group's name.
    pub group: String,
    /// Where its keys are agreed.
    pub architecture: Architecture,
    /// What agrees on its keys.
    pub key_agreement: Choice,
    /// What seals its messages.
    pub cipher: Choice,
    /// Who may do what.
    pub policy: Choice,
}

/// Why bytes are no charter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CharterError {
    /// Too many bytes.
    #[error("a charter of {got} bytes: it may have {MAX_CHARTER}")]
    TooLong {
        /// How many.
        got: usize,
    },
    /// A form of another version.
    #[error("a charter of version {got}; this is version {VERSION}: use the same version")]
    Version {
        /// The version it names.
        got: u8,
    },
    /// No charter at all.
    #[error("not a charter: {0}")]
    Malformed(String),
}

/// The first field in which two charters differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its path, as the configuration file spells it: `cipher`, `options.key_agreement.group`.
    pub field: String,
    /// What the one says.
    pub one: String,
    /// What the other says.
    pub other: String,
}

impl Charter {
    /// The charter of `group` with these modules.
    pub fn new(
        group: impl Into<String>,
        key_agreement: Choice,
        cipher: Choice,
        policy: Choice,
    ) -> Self {
        let architecture = Architecture::Layered;
        Self { version: VERSION, group: group.into(), architecture, key_agreement, cipher, policy }
    }

    /// The charter as bytes: CBOR with fields in a fixed order and options by name, so that equal
    /// charters have equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Into memory, of types that have a form: it does not fail.
        let _ = ciborium::into_writer(self, &mut bytes);
        bytes
    }

    /// The charter that these bytes encode.
    pub fn decode(bytes: &[u8]) -> Result<Self, CharterError> {
        if bytes.len() > MAX_CHARTER {
            return Err(CharterError::TooLong { got: bytes.len() });
        }
        let charter: Self = ciborium::de::from_reader_with_recursion_limit(bytes, MAX_DEPTH)
            .map_err(|error| CharterError::Malformed(error.to_string()))?;
        if charter.version != VERSION {
            return Err(CharterError::Version { got: charter.version });
        }
        let names = [&charter.key_agreement, &charter.cipher, &charter.policy];
        if names
            .iter()
            .any(|choice| choice.name.len() > MAX_NAME || choice.version.len() > MAX_NAME)
        {
            return Err(CharterError::Malformed("a module's name is too long".to_owned()));
        }
        if charter.encode() != bytes {
            return Err(CharterError::Malformed(
                "not in the one form that charters have".to_owned(),
            ));
        }
        Ok(charter)
    }

    /// What runs are bound to: the hash of the encoded charter.
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("cenacle charter v1");
        hasher.update(&self.encode());
        hasher.finalize().into()
    }

    /// The first field in which `other` differs; none if it is the same charter.
    pub fn difference(&self, other: &Self) -> Option<Difference> {
        let differs = |field: &str, one: &str, other: &str| {
            (one != other).then(|| Difference {
                field: field.to_owned(),
                one: one.to_owned(),
                other: other.to_owned(),
            })
        };
        let architecture = |charter: &Self| match charter.architecture {
            Architecture::Layered => "layered",
        };
        differs("group", &self.group, &other.group)
            .or_else(|| differs("architecture", architecture(self), architecture(other)))
            .or_else(|| choice("key_agreement", &self.key_agreement, &other.key_agreement))
            .or_else(|| choice("cipher", &self.cipher, &other.cipher))
            .or_else(|| choice("policy", &self.policy, &other.policy))
    }
}

fn choice(kind: &str, one: &Choice, other: &Choice) -> Option<Difference> {
    let differs = |field: String, one: String, other: String| {
        (one != other).then_some(Difference { field, one, other })
    };
    if let Some(found) = differs(kind.to_owned(), one.name.clone(), other.name.clone()) {
        return Some(found);
    }
    let version = format!("the version of {kind} {:?}", one.name);
    if let Some(found) = differs(version, one.version.clone(), other.version.clone()) {
        return Some(found);
    }
    let names: std::collections::BTreeSet<_> =
        one.options.keys().chain(other.options.keys()).collect();
    names.into_iter().find_map(|name| {
        let path = format!("options.{kind}.{name}");
        match (one.options.get(name), other.options.get(name)) {
            (Some(Value::Tables(one)), Some(Value::Tables(other))) => tables(&path, one, other),
            (one, other) => differs(path, shown(one), shown(other)),
        }
    })
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

/// The first difference of options that are tables, by its path in them. Charters have few levels.
fn tables(path: &str, one: &[Table], other: &[Table]) -> Option<Difference> {
    if one.len() != other.len() {
        let (one, other) = (one.len().to_string(), other.len().to_string());
        return Some(Difference { field: format!("the number of {path}"), one, other });
    }
    one.iter().zip(other).enumerate().find_map(|(index, (one, other))| {
        let names: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
        // Which policy it is comes before what it is told.
        let (first, rest): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| *name == "policy");
        first.into_iter().chain(rest).find_map(|name| {
            let path = format!("{path}[{index}].{name}");
            match (one.get(name), other.get(name)) {
                (Some(Value::Tables(one)), Some(Value::Tables(other))) => tables(&path, one, other),
                (one, other) if one == other => None,
                (one, other) => {
                    Some(Difference { field: path, one: shown(one), other: shown(other) })
                }
            }
        })
    })
}

type Table = BTreeMap<String, Value>;

#[cfg(test)]
mod tests {
    use super::*;

    fn charter(cipher: &str, group: &str) -> Charter {
        let plain = |name: &str| Choice {
            name: name.to_owned(),
            version: "1".to_owned(),
            options: BTreeMap::new(),
        };
        let options = BTreeMap::from([("group".to_owned(), Value::Text(group.to_owned()))]);
        let key_agreement = Choice { options, ..plain("tgdh") };
        Charter::new("ops", key_agreement, plain(cipher), plain("open"))
    }

    #[test]
    fn a_charter_has_one_form_and_a_hash_of_its_own() {
        let one = charter("aes256gcm", "ristretto255");
        assert_eq!(Charter::decode(&one.encode()), Ok(one.clone()));
        assert_ne!(one.hash(), charter("chacha20poly1305", "ristretto255").hash());
        let mut longer = one.encode();
        longer.push(0);
        assert!(Charter::decode(&longer).is_err(), "what stands behind it is refused");
        assert!(matches!(
            Charter::decode(&vec![0; MAX_CHARTER + 1]),
            Err(CharterError::TooLong { .. })
        ));
        let other = Charter { version: 2, ..one };
        assert_eq!(Charter::decode(&other.encode()), Err(CharterError::Version { got: 2 }));
    }

    #[test]
    fn the_first_difference_is_named_as_the_file_spells_it() {
        let one = charter("aes256gcm", "ristretto255");
        assert_eq!(one.difference(&one), None);
        let found = one.difference(&charter("chacha20poly1305", "ristretto255")).unwrap();
        assert_eq!((found.field.as_str(), found.one.as_str()), ("cipher", "aes256gcm"));
        let found = one.difference(&charter("x", "modp2048")).unwrap();
        assert_eq!(found.field, "options.key_agreement.group", "the first one");
        assert_eq!(found.other, "\"modp2048\"");
    }

    #[test]
    fn policies_within_each_other_have_a_form_and_differences_with_a_path() {
        let table = |pairs: &[(&str, Value)]| -> Table {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
        };
        let named = |name: &str| ("policy", Value::Text(name.to_owned()));
        let list = |item: &str| ("members", Value::List(vec![item.to_owned()]));
        let with = |tables: Vec<Table>| {
            let mut one = charter("x", "y");
            one.policy.options = table(&[("of", Value::Tables(tables))]);
            one
        };
        let deep = |item: &str| {
            let inner = Value::Tables(vec![table(&[named("allowlist"), list(item)])]);
            let inner = Value::Tables(vec![table(&[named("any-of"), ("of", inner)])]);
            with(vec![table(&[named("open")]), table(&[named("all-of"), ("of", inner)])])
        };
        let one = deep("a");
        assert_eq!(Charter::decode(&one.encode()), Ok(one.clone()));
        let found = one.difference(&deep("b")).unwrap();
        assert_eq!(found.field, "options.policy.of[1].of[0].of[0].members");
        assert_eq!((found.one.as_str(), found.other.as_str()), ("[\"a\"]", "[\"b\"]"));
        let found = one.difference(&with(vec![table(&[named("open")])])).unwrap();
        assert_eq!(
            (found.field.as_str(), found.one.as_str()),
            ("the number of options.policy.of", "2")
        );
        let other = vec![table(&[named("open")]), table(&[named("any-of"), list("a")])];
        let found = one.difference(&with(other)).unwrap();
        assert_eq!(found.field, "options.policy.of[1].policy");
        assert_eq!(one.difference(&one), None);
    }
}
