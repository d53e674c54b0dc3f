//! Frames in the gossip.

use crate::harness::{Peer, TCP, at, eventually, pattern, run, settings};
use cenacle_net::{Dissemination, NetEvent};
use std::time::Duration;

fn gossiping(mut settings: cenacle_net::Settings) -> cenacle_net::Settings {
    settings.dissemination = Dissemination::Gossip;
    settings
}

/// A hub, and so many who know only it and cannot be dialled.
async fn star(count: usize, auto: bool) -> (Peer, Vec<Peer>) {
    let of = |settings| if auto { settings } else { gossiping(settings) };
    let mut hub = Peer::start(of(at(TCP, &[]))).await;
    let mut others = Vec::new();
    for _ in 0..count {
        let mut settings = of(settings());
        settings.bootstrap = vec![hub.address.clone()];
        let mut other = Peer::start(settings).await;
        other.connected(hub.node()).await;
        hub.connected(other.node()).await;
        others.push(other);
    }
    (hub, others)
}

/// Sends until it arrives: gossipsub needs a moment to know who is subscribed.
async fn until_gossip_works(from: &mut Peer, to: &mut Peer, direct: bool) {
    let (node, origin) = (to.node(), from.node());
    for _ in 0..300 {
        if direct {
            from.multicast("?");
        } else {
            from.send(node, "?");
        }
        to.idle(Duration::from_millis(50)).await;
        let came =
            |event: &NetEvent| matches!(event, NetEvent::Frames { from, .. } if *from == origin);
        if to.told.iter().any(came) {
            to.idle(Duration::from_millis(300)).await;
            to.told.retain(|event| !matches!(event, NetEvent::Frames { .. }));
            return;
        }
    }
    panic!("no gossip: {:?} {:?}", from.status(), to.status());
}

#[test]
fn multicasts_reach_all_in_the_gossip_whatever_their_size() {
    run(async {
        let (mut hub, mut others) = star(3, false).await;
        let nodes: Vec<_> = others.iter().map(Peer::node).chain([hub.node()]).collect();
        for peer in others.iter_mut().chain([&mut hub]) {
            peer.network.configure(&nodes);
        }
        let mut sender = others.remove(0);
        for other in &mut others {
            until_gossip_works(&mut sender, other, true).await;
        }
        for peer in others.iter_mut().chain([&mut hub]) {
            peer.idle(Duration::from_millis(500)).await;
            peer.told.clear();
        }
        let sizes = [0, 1, 1000, 60_000, 200_000, 1 << 20];
        let frames: Vec<_> = sizes.iter().map(|size| pattern(3, *size)).collect();
        for frame in &frames {
            sender.network.multicast(frame.clone());
        }
        sender.network.flush();
        assert!(sender.status().gossip);
        for peer in others.iter_mut().chain([&mut hub]) {
            let mut got = peer.frames(sender.node(), frames.len()).await;
            // Messages of the gossip may overtake each other.
            got.sort_by_key(bytes::Bytes::len);
            assert!(got == frames);
        }
    });
}

#[test]
fn a_frame_for_one_who_cannot_be_reached_otherwise_goes_through_the_gossip() {
    run(async {
        let (mut hub, mut others) = star(2, true).await;
        let (mut b, mut a) = (others.remove(1), others.remove(0));
        until_gossip_works(&mut a, &mut b, false).await;
        hub.idle(Duration::from_millis(50)).await;
        hub.told.clear();
        a.send(b.node(), "for you alone");
        assert_eq!(b.frames(a.node(), 1).await, ["for you alone"]);
        assert!(a.status().peers.iter().all(|peer| peer.node != b.node()), "not connected");
        hub.idle(Duration::from_millis(100)).await;
        assert!(!hub.told.iter().any(|event| matches!(event, NetEvent::Frames { .. })));
    });
}

#[test]
fn auto_gossips_above_its_limit() {
    run(async {
        let mut small = at(TCP, &[]);
        small.limits.direct_up_to = 2;
        let mut a = Peer::start(small).await;
        let mut b = Peer::start(at(TCP, &[&a])).await;
        let mut c = Peer::start(at(TCP, &[&a])).await;
        for node in [b.node(), c.node()] {
            a.connected(node).await;
        }
        a.network.configure(&[a.node(), b.node()]);
        assert!(!a.status().gossip);
        a.network.configure(&[a.node(), b.node(), c.node()]);
        assert!(a.status().gossip);
        until_gossip_works(&mut a, &mut b, true).await;
        until_gossip_works(&mut a, &mut c, true).await;
    });
}

#[test]
fn gossip_that_is_not_taken_is_counted() {
    run(async {
        let mut alone = Peer::start(gossiping(at(TCP, &[]))).await;
        alone.multicast("is anybody here");
        eventually("a drop", || alone.drops(cenacle_net::Drop::Unreachable) == 1).await;
    });
}
