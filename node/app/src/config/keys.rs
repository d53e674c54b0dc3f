//! All keys of a configuration: one table, which the readers, the hints in errors, the environment
//! and the documentation's test share.

/// What kind of value a key takes, as far as the layers must know to read it from a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Text in quotation marks.
    Text,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer,
    /// Several texts.
    List,
    /// Keys of its own.
    Table,
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// `node`, `overlay`, `metrics`, `plugin` or `group`.
    pub section: &'static str,
    /// Its name in the section.
    pub name: &'static str,
    /// What kind of value it takes.
    pub shape: Shape,
    /// What it takes, in words.
    pub form: &'static str,
    /// What holds when it is not given, as TOML; `None` where nothing does.
    pub default: Option<&'static str>,
}

/// Sections that are there once, and can be changed by variables and flags.
pub(super) const SINGLE: [&str; 3] = ["node", "overlay", "metrics"];

/// Sections that are there as often as one likes: `[[plugin]]`, `[[group]]`.
pub(super) const REPEATED: [&str; 2] = ["plugin", "group"];

const NAME: &str = "text of 1 to 64 bytes without control characters";
const PATH: &str = "a path in quotation marks, relative to the configuration file's folder";
const BOOL: &str = "true or false";

/// The shortest and longest of each time, for the sentence and the check alike.
pub(super) mod bounds {
    use std::time::Duration;

    const fn ms(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    /// Below, heartbeats alone load a core; above, nobody would call a node's silence news.
    pub(crate) const HEARTBEAT: (Duration, Duration) = (ms(10), ms(60_000));
    /// Three of the above at least; an hour of silence is an answer.
    pub(crate) const SUSPECT_AFTER: (Duration, Duration) = (ms(30), ms(3_600_000));
    /// An application needs longer than a round trip to answer; a group that stands still for an
    /// hour is lost to its users.
    pub(crate) const PATIENCE: (Duration, Duration) = (ms(100), ms(3_600_000));
}

const HEARTBEAT: &str = "a duration such as \"250ms\" (units ms, s, m, h, d) from 10ms to 60s";
const SUSPECT_AFTER: &str = "a duration such as \"1s\" (units ms, s, m, h, d) from 30ms to 1h, \
                             at least three heartbeats";
const PATIENCE: &str = "a duration such as \"10s\" (units ms, s, m, h, d) from 100ms to 1h";

const fn key(
    section: &'static str,
    name: &'static str,
    shape: Shape,
    form: &'static str,
    default: Option<&'static str>,
) -> Key {
    Key { section, name, shape, form, default }
}

/// Every key there is, in the order of the documentation.
pub const KEYS: &[Key] = &[
    key("node", "name", Shape::Text, NAME, None),
    key("node", "identity", Shape::Text, PATH, Some("\"identity.key\"")),
    key("node", "state", Shape::Text, PATH, Some("\"state\"")),
    key(
        "node",
        "listen",
        Shape::List,
        "a list of up to 16 addresses such as \"/ip4/0.0.0.0/tcp/7101\" or \
         \"/ip4/0.0.0.0/udp/7101/quic-v1\"",
        Some("[\"/ip4/0.0.0.0/tcp/7101\", \"/ip4/0.0.0.0/udp/7101/quic-v1\"]"),
    ),
    key("node", "priority", Shape::Integer, "a whole number from 0 to 4294967295", Some("0")),
    key("overlay", "name", Shape::Text, NAME, Some("\"cenacle\"")),
    key("overlay", "admission", Shape::Text, "\"psk\", \"allowlist\" or \"open\"", Some("\"psk\"")),
    key("overlay", "psk_file", Shape::Text, PATH, None),
    key(
        "overlay",
        "allowlist",
        Shape::List,
        "a list of up to 4096 peer ids of Ed25519 keys, such as \"12D3KooW…\"",
        Some("[]"),
    ),
    key(
        "overlay",
        "bootstrap",
        Shape::List,
        "a list of up to 64 addresses such as \"/dns4/host/tcp/7101\" or \
         \"/ip4/192.0.2.7/udp/7101/quic-v1\"",
        Some("[]"),
    ),
    key("overlay", "mdns", Shape::Bool, BOOL, Some("true")),
    key(
        "overlay",
        "dissemination",
        Shape::Text,
        "\"auto\", \"direct\" or \"gossip\"",
        Some("\"auto\""),
    ),
    key("overlay", "heartbeat", Shape::Text, HEARTBEAT, Some("\"250ms\"")),
    key("overlay", "suspect_after", Shape::Text, SUSPECT_AFTER, Some("\"1s\"")),
    key("overlay", "flush_timeout", Shape::Text, PATIENCE, Some("\"10s\"")),
    key("overlay", "slow_member_timeout", Shape::Text, PATIENCE, Some("\"10s\"")),
    key("overlay", "relay", Shape::Bool, BOOL, Some("false")),
    key("metrics", "listen", Shape::Text, "an address and a port such as \"127.0.0.1:9101\"", None),
    key("plugin", "path", Shape::Text, PATH, None),
    key("plugin", "blake3", Shape::Text, "64 hexadecimal digits", None),
    key("group", "name", Shape::Text, NAME, None),
    key(
        "group",
        "key_agreement",
        Shape::Text,
        "the name of a module: see `cenacle plugins`",
        Some("\"tgdh\""),
    ),
    key(
        "group",
        "cipher",
        Shape::Text,
        "the name of a module: see `cenacle plugins`",
        Some("\"chacha20poly1305\""),
    ),
    key(
        "group",
        "policy",
        Shape::Text,
        "the name of a module: see `cenacle plugins`",
        Some("\"allowlist\""),
    ),
    key("group", "semantics", Shape::Text, "\"vs\" or \"evs\"", Some("\"vs\"")),
    key("group", "architecture", Shape::Text, "\"layered\"", Some("\"layered\"")),
    key("group", "insecure", Shape::Bool, BOOL, Some("false")),
    key(
        "group",
        "history",
        Shape::Text,
        "\"none\", \"since-join\" or \"last N\" with N from 1 to 10000",
        Some("\"none\""),
    ),
    key("group", "manual_flush", Shape::Bool, BOOL, Some("false")),
    key("group", "evidence_file", Shape::Text, PATH, None),
    key(
        "group",
        "options",
        Shape::Table,
        "tables for key_agreement, cipher and policy, such as [group.options.policy]",
        None,
    ),
];

/// The tables of `options`: one for each module that a group chooses.
pub(super) const MODULES: [&str; 3] = ["key_agreement", "cipher", "policy"];

/// The key of that name in that section.
pub(super) fn find(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}

/// The names of a section's keys.
pub(super) fn names(section: &str) -> Vec<&'static str> {
    KEYS.iter().filter(|key| key.section == section).map(|key| key.name).collect()
}

/// What to do about a key that the section does not have: the nearest of its keys, or the section
/// that has one of that name.
pub(super) fn hint(section: &str, name: &str) -> String {
    let elsewhere = KEYS.iter().find(|key| key.name == name);
    match elsewhere {
        Some(key) => format!("{} has a key of that name: move it there", header(key.section)),
        None => cenacle_plugin::hint(name, &names(section), &format!("{} has", header(section))),
    }
}

/// A section as the file writes it.
pub(super) fn header(section: &str) -> String {
    match REPEATED.contains(&section) {
        true => format!("[[{section}]]"),
        false => format!("[{section}]"),
    }
}
