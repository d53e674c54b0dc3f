//! Who gets in, and who does not.

use crate::harness::{Peer, QUIC, TCP, at, eventually, run};
use cenacle_net::{Admission, Drop, Identity, NetEvent, Psk, Settings};
use std::{collections::BTreeSet, time::Duration};

/// Starts two, the second dials the first; whether they are connected after both have decided.
async fn meet(mut first: Settings, mut second: Settings, listen: &str) -> (Peer, Peer) {
    first.listen = vec![listen.parse().unwrap()];
    let first = Peer::start(first).await;
    second.bootstrap = vec![first.address.clone()];
    (first, Peer::start(second).await)
}

async fn never_meet(first: Settings, second: Settings, reason: Drop) -> (Peer, Peer) {
    let (mut first, mut second) = meet(first, second, TCP).await;
    eventually("a refusal", || first.drops(reason) > 0 && second.drops(reason) > 0).await;
    second.send(first.node(), "let me in");
    first.idle(Duration::from_millis(300)).await;
    second.idle(Duration::from_millis(10)).await;
    for peer in [&first, &second] {
        assert!(peer.status().peers.is_empty());
        let met = |event: &NetEvent| {
            matches!(event, NetEvent::Connected { .. } | NetEvent::Frames { .. })
        };
        assert!(!peer.told.iter().any(met), "{:?}", peer.told);
    }
    (first, second)
}

fn with(admission: Admission) -> Settings {
    Settings::new("lab", Identity::generate().unwrap(), admission)
}

fn psk(byte: u8) -> Admission {
    Admission::Psk(Psk::new(&mut [byte; 32]))
}

#[test]
fn another_secret_stays_outside_and_both_are_warned_once() {
    run(async {
        let (mut first, mut second) = never_meet(with(psk(1)), with(psk(2)), Drop::Admission).await;
        let detail = first.warned("admission").await;
        assert!(detail.contains(&second_id(&second)), "{detail}");
        assert!(second.warned("admission").await.contains("refused by"));
        // It tries again and again; it is counted, and not warned of again.
        let before = first.drops(Drop::Admission);
        eventually("more refusals", || first.drops(Drop::Admission) > before + 1).await;
        first.idle(Duration::from_millis(10)).await;
        let again = |event: &NetEvent| matches!(event, NetEvent::Warning { .. });
        assert!(!first.told.iter().any(again), "{:?}", first.told);
    });
}

fn second_id(peer: &Peer) -> String {
    let key = peer.node().key;
    let key = libp2p::identity::ed25519::PublicKey::try_from_bytes(&key).unwrap();
    libp2p::identity::PublicKey::from(key).to_peer_id().to_string()
}

#[test]
fn another_overlay_stays_outside() {
    run(async {
        let mut other = with(Admission::Open);
        other.overlay = "bal".into();
        never_meet(with(Admission::Open), other, Drop::Overlay).await;
        let mut other = with(psk(1));
        other.overlay = "bal".into();
        never_meet(with(psk(1)), other, Drop::Admission).await;
        never_meet(with(psk(1)), with(Admission::Open), Drop::Overlay).await;
    });
}

#[test]
fn the_list_admits_who_is_in_it_both_ways() {
    run(async {
        for listen in [TCP, QUIC] {
            let identities: Vec<_> = (0..3).map(|_| Identity::generate().unwrap()).collect();
            let list: BTreeSet<_> = identities[..2].iter().map(Identity::peer_id).collect();
            let all: BTreeSet<_> = identities.iter().map(Identity::peer_id).collect();
            let of = |n: usize, list: &BTreeSet<_>| {
                let admission = Admission::Allowlist(list.clone());
                Settings::new("lab", identities[n].clone(), admission)
            };
            let (mut first, mut second) = meet(of(0, &list), of(1, &list), listen).await;
            first.connected(second.node()).await;
            second.connected(first.node()).await;
            // The third knows them, they do not know it.
            let mut third = of(2, &all);
            third.bootstrap = vec![first.address.clone()];
            let mut third = Peer::start(third).await;
            eventually("a refusal", || first.drops(Drop::Admission) > 0).await;
            assert!(third.warned("admission").await.contains("refused by"));
            assert_eq!(first.status().peers.len(), 1);
        }
    });
}

#[test]
fn open_admits_whoever_comes() {
    run(async {
        let (mut first, mut second) =
            meet(with(Admission::Open), with(Admission::Open), QUIC).await;
        first.connected(second.node()).await;
        second.connected(first.node()).await;
    });
}

#[test]
fn one_identity_in_two_processes_is_named() {
    run(async {
        let identity = Identity::generate().unwrap();
        let mut first = at(TCP, &[]);
        first.identity = identity.clone();
        let mut first = Peer::start(first).await;
        let mut second = at(TCP, &[&first]);
        second.identity = identity;
        let mut second = Peer::start(second).await;
        assert!(first.warned("identity_twice").await.contains("another process"));
        assert!(second.warned("identity_twice").await.contains("another process"));
    });
}

#[test]
fn a_connection_to_oneself_is_no_matter() {
    run(async {
        let probe = Peer::start(at(TCP, &[])).await;
        let address = probe.address.clone();
        probe.stop().await;
        let mut own = at(&address.to_string(), &[]);
        own.bootstrap = vec![address];
        let mut own = Peer::start(own).await;
        own.idle(Duration::from_millis(500)).await;
        assert!(own.told.is_empty(), "{:?}", own.told);
        assert!(own.status().peers.is_empty());
    });
}

#[test]
fn the_older_life_of_a_node_is_refused_while_the_newer_is_here() {
    run(async {
        let mut hub = Peer::start(at(TCP, &[])).await;
        let identity = Identity::generate().unwrap();
        let folder = |n: u64| {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("incarnation"), format!("{n}\n")).unwrap();
            folder
        };
        let (old, new) = (folder(9_000_000_000), folder(9_500_000_000));
        let life = |folder: &tempfile::TempDir| {
            let mut settings = at(TCP, &[&hub]);
            settings.identity = identity.clone();
            settings.state = Some(cenacle_net::StateFolder::open(folder.path()).unwrap().0);
            settings
        };
        let (first, second) = (life(&new), life(&old));
        let newer = Peer::start(first).await;
        hub.connected(newer.node()).await;
        let mut older = Peer::start(second).await;
        assert_eq!(older.node().incarnation, 9_000_000_001);
        assert!(older.warned("identity_twice").await.contains("newer start"));
        assert!(hub.status().peers.iter().all(|peer| peer.node == newer.node()));
    });
}
