//! The sections `[node]`, `[overlay]`, `[metrics]` and `[[plugin]]`: their types, and how they are
//! read.

use super::address;
use super::keys::bounds;
use super::unavailable;
use super::values::{self, Section};
use cenacle_net::{Dissemination, Multiaddr, PeerId};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The most addresses to listen on: interfaces times transports, on a large machine. What a node
/// tells others of itself is bounded by the network too.
const MAX_LISTEN: usize = 16;

/// The most addresses to begin with: one that answers is enough.
const MAX_BOOTSTRAP: usize = 64;

/// The most peers of an allowlist: as many as a view can have members.
const MAX_ALLOWLIST: usize = cenacle_plugin::MAX_MEMBERS;

/// `[node]`: this node.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NodeSettings {
    /// How it is shown to people; where there is none, by its peer id.
    pub name: Option<String>,
    /// The file of its key; it need not be there before the first start.
    pub identity: PathBuf,
    /// The folder of incarnation and address book.
    pub state: PathBuf,
    /// Where it listens.
    pub listen: Vec<Multiaddr>,
    /// The highest leads.
    pub priority: u32,
}

/// Who may take part in the overlay.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Admission {
    /// Whoever knows the secret in this file ([`cenacle_net::Psk::load`]).
    Psk {
        /// The file: 64 hexadecimal digits, mode 0600.
        file: PathBuf,
    },
    /// These peers.
    Allowlist(BTreeSet<PeerId>),
    /// Whoever can reach the port.
    Open,
}

/// `[overlay]`: who the others are, and how they are reached.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OverlaySettings {
    /// Its name; nodes of another are refused.
    pub name: String,
    /// Who may take part.
    pub admission: Admission,
    /// Addresses to begin with.
    pub bootstrap: Vec<Multiaddr>,
    /// Whether to look for peers in the local network.
    pub mdns: bool,
    /// How multicasts travel.
    pub dissemination: Dissemination,
    /// How often members say that they live.
    pub heartbeat: Duration,
    /// Silence that is forgiven at least.
    pub suspect_after: Duration,
    /// Time for an application to answer a flush request.
    pub flush_timeout: Duration,
    /// Time for a member that holds everyone up, before it is reported.
    pub slow_member_timeout: Duration,
    /// Whether to carry connections of peers that cannot reach each other.
    pub relay: bool,
}

/// `[metrics]`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MetricsSettings {
    /// Where figures are served.
    pub listen: SocketAddr,
}

pub(super) fn node(mut from: Section<'_, '_>, base: &Path) -> NodeSettings {
    NodeSettings {
        name: from.read("name", values::name),
        identity: from.read("identity", values::path(base)).unwrap_or_default(),
        state: from.read("state", values::path(base)).unwrap_or_default(),
        listen: from.list("listen", MAX_LISTEN, address::listen),
        priority: from.read("priority", values::whole_number).unwrap_or_default(),
    }
}

pub(super) fn overlay(mut from: Section<'_, '_>, base: &Path) -> OverlaySettings {
    let dissemination = [
        ("auto", Dissemination::Auto),
        ("direct", Dissemination::Direct),
        ("gossip", Dissemination::Gossip),
    ];
    let read = OverlaySettings {
        name: from.read("name", values::name).unwrap_or_default(),
        admission: admission(&mut from, base),
        bootstrap: from.list("bootstrap", MAX_BOOTSTRAP, address::dial),
        mdns: from.read("mdns", values::boolean).unwrap_or_default(),
        dissemination: from
            .read("dissemination", values::choice(&dissemination))
            .unwrap_or_default(),
        heartbeat: from.read("heartbeat", values::duration(bounds::HEARTBEAT)).unwrap_or_default(),
        suspect_after: from
            .read("suspect_after", values::duration(bounds::SUSPECT_AFTER))
            .unwrap_or_default(),
        flush_timeout: from
            .read("flush_timeout", values::duration(bounds::PATIENCE))
            .unwrap_or_default(),
        slow_member_timeout: from
            .read("slow_member_timeout", values::duration(bounds::PATIENCE))
            .unwrap_or_default(),
        relay: from.read("relay", values::boolean).unwrap_or_default(),
    };
    let (heartbeat, suspect) = (from.at("heartbeat"), from.at("suspect_after"));
    let known = !from.report.is_broken(&heartbeat) && !from.report.is_broken(&suspect);
    let least = read.heartbeat.saturating_mul(3);
    if known && read.suspect_after < least {
        // Whichever was given is at fault.
        let at = if from.has("suspect_after") { suspect } else { heartbeat };
        from.report.wrong(
            &at,
            format!(
                "suspect_after is {:?}, less than three heartbeats of {:?}",
                read.suspect_after, read.heartbeat
            ),
            format!("give suspect_after at least {least:?}, or a shorter heartbeat"),
        );
    }
    read
}

/// Which of the three ways in, and what it needs.
#[derive(Clone, Copy)]
enum Way {
    Psk,
    Allowlist,
    Open,
}

fn admission(from: &mut Section<'_, '_>, base: &Path) -> Admission {
    let ways = [("psk", Way::Psk), ("allowlist", Way::Allowlist), ("open", Way::Open)];
    let way = from.read("admission", values::choice(&ways));
    let file = from.read("psk_file", values::secret_path(base));
    let peers: BTreeSet<PeerId> =
        from.list("allowlist", MAX_ALLOWLIST, values::peer_id).into_iter().collect();
    match way {
        Some(Way::Psk) => {
            let at = from.at("psk_file");
            if file.is_none() && !from.report.is_broken(&at) {
                from.report.wrong(
                    &at,
                    "this is missing, and admission = \"psk\" needs it",
                    "name the file of the overlay's secret (`cenacle init` makes one), or \
                     choose another admission",
                );
            }
            Admission::Psk { file: file.unwrap_or_default() }
        }
        // An empty one is right: its node is alone, and can tell its peer id to others.
        Some(Way::Allowlist) => Admission::Allowlist(peers),
        Some(Way::Open) | None => Admission::Open,
    }
}

pub(super) fn metrics(mut from: Section<'_, '_>) -> Option<MetricsSettings> {
    let listen =
        from.read("listen", |value| values::text(value)?.parse().map_err(|_| values::Wrong::Form));
    listen.map(|listen| MetricsSettings { listen })
}

/// Reads a `[[plugin]]`; its keys are checked, so that only what this version lacks stands against
/// it.
pub(super) fn plugin(mut from: Section<'_, '_>, base: &Path) {
    from.need("path", values::path(base));
    from.need("blake3", values::hash);
    let path = from.path.clone();
    if !from.report.is_broken(&path) {
        let (problem, way_out) = unavailable::PLUGIN;
        from.report.wrong(&path, problem, way_out);
    }
}
