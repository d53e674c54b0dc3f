//! The files that a configuration names: what is there must be usable; nothing is made or changed.

use super::problem::Report;
use super::sections::Admission;
use super::{Config, evidence, loader};
use cenacle_net::{Error, Identity, Psk};
use std::path::Path;

/// Looks at every file that a start would.
pub(super) fn look(config: &Config, report: &mut Report) {
    if let Admission::Psk { file } = &config.overlay().admission {
        secret("overlay.psk_file", file, Needed::Now, report, |file| Psk::load(file).map(drop));
    }
    let identity = &config.node().identity;
    secret("node.identity", identity, Needed::AtStart, report, |file| {
        Identity::load(file).map(drop)
    });
    for group in config.groups().iter().filter(|group| !group.insecure) {
        let Some(file) = &group.evidence_file else { continue };
        let key = format!("{}.evidence_file", group.at);
        if let Err((problem, way_out)) = evidence::read(file) {
            report.wrong(&key, problem, way_out);
        }
    }
    let state = &config.node().state;
    if !report.is_broken("node.state") && state.exists() && !state.is_dir() {
        let problem = format!("{} is no folder", loader::shown_path(state));
        report.wrong("node.state", problem, "name a folder, or a path where none is yet");
    }
}

/// Whether a file must be there, or is made at the first start.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needed {
    Now,
    AtStart,
}

fn secret(
    key: &str,
    file: &Path,
    needed: Needed,
    report: &mut Report,
    load: impl FnOnce(&Path) -> Result<(), Error>,
) {
    if report.is_broken(key) || file.as_os_str().is_empty() {
        return;
    }
    let name = loader::shown_path(file);
    let (problem, way_out) = match std::fs::metadata(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => match needed {
            Needed::AtStart => return,
            Needed::Now => (
                format!("there is no file {name}"),
                "copy it from another node of the overlay, or let `cenacle init` make one"
                    .to_owned(),
            ),
        },
        Err(error) => (
            format!("{name} cannot be read ({})", error.kind()),
            "let this user read it".to_owned(),
        ),
        // A pipe would be waited for.
        Ok(found) if !found.is_file() => (format!("{name} is no file"), "name another".to_owned()),
        Ok(_) => match load(file) {
            Ok(()) => return,
            Err(Error::Readable { mode, .. }) => (
                format!("{name} can be read by others (mode {mode:04o})"),
                format!("run `chmod 600 {name}`"),
            ),
            Err(Error::Content { expected, advice, .. }) => {
                (format!("{name} is not {expected}"), advice.to_owned())
            }
            Err(Error::File { source, .. }) => (
                format!("{name} cannot be read ({})", source.kind()),
                "let this user read it".to_owned(),
            ),
            Err(other) => (format!("{name}: {other}"), "name another".to_owned()),
        },
    };
    report.wrong(key, problem, way_out);
}
