//! The oracle against a second one, which reads the paper literally and slowly (`literal`): on
//! random good traces (`generate`), and on the same with lines dropped, doubled, moved or changed.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

mod generate;
mod literal;

use std::collections::{BTreeMap, BTreeSet};

use cenacle_oracle::{Options, Property, check};
use generate::{Random, generate};

/// `CENACLE_EFFORT=10` tries ten times as much, as in the other suites.
fn effort() -> u64 {
    std::env::var("CENACLE_EFFORT").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// What the oracle says, FIFO taken for Causal as the literal one does.
fn broken(trace: &str) -> BTreeSet<Property> {
    let report = check(trace.as_bytes(), Options::default()).unwrap();
    let causal = |property| if property == Property::Fifo { Property::Causal } else { property };
    report.broken().into_iter().map(causal).collect()
}

/// Changes one line, or the place of one.
fn mutate(trace: &str, random: &mut Random) -> String {
    let mut lines: Vec<String> = trace.lines().map(str::to_owned).collect();
    let at = random.below(lines.len());
    match random.below(8) {
        0 | 1 => drop(lines.remove(at)),
        2 | 3 => {
            // Behind the next line of the same member.
            let member = |line: &str| line.split(',').nth(1).unwrap().to_owned();
            let own = member(&lines[at]);
            let rest = (at + 1..lines.len()).filter(|next| member(&lines[*next]) == own);
            let rest: Vec<usize> = rest.take(4).collect();
            if !rest.is_empty() {
                let to = random.pick(&rest);
                let line = lines.remove(at);
                lines.insert(to, line);
            }
        }
        4 => {
            let line = lines[at].clone();
            let to = at + random.below(lines.len() - at);
            lines.insert(to + 1, line);
        }
        5 => {
            // Somebody delivers it, or does whatever it is, instead.
            let (from, to) = (random.below(5), random.below(5));
            let who = |member| format!("\"member\":\"m{member}\"");
            lines[at] = lines[at].replace(&who(from), &who(to));
        }
        6 => {
            let (from, to) = (random.below(5), random.below(5));
            lines[at] = lines[at].replace(&format!("\"m{from}\""), &format!("\"m{to}\""));
        }
        _ => {
            let services = ["\"fifo\"", "\"causal\"", "\"agreed\"", "\"safe\""];
            let (from, to) = (random.pick(&services), random.pick(&services));
            // Everywhere, so that lines go on agreeing about it.
            let id =
                lines[at].split("\"message\":\"").nth(1).and_then(|rest| rest.split('"').next());
            let id = format!("\"{}\"", id.unwrap_or("none"));
            for line in lines.iter_mut().filter(|line| line.contains(&id)) {
                *line = line.replace(from, to);
            }
        }
    }
    lines.join("\n")
}

#[test]
fn good_traces_break_nothing() {
    for seed in 0..400 * effort() {
        let trace = generate(seed);
        let report = check(trace.as_bytes(), Options::default()).unwrap();
        assert!(report.holds(), "seed {seed}: {report}\n{trace}");
        assert_eq!(literal::judge(&trace), BTreeSet::new(), "seed {seed}\n{trace}");
    }
}

#[test]
fn both_oracles_say_the_same_of_changed_traces() {
    let mut seen: BTreeMap<Property, u32> = BTreeMap::new();
    for seed in 0..3_000 * effort() {
        let mut trace = generate(seed / 10);
        let mut random = Random::new(seed + 1_000_000);
        for _ in 0..1 + random.below(3) {
            trace = mutate(&trace, &mut random);
        }
        let (mut found, mut expected) = (broken(&trace), literal::judge(&trace));
        // Where one view has two meanings, or comes twice, so has all that is said of it.
        if expected.contains(&Property::LocalMonotonicity) {
            assert!(found.contains(&Property::LocalMonotonicity), "seed {seed}\n{trace}");
            continue;
        }
        // What is delivered in another view than it was sent in, the oracle judges no further.
        if expected.contains(&Property::SendingViewDelivery) {
            found.remove(&Property::Causal);
            expected.remove(&Property::Causal);
        }
        assert_eq!(found, expected, "seed {seed}\n{trace}");
        for property in found {
            *seen.entry(property).or_default() += 1;
        }
    }
    assert!(seen.len() >= 11, "the changes do not reach everything: {seen:?}");
}
