//! Draws the pictures of docs/rekey-study.md from what the study printed:
//!
//! ```sh
//! cenacle bench rekey-study --json > study.json
//! cargo run --manifest-path docs/plots/Cargo.toml -- study.json docs/rekey-study
//! ```

mod chart;
mod study;

use chart::{Line, chart};
use std::error::Error;
use std::path::Path;
use study::Study;

const ENSEMBLE: [&str; 5] = ["basic", "binary", "binary/as-needed", "dist", "wgl"];
const OTHERS: [&str; 5] = ["tgdh", "gdh", "str", "bd", "ckd"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(from), Some(to), None) = (words.next(), words.next(), words.next()) else {
        return Err("usage: cenacle-plots STUDY.json FOLDER".into());
    };
    let study = Study::read(&std::fs::read_to_string(from)?)?;
    let folder = Path::new(&to);
    std::fs::create_dir_all(folder)?;
    figure_4(&study, folder)?;
    figure_6(&study, folder)?;
    times(&study, folder)?;
    figure_5(&study, folder)
}

/// A formula of the papers for groups of the sizes that were played.
fn formula(study: &Study, name: &str, of: impl Fn(f64) -> f64) -> Line {
    let points = study.sizes().into_iter().map(|size| (size, of(size))).collect();
    Line { name: format!("paper: {name}"), points, is_formula: true }
}

fn lines(study: &Study, modules: &[&str], scenario: &str, cache: &str, figure: &str) -> Vec<Line> {
    let line = |module: &&str| Line {
        name: (*module).to_owned(),
        points: study.points(module, scenario, cache, figure),
        is_formula: false,
    };
    modules.iter().map(line).filter(|line| !line.points.is_empty()).collect()
}

/// AllOne: latency and multicast bytes.
fn figure_4(study: &Study, folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut latency = lines(study, &ENSEMBLE, "all-one", "cold", "latency.worst");
    latency.push(formula(study, "basic", |n| n));
    latency.push(formula(study, "binary", |n| 3.0 * ((n + 1.0).log2() - 1.0)));
    latency.push(formula(study, "dist", |n| n.log2() + 1.0));
    let title = "AllOne: latency in exponentiations";
    chart(
        &folder.join("all-one-latency.svg"),
        title,
        "exponentiations in sequence",
        &latency,
        true,
    )?;
    let bytes = lines(study, &ENSEMBLE, "all-one", "cold", "multicast_bytes.worst");
    let title = "AllOne: bytes multicast";
    chart(&folder.join("all-one-multicast.svg"), title, "bytes", &bytes, false)
}

/// JoinLeave and the leader's death: load, latency, and bytes.
fn figure_6(study: &Study, folder: &Path) -> Result<(), Box<dyn Error>> {
    for (scenario, figure, name) in
        [("join-leave", "mean", "JoinLeave"), ("leader-dies", "worst", "the leader dies")]
    {
        for (column, unit) in [
            ("latency", "exponentiations in sequence"),
            ("load", "exponentiations"),
            ("multicast_bytes", "bytes"),
        ] {
            let figure = format!("{column}.{figure}");
            let mut warm = lines(study, &ENSEMBLE, scenario, "warm", &figure);
            match (scenario, column) {
                ("join-leave", "latency") => {
                    warm.push(formula(study, "basic", |_| 3.0));
                    warm.push(formula(study, "dist", |n| n.log2() + 1.0));
                }
                ("join-leave", "load") => {
                    warm.push(formula(study, "basic", |_| 4.0));
                    warm.push(formula(study, "dist", |n| 2.0 * n.log2()));
                }
                ("leader-dies", "latency") => {
                    warm.push(formula(study, "basic", |n| n));
                    warm.push(formula(study, "binary", |n| 3.0 * (n.log2() - 1.0)));
                    warm.push(formula(study, "dist", |n| n.log2() + 1.0));
                }
                ("leader-dies", "load") => {
                    warm.push(formula(study, "basic", |n| 2.0 * (n - 1.0)));
                    warm.push(formula(study, "dist", |n| 2.0 * n.log2()));
                }
                _ => {}
            }
            let title = format!("{name}, warm cache: {}", column.replace('_', " "));
            let file = format!("{scenario}-{}.svg", column.replace('_', "-"));
            chart(&folder.join(file), &title, unit, &warm, scenario == "leader-dies")?;
        }
    }
    Ok(())
}

/// What it takes today, all modules.
fn times(study: &Study, folder: &Path) -> Result<(), Box<dyn Error>> {
    for (scenario, figure, cache, name) in [
        ("all-one", "mean", "cold", "AllOne"),
        ("join-leave", "mean", "warm", "JoinLeave, mean, warm cache"),
        ("leader-dies", "mean", "warm", "the leader dies, warm cache"),
    ] {
        let figure = format!("critical_us.{figure}");
        let mut all = lines(study, &ENSEMBLE, scenario, cache, &figure);
        all.extend(lines(study, &OTHERS, scenario, "none", &figure));
        for line in &mut all {
            line.points.iter_mut().for_each(|(_, us)| *us /= 1000.0);
        }
        let title = format!("{name}: longest chain of work");
        let file = folder.join(format!("{scenario}-time.svg"));
        chart(&file, &title, "milliseconds", &all, true)?;
    }
    Ok(())
}

/// The vulnerability window: what was measured.
fn figure_5(study: &Study, folder: &Path) -> Result<(), Box<dyn Error>> {
    let modules: Vec<&str> = ENSEMBLE.iter().chain(&OTHERS).copied().collect();
    let bars: Vec<(String, Vec<f64>)> = modules
        .into_iter()
        .map(|module| (module.to_owned(), study.windows(module)))
        .filter(|(_, windows)| !windows.is_empty())
        .collect();
    chart::bars(&folder.join("window.svg"), &bars)
}
