//! What a node is told: the configuration file, the environment, flags.
//!
//! ```text
//!  KEYS (defaults) ─┐
//!  file, with lines ┤                          sections, groups
//!  CENACLE_…        ┼─ merged ─▶ one table ─▶ typed, bounded, checked ─▶ Config
//!  --set            ┤                 │               │
//!  Builder ─────────┘                 └── Report: every problem, where, and a way out
//! ```
//!
//! A [`Config`] has been checked: nothing behind it looks at a value twice. `docs/configuration.md`
//! tells the keys; [`EXAMPLE`] is a file with all of them.
//!
//! The environment sets the keys of `[node]`, `[overlay]` and `[metrics]`: `CENACLE_NODE__NAME` is
//! `name` in `[node]` (two underscores between section and key), lists have commas between their
//! items. A variable that begins with `CENACLE_` and names no key is an error.

mod address;
mod builder;
pub(crate) mod evidence;
mod file;
mod files;
mod group;
mod keys;
mod layers;
mod loader;
mod problem;
mod sections;
mod unavailable;
mod values;

pub use builder::{Builder, GroupBuilder};
pub use group::{Architecture, GroupSettings, Modules};
pub use keys::{KEYS, Key, Shape};
pub use loader::Loader;
pub use problem::{Place, Problem, Problems};
pub use sections::{Admission, MetricsSettings, NodeSettings, OverlaySettings};

use cenacle_core::{NodeId, Settings};
use cenacle_host::Registry;
use std::path::Path;
use std::sync::Arc;

/// A configuration file with every key, at its default where it has one. `cenacle init` writes it.
pub const EXAMPLE: &str = include_str!("cenacle.toml");

/// The name that `cenacle init` gives the file, and where commands look for it.
pub const FILE_NAME: &str = "cenacle.toml";

/// What a node is told, checked.
///
/// ```
/// use cenacle::config::{Config, GroupBuilder};
///
/// let config = Config::builder("/tmp/alice")
///     .name("alice")
///     .admission_open()
///     .group(GroupBuilder::new("ops").insecure(true))
///     .build()?;
/// assert_eq!(config.node().name.as_deref(), Some("alice"));
/// assert_eq!(config.groups()[0].name.as_str(), "ops");
/// # Ok::<(), cenacle::config::Problems>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    node: NodeSettings,
    overlay: OverlaySettings,
    metrics: Option<MetricsSettings>,
    groups: Vec<GroupSettings>,
    registry: Arc<Registry>,
    /// Keys that were given and are not used, in words.
    unused: Vec<String>,
}

impl Config {
    /// Reads the file at `path`, with what the environment says on top, and looks at the files that
    /// it names. Fails with everything that is wrong.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Problems> {
        Loader::new(path.as_ref()).variables(std::env::vars_os()).load()
    }

    /// Reads `text` as a configuration file in the folder `base`, and nothing else: neither the
    /// environment nor any file. Fails with everything that is wrong.
    pub fn parse(text: &str, base: impl AsRef<Path>) -> Result<Self, Problems> {
        Loader::new(&base.as_ref().join(FILE_NAME)).parse(text)
    }

    /// Configures in code. Paths are relative to `base`.
    pub fn builder(base: impl AsRef<Path>) -> Builder {
        Builder::new(base.as_ref())
    }

    /// This node.
    pub fn node(&self) -> &NodeSettings {
        &self.node
    }

    /// The others, and the ways to them.
    pub fn overlay(&self) -> &OverlaySettings {
        &self.overlay
    }

    /// Where figures are served; `None` where they are not.
    pub fn metrics(&self) -> Option<&MetricsSettings> {
        self.metrics.as_ref()
    }

    /// The groups to join, in the order of the file; no two have the same name.
    pub fn groups(&self) -> &[GroupSettings] {
        &self.groups
    }

    /// The group of that name.
    pub fn group(&self, name: &str) -> Option<&GroupSettings> {
        self.groups.iter().find(|group| group.name.as_str() == name)
    }

    /// The modules that groups choose from.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// The engine's settings, those that the configuration has no key for at their defaults.
    pub fn engine_settings(&self, node: NodeId) -> Settings {
        Settings {
            priority: self.node.priority,
            heartbeat: self.overlay.heartbeat,
            suspect_after: self.overlay.suspect_after,
            flush_limit: self.overlay.flush_timeout,
            slow_limit: self.overlay.slow_member_timeout,
            ..Settings::new(node, self.overlay.name.clone())
        }
    }

    /// What is right and still worth knowing, a sentence each.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = self.unused.clone();
        if !self.node.identity.exists() {
            let identity = self.node.identity.display();
            remarks.push(format!("there is no identity yet: the first start makes {identity}"));
        }
        match &self.overlay.admission {
            Admission::Open => remarks
                .push("admission is \"open\": whoever reaches the port takes part".to_owned()),
            Admission::Allowlist(peers) if peers.is_empty() => remarks.push(
                "nobody is listed in overlay.allowlist: this node stays alone; `cenacle id` prints \
                 the peer ids to list"
                    .to_owned(),
            ),
            Admission::Allowlist(_) | Admission::Psk { .. } => {}
        }
        if self.overlay.bootstrap.is_empty() && !self.overlay.mdns {
            remarks.push(
                "no bootstrap addresses and no mDNS: this node finds only whoever dials it, and \
                 whom it knew before"
                    .to_owned(),
            );
        }
        if self.node.listen.is_empty() {
            remarks.push("this node listens nowhere: others cannot dial it".to_owned());
        }
        if self.groups.is_empty() {
            remarks.push("no [[group]]: this node joins nothing by itself".to_owned());
        }
        for group in &self.groups {
            match (group.insecure, group.names_modules) {
                (true, true) => remarks.push(format!(
                    "group {:?} is insecure: its key agreement, cipher and policy are not used",
                    group.name.as_str()
                )),
                (true, false) => remarks.push(format!(
                    "group {:?} is insecure: every node of the overlay can read it",
                    group.name.as_str()
                )),
                (false, _) => {}
            }
        }
        remarks
    }
}
