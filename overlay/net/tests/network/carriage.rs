//! Frames on their way.

use crate::harness::{PATIENCE, Peer, QUIC, TCP, at, eventually, pair, pattern, run};
use bytes::Bytes;
use cenacle_net::{Dissemination, Drop, Path};
use std::time::{Duration, Instant};

fn sizes(max: usize) -> Vec<usize> {
    vec![
        0,
        1,
        63,
        4 << 10,
        16 << 10,
        (16 << 10) + 1,
        64 << 10,
        100_001,
        256 << 10,
        max - 1,
        max,
        0,
        5,
    ]
}

async fn frames_of_all_sizes(listen: &str, path: Path) {
    let (mut a, mut b) = pair(listen).await;
    let frames: Vec<_> =
        sizes(1 << 20).into_iter().enumerate().map(|(seed, size)| pattern(seed, size)).collect();
    for frame in &frames {
        a.network.send(b.node(), frame.clone());
        b.network.send(a.node(), frame.clone());
    }
    a.network.flush();
    b.network.flush();
    assert!(b.frames(a.node(), frames.len()).await == frames);
    assert!(a.frames(b.node(), frames.len()).await == frames);
    let status = a.status();
    assert_eq!(status.drops, []);
    assert_eq!(status.frames_out, frames.len() as u64);
    assert_eq!(status.bytes_in, frames.iter().map(|frame| frame.len() as u64).sum::<u64>());
    assert_eq!(status.peers.len(), 1);
    assert_eq!((status.peers[0].node, status.peers[0].path), (b.node(), path));
    a.stop().await;
    b.stop().await;
}

#[test]
fn frames_of_all_sizes_arrive_in_order_over_tcp() {
    run(frames_of_all_sizes(TCP, Path::Tcp));
}

#[test]
fn frames_of_all_sizes_arrive_in_order_over_quic() {
    run(frames_of_all_sizes(QUIC, Path::Quic));
}

#[test]
fn a_multicast_reaches_the_members_and_nobody_else() {
    run(async {
        let mut a = Peer::start(at(TCP, &[])).await;
        let mut b = Peer::start(at(TCP, &[&a])).await;
        let mut c = Peer::start(at(QUIC, &[&a])).await;
        for node in [b.node(), c.node()] {
            a.connected(node).await;
        }
        a.network.configure(&[a.node(), b.node()]);
        a.multicast("first");
        a.network.configure(&[c.node(), a.node(), b.node()]);
        a.multicast("second");
        assert_eq!(b.frames(a.node(), 2).await, ["first", "second"]);
        assert_eq!(c.frames(a.node(), 1).await, ["second"]);
        let members = a.status().peers.iter().filter(|peer| peer.member).count();
        assert_eq!(members, 2);
    });
}

#[test]
fn a_frame_above_the_limit_is_counted_and_goes_nowhere() {
    run(async {
        let (mut a, mut b) = pair(TCP).await;
        a.send(b.node(), vec![0; (1 << 20) + 1]);
        a.send(b.node(), "small");
        assert_eq!(b.frames(a.node(), 1).await, ["small"]);
        assert_eq!(a.drops(Drop::TooLarge), 1);
    });
}

#[test]
fn what_cannot_be_reached_is_counted() {
    run(async {
        let mut settings = at(TCP, &[]);
        settings.dissemination = Dissemination::Direct;
        let mut a = Peer::start(settings).await;
        let stranger = Peer::start(at(TCP, &[])).await.node();
        a.send(stranger, "hello");
        a.network.configure(&[stranger]);
        a.multicast("hello");
        assert_eq!(a.drops(Drop::Unreachable), 2);
        assert_eq!(a.status().peers[0].path, Path::None);
    });
}

