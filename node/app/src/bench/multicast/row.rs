//! One line of the result.

use crate::bench::company::{Flooded, Place, percentile};
use crate::failure::Failure;
use crate::screen::Screen;
use crate::table::{Side, Table};
use serde::Serialize;
use std::io::Write;

/// Of one message at a time, microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Latency {
    pub(super) own_p50: u32,
    pub(super) own_p99: u32,
    pub(super) slowest_p50: u32,
}

/// What was measured.
pub(super) struct What<'a> {
    pub(super) nodes: usize,
    pub(super) senders: usize,
    pub(super) size: usize,
    pub(super) service: &'a str,
    pub(super) place: &'a Place,
}

/// The figures of one size and number of senders.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    nodes: usize,
    senders: usize,
    size: usize,
    service: String,
    network: &'static str,
    transport: &'static str,
    dissemination: String,
    messages_per_s: f64,
    mbytes_per_s: f64,
    messages_per_s_slowest: f64,
    /// Self and slowest other member, one message outstanding: all have it before the next is sent.
    latency_us: Figures,
    /// The same with one message every 50 ms.
    latency_paced_us: Figures,
    cpu_s_per_1e6: f64,
    /// Bytes that a node sends for a byte that is delivered to it, headers and all; none on loopback.
    wire_per_payload: Option<f64>,
    lost: u64,
    same_order: bool,
    key_agreement: String,
    cipher: String,
}

#[derive(Debug, Serialize)]
struct Figures {
    p50: u32,
    p99: u32,
    slowest_p50: u32,
}

impl From<Latency> for Figures {
    fn from(latency: Latency) -> Self {
        let Latency { own_p50, own_p99, slowest_p50 } = latency;
        Self { p50: own_p50, p99: own_p99, slowest_p50 }
    }
}

impl Row {
    pub(super) fn new(
        what: &What<'_>,
        floods: &[Flooded],
        latency: Latency,
        paced: Latency,
    ) -> Self {
        let mut rates: Vec<f64> = floods
            .iter()
            .map(|flooded| flooded.delivered as f64 * 1e6 / flooded.micros.max(1) as f64)
            .collect();
        rates.sort_by(f64::total_cmp);
        let median = percentile(&rates, 50);
        let delivered: u64 = floods.iter().map(|flooded| flooded.delivered).sum();
        let cpu: u64 = floods.iter().map(|flooded| flooded.cpu_micros).sum();
        let wire: u64 = floods.iter().map(|flooded| flooded.wire_bytes).sum();
        let order = floods.first().map(|flooded| flooded.order);
        Self {
            nodes: what.nodes,
            senders: what.senders,
            size: what.size,
            service: what.service.to_owned(),
            network: if what.place.veth { "veth" } else { "loopback" },
            transport: if what.place.quic { "quic" } else { "tcp" },
            dissemination: what.place.dissemination.clone(),
            messages_per_s: median,
            mbytes_per_s: median * what.size as f64 / 1e6,
            messages_per_s_slowest: rates.first().copied().unwrap_or(0.0),
            latency_us: latency.into(),
            latency_paced_us: paced.into(),
            cpu_s_per_1e6: cpu as f64 / delivered.max(1) as f64,
            wire_per_payload: what
                .place
                .veth
                .then(|| wire as f64 / (delivered.max(1) as f64 * what.size as f64)),
            lost: floods.iter().map(|flooded| flooded.lost).sum(),
            same_order: floods.iter().all(|flooded| Some(flooded.order) == order),
            key_agreement: what.place.module_names().0.to_owned(),
            cipher: what.place.module_names().1.to_owned(),
        }
    }

    pub(super) fn write_line(&self, screen: &mut Screen<'_>) -> Result<(), Failure> {
        let line =
            serde_json::to_string(self).map_err(|error| Failure::Failed(error.to_string()))?;
        writeln!(screen, "{line}")?;
        screen.flush()?;
        self.check()
    }

    /// Nothing is lost, and who promises one order keeps it.
    fn check(&self) -> Result<(), Failure> {
        let ordered = ["agreed", "safe"].contains(&self.service.as_str());
        if self.lost > 0 || (ordered && !self.same_order) {
            return Err(Failure::Failed(format!(
                "{} messages of {} bytes were lost, and the order was {}the same",
                self.lost,
                self.size,
                if self.same_order { "" } else { "not " }
            )));
        }
        Ok(())
    }
}

/// The rows as people read them.
pub(super) fn table(screen: &mut Screen<'_>, rows: &[Row]) -> Result<(), Failure> {
    screen.paragraph(
        "",
        "msg/s and MB/s: delivered at each member (median). CPU: seconds of all processes for a \
         million deliveries. Wire: bytes that a node sends for a byte that is delivered to it, headers \
         and all (veth only). Latency in microseconds, one message outstanding (all have it and \
         have said so before the next), the sender not the leader: the sender's own (median, 99 of \
         100), the slowest other member's median; paced: the first, one message every 50 ms.",
    )?;
    let right = |heading| (heading, Side::Right);
    let headings = [
        "nodes", "senders", "size", "msg/s", "MB/s", "CPU", "wire", "p50", "p99", "slowest",
        "paced",
    ];
    let mut table = Table::new(headings.map(right));
    for row in rows {
        table.push(vec![
            row.nodes.to_string(),
            row.senders.to_string(),
            row.size.to_string(),
            format!("{:.0}", row.messages_per_s),
            format!("{:.1}", row.mbytes_per_s),
            format!("{:.1}", row.cpu_s_per_1e6),
            row.wire_per_payload.map_or("-".to_owned(), |wire| format!("{wire:.2}")),
            row.latency_us.p50.to_string(),
            row.latency_us.p99.to_string(),
            row.latency_us.slowest_p50.to_string(),
            row.latency_paced_us.p50.to_string(),
        ]);
    }
    table.write(screen, "")?;
    rows.iter().try_for_each(Row::check)
}
