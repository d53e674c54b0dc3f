//! A configuration in code: the same keys, the same checks, the same errors.

use super::Config;
use super::keys::{KEYS, Shape};
use super::layers::Layer;
use super::loader::{built_in, from_layers};
use super::problem::{Place, Problems, Report};
use cenacle_host::Registry;
use config::{Map, Value, ValueKind};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Makes a [`Config`] in code. What is not set has the default of the file's key.
///
/// Values are checked by [`Builder::build`], all together, as those of a file are.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    base: PathBuf,
    layer: Map<String, Value>,
    groups: Vec<Value>,
    registry: Option<Arc<Registry>>,
}

/// A group for a [`Builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct GroupBuilder(Map<String, Value>);

fn duration(duration: Duration) -> ValueKind {
    // Whole milliseconds are what the file can say too; anything finer is refused by its form.
    match duration.subsec_nanos() % 1_000_000 {
        0 => format!("{}ms", duration.as_millis()).into(),
        _ => format!("{}ns", duration.as_nanos()).into(),
    }
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> ValueKind {
    items.into_iter().map(|item| Value::new(None, item.to_string())).collect::<Vec<_>>().into()
}

/// A path as text; one that is no UTF-8 is refused by its form.
fn path(path: &Path) -> ValueKind {
    path.to_str().map_or(ValueKind::Nil, ValueKind::from)
}

fn put(table: &mut Map<String, Value>, path: &[&str], value: impl Into<ValueKind>) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut table = table;
    for parent in parents {
        let inner = table.entry((*parent).to_owned());
        let inner = inner.or_insert_with(|| Value::new(None, Map::<String, Value>::new()));
        match &mut inner.kind {
            ValueKind::Table(inner) => table = inner,
            _ => return,
        }
    }
    table.insert((*last).to_owned(), Value::new(None, value));
}

impl Builder {
    pub(super) fn new(base: &Path) -> Self {
        let (layer, groups) = (Map::new(), Vec::new());
        Self { base: base.to_owned(), layer, groups, registry: None }
    }

    fn set(mut self, section: &str, key: &str, value: impl Into<ValueKind>) -> Self {
        put(&mut self.layer, &[section, key], value);
        self
    }

    /// `node.name`: how the node is shown to people.
    pub fn name(self, name: &str) -> Self {
        self.set("node", "name", name)
    }

    /// `node.identity`: the file of the node's key.
    pub fn identity(self, file: impl AsRef<Path>) -> Self {
        self.set("node", "identity", path(file.as_ref()))
    }

    /// `node.state`: the folder of incarnation and address book.
    pub fn state(self, folder: impl AsRef<Path>) -> Self {
        self.set("node", "state", path(folder.as_ref()))
    }

    /// `node.listen`: addresses, as text or [`cenacle_net::Multiaddr`].
    pub fn listen<T: ToString>(self, addresses: impl IntoIterator<Item = T>) -> Self {
        self.set("node", "listen", list(addresses))
    }

    /// `node.priority`: the highest leads.
    pub fn priority(self, priority: u32) -> Self {
        self.set("node", "priority", i64::from(priority))
    }

    /// `overlay.name`.
    pub fn overlay(self, name: &str) -> Self {
        self.set("overlay", "name", name)
    }

    /// `overlay.admission = "psk"`: whoever knows the secret in this file.
    pub fn admission_psk(self, file: impl AsRef<Path>) -> Self {
        self.set("overlay", "admission", "psk").set("overlay", "psk_file", path(file.as_ref()))
    }

    /// `overlay.admission = "allowlist"`: these peers, as text or [`cenacle_net::PeerId`].
    pub fn admission_allowlist<T: ToString>(self, peers: impl IntoIterator<Item = T>) -> Self {
        self.set("overlay", "admission", "allowlist").set("overlay", "allowlist", list(peers))
    }

    /// `overlay.admission = "open"`: whoever can reach the port.
    pub fn admission_open(self) -> Self {
        self.set("overlay", "admission", "open")
    }

    /// `overlay.bootstrap`: addresses to begin with, as text or [`cenacle_net::Multiaddr`].
    pub fn bootstrap<T: ToString>(self, addresses: impl IntoIterator<Item = T>) -> Self {
        self.set("overlay", "bootstrap", list(addresses))
    }

    /// `overlay.mdns`: whether to look for peers in the local network.
    pub fn mdns(self, mdns: bool) -> Self {
        self.set("overlay", "mdns", mdns)
    }

    /// `overlay.dissemination`: how multicasts travel.
    pub fn dissemination(self, how: cenacle_net::Dissemination) -> Self {
        let word = match how {
            cenacle_net::Dissemination::Auto => "auto",
            cenacle_net::Dissemination::Direct => "direct",
            cenacle_net::Dissemination::Gossip => "gossip",
        };
        self.set("overlay", "dissemination", word)
    }

    /// `overlay.heartbeat`, in whole milliseconds.
    pub fn heartbeat(self, time: Duration) -> Self {
        self.set("overlay", "heartbeat", duration(time))
    }

    /// `overlay.suspect_after`, in whole milliseconds.
    pub fn suspect_after(self, time: Duration) -> Self {
        self.set("overlay", "suspect_after", duration(time))
    }

