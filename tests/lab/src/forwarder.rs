//! A switch in this process: takes Ethernet frames from tap devices and hands them on after a while.
//! The kernels of test machines often lack netem.

use crate::{Error, shell::run};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    fmt,
    fs::File,
    io,
    os::fd::AsFd,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

/// Frames on their way; more are lost, as in a switch whose buffer is full.
const MOST: usize = 100_000;
/// The largest frame: MTU, addresses and a tag.
const FRAME: usize = 1600;

type Mac = [u8; 6];

/// The switch. Dropping it removes its devices.
pub(crate) struct Forwarder {
    namespaces: Vec<String>,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    delay: Duration,
    ports: Mutex<Vec<Option<Arc<SyncDevice>>>>,
    way: Mutex<Way>,
    more: Condvar,
}

/// When it is due, its number, the port where it leaves, its bytes.
type Frame = (Instant, u64, usize, Vec<u8>);

#[derive(Debug, Default)]
struct Way {
    frames: BinaryHeap<Reverse<Frame>>,
    count: u64,
    /// Behind which port an address is.
    learnt: BTreeMap<Mac, usize>,
    closed: bool,
}

impl fmt::Debug for Forwarder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarder").field("namespaces", &self.namespaces).finish_non_exhaustive()
    }
}

impl Forwarder {
    /// A device `eth0` in each of these namespaces.
    pub(crate) fn new(namespaces: &[String], delay: Duration) -> Result<Self, Error> {
        let ports = Mutex::new(vec![None; namespaces.len()]);
        let shared = Arc::new(Shared { delay, ports, way: Mutex::default(), more: Condvar::new() });
        let mut forwarder = Self { namespaces: namespaces.to_vec(), shared, threads: Vec::new() };
        for (port, namespace) in namespaces.iter().enumerate() {
            forwarder.add_port(port, namespace)?;
        }
        let shared = forwarder.shared.clone();
        forwarder.threads.push(std::thread::spawn(move || shared.hand_on()));
        Ok(forwarder)
    }

    /// The thread that reads a port lives in its namespace: a device is made where its maker is.
    fn add_port(&mut self, port: usize, namespace: &str) -> Result<(), Error> {
        let (made, is_made) = mpsc::sync_channel(1);
        let (shared, name) = (self.shared.clone(), namespace.to_owned());
        self.threads.push(std::thread::spawn(move || match device(&name) {
            Ok(device) => {
                let device = Arc::new(device);
                if let Some(slot) = locked(&shared.ports).get_mut(port) {
                    *slot = Some(device.clone());
                }
                let _ = made.send(Ok(()));
                shared.take_in(port, &device);
            }
            Err(error) => _ = made.send(Err(error)),
        }));
        let failed = |source| Error::Device { namespace: namespace.to_owned(), source };
        let answer = is_made.recv().map_err(|_| failed(io::ErrorKind::Other.into()))?;
        answer.map_err(failed)
    }
}

fn device(namespace: &str) -> io::Result<SyncDevice> {
    let file = File::open(format!("/run/netns/{namespace}"))?;
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
    DeviceBuilder::new().name("eth0").layer(Layer::L2).build_sync()
}

impl Shared {
    /// Reads a port until its device is removed.
    fn take_in(&self, port: usize, device: &SyncDevice) {
        let mut frame = vec![0; FRAME];
        while let Ok(length) = device.recv(&mut frame) {
            let Some(bytes) = frame.get(..length) else { continue };
            let mut way = locked(&self.way);
            if way.closed {
                return;
            }
            way.add(port, bytes, Instant::now() + self.delay, locked(&self.ports).len());
            self.more.notify_one();
        }
    }

    /// Writes what is due.
    fn hand_on(&self) {
        let mut way = locked(&self.way);
        while !way.closed {
            let now = Instant::now();
            let wait = match way.frames.peek() {
                Some(Reverse((due, ..))) => due.saturating_duration_since(now),
                None => Duration::from_secs(1),
            };
            if !wait.is_zero() {
                way = self.more.wait_timeout(way, wait).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            if let Some(Reverse((_, _, port, frame))) = way.frames.pop() {
                drop(way);
                if let Some(Some(device)) = locked(&self.ports).get(port) {
                    // A device whose queue is full loses it, as a wire would.
                    let _ = device.send(&frame);
                }
                way = locked(&self.way);
            }
        }
    }
}

impl Way {
    /// A frame that came in at a port leaves at that of its address, or at all others.
    fn add(&mut self, port: usize, frame: &[u8], due: Instant, ports: usize) {
        let Some((to, from)) = addresses(frame) else { return };
        self.learnt.insert(from, port);
        let known = self.learnt.get(&to).copied();
        for out in (0..ports).filter(|&out| out != port && known.is_none_or(|at| at == out)) {
            if self.frames.len() < MOST {
                self.count += 1;
                self.frames.push(Reverse((due, self.count, out, frame.to_vec())));
            }
        }
    }
}

/// Where an Ethernet frame goes and where it comes from.
fn addresses(frame: &[u8]) -> Option<(Mac, Mac)> {
    let (to, rest) = frame.split_first_chunk::<6>()?;
    Some((*to, *rest.first_chunk::<6>()?))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        locked(&self.shared.way).closed = true;
        self.shared.more.notify_all();
        for namespace in &self.namespaces {
            // The device goes, and whoever reads it wakes.
            let _ = run(&format!("ip -n {namespace} link del eth0"));
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
