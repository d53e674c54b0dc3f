//! What a suite found: every broken rule in words. Suites do not panic and print nothing; a module
//! that panics is itself a finding.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A rule that modules must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// A word for programs: `a-z` and `-`.
    pub name: &'static str,
    /// The rule in a few words.
    pub says: &'static str,
}

/// Tried with every other rule: whatever a module is given, it answers.
const NO_PANIC: Rule = Rule { name: "no-panic", says: "no input makes the module panic" };

/// What a suite did that found nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The module.
    pub module: String,
    /// The rules that it kept.
    pub rules: Vec<Rule>,
    /// How many single checks that took.
    pub checks: u64,
}

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The rule.
    pub rule: Rule,
    /// The first few findings against it.
    pub findings: Vec<String>,
    /// How many findings there were.
    pub count: u64,
}

/// What a suite found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures {
    /// The module.
    pub module: String,
    /// The broken rules, in the order in which they were tried.
    pub broken: Vec<Failure>,
    /// How many single checks were made.
    pub checks: u64,
}

impl Failures {
    /// Whether the rule called `name` is among the broken ones.
    pub fn broke(&self, name: &str) -> bool {
        self.broken.iter().any(|failure| failure.rule.name == name)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = self.rules.len();
        write!(f, "{}: keeps all {rules} rules ({} checks)", self.module, self.checks)
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: breaks {} rules", self.module, self.broken.len())?;
        for failure in &self.broken {
            write!(f, "\n  {}: {}", failure.rule.name, failure.rule.says)?;
            for finding in &failure.findings {
                write!(f, "\n    {finding}")?;
            }
            let more = failure.count.saturating_sub(failure.findings.len() as u64);
            if more > 0 {
                write!(f, "\n    and {more} more like these")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Failures {}

/// How many findings against one rule are kept in words, and the most characters of one: a report
/// is for reading.
const KEPT: usize = 3;
const WORDS: usize = 400;

/// Collects what a suite finds.
pub(super) struct Findings {
    module: String,
    tried: Vec<Rule>,
    broken: Vec<Failure>,
    checks: u64,
}

impl Findings {
    pub(super) fn new(module: &str) -> Self {
        Self { module: module.to_owned(), tried: vec![NO_PANIC], broken: Vec::new(), checks: 0 }
    }

    /// Tries one rule. What `body` returns as an error is a finding against it; a panic in it, one
    /// against panics.
    pub(super) fn rule(&mut self, rule: Rule, body: impl FnOnce(&mut Self) -> Result<(), String>) {
        self.trying(rule);
        // What a panic leaves behind is a list of findings, each complete.
        let outcome = catch_unwind(AssertUnwindSafe(|| body(self)));
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(finding)) => self.add(rule, finding),
            Err(panic) => {
                self.add(
                    NO_PANIC,
                    format!("it panicked when {} was tried: {}", rule.name, words(&*panic)),
                );
            }
        }
    }

    /// Counts a check, and notes the finding when it does not hold.
    pub(super) fn check(&mut self, rule: Rule, holds: bool, finding: impl FnOnce() -> String) {
        self.checks = self.checks.saturating_add(1);
        self.trying(rule);
        if !holds {
            self.add(rule, finding());
        }
    }

    pub(super) fn finish(self) -> Result<Summary, Failures> {
        let Self { module, tried: rules, broken, checks } = self;
        if broken.is_empty() {
            Ok(Summary { module, rules, checks })
        } else {
            Err(Failures { module, broken, checks })
        }
    }

    fn trying(&mut self, rule: Rule) {
        if !self.tried.contains(&rule) {
            self.tried.push(rule);
        }
    }

    fn add(&mut self, rule: Rule, finding: String) {
        let index = self.broken.iter().position(|failure| failure.rule == rule);
        let failure = match index.and_then(|index| self.broken.get_mut(index)) {
            Some(failure) => failure,
            None => {
                self.broken.push(Failure { rule, findings: Vec::new(), count: 0 });
                let Some(failure) = self.broken.last_mut() else { return };
                failure
            }
        };
        failure.count = failure.count.saturating_add(1);
        if failure.findings.len() < KEPT {
            failure.findings.push(finding.chars().take(WORDS).collect());
        }
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}
