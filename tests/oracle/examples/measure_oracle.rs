//! How fast the oracle reads and judges: makes a trace line by line and prints lines a second.
//!
//! ```sh
//! cargo run --release -p cenacle-oracle --example measure_oracle -- [LINES [GROUPS [MEMBERS]]]
//! ```
//!
//! Each group is one VS view; members send in turn, each message is delivered by all, those of other
//! services than `agreed` and `safe` in an order of each member's own. LINES is about how many lines
//! there are. What making them costs is not counted.

#![expect(clippy::print_stdout, reason = "the figures are what this prints")]

use std::error::Error;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use cenacle_oracle::{Options, Oracle};

const SERVICES: [&str; 4] = ["agreed", "causal", "fifo", "safe"];

struct Sizes {
    rounds: u64,
    groups: u64,
    members: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse::<u64>());
    let mut next = |default| numbers.next().unwrap_or(Ok(default));
    let (lines, groups, members) = (next(300_000)?, next(5)?.max(1), next(20)?.max(1));
    let rounds = lines / (groups * members * (members + 1)).max(1);
    let mut trace = Trace {
        oracle: Oracle::new(Options { settled: true, ..Options::default() }),
        line: String::new(),
        lines: 0,
        reading: Duration::ZERO,
    };
    trace.write(&Sizes { rounds: rounds.max(1), groups, members })?;
    let begin = Instant::now();
    let report = trace.oracle.finish();
    let judging = begin.elapsed();
    println!("{report}");
    let seconds = (trace.reading + judging).as_secs_f64();
    println!(
        "{} lines: read in {:.2?}, judged in {judging:.2?}, {:.0} lines a second",
        trace.lines,
        trace.reading,
        f64::from(u32::try_from(trace.lines)?) / seconds,
    );
    Ok(())
}

struct Trace {
    oracle: Oracle,
    line: String,
    lines: u64,
    reading: Duration,
}

impl Trace {
    fn write(&mut self, sizes: &Sizes) -> Result<(), Box<dyn Error>> {
        for group in 0..sizes.groups {
            let names: Vec<String> = (0..sizes.members).map(|m| format!("\"n{m}.1\"")).collect();
            let names = names.join(",");
            for member in 0..sizes.members {
                self.put(member, group, |line| {
                    write!(
                        line,
                        r#""view","view":"v{group}","order":[1,1],"members":[{names}],"transitional":["n{member}.1"]"#
                    )
                })?;
            }
            for round in 0..sizes.rounds {
                self.write_round(sizes, group, round)?;
            }
        }
        Ok(())
    }

    /// Every member sends once, then every member delivers all that.
    fn write_round(&mut self, s: &Sizes, group: u64, round: u64) -> Result<(), Box<dyn Error>> {
        let service = |sender: u64| SERVICES[usize::try_from((sender + round) % 4).unwrap_or(0)];
        let id = round * s.groups + group + 1;
        for sender in 0..s.members {
            let service = service(sender);
            self.put(sender, group, |line| {
                write!(
                    line,
                    r#""send","message":"n{sender}.1#{id}","view":"v{group}","service":"{service}""#
                )
            })?;
        }
        for receiver in 0..s.members {
            let ordered =
                (0..s.members).filter(|sender| matches!(service(*sender), "agreed" | "safe"));
            let turned = (0..s.members).map(|sender| (sender + receiver) % s.members);
            let free = turned.filter(|sender| matches!(service(*sender), "causal" | "fifo"));
            for sender in free.chain(ordered) {
                let service = service(sender);
                self.put(receiver, group, |line| {
                    write!(
                        line,
                        r#""message","message":"n{sender}.1#{id}","view":"v{group}","from":"n{sender}.1","service":"{service}","order":[1,{id}],"text":"hello, world""#
                    )
                })?;
            }
        }
        Ok(())
    }

    fn put(
        &mut self,
        member: u64,
        group: u64,
        event: impl FnOnce(&mut String) -> std::fmt::Result,
    ) -> Result<(), Box<dyn Error>> {
        let Self { line, lines, .. } = self;
        line.clear();
        write!(line, r#"{{"time_us":{lines},"member":"n{member}.1","group":"g{group}","event":"#)?;
        event(line)?;
        line.push('}');
        *lines += 1;
        let begin = Instant::now();
        self.oracle.line(&self.line)?;
        self.reading += begin.elapsed();
        Ok(())
    }
}