    /// `overlay.flush_timeout`, in whole milliseconds.
    pub fn flush_timeout(self, time: Duration) -> Self {
        self.set("overlay", "flush_timeout", duration(time))
    }

    /// `overlay.slow_member_timeout`, in whole milliseconds.
    pub fn slow_member_timeout(self, time: Duration) -> Self {
        self.set("overlay", "slow_member_timeout", duration(time))
    }

    /// `overlay.relay`: whether to carry connections of peers that cannot reach each other.
    pub fn relay(self, relay: bool) -> Self {
        self.set("overlay", "relay", relay)
    }

    /// `metrics.listen`: where figures are served.
    pub fn metrics(self, listen: std::net::SocketAddr) -> Self {
        self.set("metrics", "listen", listen.to_string())
    }

    /// One more `[[group]]`.
    pub fn group(mut self, group: GroupBuilder) -> Self {
        self.groups.push(Value::new(None, group.0));
        self
    }

    /// The modules that groups choose from; the built-in ones otherwise.
    pub fn registry(mut self, registry: Arc<Registry>) -> Self {
        self.registry = Some(registry);
        self
    }

    /// The configuration. Fails with everything that is wrong; looks at no file.
    pub fn build(mut self) -> Result<Config, Problems> {
        let mut report = Report::new(Place::Code {});
        if !self.groups.is_empty() {
            self.layer.insert("group".to_owned(), Value::new(None, self.groups));
        }
        // Errors repeat what was given.
        for key in KEYS.iter().filter(|key| key.shape != Shape::Table) {
            let section = self.layer.get(key.section).map(|section| &section.kind);
            if let Some(ValueKind::Table(table)) = section
                && let Some(value) = table.get(key.name)
            {
                let path = format!("{}.{}", key.section, key.name);
                report.put(path, Place::Code {}, &written(&value.kind));
            }
        }
        let registry = match self.registry {
            Some(registry) => registry,
            None => built_in(&report)?,
        };
        from_layers([Layer(self.layer)], &self.base, registry, None, report)
    }
}

fn written(value: &ValueKind) -> String {
    match value {
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::Array(_) => "this list".to_owned(),
        other => other.to_string(),
    }
}

/// An option as the file has it.
fn option(value: cenacle_plugin::Value) -> ValueKind {
    let table = |table: BTreeMap<String, cenacle_plugin::Value>| {
        let table = table.into_iter().map(|(name, value)| (name, Value::new(None, option(value))));
        Value::new(None, table.collect::<Map<_, _>>())
    };
    match value {
        cenacle_plugin::Value::Bool(yes) => yes.into(),
        cenacle_plugin::Value::Integer(number) => number.into(),
        cenacle_plugin::Value::Text(text) => text.into(),
        cenacle_plugin::Value::List(items) => list(items),
        cenacle_plugin::Value::Tables(tables) => {
            tables.into_iter().map(table).collect::<Vec<_>>().into()
        }
    }
}

impl GroupBuilder {
    /// A group of that name, with the defaults of `[[group]]`.
    pub fn new(name: &str) -> Self {
        let mut table = Map::new();
        put(&mut table, &["name"], name);
        Self(table)
    }

    fn set(mut self, path: &[&str], value: impl Into<ValueKind>) -> Self {
        put(&mut self.0, path, value);
        self
    }

    /// `key_agreement`: the module that agrees on keys.
    pub fn key_agreement(self, name: &str) -> Self {
        self.set(&["key_agreement"], name)
    }

    /// `cipher`: the module that seals messages.
    pub fn cipher(self, name: &str) -> Self {
        self.set(&["cipher"], name)
    }

    /// `policy`: the module that decides who may do what.
    pub fn policy(self, name: &str) -> Self {
        self.set(&["policy"], name)
    }

    /// An option of one of the modules: `kind` is `key_agreement`, `cipher` or `policy`.
    pub fn option(self, kind: &str, name: &str, value: cenacle_plugin::Value) -> Self {
        self.set(&["options", kind, name], option(value))
    }

    /// `semantics`: what the group promises.
    pub fn semantics(self, semantics: cenacle_core::Semantics) -> Self {
        let word = match semantics {
            cenacle_core::Semantics::Evs => "evs",
            cenacle_core::Semantics::Vs => "vs",
        };
        self.set(&["semantics"], word)
    }

    /// `insecure`: neither key agreement nor encryption of its own.
    pub fn insecure(self, insecure: bool) -> Self {
        self.set(&["insecure"], insecure)
    }

    /// `history`: what newcomers are shown of what was said before.
    pub fn history(self, history: cenacle_plugin::History) -> Self {
        let text = match history {
            cenacle_plugin::History::None => "none".to_owned(),
            cenacle_plugin::History::SinceJoin => "since-join".to_owned(),
            cenacle_plugin::History::Last(number) => format!("last {number}"),
        };
        self.set(&["history"], text)
    }

    /// `evidence_file`: the file with what this node shows to the group's policy.
    pub fn evidence_file(self, file: impl AsRef<Path>) -> Self {
        self.set(&["evidence_file"], path(file.as_ref()))
    }

    /// `manual_flush`: whether the application answers flush requests itself.
    pub fn manual_flush(self, manual: bool) -> Self {
        self.set(&["manual_flush"], manual)
    }
}
