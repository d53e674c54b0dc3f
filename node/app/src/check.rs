//! `cenacle check`: everything that is wrong with a configuration, before a node starts.

use crate::args;
use crate::configured;
use crate::failure::Failure;
use crate::screen::{Screen, Style};
use cenacle::config::{Admission, Config, Problem, Problems};
use serde::Serialize;
use std::io::Write;

/// What scripts get. The names of the fields are a contract.
#[derive(Serialize)]
struct Line<'a> {
    ok: bool,
    problems: Vec<&'a Problem>,
    remarks: Vec<String>,
}

/// Reads everything that a start would, and tells what is wrong with it.
pub(crate) fn run(words: &args::Check, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let read = configured::loader(&words.configured)?.load();
    if words.json {
        let line = match &read {
            Ok(config) => Line { ok: true, problems: Vec::new(), remarks: config.remarks() },
            Err(wrong) => Line { ok: false, problems: wrong.iter().collect(), remarks: Vec::new() },
        };
        serde_json::to_writer(&mut *screen, &line).map_err(std::io::Error::from)?;
        writeln!(screen)?;
    } else {
        match &read {
            Ok(config) => summarise(config, screen)?,
            Err(wrong) => writeln!(screen, "{wrong}")?,
        }
    }
    match read {
        Ok(_) => Ok(()),
        Err(wrong) => Err(Failure::Failed(verdict(&wrong))),
    }
}

fn verdict(wrong: &Problems) -> String {
    match wrong.count() {
        1 => "a node cannot start with this configuration: mend the problem above".to_owned(),
        many => {
            format!("a node cannot start with this configuration: mend the {many} problems above")
        }
    }
}

fn summarise(config: &Config, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let overlay = config.overlay();
    let admission = match overlay.admission {
        Admission::Psk { .. } => "whoever knows its secret",
        Admission::Allowlist(_) => "the peers that are listed",
        _ => "anyone",
    };
    writeln!(screen, "{}", screen.paint(Style::Good, "The configuration is in order."))?;
    let name = config.node().name.as_deref().unwrap_or("without a name");
    writeln!(screen, "  node     {name}, on {} addresses", config.node().listen.len())?;
    writeln!(screen, "  overlay  {}, open to {admission}", overlay.name)?;
    for group in config.groups() {
        let how = if group.insecure { "insecure" } else { "secure" };
        writeln!(screen, "  group    {}, {how}", group.name)?;
    }
    for remark in config.remarks() {
        screen.item("Note: ", "      ", &remark)?;
    }
    Ok(())
}