#[test]
fn who_does_not_read_loses_frames_which_are_counted_and_memory_stays_bounded() {
    run(async {
        let mut small = at(TCP, &[]);
        small.limits.inbox = 2 << 20;
        small.limits.inbox_per_peer = 1 << 20;
        let mut reader = Peer::start(small).await;
        let mut writer = Peer::start(at(TCP, &[&reader])).await;
        writer.connected(reader.node()).await;
        reader.connected(writer.node()).await;
        let (frame, total) = (pattern(1, 10_000), 10_000_usize);
        for _ in 0..total {
            writer.send(reader.node(), frame.clone());
        }
        // Nothing is read: what the engine's queue, windows and the writer's queue hold is all.
        async_std::task::sleep(Duration::from_secs(1)).await;
        let lost = writer.drops(Drop::QueueFull);
        assert!(lost > 0, "nothing was dropped of {} MB", total / 100);
        assert!(writer.status().peers[0].queue_bytes <= 8 << 20);
        let held = reader.status().inbox_bytes;
        assert!((1 << 19..3 << 20).contains(&held), "the reader holds {held} bytes");
        // It reads again: all that was not dropped comes.
        let got = reader.frames(writer.node(), total - lost as usize).await;
        assert!(got.iter().all(|got| *got == frame));
        assert_eq!(reader.status().inbox_bytes, 0);
        writer.send(reader.node(), "after");
        assert_eq!(reader.frames(writer.node(), 1).await, ["after"]);
    });
}

#[test]
fn a_stalled_peer_does_not_hold_up_the_others() {
    run(async {
        let mut hub = Peer::start(at(TCP, &[])).await;
        let stalled = Peer::start(at(TCP, &[&hub])).await;
        let mut well = Peer::start(at(TCP, &[&hub])).await;
        for node in [stalled.node(), well.node()] {
            hub.connected(node).await;
        }
        hub.network.configure(&[stalled.node(), well.node()]);
        // What is sent at once has room in a queue, however slow its reader is.
        for _ in 0..10 {
            for _ in 0..100 {
                hub.multicast(pattern(3, 60_000));
            }
            assert_eq!(well.frames(hub.node(), 100).await.len(), 100);
        }
        assert!(hub.drops(Drop::QueueFull) == 0 || stalled.status().inbox_bytes > 0);
    });
}

#[test]
fn a_stop_writes_out_what_is_queued() {
    run(async {
        for listen in [TCP, QUIC] {
            let (mut a, mut b) = pair(listen).await;
            let frames: Vec<_> = (0..500).map(|seed| pattern(seed, 10_000)).collect();
            for frame in &frames {
                a.network.send(b.node(), frame.clone());
            }
            let (node, start) = (a.node(), Instant::now());
            let stopping = async_std::task::spawn(a.stop());
            assert!(b.frames(node, frames.len()).await == frames, "over {listen}");
            stopping.await;
            assert!(start.elapsed() < PATIENCE);
        }
    });
}

#[test]
fn both_dialling_at_once_lose_nothing() {
    run(async {
        for turn in 0..5 {
            let mut a = Peer::start(at(TCP, &[])).await;
            let mut b = Peer::start(at(TCP, &[])).await;
            // Each learns of the other by a third at the same time.
            let mut c = Peer::start(at(TCP, &[&a, &b])).await;
            c.connected(a.node()).await;
            c.connected(b.node()).await;
            a.connected(b.node()).await;
            b.connected(a.node()).await;
            let frames: Vec<Bytes> = (0..200).map(|seed| pattern(seed + turn, 1000)).collect();
            for frame in &frames {
                a.send(b.node(), frame.clone());
                b.send(a.node(), frame.clone());
                async_std::task::sleep(Duration::from_micros(300)).await;
            }
            // A change of connections may turn their order round.
            let nodes = [a.node(), b.node()];
            for (from, to) in nodes.into_iter().zip([&mut b, &mut a]) {
                let mut got = to.frames(from, frames.len()).await;
                got.sort();
                let mut sent = frames.clone();
                sent.sort();
                assert!(got == sent, "{:?}", to.status());
            }
        }
    });
}

#[test]
fn round_trips_are_measured() {
    run(async {
        let (a, _b) = pair(TCP).await;
        eventually("a round trip", || a.status().peers[0].round_trip.is_some()).await;
        assert!(a.status().peers[0].round_trip.unwrap() < Duration::from_secs(5));
    });
}
