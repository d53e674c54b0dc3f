//! `cenacle bench views`: how long it takes until all members know who is in.

use super::company::{Company, Order, Place, now_us, percentile};
use crate::args;
use crate::failure::{Failure, number};
use crate::screen::Screen;
use crate::table::{Side, Table};
use serde::Serialize;
use std::io::Write;
use std::time::Duration;

/// Rest between two events, so that one does not meet the end of the other.
const REST: Duration = Duration::from_millis(500);

/// What happens to the group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cause {
    /// A member leaves the group; its node stays.
    GroupLeave,
    /// It joins again.
    GroupJoin,
    /// A process starts and joins.
    Join,
    /// A process stops cleanly.
    Leave,
    /// A process is killed.
    Crash,
    /// The leader's process is killed.
    LeaderCrash,
    /// The smaller half is cut off.
    Partition,
    /// It comes back.
    Merge,
}

impl Cause {
    const ALL: [Self; 8] = [
        Self::GroupLeave,
        Self::GroupJoin,
        Self::Join,
        Self::Leave,
        Self::Crash,
        Self::LeaderCrash,
        Self::Partition,
        Self::Merge,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::GroupLeave => "group-leave",
            Self::GroupJoin => "group-join",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Crash => "crash",
            Self::LeaderCrash => "leader-crash",
            Self::Partition => "partition",
            Self::Merge => "merge",
        }
    }
}

/// The result of one cause.
#[derive(Debug, Serialize)]
struct Row {
    event: &'static str,
    nodes: usize,
    groups: usize,
    network: &'static str,
    transport: &'static str,
    module: String,
    repetitions: usize,
    p50_ms: f64,
    p99_ms: f64,
}

/// Measures what `words` ask for.
pub(crate) fn views(words: &args::Views, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let nodes = number("--nodes", &words.nodes, 3, 50)? as usize;
    let repetitions = number("--repetitions", &words.repetitions, 1, 1000)? as usize;
    let groups = number("--groups", &words.groups, 1, 1000)? as usize;
    let place = Place { groups, ..super::place(&words.place)? };
    // One more than take part, to join and to leave.
    let mut company = Company::new(nodes + 1, place.clone())?;
    let mut times: Vec<(Cause, Vec<u64>)> = Vec::new();
    for cause in Cause::ALL {
        let possible = match cause {
            Cause::Partition | Cause::Merge => place.veth,
            Cause::GroupJoin | Cause::GroupLeave => groups == 1,
            _ => true,
        };
        if possible {
            times.push((cause, Vec::new()));
        }
    }
    begin(&mut company, nodes)?;
    for _ in 0..repetitions {
        for (cause, times) in &mut times {
            times.push(happen(&mut company, nodes, *cause)?);
            std::thread::sleep(REST);
        }
    }
    report(words.json, nodes, &place, times, screen)
}

/// All but the one that joins later.
fn begin(company: &mut Company, nodes: usize) -> Result<(), Failure> {
    let all: Vec<usize> = (0..nodes).collect();
    for &member in &all {
        company.start(member)?;
        company.await_listening(member)?;
    }
    company.await_views(&all, nodes, 0)?;
    std::thread::sleep(REST);
    Ok(())
}

/// Lets it happen once; microseconds until the last member's view.
fn happen(company: &mut Company, nodes: usize, cause: Cause) -> Result<u64, Failure> {
    let all: Vec<usize> = (0..nodes).collect();
    let minority = nodes.saturating_sub(1) / 2;
    let begin = now_us();
    let last = nodes.saturating_sub(1);
    let end = match cause {
        Cause::GroupLeave => {
            company.tell(last, &Order::Leave)?;
            company.await_views(all.get(..last).unwrap_or_default(), last, begin)?
        }
        Cause::GroupJoin => {
            company.tell(last, &Order::Join)?;
            company.await_views(&all, nodes, begin)?
        }
        Cause::Join => {
            company.start(nodes)?;
            company.await_views(&(0..=nodes).collect::<Vec<_>>(), nodes + 1, begin)?
        }
        Cause::Leave => {
            company.stop(nodes)?;
            company.await_views(&all, nodes, begin)?
        }
        Cause::Crash | Cause::LeaderCrash => {
            let gone = if cause == Cause::Crash { last } else { 0 };
            let left: Vec<_> = all.iter().copied().filter(|&member| member != gone).collect();
            company.kill(gone);
            let end = company.await_views(&left, last, begin)?;
            std::thread::sleep(REST);
            let again = now_us();
            company.start(gone)?;
            company.await_views(&all, nodes, again)?;
            end
        }
        Cause::Partition => {
            let (larger, smaller) = all.split_at(nodes - minority);
            lab(company)?.part(smaller).map_err(|error| Failure::Failed(error.to_string()))?;
            company.await_both(larger, smaller, begin)?
        }
        Cause::Merge => {
            lab(company)?.unite().map_err(|error| Failure::Failed(error.to_string()))?;
            company.await_views(&all, nodes, begin)?
        }
    };
    Ok(end.saturating_sub(begin))
}

fn lab(company: &Company) -> Result<&cenacle_lab::Lab, Failure> {
    company.lab().ok_or_else(|| Failure::Failed("loopback cannot be cut".to_owned()))
}

fn report(
    json: bool,
    nodes: usize,
    place: &Place,
    times: Vec<(Cause, Vec<u64>)>,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let rows = times.into_iter().map(|(cause, mut times)| {
        times.sort_unstable();
        let ms = |percent| percentile(&times, percent) as f64 / 1000.0;
        Row {
            event: cause.as_str(),
            nodes,
            groups: place.groups,
            network: if place.veth { "veth" } else { "loopback" },
            transport: if place.quic { "quic" } else { "tcp" },
            module: place.module_names().0.to_owned(),
            repetitions: times.len(),
            p50_ms: ms(50),
            p99_ms: ms(99),
        }
    });
    let right = |heading| (heading, Side::Right);
    let mut table = Table::new([
        ("event", Side::Left),
        right("nodes"),
        right("times"),
        right("p50 ms"),
        right("p99 ms"),
    ]);
    for row in rows {
        if json {
            let line =
                serde_json::to_string(&row).map_err(|error| Failure::Failed(error.to_string()))?;
            writeln!(screen, "{line}")?;
        } else {
            table.push(vec![
                row.event.to_owned(),
                row.nodes.to_string(),
                row.repetitions.to_string(),
                format!("{:.1}", row.p50_ms),
                format!("{:.1}", row.p99_ms),
            ]);
        }
    }
    if !json {
        screen.paragraph(
            "",
            "From the event to the view of the last member that stays; in a group with keys to the \
             view whose key is agreed. A join begins with the start of a process, a leave with its stop; \
             in a group join or leave the node stays.",
        )?;
        table.write(screen, "")?;
    }
    Ok(())
}
