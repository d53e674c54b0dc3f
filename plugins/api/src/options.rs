//! Options of a module: what it takes, and values checked against that.

use crate::descriptor::{MAX_NAME, is_name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The value of an option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Text: a word, a duration such as `"10s"`.
    Text(String),
    /// Several texts.
    List(Vec<String>),
    /// Several tables, each with values by name: what a module takes that is made of others.
    Tables(Vec<BTreeMap<String, Value>>),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "{value:?}"),
            Self::List(values) => write!(f, "{values:?}"),
            Self::Tables(tables) => {
                f.write_str("[")?;
                for (index, table) in tables.iter().enumerate() {
                    f.write_str(if index == 0 { "{" } else { ", {" })?;
                    for (index, (name, value)) in table.iter().enumerate() {
                        write!(f, "{}{name} = {value}", if index == 0 { " " } else { ", " })?;
                    }
                    f.write_str(" }")?;
                }
                f.write_str("]")
            }
        }
    }
}

/// The most tables that may lie within each other in one option, the outermost included: a policy of
/// policies of policies says all that a group can want.
pub const MAX_TABLE_DEPTH: usize = 3;

/// Whether at most `left` tables lie within each other.
fn is_shallow(tables: &[BTreeMap<String, Value>], left: usize) -> bool {
    let Some(left) = left.checked_sub(1) else { return false };
    tables.iter().flat_map(BTreeMap::values).all(|value| match value {
        Value::Tables(inner) => is_shallow(inner, left),
        _ => true,
    })
}

/// The type and bounds of an option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OptionType {
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds, both included.
    Integer {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
    },
    /// One of these words.
    Choice(Vec<String>),
    /// A number and a unit (`ms`, `s`, `m`, `h`, `d`) within bounds in milliseconds, both
    /// included; or the word `off` where that is allowed.
    Duration {
        /// Shortest, in milliseconds.
        min_ms: u64,
        /// Longest, in milliseconds.
        max_ms: u64,
        /// Whether `off` is a value.
        or_off: bool,
    },
    /// Text of bounded length.
    Text {
        /// Most bytes.
        max_len: u32,
    },
    /// Several texts, each of bounded length.
    List {
        /// Most items.
        max_items: u32,
        /// Most bytes of an item.
        max_len: u32,
    },
    /// One or more tables, at most [`MAX_TABLE_DEPTH`] within each other; what may stand in them, the
    /// module says when it is made.
    Tables {
        /// Most tables.
        max_items: u32,
    },
}

/// One option of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptionSpec {
    /// What the configuration calls it.
    pub name: String,
    /// One sentence for people.
    pub help: String,
    /// Type and bounds.
    pub kind: OptionType,
    /// The value when the configuration says nothing.
    pub default: Value,
}

/// Why the options of a group cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// No such option.
    #[error("{module} has no option {name:?}; {hint}")]
    Unknown {
        /// The module.
        module: String,
        /// What was asked for.
        name: String,
        /// The nearest name, or all of them.
        hint: String,
    },
    /// A value of the wrong type or out of bounds.
    #[error("option {name:?} of {module} is {got}; it must be {want}")]
    OutOfRange {
        /// The module.
        module: String,
        /// The option.
        name: String,
        /// The value given.
        got: String,
        /// Type and bounds, in words.
        want: String,
    },
}

/// The values of all of a module's options, checked; what was not given has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Options(BTreeMap<String, Value>);

impl Options {
    /// Checks `given` against `specs` and fills in defaults.
    pub fn check(
        module: &str,
        specs: &[OptionSpec],
        given: &BTreeMap<String, Value>,
    ) -> Result<Self, OptionError> {
        for name in given.keys() {
            if !specs.iter().any(|spec| spec.name == *name) {
                let known: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
                // The name may come from a peer: what is quoted and compared is cut.
                let name: String = name.chars().take(2 * MAX_NAME).collect();
                let hint = crate::hint(&name, &known, "it has");
                return Err(OptionError::Unknown { module: module.to_owned(), name, hint });
            }
        }
        let mut values = BTreeMap::new();
        for spec in specs {
            let value = given.get(&spec.name).unwrap_or(&spec.default);
            if !spec.kind.admits(value) {
                return Err(OptionError::OutOfRange {
                    module: module.to_owned(),
                    name: spec.name.clone(),
                    got: value.to_string().chars().take(64).collect(),
                    want: spec.kind.to_string(),
                });
            }
            values.insert(spec.name.clone(), value.clone());
        }
        Ok(Self(values))
    }

