//! Measures the network alone, without an engine: the round trip of a small frame between two
//! processes, and how much three processes that all multicast to both others get through.
//!
//! `cargo run --release -p cenacle-net --example measure_transport`, with `tcp` or `quic` for one of them, and
//! a number of seconds for each measurement.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a program that prints what it measures, and stops when something is wrong"
)]

use async_std::{future::timeout, task};
use bytes::Bytes;
use cenacle_net::{Admission, Dissemination, Events, Identity, NetEvent, Network, Psk, Settings};
use futures::StreamExt;
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

/// Bytes that wait for one peer before a writer pauses: enough to keep its connection busy.
const AHEAD: usize = 1 << 20;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["peer", listen, bootstrap @ ..] => task::block_on(peer(listen, bootstrap)),
        [] => parent(&["tcp", "quic"], 3),
        [transport] => parent(&[*transport], 3),
        [transport, seconds] => parent(&[*transport], seconds.parse().unwrap()),
        _ => panic!("usage: measure [tcp|quic] [seconds]"),
    }
}

/// One process: joins two others, and does what its standard input says.
async fn peer(listen: &str, bootstrap: &[&str]) {
    let psk = Psk::new(&mut [9; 32]);
    let identity = Identity::generate().unwrap();
    let mut settings = Settings::new("measure", identity, Admission::Psk(psk));
    settings.listen = vec![listen.parse().unwrap()];
    settings.bootstrap = bootstrap.iter().map(|address| address.parse().unwrap()).collect();
    settings.dissemination = Dissemination::Direct;
    let (mut network, mut events) = Network::start(settings).await.unwrap();
    let mut peers = Vec::new();
    let address = loop {
        if let NetEvent::Listening { address } = events.next().await.unwrap() {
            break address;
        }
    };
    say(&address.to_string());
    while peers.len() < bootstrap.len().max(usize::from(bootstrap.is_empty())) {
        if let NetEvent::Connected { node } = events.next().await.unwrap() {
            peers.push(node);
        }
    }
    // The rest of the three come by themselves.
    let more = async {
        while let Some(event) = events.next().await {
            if let NetEvent::Connected { node } = event {
                peers.push(node);
            }
        }
    };
    let _ = timeout(Duration::from_millis(500), more).await;
    network.configure(&peers);
    say(&format!("ready {}", peers.len()));
    loop {
        let line = task::spawn_blocking(|| {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).map(|_| line).unwrap()
        })
        .await;
        match *line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["echo", seconds] => echo(&mut network, &mut events, seconds.parse().unwrap()).await,
            ["ping", count] => ping(&mut network, &mut events, count.parse().unwrap()).await,
            ["flood", size, seconds] => {
                flood(&mut network, &mut events, size.parse().unwrap(), seconds.parse().unwrap())
                    .await;
            }
            _ => return network.stop(Duration::from_millis(100)).await,
        }
    }
}

fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().unwrap();
}

/// Sends every frame back for so long.
async fn echo(network: &mut Network, events: &mut Events, seconds: u64) {
    let end = Instant::now() + Duration::from_secs(seconds);
    while let Ok(Some(event)) =
        timeout(end.saturating_duration_since(Instant::now()), events.next()).await
    {
        if let NetEvent::Frames { from, frames } = event {
            for frame in frames {
                network.send(from, frame);
            }
            network.flush();
        }
    }
    say("echoed");
}

async fn ping(network: &mut Network, events: &mut Events, count: usize) {
    let frame = Bytes::from(vec![5; 64]);
    let mut times = Vec::with_capacity(count);
    for _ in 0..count + 1000 {
        let start = Instant::now();
        network.multicast(frame.clone());
        network.flush();
        while !matches!(events.next().await.unwrap(), NetEvent::Frames { .. }) {}
        times.push(start.elapsed());
    }
    let mut times = times.split_off(1000);
    times.sort();
    let at = |part: usize| times.get(times.len() * part / 1000).unwrap().as_nanos() / 100;
    let micros = |tenths: u128| format!("{}.{}", tenths / 10, tenths % 10);
    say(&format!("{} {}", micros(at(500)), micros(at(990))));
}

/// Multicasts for so long while it reads; then says how much it has read.
async fn flood(network: &mut Network, events: &mut Events, size: usize, seconds: u64) {
    let frame = Bytes::from(vec![5; size]);
    let (start, long) = (Instant::now(), Duration::from_secs(seconds));
    let (mut bytes, mut frames) = (0, 0);
    let mut count = |event| {
        if let NetEvent::Frames { frames: some, .. } = event {
            frames += some.len();
            bytes += some.iter().map(Bytes::len).sum::<usize>();
        }
    };
    while start.elapsed() < long {
        let mut sent = 0;
        while network.queued() < AHEAD && sent < AHEAD {
            network.multicast(frame.clone());
            sent += size;
        }
        network.flush();
        while let Some(event) = events.try_next() {
            count(event);
        }
        if sent == 0 {
            if let Ok(Some(event)) = timeout(Duration::from_millis(1), events.next()).await {
                count(event);
            }
        } else {
            task::yield_now().await;
        }
    }
    let rate = bytes as u128 / start.elapsed().as_millis() / 1000;
    // The others may still be at it.
    let rest = async { while events.next().await.is_some() {} };
    let _ = timeout(Duration::from_millis(700), rest).await;
    let drops = network.status().drops;
    say(&format!("{rate} {frames} {drops:?}"));
}

/// A child process and its lines.
struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    address: String,
}

impl Peer {
    fn start(listen: &str, others: &[Self]) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["peer", listen])
            .args(others.iter().map(|other| &other.address))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut peer = Self { child, input, output, address: String::new() };
        peer.address = peer.hear();
        peer
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn peers(count: usize, listen: &str) -> Vec<Peer> {
    let mut peers = Vec::new();
    for _ in 0..count {
        let peer = Peer::start(listen, &peers);
        peers.push(peer);
    }
    for peer in &mut peers {
        let ready = peer.hear();
        assert_eq!(ready, format!("ready {}", count - 1));
    }
    peers
}

fn parent(transports: &[&str], seconds: u64) {
    for transport in transports {
        let listen = match *transport {
            "tcp" => "/ip4/127.0.0.1/tcp/0",
            "quic" => "/ip4/127.0.0.1/udp/0/quic-v1",
            other => panic!("{other} is neither tcp nor quic"),
        };
        let mut two = peers(2, listen);
        let (first, rest) = two.split_at_mut(1);
        rest.iter_mut().for_each(|peer| peer.tell(&format!("echo {}", 60)));
        for peer in first.iter_mut() {
            peer.tell("ping 20000");
            println!("{transport}: round trip of 64 bytes, p50 p99: {} µs", peer.hear());
        }
        drop(two);
        for size in [100, 1 << 10, 8 << 10, 64 << 10] {
            let mut three = peers(3, listen);
            three.iter_mut().for_each(|peer| peer.tell(&format!("flood {size} {seconds}")));
            let lines: Vec<_> = three.iter_mut().map(Peer::hear).collect();
            let rates = lines.iter().map(|line| line.split(' ').next().unwrap());
            let sum: u64 = rates.map(|rate| rate.parse::<u64>().unwrap()).sum();
            println!(
                "{transport}: three multicast frames of {size} bytes: {sum} MB/s in all; {lines:?}"
            );
        }
    }
}
