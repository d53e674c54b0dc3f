//! Nodes that die, restart, and are cut off.

use crate::harness::{PATIENCE, Peer, TCP, at, run, settings};
use cenacle_core::NodeId;
use cenacle_net::{Error, Identity, Multiaddr, NetEvent, StateFolder};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The test that is run as a process of its own: listens, tells where, and lives on.
#[test]
#[ignore = "the body of a process for other tests"]
fn victim() {
    run(async {
        let mut settings = settings();
        let Ok(listen) = std::env::var("CENACLE_VICTIM_LISTEN") else { return };
        settings.listen = vec![listen.parse().unwrap()];
        let mut peer = Peer::start(settings).await;
        let key: String = peer.node().key.iter().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("victim {} {key} {}", peer.address, peer.node().incarnation);
        peer.idle(Duration::from_secs(120)).await;
    });
}

struct Victim {
    child: Child,
    address: Multiaddr,
    node: NodeId,
}

impl Victim {
    fn start(listen: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "lives::victim", "--ignored", "--nocapture"])
            .env("CENACLE_VICTIM_LISTEN", listen)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines.map(Result::unwrap).find(|line| line.starts_with("victim ")).unwrap();
        let words: Vec<_> = line.split(' ').collect();
        let mut key = [0; 32];
        for (at, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&words[2][2 * at..2 * at + 2], 16).unwrap();
        }
        let node = NodeId { key, incarnation: words[3].parse().unwrap() };
        Self { child, address: words[1].parse().unwrap(), node }
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_killed_process_is_told_of_within_milliseconds() {
    run(async {
        let mut best = Duration::MAX;
        for _ in 0..3 {
            let mut victim = Victim::start(TCP);
            let mut settings = at(TCP, &[]);
            settings.bootstrap = vec![victim.address.clone()];
            let mut peer = Peer::start(settings).await;
            peer.connected(victim.node).await;
            peer.network.configure(&[peer.node(), victim.node]);
            async_std::task::sleep(Duration::from_millis(100)).await;
            let start = Instant::now();
            victim.child.kill().unwrap();
            peer.closed(victim.node).await;
            best = best.min(start.elapsed());
            assert!(peer.status().peers.iter().all(|peer| peer.path == cenacle_net::Path::Gossip));
        }
        eprintln!("from kill -9 to Closed: {best:?}");
        // Two milliseconds on a quiet machine; no detector is asked.
        assert!(best < Duration::from_secs(1), "{best:?}");
    });
}

#[test]
fn a_paused_process_is_not_told_to_be_closed() {
    run(async {
        let victim = Victim::start(TCP);
        let mut settings = at(TCP, &[]);
        settings.bootstrap = vec![victim.address.clone()];
        let mut peer = Peer::start(settings).await;
        peer.connected(victim.node).await;
        let signal = |name: &str| {
            let id = victim.child.id().to_string();
            assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
        };
        signal("-STOP");
        // The engine puts it out: it is dialled again beside the silent connection.
        async_std::task::sleep(Duration::from_millis(800)).await;
        peer.network.configure(&[peer.node(), victim.node]);
        peer.network.configure(&[peer.node()]);
        peer.idle(Duration::from_secs(2)).await;
        let closed = |event: &NetEvent| matches!(event, NetEvent::Closed { .. });
        assert!(!peer.told.iter().any(closed), "{:?}", peer.told);
        signal("-CONT");
        peer.send(victim.node, "awake?");
        peer.idle(Duration::from_millis(500)).await;
        assert!(peer.status().peers.iter().any(|other| other.node == victim.node));
    });
}

#[test]
fn a_network_that_is_dropped_closes_at_once() {
    run(async {
        let (mut a, b) = crate::harness::pair(TCP).await;
        let node = b.node();
        let start = Instant::now();
        drop(b);
        a.closed(node).await;
        assert!(start.elapsed() < PATIENCE / 3);
    });
}

#[test]
fn a_restarted_node_is_another_node_and_the_old_one_is_closed() {
    run(async {
        let mut a = Peer::start(at(TCP, &[])).await;
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity::generate().unwrap();
        let mut listen = TCP.to_owned();
        let mut last: Option<NodeId> = None;
        for _ in 0..3 {
            let mut settings = at(&listen, &[&a]);
            settings.identity = identity.clone();
            settings.state = Some(StateFolder::open(folder.path()).unwrap().0);
            let mut b = Peer::start(settings).await;
            listen = b.address.to_string();
            a.connected(b.node()).await;
            b.connected(a.node()).await;
            if let Some(last) = last {
                assert!(b.node().incarnation > last.incarnation && b.node().key == last.key);
                a.closed(last).await;
                a.send(last, "to the dead");
            }
            a.send(b.node(), "to the living");
            assert_eq!(b.frames(a.node(), 1).await, ["to the living"]);
            last = Some(b.node());
            b.stop().await;
        }
    });
}

#[test]
fn a_state_folder_belongs_to_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let (first, incarnation) = StateFolder::open(folder.path()).unwrap();
    let error = StateFolder::open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    assert!(error.to_string().contains("stop it"), "{error}");
    drop(first);
    let (_second, later) = StateFolder::open(folder.path()).unwrap();
    assert!(later > incarnation);
}

#[test]
fn a_torn_state_is_set_aside_and_told() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        for (file, content) in [("incarnation", "12x"), ("peers", "garbage")] {
            std::fs::write(folder.path().join(file), content).unwrap();
        }
        let (state, incarnation) = StateFolder::open(folder.path()).unwrap();
        assert!(incarnation > 1_700_000_000);
        let mut settings = at(TCP, &[]);
        settings.state = Some(state);
        let mut peer = Peer::start(settings).await;
        let detail = peer.warned("state").await;
        assert!(detail.contains("set aside"), "{detail}");
        assert!(folder.path().join("peers.unreadable").exists());
        assert!(folder.path().join("incarnation.unreadable").exists());
        peer.stop().await;
    });
}

#[test]
fn identity_files_are_made_once_and_kept_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alice.key");
    assert!(matches!(Identity::load(&path), Err(Error::File { .. })));
    let made = Identity::load_or_create(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let again = Identity::load_or_create(&path).unwrap();
    assert_eq!(made.peer_id(), again.peer_id());
    assert!(made.peer_id().to_string().starts_with("12D3KooW"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = Identity::load(&path).unwrap_err();
    assert!(error.to_string().contains("chmod 600"), "{error}");
    for content in ["", "secret", "cenacle-identity-v1 ed25519 abc", "\u{fffd}"] {
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let error = Identity::load_or_create(&path).unwrap_err();
        assert!(matches!(error, Error::Content { .. }), "{content}: {error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content, "not overwritten");
    }
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(Identity::load(&path), Err(Error::Content { .. })));
}