    /// Every option at its default.
    pub fn defaults(specs: &[OptionSpec]) -> Self {
        Self(specs.iter().map(|spec| (spec.name.clone(), spec.default.clone())).collect())
    }

    /// A yes-or-no option; `None` when the module has no such option.
    pub fn bool(&self, name: &str) -> Option<bool> {
        match self.0.get(name)? {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// A number.
    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.0.get(name)? {
            Value::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// A word or text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            Value::Text(value) => Some(value),
            _ => None,
        }
    }

    /// Several texts.
    pub fn list(&self, name: &str) -> Option<&[String]> {
        match self.0.get(name)? {
            Value::List(values) => Some(values),
            _ => None,
        }
    }

    /// Several tables; none where the option is a list without items.
    pub fn tables(&self, name: &str) -> Option<&[BTreeMap<String, Value>]> {
        match self.0.get(name)? {
            Value::Tables(tables) => Some(tables),
            Value::List(items) if items.is_empty() => Some(&[]),
            _ => None,
        }
    }

    /// The same with another value of one option, of its type and within its bounds.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// A duration; `None` when it is `off`.
    pub fn duration(&self, name: &str) -> Option<Duration> {
        parse_duration(self.text(name)?)
    }

    /// All values by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl OptionSpec {
    /// Whether the name is well formed and the default within the bounds; says what is not.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !is_name(&self.name) {
            return Err(format!("{:?} is not an option's name: use a-z, 0-9, - and _", self.name));
        }
        if !self.kind.admits(&self.default) {
            return Err(format!("the default of option {:?} is not {}", self.name, self.kind));
        }
        Ok(())
    }
}

impl OptionType {
    fn admits(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Bool, Value::Bool(_)) => true,
            (Self::Integer { min, max }, Value::Integer(number)) => (min..=max).contains(&number),
            (Self::Choice(words), Value::Text(text)) => words.contains(text),
            (Self::Duration { or_off, .. }, Value::Text(text)) if text == "off" => *or_off,
            (Self::Duration { min_ms, max_ms, .. }, Value::Text(text)) => parse_duration(text)
                .is_some_and(|d| {
                    (u128::from(*min_ms)..=u128::from(*max_ms)).contains(&d.as_millis())
                }),
            (Self::Text { max_len }, Value::Text(text)) => text.len() <= *max_len as usize,
            (Self::List { max_items, max_len }, Value::List(items)) => {
                items.len() <= *max_items as usize
                    && items.iter().all(|item| item.len() <= *max_len as usize)
            }
            (Self::Tables { max_items }, Value::Tables(tables)) => {
                (1..=*max_items as usize).contains(&tables.len())
                    && is_shallow(tables, MAX_TABLE_DEPTH)
            }
            // Which of the two a list without items is cannot be seen; it stands for "not given".
            (Self::Tables { .. }, Value::List(items)) => items.is_empty(),
            _ => false,
        }
    }
}

impl std::fmt::Display for OptionType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool => f.write_str("true or false"),
            Self::Integer { min, max } => write!(f, "a whole number from {min} to {max}"),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::Duration { min_ms, max_ms, or_off } => {
                let off = if *or_off { ", or \"off\"" } else { "" };
                write!(
                    f,
                    "a duration such as \"10s\" (units ms, s, m, h, d) from {min_ms}ms to {max_ms}ms{off}"
                )
            }
            Self::Text { max_len } => write!(f, "text of at most {max_len} bytes"),
            Self::List { max_items, max_len } => {
                write!(f, "a list of at most {max_items} texts of at most {max_len} bytes")
            }
            Self::Tables { max_items } => {
                write!(
                    f,
                    "a list of at most {max_items} tables, {MAX_TABLE_DEPTH} within each other at most"
                )
            }
        }
    }
}

/// The duration that `text`, a whole number followed by its unit (`ms`, `s`, `m`, `h` or `d`), stands
/// for: the form of every duration in a configuration.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.checked_mul(milliseconds)?))
}
