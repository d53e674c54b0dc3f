//! The result as people read it.

use super::row::{Figure, Row};
use super::window::Window;
use crate::failure::Failure;
use crate::screen::{Screen, Style};
use crate::table::{Side, Table};
use std::io::Write;

/// What the figures are.
pub(super) fn begin(screen: &mut Screen<'_>) -> Result<(), Failure> {
    screen.paragraph(
        "",
        "Each figure is the mean, over all members that may leave, and behind the stroke the worst. \
         load: exponentiations of all members; latency: those one after the other; mcast: bytes \
         multicast, envelopes included; acks: acknowledgements and their rounds; ms: longest chain \
         of work, and all work; `cenacle bench rekey-study --help` says more.",
    )?;
    writeln!(screen)?;
    Ok(())
}

/// The rows of one module.
pub(super) fn costs(screen: &mut Screen<'_>, rows: &[Row]) -> Result<(), Failure> {
    heading(screen, rows.first().map(|row| (row.module.as_str(), row.group.as_deref())))?;
    let right = |heading| (heading, Side::Right);
    let words = [("scenario", Side::Left), ("cache", Side::Left)];
    let figures =
        ["load", "latency", "channels", "rounds", "msgs", "mcast B", "acks", "ms", "ms all"];
    let mut table = Table::new([right("size")].into_iter().chain(words).chain(figures.map(right)));
    for row in rows {
        let both =
            [row.load, row.latency, row.channels, row.rounds, row.messages, row.multicast_bytes];
        let mut cells = vec![row.size.to_string(), row.scenario.to_owned(), row.cache.to_owned()];
        cells.extend(both.map(shown));
        cells.push(format!("{}/{}", row.acknowledgements.worst, row.acknowledgement_rounds.worst));
        cells.extend([row.critical_us, row.total_us].map(milliseconds));
        table.push(cells);
    }
    table.write(screen, "  ")?;
    writeln!(screen)?;
    screen.flush()?;
    Ok(())
}

/// The failures of all modules.
pub(super) fn windows(screen: &mut Screen<'_>, windows: &[Window]) -> Result<(), Failure> {
    let title = "vulnerability window, ms: three members fail, then three leaders";
    writeln!(screen, "{}", screen.paint(Style::Heading, title))?;
    screen.paragraph(
        "  ",
        "In brackets what the paper would reckon: 80 ms and 40 an exponentiation.",
    )?;
    let right = |heading: &'static str| (heading, Side::Right);
    let failures = ["1", "2", "3", "leader 1", "leader 2", "leader 3"].map(right);
    let mut table = Table::new([("module", Side::Left)].into_iter().chain(failures));
    for of_module in windows.chunk_by(|one, other| one.module == other.module) {
        let name = of_module.first().map(|window| window.module.clone()).unwrap_or_default();
        let cell = |window: &Window| {
            let us = window.window_us;
            format!("{}.{:02} ({})", us / 1000, us % 1000 / 10, window.paper_ms)
        };
        table.push(std::iter::once(name).chain(of_module.iter().map(cell)).collect());
    }
    table.write(screen, "  ")?;
    writeln!(screen)?;
    screen.flush()?;
    Ok(())
}

fn heading(screen: &mut Screen<'_>, of: Option<(&str, Option<&str>)>) -> Result<(), Failure> {
    if let Some((module, group)) = of {
        let group = group.map(|group| format!(", {group}")).unwrap_or_default();
        writeln!(screen, "{}", screen.paint(Style::Heading, &format!("{module}{group}")))?;
    }
    Ok(())
}

fn shown(figure: Figure) -> String {
    format!("{}/{}", figure.mean, figure.worst)
}

fn milliseconds(figure: Figure) -> String {
    format!("{:.2}/{:.2}", figure.mean / 1000.0, to_f64(figure.worst) / 1000.0)
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a run are far below 2^52")]
fn to_f64(us: u64) -> f64 {
    us as f64
}
