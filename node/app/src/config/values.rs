//! Values as types: what a text, a number or a list in the configuration stands for.

use super::keys::{self, Key};
use super::layers;
use super::problem::{Report, shown};
use cenacle_net::{Multiaddr, PeerId};
use cenacle_plugin::parse_duration;
use config::{Map, Value, ValueKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a value cannot be used.
pub(super) enum Wrong {
    /// It is not of the form that the key takes.
    Form,
    /// It is, and still cannot be: what is wrong, what to do.
    Because(String, String),
}

impl Wrong {
    pub(super) fn because(problem: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self::Because(problem.into(), way_out.into())
    }
}

/// The keys of one table, read one by one; what is wrong goes into the report.
pub(super) struct Section<'t, 'r> {
    pub(super) section: &'static str,
    /// `node`, `group[2]`.
    pub(super) path: String,
    /// Its keys; `None` where the section is not there.
    pub(super) table: Option<&'t Map<String, Value>>,
    pub(super) report: &'r mut Report,
}

impl Section<'_, '_> {
    /// The value of a key, or of its default; `None` when there is neither, or it is wrong, which is
    /// then told.
    pub(super) fn read<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&ValueKind) -> Result<T, Wrong>,
    ) -> Option<T> {
        let key = keys::find(self.section, name)?;
        let value = match self.given(name) {
            Some(value) => value.kind.clone(),
            None => layers::default_of(key)?,
        };
        match parse(&value) {
            Ok(value) => Some(value),
            Err(wrong) => {
                let path = self.at(name);
                self.tell(&path, key, wrong);
                None
            }
        }
    }

    /// As [`Self::read`], of a key that must be given.
    pub(super) fn need<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&ValueKind) -> Result<T, Wrong>,
    ) -> Option<T> {
        if !self.has(name) {
            let form = keys::find(self.section, name).map_or("", |key| key.form);
            let path = self.at(name);
            self.report.wrong(&path, "this is missing", format!("give {form}"));
            return None;
        }
        self.read(name, parse)
    }

    /// The items of a list, without those that are wrong. Every wrong one is told.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        most: usize,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Vec<T> {
        let Some(key) = keys::find(self.section, name) else { return Vec::new() };
        let items = self.read(name, |value| match value {
            ValueKind::Array(items) if items.len() > most => Err(Wrong::because(
                format!("there are {} of them", items.len()),
                format!("give {}", key.form),
            )),
            ValueKind::Array(items) => Ok(items.clone()),
            _ => Err(Wrong::Form),
        });
        let mut read = Vec::new();
        for (index, item) in items.unwrap_or_default().iter().enumerate() {
            let value = match &item.kind {
                ValueKind::String(text) => parse(text).map_err(|wrong| (wrong, text.as_str())),
                _ => Err((Wrong::Form, "")),
            };
            match value {
                Ok(value) => read.push(value),
                Err((wrong, text)) => {
                    let path = format!("{}[{index}]", self.at(name));
                    // An item of a variable or flag has no spot: the list's would show all of it.
                    match wrong {
                        Wrong::Form if !self.report.has(&path) => {
                            let problem = format!("{:?} cannot be", shown(text));
                            self.report.wrong(&path, problem, format!("it takes {}", key.form));
                        }
                        wrong => self.tell(&path, key, wrong),
                    }
                }
            }
        }
        read
    }

    /// The path of a key.
    pub(super) fn at(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    /// Whether the key was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.given(name).is_some()
    }

    /// What the key was given, in whichever layer.
    pub(super) fn given(&self, name: &str) -> Option<&Value> {
        self.table?.get(name)
    }

    fn tell(&mut self, path: &str, key: &Key, wrong: Wrong) {
        let (problem, way_out) = match wrong {
            Wrong::Because(problem, way_out) => (problem, way_out),
            Wrong::Form => (
                format!("this cannot be {}", self.report.written(path).unwrap_or("what it is")),
                format!("it takes {}", key.form),
            ),
        };
        self.report.wrong(path, problem, way_out);
    }
}

/// The keys of a table; `None` of anything else.
pub(super) fn as_table(value: &Value) -> Option<&Map<String, Value>> {
    match &value.kind {
        ValueKind::Table(table) => Some(table),
        _ => None,
    }
}

/// Any text.
pub(super) fn text(value: &ValueKind) -> Result<&str, Wrong> {
    match value {
        ValueKind::String(text) => Ok(text),
        _ => Err(Wrong::Form),
    }
}

