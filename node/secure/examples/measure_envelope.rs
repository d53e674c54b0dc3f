//! Prints what sealing and opening cost, in microseconds a message, on one core:
//! `cargo run --release -p cenacle-secure --example measure_envelope`.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement reads the clock, prints, and may stop"
)]

use cenacle_plugin::{Member, MemberId, Order, Random, Secret};
use cenacle_secure::{Destination, KeyRing, Opener, Run, Sealer, Signer};
use std::sync::Arc;
use std::time::Instant;

const MEMBERS: u32 = 256;
const BODY: [u8; 64] = [7; 64];

fn main() {
    let mut random = Random::new(&Secret::new([1; 32]));
    let signers: Vec<_> = (0..MEMBERS).map(|_| Arc::new(Signer::new(&random.secret()))).collect();
    let members: Vec<_> = (0u32..)
        .zip(&signers)
        .map(|(n, signer)| Member {
            id: MemberId::new(&n.to_be_bytes()).unwrap(),
            public_key: *signer.public_key(),
        })
        .collect();
    let start = Instant::now();
    let ring = Arc::new(KeyRing::new(&members).unwrap());
    report("ring", MEMBERS, start);

    let run = Run {
        suite: "measure",
        group: b"measure",
        view: b"1",
        members: &ring,
        charter: &[0; 32],
        number: 0,
    };
    let context = run.context().unwrap();
    let mut sealers: Vec<_> = (0u32..)
        .zip(&signers)
        .map(|(me, signer)| Sealer::new(context, ring.clone(), me, signer.clone()).unwrap())
        .collect();
    let start = Instant::now();
    let sealed: Vec<_> = sealers
        .iter_mut()
        .map(|sealer| sealer.seal(Destination::All(Order::Fifo), &BODY).unwrap())
        .collect();
    report("seal", MEMBERS, start);
    let sealed: Vec<&[u8]> = sealed.iter().map(Vec::as_slice).collect();

    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let mut opener = Opener::new(context, ring.clone(), 0).unwrap();
        let start = Instant::now();
        for bytes in &sealed {
            opener.open(bytes).unwrap();
        }
        best = best.min(micros(start) / f64::from(MEMBERS));
    }
    println!("single           {best:8.2}");

    for size in [2usize, 3, 4, 8, 16, 32, 64, 100, 128, 256] {
        let mut best = f64::MAX;
        for _ in 0..ROUNDS {
            let mut opener = Opener::new(context, ring.clone(), 0).unwrap();
            let (mut spent, mut count) = (0.0, 0.0);
            for some in sealed.chunks_exact(size) {
                let start = Instant::now();
                let opened = opener.open_batch(some, &mut random);
                spent += micros(start);
                count += opened.iter().flatten().map(|_| 1.0).sum::<f64>();
            }
            best = best.min(spent / count);
        }
        println!("batch of {size:<7} {best:8.2}");
    }
}

/// The best of so many rounds is printed: the machine has other things to do.
const ROUNDS: usize = 20;

fn micros(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e6
}

fn report(what: &str, count: u32, start: Instant) {
    println!("{what:<16} {:8.2}", micros(start) / f64::from(count));
}
