//! `cenacle bench idle`: what nodes use that have nothing to do.

use super::company::{Company, Order, Place, Rested, Word, now_us, percentile};
use crate::args;
use crate::failure::{Failure, number};
use crate::screen::Screen;
use crate::table::{Side, Table};
use serde::Serialize;
use std::io::Write;
use std::time::Duration;

/// From the order to the beginning, so that all members have it.
const LEAD_US: u64 = 500_000;
/// Headers of a packet of TCP: Ethernet, IPv4, TCP with time stamps.
const HEADERS: u64 = 14 + 20 + 32;

/// Median and maximum over the nodes of a role.
#[derive(Debug, Serialize)]
struct Spread {
    p50: f64,
    max: f64,
}

/// The figures of one role.
#[derive(Debug, Serialize)]
struct Row {
    role: &'static str,
    nodes: usize,
    network: &'static str,
    transport: &'static str,
    dissemination: String,
    seconds: u64,
    cpu_percent: Spread,
    bytes_out_per_s: Spread,
    /// None but for TCP between namespaces.
    tcp_bytes_per_s: Option<Spread>,
    /// None on loopback.
    wire_bytes_per_s: Option<Spread>,
}

impl Row {
    fn new(role: &'static str, nodes: usize, seconds: u64, place: &Place, all: &[Rested]) -> Self {
        let of = |figure: fn(&Rested) -> u64| {
            let figures = all.iter().map(|one| figure(one) as f64 * 1e6 / one.micros.max(1) as f64);
            spread(figures.collect())
        };
        let tcp = |one: &Rested| one.wire.bytes.saturating_sub(one.wire.packets * HEADERS);
        let cpu = of(|one| one.cpu_micros);
        Self {
            role,
            nodes,
            network: if place.veth { "veth" } else { "loopback" },
            transport: if place.quic { "quic" } else { "tcp" },
            dissemination: place.dissemination.clone(),
            seconds,
            cpu_percent: Spread { p50: cpu.p50 / 1e4, max: cpu.max / 1e4 },
            bytes_out_per_s: of(|one| one.frame_bytes),
            tcp_bytes_per_s: (place.veth && !place.quic).then(|| of(tcp)),
            wire_bytes_per_s: place.veth.then(|| of(|one| one.wire.bytes)),
        }
    }

    fn cells(&self) -> Vec<String> {
        let bytes = |spread: &Spread| [format!("{:.0}", spread.p50), format!("{:.0}", spread.max)];
        let perhaps = |spread: &Option<Spread>| {
            spread.as_ref().map_or(["-".to_owned(), "-".to_owned()], bytes)
        };
        let cpu = [self.cpu_percent.p50, self.cpu_percent.max].map(|share| format!("{share:.2}"));
        let figures = [
            cpu,
            bytes(&self.bytes_out_per_s),
            perhaps(&self.tcp_bytes_per_s),
            perhaps(&self.wire_bytes_per_s),
        ];
        std::iter::once(self.role.to_owned()).chain(figures.into_iter().flatten()).collect()
    }
}

fn spread(mut figures: Vec<f64>) -> Spread {
    figures.sort_by(f64::total_cmp);
    Spread { p50: percentile(&figures, 50), max: figures.last().copied().unwrap_or(0.0) }
}

/// Measures what `words` ask for.
pub(crate) fn idle(words: &args::Idle, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let nodes = number("--nodes", &words.nodes, 2, 100)? as usize;
    let seconds = u64::from(number("--seconds", &words.seconds, 1, 240)?);
    let settle = u64::from(number("--settle", &words.settle, 0, 600)?);
    let place = super::place(&words.place)?;
    let mut company = Company::new(nodes, place.clone())?;
    company.start_all()?;
    std::thread::sleep(Duration::from_secs(settle));
    let (leaders, members): (Vec<_>, Vec<_>) =
        rest(&mut company, nodes, seconds)?.into_iter().partition(|rested| rested.leads);
    let rows = [("leader", leaders), ("member", members)]
        .map(|(role, all)| Row::new(role, nodes, seconds, &place, &all));
    match words.json {
        true => lines(&rows, screen)?,
        false => table(&rows, screen)?,
    }
    screen.flush()?;
    (0..nodes).rev().try_for_each(|member| company.stop(member))
}

/// All do nothing, and tell what that took.
fn rest(company: &mut Company, nodes: usize, seconds: u64) -> Result<Vec<Rested>, Failure> {
    let order = Order::Rest { millis: seconds * 1000, begin_us: now_us() + LEAD_US };
    (0..nodes).try_for_each(|member| company.tell(member, &order))?;
    let mut all = Vec::new();
    company.await_word("what its rest took", |said| {
        if let Some(Word::Rested(rested)) = &said.word {
            all.push(rested.clone());
        }
        (all.len() == nodes).then_some(())
    })?;
    Ok(all)
}

fn lines(rows: &[Row], screen: &mut Screen<'_>) -> Result<(), Failure> {
    for row in rows {
        let line =
            serde_json::to_string(row).map_err(|error| Failure::Failed(error.to_string()))?;
        writeln!(screen, "{line}")?;
    }
    Ok(())
}

fn table(rows: &[Row], screen: &mut Screen<'_>) -> Result<(), Failure> {
    screen.paragraph(
        "",
        "CPU: percent of one core. Bytes that a node sends per second: in frames; given to TCP; on \
         the wire, headers and all (the last two with --network veth only). Of each the median over \
         the nodes of the role, and the largest.",
    )?;
    let right = |heading| (heading, Side::Right);
    let mut table = Table::new([
        ("role", Side::Left),
        right("CPU"),
        right("max"),
        right("frames"),
        right("max"),
        right("TCP"),
        right("max"),
        right("wire"),
        right("max"),
    ]);
    rows.iter().for_each(|row| table.push(row.cells()));
    table.write(screen, "")?;
    Ok(())
}
