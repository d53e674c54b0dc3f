//! The command line.

use crate::LeftOut;
use crate::{
    costs,
    delays::delays as measure_delays,
    faults::Preset,
    plan::{Promise, RunOptions},
    run::run,
    secure,
    soak::{SoakOptions, Soaked, soak},
};
use cenacle_oracle::check;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{
    fs::File,
    io::{BufReader, Write},
    path::PathBuf,
    time::Duration,
};

/// Simulates many nodes of Cenacle under faults, judges traces, and soaks.
#[derive(Parser, Debug)]
#[command(
    name = "cenacle-sim",
    version,
    after_help = "Example: cenacle-sim run --seed 7 --nodes 5 --faults savage --trace run.jsonl"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// One run; with several numbers of nodes, what things cost as they grow
    #[command(after_help = "Example: cenacle-sim run --seed 7 --nodes 5 --faults rough")]
    Run(Box<RunArgs>),
    /// Judges a trace
    #[command(after_help = "Example: cenacle-sim check run.jsonl --settled")]
    Check(CheckArgs),
    /// Many seeds: all presets, VS and EVS, several numbers of nodes
    #[command(after_help = "Example: cenacle-sim soak --seeds 0..20000 --require-rare")]
    Soak(Box<SoakArgs>),
}

#[derive(Args, Debug)]
struct RunArgs {
    /// All chance comes from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many nodes; several numbers print the growth of costs
    #[arg(long, value_delimiter = ',', default_value = "5")]
    nodes: Vec<usize>,
    /// How many members; by the seed if 0
    #[arg(long, default_value_t = 0)]
    members: usize,
    /// How many groups; by the seed if 0
    #[arg(long, default_value_t = 0)]
    groups: usize,
    /// What goes wrong
    #[arg(long, value_enum, default_value = "rough")]
    faults: Preset,
    /// Virtual seconds, the time to settle not counted
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// What groups promise
    #[arg(long, value_enum, default_value = "vs")]
    semantics: Promise,
    /// Which key agreement groups use
    #[arg(long, default_value = "none")]
    key_agreement: String,
    /// Where the trace goes
    #[arg(long)]
    trace: Option<PathBuf>,
    /// A rule that is left out, to see a property break
    #[arg(long)]
    defect: Option<LeftOut>,
    /// A run that is laid down
    #[arg(long, value_enum)]
    scenario: Option<Scenario>,
    /// No verdict: measures the simulator alone
    #[arg(long)]
    unjudged: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Scenario {
    /// 100 nodes, 10 groups, 1,000 members with a message of 200 bytes a second each, 60 seconds
    Large,
    /// One-way delays of 25 ms between a wish and the last member's view, for each of --nodes and
    /// each of --key-agreement
    Delays,
}

#[derive(Args, Debug)]
struct CheckArgs {
    /// The trace
    trace: PathBuf,
    /// The run ended at rest: what is missing at the end counts
    #[arg(long)]
    settled: bool,
}

#[derive(Args, Debug)]
struct SoakArgs {
    /// From the first seed to before the last
    #[arg(long, value_parser = range::<u64>, default_value = "0..100")]
    seeds: (u64, u64),
    /// Numbers of nodes
    #[arg(long, value_parser = range::<usize>, default_value = "3..9")]
    nodes: (usize, usize),
    /// How many runs at a time; as many as there are cores if absent
    #[arg(long)]
    threads: Option<usize>,
    /// No run begins after so many minutes
    #[arg(long)]
    minutes: Option<f64>,
    /// Virtual seconds of each run
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// One preset alone
    #[arg(long, value_enum)]
    faults: Option<Preset>,
    /// One kind of groups alone
    #[arg(long, value_enum)]
    semantics: Option<Promise>,
    /// Which key agreement groups use: several, separated by commas, take turns; all; or none
    #[arg(long, default_value = "none")]
    key_agreement: String,
    /// A rule that is left out
    #[arg(long)]
    defect: Option<LeftOut>,
    /// A rare case that no run saw is a failure
    #[arg(long)]
    require_rare: bool,
    /// Goes on after a failure
    #[arg(long)]
    keep_going: bool,
}

fn range<T: std::str::FromStr + PartialOrd>(text: &str) -> Result<(T, T), String> {
    let ends = text.split_once("..").and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    ends.filter(|(first, last)| first <= last).ok_or_else(|| "write it as 0..100".into())
}

/// Does what the command line says. The status that the process ends with: 0, or 1 when a property
/// broke; or one sentence on what went wrong.
///
/// # Errors
///
/// What was asked for cannot be done.
pub fn main(cli: Cli, out: &mut impl Write) -> Result<u8, String> {
    match cli.command {
        Command::Run(args) => run_command(*args, out),
        Command::Check(args) => check_command(&args, out),
        Command::Soak(args) => soak_command(&args, out),
    }
}

fn run_command(args: RunArgs, out: &mut impl Write) -> Result<u8, String> {
    let mut modules = key_agreements(&args.key_agreement)?;
    let one = args.scenario != Some(Scenario::Delays);
    if one && modules.len() > 1 {
        return Err("a run has one module of key agreement: name it".into());
    }
    if !modules.is_empty() && args.semantics != Promise::Vs {
        return Err("groups with keys are VS: leave --semantics out".into());
    }
    let mut options = RunOptions {
        seed: args.seed,
        members: args.members,
        groups: args.groups,
        faults: args.faults,
        seconds: args.seconds,
        semantics: args.semantics,
        key_agreement: modules.pop(),
        ..RunOptions::default()
    };
    match (args.scenario, args.nodes.as_slice()) {
        (Some(Scenario::Large), _) => {
            options = RunOptions {
                faults: args.faults,
                semantics: args.semantics,
                ..RunOptions::large(args.seed)
            };
        }
        (Some(Scenario::Delays), numbers) => {
            modules.extend(options.key_agreement);
            return one_way_delays(numbers, &modules, args.seed, out);
        }
        (None, [nodes]) if options.key_agreement.is_some() && *nodes > secure::MOST => {
            return Err(format!("with keys, --nodes must be at most {}", secure::MOST));
        }
        (None, [nodes]) if (1..=1000).contains(nodes) => options.nodes = *nodes,
        (None, [_]) => return Err("--nodes must be from 1 to 1000".into()),
        (None, several) => return growth(several, args.seed, out),
    }
    (options.defect, options.trace, options.judged) = (args.defect, args.trace, !args.unjudged);
    let outcome = run(&options)?;
    say(out, &format!("{outcome}\n"))?;
    if outcome.holds() {
        return Ok(0);
    }
    say(out, &format!("again: {}\n", options.command()))?;
    Ok(1)
}

/// The modules that are meant: none, one, several, or all.
fn key_agreements(text: &str) -> Result<Vec<String>, String> {
    let known = secure::key_agreements();
    match text {
        "none" => Ok(Vec::new()),
        "all" => Ok(known),
        names => {
            let names: Vec<String> = names.split(',').map(str::to_owned).collect();
            match names.iter().find(|name| !known.contains(name)) {
                None => Ok(names),
                Some(name) => Err(format!(
                    "there is no key agreement {name:?}; say none, all, or some of {}",
                    known.join(", ")
                )),
            }
        }
    }
}

fn growth(several: &[usize], seed: u64, out: &mut impl Write) -> Result<u8, String> {
    for nodes in several {
        if !(2..=1000).contains(nodes) {
            return Err("--nodes must be from 2 to 1000".into());
        }
        let growth = costs::measure(*nodes, seed)?;
        say(out, &growth.to_string())?;
    }
    Ok(0)
}

fn one_way_delays(
    numbers: &[usize],
    modules: &[String],
    seed: u64,
    out: &mut impl Write,
) -> Result<u8, String> {
    for nodes in numbers {
        if !(2..secure::MOST).contains(nodes) {
            return Err(format!("--nodes must be from 2 to {}", secure::MOST - 1));
        }
        let without = measure_delays(*nodes, seed, None)?;
        say(out, &format!("{without}\n"))?;
        for module in modules {
            let delays = measure_delays(*nodes, seed, Some(module))?;
            say(out, &format!("{delays}\n"))?;
        }
    }
    Ok(0)
}

fn check_command(args: &CheckArgs, out: &mut impl Write) -> Result<u8, String> {
    let shown = args.trace.display();
    let file = File::open(&args.trace).map_err(|error| format!("{shown}: {error}"))?;
    let options = cenacle_oracle::Options { settled: args.settled, ..Default::default() };
    let report =
        check(BufReader::new(file), options).map_err(|error| format!("{shown}: {error}"))?;
    say(out, &format!("{report}\n"))?;
    Ok(u8::from(!report.holds()))
}

fn soak_command(args: &SoakArgs, out: &mut impl Write) -> Result<u8, String> {
    let defaults = SoakOptions::default();
    let limit = args.minutes.map(|minutes| Duration::try_from_secs_f64(minutes * 60.0));
    let options = SoakOptions {
        seeds: args.seeds,
        nodes: args.nodes,
        threads: args.threads.unwrap_or(defaults.threads),
        limit: limit.transpose().map_err(|_| "--minutes must be a number of minutes")?,
        seconds: args.seconds,
        faults: args.faults,
        semantics: args.semantics,
        key_agreements: key_agreements(&args.key_agreement)?,
        defect: args.defect,
        keep_going: args.keep_going,
        ..defaults
    };
    let soaked = soak(&options);
    let missing = report(&soaked, args.require_rare, out)?;
    Ok(u8::from(soaked.failed > 0 || missing))
}

/// Prints what a soak saw. Whether something is missing that must not be.
fn report(soaked: &Soaked, required: bool, out: &mut impl Write) -> Result<bool, String> {
    say(out, &soaked.totals.table())?;
    let (slowest, seed) = soaked.slowest;
    let (fullest, full) = soaked.fullest;
    let Soaked { runs, failed, delivered, faults, attacks, .. } = soaked;
    say(
        out,
        &format!(
            "{runs} runs, {failed} failed; {faults} faults, {attacks} attacks by spies, {} installations, {delivered} \
             deliveries; settled within {} ms at most (seed {seed}); memory {fullest} % full at \
             most (seed {full})\n",
            soaked.totals.installations,
            slowest / 1000
        ),
    )?;
    if let Some((_, command, wrong)) = &soaked.first {
        say(out, &format!("{wrong}\nfirst failure: {command}\n"))?;
    }
    let unseen = soaked.unseen();
    let missing = required && !unseen.is_empty();
    if missing {
        say(out, &format!("rare cases that no run saw: {unseen:?}; run more seeds\n"))?;
    }
    Ok(missing)
}

fn say(out: &mut impl Write, text: &str) -> Result<(), String> {
    out.write_all(text.as_bytes()).map_err(|error| format!("cannot print: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
        assert_eq!(range::<u64>("3..9"), Ok((3, 9)));
        assert!(range::<u64>("9..3").is_err());
    }

    #[test]
    fn key_agreements_are_known_by_name() {
        let refused = |words: &[&str], why: &str| {
            let cli = Cli::parse_from(["cenacle-sim", "run"].iter().chain(words));
            assert!(main(cli, &mut Vec::new()).is_err_and(|error| error.contains(why)), "{why}");
        };
        refused(&["--key-agreement", "tgdk"], "there is no key agreement");
        refused(&["--key-agreement", "tgdh,gdh"], "name it");
        refused(&["--key-agreement", "tgdh", "--semantics", "evs"], "are VS");
        refused(&["--key-agreement", "tgdh", "--nodes", "200"], "at most 128");
    }
}
