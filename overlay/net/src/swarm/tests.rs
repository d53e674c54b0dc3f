//! The swarm's task beside a disk that takes its time.

use super::{Driver, addresses::SAVE_EVERY};
use crate::{
    admission::{Admission, Psk},
    hello::Entry,
    identity::Identity,
    network::Network,
    runtime,
    settings::Settings,
    shared::Shared,
    state::StateFolder,
};
use cenacle_core::NodeId;
use libp2p::Multiaddr;
use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(30);

fn settings() -> Settings {
    let psk = Admission::Psk(Psk::new(&mut [7; 32]));
    let mut settings = Settings::new("lab", Identity::generate().unwrap(), psk);
    settings.listen = vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()];
    settings
}

/// What a network of these settings shares.
fn shared(settings: &Settings) -> Arc<Shared> {
    let identity = settings.identity.clone();
    let node = NodeId { key: identity.public_key(), incarnation: 1 };
    let entry = Entry::new(&settings.admission, &settings.overlay);
    Arc::new(Shared::new(node, identity, [1; 16], entry, settings.limits.clone()))
}

async fn until<T>(what: &str, found: impl Fn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "no {what}");
        runtime::sleep(Duration::from_millis(10)).await;
    }
}

/// Somebody comes, and is let in.
async fn newcomer(to: &Shared, address: &Multiaddr) -> Network {
    let mut settings = settings();
    settings.bootstrap = vec![address.clone()];
    let (network, _) = Network::start(settings).await.unwrap();
    let node = network.node();
    until("link", || to.links.get(&node).filter(|link| link.is_connected())).await;
    network
}

#[test]
fn a_disk_that_hangs_stops_nobody() {
    async_std::task::block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let book = folder.path().join("peers");
        let mut settings = settings();
        settings.state = Some(StateFolder::open(folder.path()).unwrap().0);
        let shared = shared(&settings);
        let making = shared.clone();
        let driver = runtime::spawn(async move { Driver::new(settings, making) }).await.unwrap();
        // The disk hangs: whoever writes waits.
        let state = driver.addresses.state();
        let (hanging, hangs) = mpsc::sync_channel(1);
        let (mend, mended) = mpsc::sync_channel::<()>(1);
        let disk = std::thread::spawn(move || {
            let _held = state.lock().unwrap();
            hanging.send(()).unwrap();
            mended.recv().unwrap();
        });
        hangs.recv().unwrap();
        let running = runtime::spawn(driver.run());
        let address = until("address", || shared.board().listening.first().cloned()).await;
        let first = newcomer(&shared, &address).await;
        // The book has changed, so a write is under way, and another one would be due.
        runtime::sleep(SAVE_EVERY * 3).await;
        let second = newcomer(&shared, &address).await;
        assert!(!book.exists(), "the disk has hung");
        mend.send(()).unwrap();
        disk.join().unwrap();
        until("book", || book.exists().then_some(())).await;
        shared.desk.stop(Duration::from_secs(1));
        running.await;
        drop((first, second));
    });
}