/// A name that people read, and that travels: what the engine and the network take.
pub(super) fn name(value: &ValueKind) -> Result<String, Wrong> {
    let name = text(value)?;
    let fits = (1..=64).contains(&name.len()) && !name.chars().any(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err(Wrong::Form) }
}

pub(super) fn boolean(value: &ValueKind) -> Result<bool, Wrong> {
    match value {
        ValueKind::Boolean(yes) => Ok(*yes),
        _ => Err(Wrong::Form),
    }
}

pub(super) fn whole_number(value: &ValueKind) -> Result<u32, Wrong> {
    match value {
        ValueKind::I64(number) => u32::try_from(*number).map_err(|_| Wrong::Form),
        _ => Err(Wrong::Form),
    }
}

/// One of the words of a list.
pub(super) fn choice<T: Copy>(words: &[(&str, T)]) -> impl FnOnce(&ValueKind) -> Result<T, Wrong> {
    move |value| {
        let text = text(value)?;
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(*meaning);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Err(Wrong::because(
            format!("there is no {:?}", shown(text)),
            cenacle_plugin::hint(&shown(text), &known, "it takes"),
        ))
    }
}

pub(super) fn duration(
    (least, most): (Duration, Duration),
) -> impl FnOnce(&ValueKind) -> Result<Duration, Wrong> {
    move |value| {
        let duration = parse_duration(text(value)?).ok_or(Wrong::Form)?;
        if (least..=most).contains(&duration) { Ok(duration) } else { Err(Wrong::Form) }
    }
}

/// A path, seen from the folder of the configuration file.
pub(super) fn path(base: &Path) -> impl FnOnce(&ValueKind) -> Result<PathBuf, Wrong> {
    move |value| {
        let path = text(value)?;
        if path.is_empty() || path.contains('\0') {
            return Err(Wrong::Form);
        }
        Ok(base.join(path))
    }
}

/// The path of a secret's file. The secret itself in its place is not repeated in the error.
pub(super) fn secret_path(base: &Path) -> impl FnOnce(&ValueKind) -> Result<PathBuf, Wrong> {
    move |value| {
        if hash(value).is_ok() {
            return Err(Wrong::because(
                "this is the secret, not the name of its file",
                "write the 64 digits into a file of mode 0600, and its path here",
            ));
        }
        path(base)(value)
    }
}

/// The path of a file with evidence. An invitation in its place is not repeated in the error.
pub(super) fn evidence_path(base: &Path) -> impl FnOnce(&ValueKind) -> Result<PathBuf, Wrong> {
    move |value| {
        if text(value)?.starts_with("cenacle-invitation") {
            return Err(Wrong::because(
                "this is the invitation, not the name of its file",
                "write it into a file, and the path of the file here",
            ));
        }
        path(base)(value)
    }
}

/// 32 bytes as 64 hexadecimal digits.
pub(super) fn hash(value: &ValueKind) -> Result<[u8; 32], Wrong> {
    let digits = text(value)?.as_bytes();
    let mut bytes = [0_u8; 32];
    if digits.len() != 64 {
        return Err(Wrong::Form);
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        for digit in pair {
            let digit = char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            *byte = (*byte << 4) | digit.ok_or(Wrong::Form)?;
        }
    }
    Ok(bytes)
}

/// What every libp2p peer id of an Ed25519 key is before the key: the identity multihash of 36
/// bytes, and protobuf's two fields.
const ED25519_PEER_ID: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// The peer id of an Ed25519 key; no other can be a node's.
pub(super) fn peer_id(text: &str) -> Result<PeerId, Wrong> {
    let bad = |why: &str| {
        Wrong::because(
            format!("{:?} is no peer id: {why}", shown(text)),
            "take it from what `cenacle id` prints on that machine",
        )
    };
    let peer: PeerId = text.parse().map_err(|_| bad("its end may be missing, or mistyped"))?;
    let bytes = peer.to_bytes();
    match bytes.strip_prefix(&ED25519_PEER_ID) {
        Some(key) if key.len() == 32 => Ok(peer),
        _ => Err(bad("it is not that of an Ed25519 key, which begins with 12D3KooW")),
    }
}

/// An address of libp2p, as [`super::address`] checks further.
pub(super) fn address(text: &str) -> Result<Multiaddr, Wrong> {
    text.parse().map_err(|error: <Multiaddr as std::str::FromStr>::Err| {
        Wrong::because(
            format!("{:?} is no address: {}", shown(text), shown(&error.to_string())),
            "write it as in \"/ip4/192.0.2.7/tcp/7101\" or \"/dns4/host/udp/7101/quic-v1\"",
        )
    })
}
