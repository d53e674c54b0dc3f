//! The engine alone: three nodes in memory, agreed messages from all, frames encoded and decoded.
//! Prints deliveries summed over the three engines per second of processor time, and allocations per
//! delivery: `cargo run --release -p cenacle-core --example measure_engine`.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement reads the clock, prints, and may stop"
)]

use bytes::Bytes;
use cenacle_core::{
    Engine, Event, Input, Join, NodeId, Outbox, Output, SameCharter, Semantics, Service, Settings,
    Time,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const NODES: u8 = 3;
/// Messages that a node has at hand when it packs: what one read of a busy application brings.
const BATCH: usize = 64;
const MESSAGES: usize = 400_000;

struct Net {
    engines: Vec<Engine>,
    now: Time,
    delivered: usize,
    refused: usize,
}

fn node(number: u8) -> NodeId {
    NodeId { key: [number; 32], incarnation: 1 }
}

impl Net {
    fn new() -> Self {
        let mut net = Self { engines: vec![], now: Time(1), delivered: 0, refused: 0 };
        let mut outs = Vec::new();
        for number in 0..NODES {
            let mut out = Outbox::new();
            let settings = Settings::new(node(number), "measure");
            net.engines.push(
                Engine::new(settings, Box::new(SameCharter), net.now, &mut out).expect("settings"),
            );
            outs.push(out);
        }
        for number in 0..NODES {
            for other in (0..NODES).filter(|&other| other != number) {
                net.input(number, Input::Connected { node: node(other) });
            }
        }
        for (number, out) in (0..).zip(outs) {
            net.carry(number, out);
        }
        while net.engines.iter().any(|e| e.configuration().size() < NODES.into()) {
            net.pass(5_000);
        }
        for number in 0..NODES {
            let group = "measure".parse().expect("a name");
            let (charter, blob) = (Bytes::new(), Bytes::new());
            let semantics = Semantics::Vs;
            let join = Join { group, local: 0, semantics, charter, blob, manual_flush: false };
            net.input(number, Input::Join(join));
        }
        (0..400).for_each(|_| net.pass(5_000));
        net
    }

    fn pass(&mut self, us: u64) {
        self.now = Time(self.now.0 + us);
        for number in 0..NODES {
            self.input(number, Input::Tick);
        }
    }

    /// One input and the end of its batch.
    fn input(&mut self, number: u8, input: Input) {
        let mut out = Outbox::new();
        let engine = &mut self.engines[usize::from(number)];
        engine.handle(self.now, input, &mut out).expect("a good input");
        engine.handle(self.now, Input::Drained, &mut out).expect("always");
        self.carry(number, out);
    }

    /// Frames reach their nodes at once, and the answers too.
    fn carry(&mut self, from: u8, out: Outbox) {
        let mut waiting: Vec<(u8, u8, Bytes)> = Vec::new();
        self.sort(from, out, &mut waiting);
        while !waiting.is_empty() {
            let frames = std::mem::take(&mut waiting);
            for number in 0..NODES {
                let mut out = Outbox::new();
                let engine = &mut self.engines[usize::from(number)];
                for (from, _, bytes) in frames.iter().filter(|(_, to, _)| *to == number) {
                    let input = Input::Frame { from: node(*from), bytes: bytes.clone() };
                    if engine.handle(self.now, input, &mut out).is_err() {
                        self.refused += 1;
                    }
                }
                engine.handle(self.now, Input::Drained, &mut out).expect("always");
                self.sort(number, out, &mut waiting);
            }
        }
    }

    fn sort(&mut self, from: u8, out: Outbox, waiting: &mut Vec<(u8, u8, Bytes)>) {
        let mut read = 0;
        for output in out {
            match output {
                Output::Send { to, frame } => waiting.push((from, to.key[0], frame)),
                Output::Multicast { frame } | Output::Announce { frame } => {
                    let others = (0..NODES).filter(|&to| to != from);
                    waiting.extend(others.map(|to| (from, to, frame.clone())));
                }
                Output::Event { event, .. } => {
                    self.delivered += usize::from(matches!(event, Event::Message { .. }));
                    read += event.weight();
                }
                _ => {}
            }
        }
        if read > 0 {
            let engine = &mut self.engines[usize::from(from)];
            let consumed = Input::Consumed { bytes: read };
            engine.handle(self.now, consumed, &mut Outbox::new()).expect("always");
        }
    }

    /// Every node sends a batch, then all frames are carried.
    fn round(&mut self, body: &Bytes) {
        self.now = Time(self.now.0 + 100);
        for number in 0..NODES {
            let mut out = Outbox::new();
            let engine = &mut self.engines[usize::from(number)];
            for _ in 0..BATCH {
                let group = "measure".parse().expect("a name");
                let body = body.clone();
                let send = Input::Send { group, local: 0, service: Service::Agreed, body };
                engine.handle(self.now, send, &mut out).expect("room");
            }
            engine.handle(self.now, Input::Tick, &mut out).expect("always");
            engine.handle(self.now, Input::Drained, &mut out).expect("always");
            self.carry(number, out);
        }
    }
}

/// Seconds for which this thread has had the processor.
fn worked() -> f64 {
    let worked = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    worked.tv_sec as f64 + worked.tv_nsec as f64 / 1e9
}

fn main() {
    for size in [100, 1024, 8192] {
        let mut net = Net::new();
        let body = Bytes::from(vec![7; size]);
        (0..100).for_each(|_| net.round(&body));
        net.delivered = 0;
        let region = Region::new(ALLOCATOR);
        let begin = worked();
        let rounds = MESSAGES / BATCH / usize::from(NODES) / (1 + size / 4096);
        (0..rounds).for_each(|_| net.round(&body));
        let seconds = worked() - begin;
        let allocations = region.change().allocations as f64 / net.delivered as f64;
        let expected = rounds * BATCH * usize::from(NODES) * usize::from(NODES);
        println!(
            "{size:5} B: {:9.0} deliveries per second of one core, {allocations:.3} allocations \
             per delivery, {} of {expected} delivered, {} frames refused",
            net.delivered as f64 / seconds,
            net.delivered,
            net.refused
        );
    }
}
