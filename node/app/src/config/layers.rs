//! The layers, lowest first: defaults, file, environment, flags. The crate `config` merges them.

use super::keys::{self, KEYS, Key, Shape};
use super::problem::{Place, Report, shown};
use config::{ConfigError, Map, Source, Value, ValueKind};
use std::ffi::OsString;
use toml::de::DeValue;

/// What the variables of the environment begin with.
const PREFIX: &str = "CENACLE_";

/// Between section and key in the name of a variable: keys have single underscores themselves.
const SEPARATOR: &str = "__";

/// Variables with our prefix that are no keys.
///
/// `CENACLE_EFFORT` is how long the tests of modules try (CONTRIBUTING), `CENACLE_LOG` what is logged.
pub(super) const OTHER_VARIABLES: [&str; 2] = ["CENACLE_EFFORT", "CENACLE_LOG"];

/// The most bytes of a value in a variable or flag.
const MAX_VALUE: usize = 64 << 10;

/// One layer: sections with their keys.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer(pub(super) Map<String, Value>);

impl Layer {
    fn set(&mut self, key: &Key, value: ValueKind) {
        let section = self.0.entry(key.section.to_owned());
        let section = section.or_insert_with(|| Value::new(None, Map::<String, Value>::new()));
        if let ValueKind::Table(table) = &mut section.kind {
            table.insert(key.name.to_owned(), Value::new(None, value));
        }
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

/// All layers in one, the later ones on top.
pub(super) fn merge(
    layers: impl IntoIterator<Item = Layer>,
) -> Result<Map<String, Value>, ConfigError> {
    let mut builder = config::Config::builder().add_source(defaults());
    for layer in layers {
        builder = builder.add_source(layer);
    }
    builder.build()?.collect()
}

/// What holds in the sections that are there once when nothing is given.
fn defaults() -> Layer {
    let mut layer = Layer::default();
    for key in KEYS.iter().filter(|key| keys::SINGLE.contains(&key.section)) {
        if let Some(value) = default_of(key) {
            layer.set(key, value);
        }
    }
    layer
}

/// What holds when this key is not given.
pub(super) fn default_of(key: &Key) -> Option<ValueKind> {
    let value = DeValue::parse(key.default?).ok()?;
    Some(super::file::scalar(value.get_ref()))
}

/// What the variables that begin with `CENACLE_` say.
pub(super) fn variables(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    report: &mut Report,
) -> Layer {
    let mut layer = Layer::default();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        if OTHER_VARIABLES.contains(&name) {
            continue;
        }
        let place = Place::Variable { variable: shown(name) };
        match variable(name) {
            Ok(key) => put(&mut layer, key, value.to_str(), place, report),
            Err(way_out) => {
                report.wrong_at(place, None, "no key is called by this variable", way_out);
            }
        }
    }
    layer
}

/// The name of the variable that sets a key.
pub(super) fn variable_of(key: &Key) -> String {
    let (section, name) = (key.section.to_uppercase(), key.name.to_uppercase());
    format!("{PREFIX}{section}{SEPARATOR}{name}")
}

/// The key that a variable sets, or what to do about its name.
fn variable(name: &str) -> Result<&'static Key, String> {
    let settable = || KEYS.iter().filter(|key| keys::SINGLE.contains(&key.section));
    if let Some(key) = settable().find(|key| variable_of(key) == name) {
        return Ok(key);
    }
    let rest = name.strip_prefix(PREFIX).unwrap_or(name);
    if keys::REPEATED.iter().any(|section| rest.starts_with(&section.to_uppercase())) {
        return Err("groups and plugins are set in the file alone: unset it".to_owned());
    }
    let known: Vec<String> = settable().map(variable_of).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let hint = cenacle_plugin::hint(&shown(name), &known, "there are");
    // All names would fill a screen; the nearest is what helps.
    match hint.split_once(" (there are") {
        Some((near, _)) => Err(format!("{near} Otherwise unset it")),
        None => Err("unset it, or name a key as CENACLE_NODE__PRIORITY does".to_owned()),
    }
}

/// What `--set SECTION.KEY=VALUE` says.
pub(super) fn flags<'f>(flags: impl IntoIterator<Item = &'f str>, report: &mut Report) -> Layer {
    let mut layer = Layer::default();
    for flag in flags {
        let place = Place::Flag { flag: "--set".to_owned() };
        match assignment(flag) {
            Ok((key, value)) => {
                let place = Place::Flag { flag: format!("--set {}.{}", key.section, key.name) };
                put(&mut layer, key, Some(value), place, report);
            }
            Err((problem, way_out)) => report.wrong_at(place, None, problem, way_out),
        }
    }
    layer
}

/// The key and the value of `SECTION.KEY=VALUE`; what is wrong, and what to do about it.
pub(super) fn assignment(flag: &str) -> Result<(&'static Key, &str), (String, String)> {
    let form = || "write SECTION.KEY=VALUE, such as node.name=alice".to_owned();
    let Some((path, value)) = flag.split_once('=') else {
        return Err((format!("{:?} has no value", shown(flag)), form()));
    };
    let Some((section, name)) = path.split_once('.') else {
        return Err((format!("{:?} names no section", shown(path)), form()));
    };
    if keys::REPEATED.contains(&section) {
        let problem = format!("{} cannot be set on the command line", keys::header(section));
        return Err((problem, "set it in the file".to_owned()));
    }
    if !keys::SINGLE.contains(&section) {
        let hint = cenacle_plugin::hint(&shown(section), &keys::SINGLE, "there are");
        return Err((format!("there is no section {:?}", shown(section)), hint));
    }
    match keys::find(section, name) {
        Some(key) => Ok((key, value)),
        None => {
            Err((format!("there is no key {:?}", shown(path)), keys::hint(section, &shown(name))))
        }
    }
}

/// Puts what a variable or flag says into the layer. Text stands without quotation marks there,
/// lists with commas between their items.
fn put(layer: &mut Layer, key: &Key, value: Option<&str>, place: Place, report: &mut Report) {
    let path = format!("{}.{}", key.section, key.name);
    let Some(value) = value.filter(|value| value.len() <= MAX_VALUE) else {
        let problem = format!("its value is no UTF-8 of up to {MAX_VALUE} bytes");
        return report.wrong_at(place, Some(path), problem, format!("it takes {}", key.form));
    };
    let text = || ValueKind::String(value.to_owned());
    let read = match key.shape {
        Shape::Text | Shape::Table => text(),
        Shape::Bool => value.parse().map_or_else(|_| text(), ValueKind::Boolean),
        Shape::Integer => value.parse().map_or_else(|_| text(), ValueKind::I64),
        Shape::List => {
            let items = value.split(',').map(str::trim).filter(|item| !item.is_empty());
            items.map(|item| Value::new(None, item)).collect::<Vec<_>>().into()
        }
    };
    report.replace(path, place, &format!("{value:?}"));
    layer.set(key, read);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A default that cannot be read would be no default at all.
    #[test]
    fn every_default_is_a_value_of_its_key() {
        for key in KEYS.iter().filter(|key| key.default.is_some()) {
            let value = default_of(key).unwrap();
            let fits = match key.shape {
                Shape::Text => matches!(value, ValueKind::String(_)),
                Shape::Bool => matches!(value, ValueKind::Boolean(_)),
                Shape::Integer => matches!(value, ValueKind::I64(_)),
                Shape::List => matches!(value, ValueKind::Array(_)),
                Shape::Table => false,
            };
            assert!(fits, "{key:?}");
        }
    }
}
