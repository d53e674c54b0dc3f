//! One run, from its seed to its verdict.

use crate::{
    naming,
    plan::{MESSAGES, Plan, RunOptions},
    shared::{Counts, Traffic},
    spies::Spies,
    totals::Totals,
    world::World,
};
use cenacle_oracle::{Oracle, Report};
use std::fmt;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The oracle's verdict, if one read along.
    pub report: Option<Report>,
    /// When everything was at rest, in microseconds after the last fault; or who is where.
    pub settled: Result<u64, String>,
    /// What must not happen, and did.
    pub problems: Vec<String>,
    /// Figures of all engines.
    pub totals: Totals,
    /// What was counted.
    pub counts: Counts,
    /// What went over links.
    pub traffic: Traffic,
    /// Lines of the trace, and its digest.
    pub digest: (u64, u64),
    /// The trace, if it was kept.
    pub trace: String,
    /// What spies tried to learn.
    pub attacks: u64,
    /// Things that happened.
    pub steps: u64,
    /// Virtual microseconds.
    pub time: u64,
}

impl Outcome {
    /// Whether everything is as it should be.
    pub fn holds(&self) -> bool {
        self.problems.is_empty()
            && self.settled.is_ok()
            && self.report.as_ref().is_none_or(Report::holds)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { taken, postponed, sent, delivered, views, blobs, refused, faults, fullest } =
            self.counts;
        let (frames, bytes) = self.traffic.total();
        writeln!(
            out,
            "{} virtual ms, {faults} faults, {} installations; messages: {taken} taken, {postponed} \
             postponed, {sent} sent, {delivered} delivered; {views} views with {blobs} blobs, \
             {refused} refusals; memory {fullest} % full at most; {frames} frames, {bytes} bytes; {} lines of trace, digest {:016x}",
            self.time / 1000,
            self.totals.installations,
            self.digest.0,
            self.digest.1
        )?;
        for problem in &self.problems {
            writeln!(out, "problem: {problem}")?;
        }
        if let Some(report) = &self.report {
            writeln!(out, "{report}")?;
        }
        match &self.settled {
            Ok(time) => write!(out, "settled {} ms after the last fault", time / 1000),
            Err(where_) => write!(out, "did not settle: {where_}"),
        }
    }
}

/// Does a run.
///
/// # Errors
///
/// The trace could not be written, or not be read by the oracle.
pub fn run(options: &RunOptions) -> Result<Outcome, String> {
    run_plan(Plan::new(options), options)
}

/// Does a run whose plan is not, or not only, drawn from its seed.
///
/// # Errors
///
/// The trace could not be written, or not be read by the oracle.
pub fn run_plan(plan: Plan, options: &RunOptions) -> Result<Outcome, String> {
    let mut world = World::new(plan);
    if let Some(path) = &options.trace {
        let opened = world.shared.trace.to_file(path);
        opened.map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    }
    if options.judged {
        world.shared.trace.to_oracle(Oracle::new(judgement(&world, true)));
    }
    if options.kept {
        world.shared.trace.to_memory();
    }
    act(&mut world, options);
    world.heal();
    let side = world.one_side();
    let settled = world.settle(&side);
    finish(world, settled)
}

/// What an oracle is told about a world.
pub fn judgement(world: &World, settled: bool) -> cenacle_oracle::Options {
    let habits = &world.shared.habits;
    let told = |semantics| match semantics {
        cenacle_core::Semantics::Vs => cenacle_oracle::Semantics::Vs,
        cenacle_core::Semantics::Evs => cenacle_oracle::Semantics::Evs,
    };
    let groups = 0..habits.group_count();
    cenacle_oracle::Options {
        settled,
        semantics: groups
            .map(|number| (naming::group(number), told(habits.semantics(number))))
            .collect(),
        ..cenacle_oracle::Options::default()
    }
}

/// The part of a run in which things go wrong. It goes on until enough has been said.
fn act(world: &mut World, options: &RunOptions) {
    let members = world.plan.joins.iter().map(Vec::len).sum::<usize>() as u64;
    let talks = world.plan.habits.pace > 0 && !options.large;
    let least = if talks { members * MESSAGES } else { 0 };
    let (tenths, most) = (10 * options.seconds.max(1), 80 * options.seconds.max(1));
    for tenth in 1..=most {
        if world.shared.hangs || tenth > tenths && world.shared.counts.taken >= least {
            return;
        }
        world.run_until(tenth * 100_000);
        if !options.large || tenth % 10 == 0 {
            world.check_memory();
        }
    }
    if world.shared.counts.taken < least {
        world.shared.problem(|| format!("{members} members did not say {least} messages"));
    }
}

/// Collects what came of it.
///
/// # Errors
///
/// The trace could not be written, or not be read by the oracle.
pub fn finish(mut world: World, settled: Result<u64, String>) -> Result<Outcome, String> {
    world.check_memory();
    if settled.is_ok() {
        world.check_rest();
    }
    let report = world.shared.trace.finish()?;
    let totals = world.totals();
    let mut problems = std::mem::take(&mut world.shared.problems);
    problems.extend(totals.absurd());
    let findings = world.shared.spies.as_ref().map(Spies::findings).unwrap_or_default();
    problems.extend(findings.found);
    Ok(Outcome {
        report,
        settled,
        problems,
        totals,
        counts: world.shared.counts,
        traffic: world.shared.traffic.clone(),
        digest: world.shared.trace.digest(),
        trace: world.shared.trace.text().to_owned(),
        attacks: findings.attacks,
        steps: world.steps,
        time: world.shared.now,
    })
}
