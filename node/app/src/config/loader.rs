//! From layers to a checked configuration.

use super::group::GroupSettings;
use super::layers::{self, Layer};
use super::problem::{Place, Problems, Report, printable, shown};
use super::values::{Section, as_table};
use super::{Admission, Config, file, files, group, sections};
use cenacle_host::Registry;
use config::{Map, Value, ValueKind};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads a configuration from a file and the layers above it.
///
/// ```no_run
/// use cenacle::config::Loader;
///
/// let config = Loader::new("cenacle.toml".as_ref())
///     .variables(std::env::vars_os())
///     .set("node.name=alice")?
///     .load()?;
/// # Ok::<(), cenacle::config::Problems>(())
/// ```
#[derive(Clone, Debug)]
pub struct Loader {
    path: PathBuf,
    variables: Vec<(OsString, OsString)>,
    flags: Vec<String>,
    registry: Option<Arc<Registry>>,
}

impl Loader {
    /// Of the file at `path`, without environment and flags.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), variables: Vec::new(), flags: Vec::new(), registry: None }
    }

    /// With what these variables say, as the environment has them; others than `CENACLE_…` do not
    /// count.
    pub fn variables(mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        self.variables.extend(variables);
        self
    }

    /// With `SECTION.KEY=VALUE` on top of everything, as on the command line. Fails when it names no
    /// key.
    pub fn set(mut self, assignment: &str) -> Result<Self, Problems> {
        match layers::assignment(assignment) {
            Ok(_) => {
                self.flags.push(assignment.to_owned());
                Ok(self)
            }
            Err((problem, way_out)) => {
                Err(Problems::one(Place::Flag { flag: "--set".to_owned() }, problem, way_out))
            }
        }
    }

    /// With these modules to choose from; the built-in ones otherwise.
    pub fn registry(mut self, registry: Arc<Registry>) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Reads the file and looks at the files that it names. Fails with everything that is wrong.
    pub fn load(self) -> Result<Config, Problems> {
        let text = read_text(&self.path)?;
        self.read(&text, true)
    }

    /// Takes `text` for the file's, and looks at no file. Fails with everything that is wrong.
    pub fn parse(self, text: &str) -> Result<Config, Problems> {
        self.read(text, false)
    }

    fn read(self, text: &str, looks_at_files: bool) -> Result<Config, Problems> {
        let name = shown_path(&self.path);
        let mut report = Report::new(whole(&self.path));
        if text.len() > file::MAX_FILE {
            return Err(too_large(&self.path));
        }
        let base = base_of(&self.path)?;
        let Some(file) = file::read(text, &name, &mut report).map(Layer) else {
            return Err(report.into_problems());
        };
        let variables = layers::variables(self.variables, &mut report);
        let flags = layers::flags(self.flags.iter().map(String::as_str), &mut report);
        let registry = match self.registry {
            Some(registry) => registry,
            None => built_in(&report)?,
        };
        let looks = looks_at_files.then_some(());
        from_layers([file, variables, flags], &base, registry, looks, report)
    }
}

/// Types and checks what the layers say together.
pub(super) fn from_layers(
    layers: impl IntoIterator<Item = Layer>,
    base: &Path,
    registry: Arc<Registry>,
    looks_at_files: Option<()>,
    mut report: Report,
) -> Result<Config, Problems> {
    let merged = layers::merge(layers).map_err(|error| {
        Problems::one(report.place(""), shown(&error.to_string()), "report this defect")
    })?;
    let node = sections::node(single("node", &merged, &mut report), base);
    let overlay = sections::overlay(single("overlay", &merged, &mut report), base);
    let metrics = sections::metrics(single("metrics", &merged, &mut report));
    for (index, table) in repeated(&merged, "plugin").enumerate() {
        let path = format!("plugin[{index}]");
        let from = Section { section: "plugin", path, table: Some(table), report: &mut report };
        sections::plugin(from, base);
    }
    let mut groups = Vec::new();
    for (index, table) in repeated(&merged, "group").enumerate() {
        let path = format!("group[{index}]");
        let from = Section { section: "group", path, table: Some(table), report: &mut report };
        groups.push(group::group(from, base, &registry));
    }
    refuse_twins(&groups, &mut report);
    let unused = unused(&overlay.admission, &merged, &report);
    let groups = groups.into_iter().flatten().collect();
    let config = Config { node, overlay, metrics, groups, registry, unused };
    if looks_at_files.is_some() {
        files::look(&config, &mut report);
    }
    report.finish(config)
}

