//! Peers that mean harm, written against the raw transports: strangers, and insiders of an open
//! overlay.

mod raw;

use crate::harness::{Peer, TCP, at, eventually, pattern, run};
use async_std::net::TcpStream;
use cenacle_core::NodeId;
use cenacle_net::{Admission, Drop, NetEvent, Settings};
use futures::{AsyncReadExt, AsyncWriteExt};
use raw::{Insider, Stranger, frame, message};
use std::time::{Duration, Instant};

/// Two of an overlay that talk, to see that they go on.
struct Well {
    a: Peer,
    b: Peer,
    turn: usize,
}

impl Well {
    async fn start(settings: impl Fn(&[&Peer]) -> Settings) -> Self {
        let mut a = Peer::start(settings(&[])).await;
        let mut b = Peer::start(settings(&[&a])).await;
        a.connected(b.node()).await;
        b.connected(a.node()).await;
        Self { a, b, turn: 0 }
    }

    async fn open() -> Self {
        Self::start(open).await
    }

    async fn goes_on(&mut self) {
        let start = Instant::now();
        for _ in 0..20 {
            self.turn += 1;
            let (there, back) = (pattern(self.turn, 5000), pattern(self.turn, 500));
            self.a.send(self.b.node(), there.clone());
            assert_eq!(self.b.frames(self.a.node(), 1).await, [there]);
            self.b.send(self.a.node(), back.clone());
            assert_eq!(self.a.frames(self.b.node(), 1).await, [back]);
        }
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}

fn open(bootstrap: &[&Peer]) -> Settings {
    let mut settings = at(TCP, bootstrap);
    settings.admission = Admission::Open;
    settings.limits.handshake = Duration::from_secs(2);
    settings
}

fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn garbage_on_the_port_disturbs_nobody() {
    run(async {
        let mut well = Well::open().await;
        for turn in 0..50 {
            let mut socket = TcpStream::connect(raw::socket_of(&well.a.address)).await.unwrap();
            let _ = socket.write_all(&pattern(turn, 1 + turn * 97)).await;
            let _ = socket.close().await;
        }
        well.goes_on().await;
    });
}

#[test]
fn a_flood_of_connections_is_bounded_and_counted() {
    run(async {
        let small = |bootstrap: &[&Peer]| {
            let mut settings = open(bootstrap);
            settings.limits.max_pending = 16;
            settings
        };
        let mut well = Well::start(small).await;
        let mut held = Vec::new();
        for _ in 0..100 {
            held.push(TcpStream::connect(raw::socket_of(&well.a.address)).await.unwrap());
        }
        eventually("denials", || well.a.drops(Drop::Connections) >= 80).await;
        well.goes_on().await;
        // The silent ones are put out in time, and others come in.
        let other = Peer::start(open(&[&well.a])).await;
        well.a.connected(other.node()).await;
        for mut socket in held.drain(..20) {
            let mut bytes = [0; 64];
            let read = socket.read(&mut bytes);
            let _ = async_std::future::timeout(Duration::from_secs(5), read).await;
        }
    });
}

#[test]
fn a_stranger_gets_no_further_than_the_handshake() {
    run(async {
        let mut well = Well::start(|bootstrap| {
            let mut settings = at(TCP, bootstrap);
            settings.limits.handshake = Duration::from_secs(2);
            settings
        })
        .await;
        // Says something else.
        let mut stranger = Stranger::connect(&well.a.address).await;
        stranger.say(b"let me in").await;
        assert_eq!(stranger.hear().await, Some(vec![255, 8]));
        assert_eq!(stranger.hear().await, None);
        // Announces more than a message may have.
        let mut stranger = Stranger::connect(&well.a.address).await;
        stranger.write(&[0xff; 1000]).await;
        assert_eq!(stranger.hear().await, None);
        // Says nothing, or a byte now and then.
        let (start, mut slow) = (Instant::now(), Stranger::connect(&well.a.address).await);
        let mut silent = Stranger::connect(&well.a.address).await;
        for byte in [0, 76, 1, b'c', b'e', b'n'] {
            slow.write(&[byte]).await;
            async_std::task::sleep(Duration::from_millis(300)).await;
        }
        assert_eq!(slow.hear().await, None);
        assert_eq!(silent.hear().await, None);
        assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
        // Knows the form, and not the secret: a greeting with a nonce, then no more.
        let mut stranger = Stranger::connect(&well.a.address).await;
        stranger.say(&raw::greeting(2, [0; 32])).await;
        let greeting = stranger.hear().await.unwrap();
        assert_eq!((greeting[0], greeting.len()), (1, 76));
        let mut proof = vec![2];
        proof.extend([0xaa; 32]);
        stranger.say(&proof).await;
        assert_eq!(stranger.hear().await, Some(vec![255, 4]));
        assert_eq!(stranger.hear().await, None);
        // Speaks versions that nobody knows.
        let mut stranger = Stranger::connect(&well.a.address).await;
        let mut later = raw::greeting(2, [0; 32]);
        later[9..11].copy_from_slice(&[7, 9]);
        stranger.say(&later).await;
        assert_eq!(stranger.hear().await, Some(vec![255, 1]));
        let detail = well.a.warned("version").await;
        assert!(detail.contains("versions 7 to 9"), "{detail}");
        for reason in [Drop::Admission, Drop::Version, Drop::Handshake] {
            assert!(well.a.drops(reason) > 0, "{reason}");
        }
        assert_eq!(well.a.status().peers.len(), 1);
        well.goes_on().await;
    });
}

#[test]
fn an_insider_is_heard_and_its_frames_are_its_own() {
    run(async {
        let mut well = Well::open().await;
        let mut insider = Insider::connect(&well.a.address, 3).await;
        well.a.connected(insider.node()).await;
        let mut stream = insider.stream("/cenacle/frames/1").await;
        let mut bytes = 3_u64.to_le_bytes().to_vec();
        bytes.extend(frame(0, b"hello"));
        bytes.extend(frame(9, b"of a later version"));
        bytes.extend(frame(0, b"again"));
        // A slow writer: every byte by itself.
        for byte in bytes {
            stream.write_all(&[byte]).await.unwrap();
            stream.flush().await.unwrap();
        }
        assert_eq!(well.a.frames(insider.node(), 2).await, ["hello", "again"]);
        assert_eq!(well.a.drops(Drop::Malformed), 1);
        well.goes_on().await;
    });
}

#[test]
fn a_huge_length_ends_the_connection() {
    run(async {
        let mut well = Well::open().await;
        let mut insider = Insider::connect(&well.a.address, 3).await;
        let mut stream = insider.stream("/cenacle/frames/1").await;
        let mut bytes = 3_u64.to_le_bytes().to_vec();
        bytes.extend([0xff, 0xff, 0xff, 0]);
        stream.write_all(&bytes).await.unwrap();
        stream.flush().await.unwrap();
        eventually("the end", || well.a.status().peers.len() == 1).await;
        assert_eq!(well.a.drops(Drop::TooLarge), 1);
        well.goes_on().await;
    });
}

#[test]
fn a_stream_of_another_life_is_not_read() {
    run(async {
        let mut well = Well::open().await;
        let mut insider = Insider::connect(&well.a.address, 3).await;
        let mut stream = insider.stream("/cenacle/frames/1").await;
        let mut bytes = 2_u64.to_le_bytes().to_vec();
        bytes.extend(frame(0, b"from the past"));
        stream.write_all(&bytes).await.unwrap();
        stream.flush().await.unwrap();
        eventually("a count", || well.a.drops(Drop::Superseded) == 1).await;
        let heard = |event: &NetEvent| matches!(event, NetEvent::Frames { .. });
        well.a.idle(Duration::from_millis(50)).await;
        assert!(!well.a.told.iter().any(heard));
        well.goes_on().await;
    });
}

#[test]
fn a_flood_of_streams_disturbs_nobody() {
    run(async {
        let mut well = Well::open().await;
        let before = resident_bytes();
        for life in 3..8 {
            let mut insider = Insider::connect(&well.a.address, life).await;
            let mut held = Vec::new();
            for turn in 0..300 {
                let Some(mut stream) = insider.bare_stream().await else { break };
                let _ = stream.write_all(&pattern(turn, 2000)).await;
                let _ = stream.flush().await;
                held.push(stream);
            }
        }
        well.goes_on().await;
        let grown = resident_bytes().saturating_sub(before);
        assert!(grown < 200 << 20, "{} MiB", grown >> 20);
    });
}

#[test]
fn a_flood_of_frames_is_held_back_at_its_socket() {
    run(async {
        let mut well = Well::open().await;
        let mut insider = Insider::connect(&well.a.address, 3).await;
        let mut stream = insider.stream("/cenacle/frames/1").await;
        stream.write_all(&3_u64.to_le_bytes()).await.unwrap();
        let block: Vec<u8> = (0..64).flat_map(|_| frame(0, &[7; 1000])).collect();
        // Nobody reads the events of a: so much goes through, then no more.
        let (mut written, start) = (0_usize, Instant::now());
        while start.elapsed() < Duration::from_secs(20) {
            let write = stream.write_all(&block);
            match async_std::future::timeout(Duration::from_secs(1), write).await {
                Ok(outcome) => outcome.unwrap(),
                Err(_) => break,
            }
            written += block.len();
        }
        let held = well.a.status().inbox_bytes;
        assert!(held <= 9 << 20, "{held} bytes for the engine");
        assert!(written <= 48 << 20, "{written} bytes went through");
        // The other's frames come through all the same.
        well.b.send(well.a.node(), "after the flood");
        assert_eq!(well.a.frames(well.b.node(), 1).await, ["after the flood"]);
        well.goes_on().await;
    });
}

#[test]
fn empty_frames_are_bounded_too() {
    run(async {
        let well = Well::open().await;
        let mut insider = Insider::connect(&well.a.address, 3).await;
        let mut stream = insider.stream("/cenacle/frames/1").await;
        stream.write_all(&3_u64.to_le_bytes()).await.unwrap();
        let block: Vec<u8> = (0..16_384).flat_map(|_| frame(0, b"")).collect();
        let mut frames = 0_usize;
        for _ in 0..500 {
            let write = stream.write_all(&block);
            match async_std::future::timeout(Duration::from_secs(1), write).await {
                Ok(outcome) => outcome.unwrap(),
                Err(_) => break,
            }
            frames += 16_384;
        }
        // One read brings up to 32 Ki of them, which count 2 MiB.
        assert!(well.a.status().inbox_bytes <= 11 << 20, "{:?}", well.a.status());
        assert!(frames < 2_000_000, "{frames} frames went through");
    });
}

#[test]
fn replayed_and_forged_announcements_are_counted_and_heard_once() {
    run(async {
        let mut well = Well::open().await;
        // What a says over a link of the insider, to be said again by it.
        let mut insider = Insider::connect(&well.a.address, 3).await;
        let mut stream = insider.stream("/cenacle/frames/1").await;
        stream.write_all(&3_u64.to_le_bytes()).await.unwrap();
        let sealed = raw::announcement(&insider, 1, b"here I am");
        let mut forged = sealed.clone();
        *forged.last_mut().unwrap() ^= 1;
        let stolen = raw::announcement_as(&insider, well.b.node(), 2, b"I am b");
        for envelope in [&sealed, &sealed, &forged, &stolen, &sealed] {
            stream.write_all(&frame(1, envelope)).await.unwrap();
        }
        stream.write_all(&frame(1, b"no envelope")).await.unwrap();
        stream.flush().await.unwrap();
        assert_eq!(well.a.frames(insider.node(), 1).await, ["here I am"]);
        eventually("the counts", || well.a.drops(Drop::Malformed) == 1).await;
        // The forged one has a number that was seen: told as a replay before it costs a signature.
        assert_eq!(well.a.drops(Drop::Replayed), 3);
        assert_eq!(well.a.drops(Drop::Signature), 1);
        // b is told by a, once.
        assert_eq!(well.b.frames(insider.node(), 1).await, ["here I am"]);
        let of = |node: NodeId| move |event: &NetEvent| matches!(event, NetEvent::Frames { from, .. } if *from == node);
        well.a.idle(Duration::from_millis(50)).await;
        assert!(!well.a.told.iter().any(of(insider.node())));
        assert!(!well.a.told.iter().any(of(well.b.node())));
        well.goes_on().await;
    });
}

#[test]
fn gossip_that_cannot_be_right_is_counted_and_its_sender_shut_out() {
    run(async {
        let mut well = Well::open().await;
        let mut insider = Insider::connect(&well.a.address, 3).await;
        let mut stream = insider.stream("/meshsub/1.1.0").await;
        let topic = raw::topic();
        for turn in 0..200 {
            let spam = message(&topic, &pattern(turn, 3000));
            if stream.write_all(&spam).await.is_err() {
                break;
            }
            // Topics that nobody has are nobody's.
            let _ = stream.write_all(&message("elsewhere", &pattern(turn, 3000))).await;
        }
        let _ = stream.flush().await;
        assert!(well.a.warned("gossip").await.contains("does not listen"));
        let counted = well.a.drops(Drop::Malformed);
        assert!((16..150).contains(&counted), "{counted}");
        assert_eq!(well.b.drops(Drop::Malformed), 0, "nothing was passed on");
        well.goes_on().await;
    });
}
