//! How nodes find each other.

use crate::harness::{Peer, QUIC, TCP, at, eventually, pair, run, settings};
use cenacle_net::{Identity, Multiaddr, NetEvent, Path, StateFolder};
use std::time::Duration;

#[test]
fn a_bootstrap_address_may_name_the_peer_or_not() {
    run(async {
        for listen in [TCP, QUIC] {
            let mut a = Peer::start(at(listen, &[])).await;
            let id = cenacle_net::PeerId::from(libp2p::identity::PublicKey::from(
                libp2p::identity::ed25519::PublicKey::try_from_bytes(&a.node().key).unwrap(),
            ));
            let mut named = settings();
            named.bootstrap = vec![format!("{}/p2p/{id}", a.address).parse().unwrap()];
            let named = Peer::start(named).await;
            a.connected(named.node()).await;
        }
    });
}

#[test]
fn those_who_know_one_get_to_know_all() {
    run(async {
        let mut first = Peer::start(at(TCP, &[])).await;
        let mut others = Vec::new();
        for n in 0..5 {
            let listen = if n % 2 == 0 { TCP } else { QUIC };
            others.push(Peer::start(at(listen, &[&first])).await);
        }
        let nodes: Vec<_> = others.iter().map(Peer::node).collect();
        for node in &nodes {
            first.connected(*node).await;
        }
        for other in &mut others {
            let own = other.node();
            for node in nodes.iter().filter(|node| **node != own) {
                other.connected(*node).await;
            }
        }
    });
}

#[test]
fn a_bootstrap_node_that_comes_later_is_found() {
    run(async {
        let probe = Peer::start(at(TCP, &[])).await;
        let address = probe.address.clone();
        probe.stop().await;
        let mut early = settings();
        early.bootstrap = vec![address.clone()];
        let mut early = Peer::start(early).await;
        early.idle(Duration::from_millis(700)).await;
        let late = Peer::start(at(&address.to_string(), &[])).await;
        early.connected(late.node()).await;
    });
}

#[test]
fn the_address_book_survives_a_restart_and_lets_nodes_meet_again() {
    run(async {
        let folders: Vec<_> = (0..2).map(|_| tempfile::tempdir().unwrap()).collect();
        let identities: Vec<_> = (0..2).map(|_| Identity::generate().unwrap()).collect();
        let mut addresses: Vec<Multiaddr> = vec![TCP.parse().unwrap(); 2];
        let mut known = Vec::new();
        for life in 0..2 {
            let mut peers: Vec<Peer> = Vec::new();
            for n in 0..2 {
                let (state, incarnation) = StateFolder::open(folders[n].path()).unwrap();
                let mut settings = at(TCP, &[]);
                settings.identity = identities[n].clone();
                settings.state = Some(state);
                settings.listen = vec![addresses[n].clone()];
                if life == 0 && n == 1 {
                    settings.bootstrap = vec![peers[0].address.clone()];
                }
                let peer = Peer::start(settings).await;
                assert_eq!(peer.node().incarnation, incarnation);
                addresses[n] = peer.address.clone();
                peers.push(peer);
            }
            let nodes = [peers[0].node(), peers[1].node()];
            assert!(!known.contains(&nodes[0]), "a restarted node is another node");
            known.extend(nodes);
            peers[0].connected(nodes[1]).await;
            peers[1].connected(nodes[0]).await;
            for peer in peers {
                peer.stop().await;
            }
        }
    });
}

#[test]
fn halves_of_a_split_overlay_meet_again_through_one_common_acquaintance() {
    run(async {
        // b knows a, and c; c does not know a, until b tells it.
        let mut a = Peer::start(at(TCP, &[])).await;
        let mut c = Peer::start(at(TCP, &[])).await;
        let b = Peer::start(at(QUIC, &[&a, &c])).await;
        a.connected(b.node()).await;
        a.connected(c.node()).await;
        c.connected(a.node()).await;
    });
}