/// A section that is there once, if only with its defaults.
fn single<'t, 'r>(
    section: &'static str,
    merged: &'t Map<String, Value>,
    report: &'r mut Report,
) -> Section<'t, 'r> {
    let table = merged.get(section).and_then(as_table);
    Section { section, path: section.to_owned(), table, report }
}

/// Tells each group that has the name of an earlier one.
fn refuse_twins(groups: &[Option<GroupSettings>], report: &mut Report) {
    let mut seen = BTreeMap::new();
    for (index, group) in groups.iter().enumerate() {
        let Some(group) = group else { continue };
        let path = format!("group[{index}].name");
        match seen.get(&group.name) {
            None => drop(seen.insert(group.name.clone(), path)),
            Some(first) => {
                let problem = format!("{:?} is there twice", group.name.as_str());
                let place = report.place(first);
                let way_out = format!("the first is at {place}: rename one, or leave it out");
                report.wrong(&path, problem, way_out);
            }
        }
    }
}

/// Keys of another admission than the chosen one.
fn unused(admission: &Admission, merged: &Map<String, Value>, report: &Report) -> Vec<String> {
    let overlay = merged.get("overlay").and_then(as_table);
    let lists_nobody = |key: &str| match overlay.and_then(|overlay| overlay.get(key)) {
        Some(value) => matches!(&value.kind, ValueKind::Array(items) if items.is_empty()),
        None => true,
    };
    let idle = |key: &str, way: &str| {
        let path = format!("overlay.{key}");
        let given = report.has(&path) && !lists_nobody(key);
        given.then(|| format!("{path} is not used: admission is not {way:?}"))
    };
    let psk = || idle("psk_file", "psk");
    let list = || idle("allowlist", "allowlist");
    let unused = match admission {
        Admission::Psk { .. } => [list(), None],
        Admission::Allowlist(_) => [psk(), None],
        Admission::Open => [psk(), list()],
    };
    unused.into_iter().flatten().collect()
}

fn repeated<'m>(
    merged: &'m Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'m Map<String, Value>> {
    let list = match merged.get(name).map(|value| &value.kind) {
        Some(ValueKind::Array(list)) => list.as_slice(),
        _ => &[],
    };
    list.iter().filter_map(as_table)
}

/// The built-in modules, where they are in order.
pub(super) fn built_in(report: &Report) -> Result<Arc<Registry>, Problems> {
    crate::built_in_modules()
        .map_err(|error| Problems::one(report.place(""), error.to_string(), "report this defect"))
}

/// A path for people.
pub(super) fn shown_path(path: &Path) -> String {
    printable(path.to_string_lossy().chars()).collect()
}

pub(super) fn whole(path: &Path) -> Place {
    Place::File { file: shown_path(path), line: None, column: None }
}

/// The folder that paths are relative to, whatever becomes of the working directory.
fn base_of(path: &Path) -> Result<PathBuf, Problems> {
    let absolute = std::path::absolute(path).map_err(|error| {
        Problems::one(whole(path), error.to_string(), "give the path of a file that is there")
    })?;
    Ok(absolute.parent().map(Path::to_owned).unwrap_or(absolute))
}

fn too_large(path: &Path) -> Problems {
    Problems::one(
        whole(path),
        format!("this is larger than {} bytes", file::MAX_FILE),
        "give a configuration file",
    )
}

/// The text of the file.
fn read_text(path: &Path) -> Result<String, Problems> {
    let unreadable = |error: std::io::Error| {
        let way_out = match error.kind() {
            std::io::ErrorKind::NotFound => {
                "name another with --config, or run `cenacle init` to make one"
            }
            std::io::ErrorKind::PermissionDenied => "let this user read it",
            _ => "name another with --config",
        };
        Problems::one(whole(path), format!("this cannot be read ({})", error.kind()), way_out)
    };
    // A pipe would be waited for.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(Problems::one(whole(path), "this is no file", "name a file with --config"));
    }
    let most = u64::try_from(file::MAX_FILE).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(path).map_err(unreadable)?;
    opened.take(most).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > file::MAX_FILE {
        return Err(too_large(path));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes().get(..good).unwrap_or_default());
        let place = file::Lines::new(&text, &shown_path(path)).place(good);
        Problems::one(place, "this is not UTF-8", "write the file as UTF-8 text")
    })
}
