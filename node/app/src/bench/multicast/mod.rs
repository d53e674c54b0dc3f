//! `cenacle bench multicast`: throughput and latency over real processes.

mod row;

use super::company::{Company, Flooded, Order, Place, SMALLEST, Word, now_us, percentile, service};
use crate::args;
use crate::failure::{Failure, number};
use crate::screen::Screen;
use row::{Latency, Row};
use std::io::Write;

/// Messages one after the other whose latency is measured; fewer when they are paced.
const PINGS: usize = 3000;
/// Members that answer so many; more answer fewer.
const ANSWERERS: usize = 3;
const PACED_PINGS: usize = 100;
/// The pace of those that are paced.
const PACE_MS: u64 = 50;
/// From the order to the beginning of a flood, so that all members have it.
const LEAD_US: u64 = 200_000;

/// What is measured.
struct Plan {
    nodes: usize,
    sizes: Vec<usize>,
    senders: Vec<usize>,
    service: String,
    millis: u64,
    place: Place,
}

impl Plan {
    fn new(words: &args::Multicast) -> Result<Self, Failure> {
        let nodes = number("--nodes", &words.nodes, 1, 100)? as usize;
        let least = u32::try_from(SMALLEST).unwrap_or(u32::MAX);
        let size = |text: &String| number("--size", text, least, 64 << 20).map(|n| n as usize);
        let sizes = words.size.iter().map(size).collect::<Result<_, _>>()?;
        let senders = words.senders.iter().map(|text| match text.trim() {
            "all" => Ok(nodes),
            text => number("--senders", text, 1, u32::try_from(nodes).unwrap_or(1))
                .map(|count| count as usize),
        });
        if service(&words.service).is_none() {
            return Err(Failure::Usage(format!(
                "--service takes fifo, causal, agreed or safe, not {:?}",
                words.service
            )));
        }
        Ok(Self {
            nodes,
            sizes,
            senders: senders.collect::<Result<_, _>>()?,
            service: words.service.clone(),
            millis: u64::from(number("--seconds", &words.seconds, 1, 600)?) * 1000,
            place: super::place(&words.place)?,
        })
    }
}

/// Measures what `words` ask for; fails when something was lost or came in another order.
pub(crate) fn multicast(words: &args::Multicast, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let plan = Plan::new(words)?;
    let mut company = Company::new(plan.nodes, plan.place.clone())?;
    company.start_all()?;
    let mut rows = Vec::new();
    for &size in &plan.sizes {
        let latency = ping(&mut company, &plan, size, 0)?;
        let paced = ping(&mut company, &plan, size, PACE_MS)?;
        for &senders in &plan.senders {
            let floods = flood(&mut company, &plan, size, senders)?;
            let row = Row::new(&plan_of(&plan, size, senders), &floods, latency, paced);
            match words.json {
                true => row.write_line(screen)?,
                false => rows.push(row),
            }
        }
    }
    if !words.json {
        row::table(screen, &rows)?;
    }
    screen.flush()?;
    (0..plan.nodes).rev().try_for_each(|member| company.stop(member))
}

fn plan_of(plan: &Plan, size: usize, senders: usize) -> row::What<'_> {
    row::What { nodes: plan.nodes, senders, size, service: &plan.service, place: &plan.place }
}

/// All send who are to, and all count.
fn flood(
    company: &mut Company,
    plan: &Plan,
    size: usize,
    senders: usize,
) -> Result<Vec<Flooded>, Failure> {
    let begin_us = now_us() + LEAD_US;
    for member in 0..plan.nodes {
        // The leader sends only when all do: it has an advantage.
        let sends = (plan.nodes - 1 - member) < senders;
        let (service, millis) = (plan.service.clone(), plan.millis);
        company.tell(member, &Order::Flood { size, millis, begin_us, service, sends, senders })?;
    }
    let mut floods = Vec::new();
    let broken = company.await_word("what it has counted", |said| match &said.word {
        Some(Word::Flooded(flooded)) => {
            floods.push(flooded.clone());
            (floods.len() == plan.nodes).then_some(None)
        }
        // Who was put out misses the end of the flood, and its own does not reach the others.
        Some(Word::View { members, at_us }) if *at_us >= begin_us => {
            Some(Some((said.member, *members)))
        }
        _ => None,
    })?;
    match broken {
        None => Ok(floods),
        Some((member, members)) => Err(Failure::Failed(format!(
            "the group did not last: in the flood member {member} got a view of {members} members"
        ))),
    }
}

/// The last member sends, one message at a time.
fn ping(company: &mut Company, plan: &Plan, size: usize, pace_ms: u64) -> Result<Latency, Failure> {
    let pings = PINGS * ANSWERERS / plan.nodes.max(ANSWERERS);
    let count = if pace_ms == 0 { pings } else { PACED_PINGS };
    let sender = plan.nodes - 1;
    // Who waits for the messages is told first.
    for member in 0..plan.nodes {
        let (service, sends) = (plan.service.clone(), member == sender);
        company.tell(member, &Order::Ping { size, count, pace_ms, service, sends })?;
    }
    let (mut own, mut slowest, mut heard) = ((0, 0), 0, 0);
    company.await_word("its latencies", |said| {
        if let Some(Word::Pinged { latencies_us }) = &said.word {
            heard += 1;
            let median = percentile(latencies_us, 50);
            if said.member == sender {
                own = (median, percentile(latencies_us, 99));
            } else {
                slowest = slowest.max(median);
            }
        }
        (heard == plan.nodes).then_some(())
    })?;
    Ok(Latency { own_p50: own.0, own_p99: own.1, slowest_p50: slowest })
}