#[test]
fn an_announcement_reaches_who_is_not_connected() {
    run(async {
        // a and c listen nowhere: only b is connected to both.
        let mut b = Peer::start(at(TCP, &[])).await;
        let outer = |b: &Peer| {
            let mut settings = settings();
            settings.bootstrap = vec![b.address.clone()];
            settings.dissemination = cenacle_net::Dissemination::Direct;
            settings
        };
        let (first, second) = (outer(&b), outer(&b));
        let mut a = Peer::start(first).await;
        let mut c = Peer::start(second).await;
        for node in [a.node(), c.node()] {
            b.connected(node).await;
        }
        a.connected(b.node()).await;
        c.connected(b.node()).await;
        a.network.announce("here is a".into());
        a.network.announce("here is a".into());
        assert_eq!(c.frames(a.node(), 2).await, ["here is a", "here is a"]);
        assert_eq!(b.frames(a.node(), 2).await, ["here is a", "here is a"]);
        c.idle(Duration::from_millis(100)).await;
        let again = |event: &NetEvent| matches!(event, NetEvent::Frames { .. });
        assert!(!c.told.iter().any(again), "{:?}", c.told);
        assert_eq!(a.status().peers.len(), 1);
    });
}

/// Members know it already; strangers may have come since.
#[test]
fn what_was_announced_before_goes_to_members_in_turn() {
    run(async {
        let mut a = Peer::start(at(TCP, &[])).await;
        let mut member = Peer::start(at(TCP, &[&a])).await;
        let mut stranger = Peer::start(at(TCP, &[&a])).await;
        a.connected(member.node()).await;
        a.connected(stranger.node()).await;
        let nodes = [a.node(), member.node()];
        a.network.configure(&nodes);
        member.network.configure(&nodes);
        // Nor does it pass on to the member what a tells it.
        stranger.network.configure(&nodes);
        // A configuration is known once it has reached the task that keeps the connections.
        a.idle(Duration::from_millis(300)).await;
        for _ in 0..9 {
            a.network.announce("here is a".into());
        }
        a.network.announce("here is another a".into());
        let last = "here is another a";
        let mut all = vec!["here is a"; 9];
        all.push(last);
        assert_eq!(stranger.frames(a.node(), 10).await, all);
        // The first, the first and the fifth that say nothing new, and the news.
        let some = ["here is a", "here is a", "here is a", last];
        assert_eq!(member.frames(a.node(), 4).await, some);
    });
}

#[test]
fn a_relay_carries_frames_between_those_who_cannot_dial_each_other() {
    run(async {
        let mut relay = at(TCP, &[]);
        relay.relay = true;
        let mut relay = Peer::start(relay).await;
        let inner = |relay: &Peer| {
            let mut settings = settings();
            settings.bootstrap = vec![relay.address.clone()];
            settings
        };
        let (first, second) = (inner(&relay), inner(&relay));
        let mut a = Peer::start(first).await;
        let mut b = Peer::start(second).await;
        for node in [a.node(), b.node()] {
            relay.connected(node).await;
        }
        a.connected(b.node()).await;
        b.connected(a.node()).await;
        let over = a.status().peers.iter().find(|peer| peer.node == b.node()).unwrap().path;
        assert_eq!(over, Path::Relay);
        // Far more than libp2p's default limit of a circuit.
        for seed in 0..100 {
            a.send(b.node(), crate::harness::pattern(seed, 50_000));
        }
        assert_eq!(b.frames(a.node(), 100).await.len(), 100);
    });
}

#[test]
fn neighbours_are_found_by_mdns() {
    run(async {
        if !multicast_works() {
            eprintln!("skipped: no multicast on this machine");
            return;
        }
        let here = || {
            let mut settings = at("/ip4/0.0.0.0/tcp/0", &[]);
            // Another overlay than other tests', which hear the same queries.
            settings.overlay = format!("mdns-{}", std::process::id());
            settings.mdns = true;
            settings
        };
        let mut a = Peer::start(here()).await;
        let mut b = Peer::start(here()).await;
        a.connected(b.node()).await;
        b.connected(a.node()).await;
    });
}

/// Whether a datagram to the group of mDNS comes back on some interface that is not loopback.
fn multicast_works() -> bool {
    use std::net::{Ipv4Addr, UdpSocket};
    let group = Ipv4Addr::new(224, 0, 0, 251);
    let attempt = || -> std::io::Result<bool> {
        let receiver = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        receiver.join_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED)?;
        receiver.set_read_timeout(Some(Duration::from_millis(500)))?;
        let sender = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        sender.send_to(b"?", (group, receiver.local_addr()?.port()))?;
        Ok(receiver.recv_from(&mut [0; 8]).is_ok())
    };
    attempt().unwrap_or(false)
}

#[test]
fn the_status_tells_addresses_and_what_is_known() {
    run(async {
        let (a, b) = pair(TCP).await;
        eventually("b's address at a", || {
            a.status().peers.iter().any(|peer| peer.addresses.contains(&b.address))
        })
        .await;
        assert!(a.status().listening.contains(&a.address));
        assert_eq!(a.status().known, 1);
    });
}
