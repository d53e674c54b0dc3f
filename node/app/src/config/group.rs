//! `[[group]]`: a group to join, with the modules that it chooses.

use super::keys::MODULES;
use super::problem::shown;
use super::unavailable;
use super::values::{self, Section, Wrong, as_table};
use cenacle_core::{GroupName, Semantics};
use cenacle_host::{
    EncryptionSelector, Error, KeyAgreementSelector, PolicySelector, Registry, Selected,
    SelectedCipher, SelectedKeyAgreement, SelectedPolicy,
};
use cenacle_plugin::{History, Inline, OptionError, Value};
use config::ValueKind;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most messages that a group keeps, as in the policies' rule.
const MAX_HISTORY: u32 = 10_000;

/// How key agreement and group communication sit on each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Architecture {
    /// Key agreement runs above group communication, and is a client of it.
    Layered,
}

/// The modules of a group, with their options.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Modules {
    /// Agrees on keys.
    pub key_agreement: SelectedKeyAgreement,
    /// Seals messages.
    pub cipher: SelectedCipher,
    /// Decides who may do what.
    pub policy: SelectedPolicy,
}

/// `[[group]]`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GroupSettings {
    /// Its name.
    pub name: GroupName,
    /// The modules; not used where the group is insecure.
    pub modules: Modules,
    /// What it promises.
    pub semantics: Semantics,
    /// How key agreement and group communication sit on each other.
    pub architecture: Architecture,
    /// Neither key agreement nor encryption of its own.
    pub insecure: bool,
    /// What newcomers are shown of what was said before.
    pub history: History,
    /// Whether the application answers flush requests itself.
    pub manual_flush: bool,
    /// The file with what this node shows to the group's policy, such as an invitation.
    pub evidence_file: Option<PathBuf>,
    /// Whether modules or evidence were named that an insecure group does not use.
    pub(super) names_modules: bool,
    /// Where it is in the configuration: `group[2]`.
    pub(super) at: String,
}

/// Reads one group; `None` when it has problems that leave no group.
pub(super) fn group(
    mut from: Section<'_, '_>,
    base: &Path,
    registry: &Arc<Registry>,
) -> Option<GroupSettings> {
    let name = from
        .need("name", |value| values::text(value)?.parse::<GroupName>().map_err(|_| Wrong::Form));
    let semantics = [("vs", Semantics::Vs), ("evs", Semantics::Evs)];
    let semantics = from.read("semantics", values::choice(&semantics));
    let architectures = [("layered", Architecture::Layered)];
    let architecture = from.read("architecture", values::choice(&architectures));
    let insecure = from.read("insecure", values::boolean);
    let history = from.read("history", history);
    let manual_flush = from.read("manual_flush", values::boolean);
    let evidence_file = from.read("evidence_file", values::evidence_path(base));
    let unused = MODULES.into_iter().chain(["options", "evidence_file"]);
    let names_modules = unused.into_iter().any(|key| from.has(key));
    // An insecure group uses no policy: one that cannot work stands against it only if it was named.
    let policy_counts =
        from.has("policy") || has_options(&from, "policy") || insecure == Some(false);
    let modules = modules(&mut from, registry, policy_counts);
    check_evs(&mut from, semantics, insecure, manual_flush);
    check_history(&mut from, history, insecure, modules.as_ref().filter(|_| policy_counts));
    Some(GroupSettings {
        name: name?,
        modules: modules?,
        semantics: semantics?,
        architecture: architecture?,
        insecure: insecure?,
        history: history?,
        manual_flush: manual_flush?,
        evidence_file,
        names_modules,
        at: from.path,
    })
}

fn check_evs(
    from: &mut Section<'_, '_>,
    semantics: Option<Semantics>,
    insecure: Option<bool>,
    manual_flush: Option<bool>,
) {
    if semantics != Some(Semantics::Evs) {
        return;
    }
    if insecure == Some(false) {
        let path = from.at("semantics");
        from.report.wrong(
            &path,
            "\"evs\" groups have no keys",
            "write `insecure = true` too, or choose \"vs\"",
        );
    }
    if manual_flush == Some(true) {
        let path = from.at("manual_flush");
        from.report.wrong(
            &path,
            "\"evs\" groups have no flush requests to answer",
            "leave it out, or choose semantics = \"vs\"",
        );
    }
}

/// `none`, `since-join`, `last N`: the words of the policies' rule of the same name.
fn history(value: &ValueKind) -> Result<History, Wrong> {
    let text = values::text(value)?;
    match text {
        "none" => return Ok(History::None),
        "since-join" => return Ok(History::SinceJoin),
        _ => {}
    }
    let digits = text.strip_prefix("last ").ok_or(Wrong::Form)?;
    if digits.starts_with('0') || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Wrong::Form);
    }
    match digits.parse() {
        Ok(number) if (1..=MAX_HISTORY).contains(&number) => Ok(History::Last(number)),
        _ => Err(Wrong::Form),
    }
}

fn check_history(
    from: &mut Section<'_, '_>,
    history: Option<History>,
    insecure: Option<bool>,
    modules: Option<&Modules>,
) {
    let path = from.at("history");
    let Some(history) = history.filter(|history| *history != History::None) else { return };
    // An insecure group asks no policy.
    let policy = modules.filter(|_| insecure == Some(false));
    let allowed = policy.and_then(|modules| modules.policy.create().ok()).map(|it| it.history());
    match allowed {
        Some(allowed) if !within(history, allowed) => from.report.wrong(
            &path,
            "this is more than the group's policy allows",
            "ask for less, or let the option `history` of [group.options.policy] allow it",
        ),
        _ => {
            let (problem, way_out) = unavailable::HISTORY;
            from.report.wrong(&path, problem, way_out);
        }
    }
}

/// Whether who may see `allowed` may see `wanted`.
fn within(wanted: History, allowed: History) -> bool {
    match (wanted, allowed) {
        (History::None, _) => true,
        (History::SinceJoin, allowed) => allowed != History::None,
        (History::Last(wanted), History::Last(allowed)) => wanted <= allowed,
        (History::Last(_), _) => false,
    }
}

fn modules(
    from: &mut Section<'_, '_>,
    registry: &Arc<Registry>,
    policy_counts: bool,
) -> Option<Modules> {
    let key_agreements = KeyAgreementSelector::new(Arc::clone(registry));
    let key_agreement =
        select(from, "key_agreement", |name, options| key_agreements.select(name, options));
    let key_agreement = key_agreement.and_then(|module| {
        let made = module.create(Arc::new(Inline)).map(drop);
        works(from, "key_agreement", made).then_some(module)
    });
    let ciphers = EncryptionSelector::new(Arc::clone(registry));
    let cipher = select(from, "cipher", |name, options| ciphers.select(name, options));
    let cipher = cipher.and_then(|module| {
        let made = module.create().map(drop);
        works(from, "cipher", made).then_some(module)
    });
    let policies = PolicySelector::new(Arc::clone(registry));
    let policy = select(from, "policy", |name, options| policies.select(name, options));
    let policy = policy.and_then(|module| {
        let made = if policy_counts { module.create().map(drop) } else { Ok(()) };
        works(from, "policy", made).then_some(module)
    });
    Some(Modules { key_agreement: key_agreement?, cipher: cipher?, policy: policy? })
}

/// Finds the module of one kind. Every option that it does not take is told.
fn select<M: ?Sized>(
    from: &mut Section<'_, '_>,
    kind: &str,
    select: impl Fn(&str, &BTreeMap<String, Value>) -> Result<Selected<M>, Error>,
) -> Option<Selected<M>> {
    let name = from.read(kind, |value| values::text(value).map(str::to_owned))?;
    let (path, at) = (from.at(kind), format!("{}.options.{kind}", from.path));
    let mut options = options(from, kind, &at);
    loop {
        let (option, problem, way_out) = match select(&name, &options) {
            Ok(_) if from.report.is_broken(&at) => return None,
            Ok(module) => return Some(module),
            Err(Error::BadOption(OptionError::Unknown { module, name, hint })) => {
                (name, format!("{module} has no such option"), hint)
            }
            Err(Error::BadOption(OptionError::OutOfRange { name, got, want, .. })) => {
                (name, format!("this cannot be {}", shown(&got)), format!("it must be {want}"))
            }
            Err(Error::UnknownModule { kind, name, hint }) => {
                let problem = format!("there is no {kind} module called {:?}", shown(&name));
                from.report.wrong(&path, problem, hint);
                return None;
            }
            // It cannot even complete its options; perhaps only for want of those that were wrong.
            Err(error) => {
                if !from.report.is_broken(&at) {
                    works(from, kind, Err(error));
                }
                return None;
            }
        };
        from.report.wrong(&format!("{at}.{}", shown(&option)), problem, way_out);
        // Without it, the next one that is wrong comes up; a name that was cut is the last.
        options.remove(&option)?;
    }
}

/// Whether a module could be made from its options; tells what it says otherwise.
fn works(from: &mut Section<'_, '_>, kind: &str, made: Result<(), Error>) -> bool {
    let error = match made {
        Ok(()) => return true,
        Err(Error::Module { source, .. }) => source,
        Err(other) => {
            let path = from.at(kind);
            let way_out = "choose another module: see `cenacle plugins`";
            from.report.wrong(&path, other.to_string(), way_out);
            return false;
        }
    };
    let (path, why) = match error {
        cenacle_plugin::Error::BadOption { name, why } => {
            (format!("{}.options.{kind}.{name}", from.path), why)
        }
        other => (format!("{}.{kind}", from.path), other.to_string()),
    };
    // A module's text says both what is wrong and what to do.
    let (problem, way_out) =
        why.split_once("; ").unwrap_or((&why, "`cenacle plugins` tells what it takes"));
    from.report.wrong(&path, problem, way_out);
    false
}

fn has_options(from: &Section<'_, '_>, kind: &str) -> bool {
    from.given("options").and_then(as_table).is_some_and(|options| options.contains_key(kind))
}

/// The options that are given for a kind of module, as modules take them.
fn options(from: &mut Section<'_, '_>, kind: &str, at: &str) -> BTreeMap<String, Value> {
    let all = from.given("options").and_then(as_table);
    let given = all.and_then(|all| all.get(kind)).and_then(as_table).cloned();
    let mut options = BTreeMap::new();
    for (name, value) in given.unwrap_or_default() {
        match option(&value) {
            Some(value) => drop(options.insert(name.clone(), value)),
            None => from.report.wrong(
                &format!("{at}.{}", shown(&name)),
                "this is of no type that options have",
                "give true or false, a whole number, text, or a list of texts or of tables",
            ),
        }
    }
    options
}

/// An option as modules take it; `None` if it is of no type that they have. Files have few levels of
/// tables ([`super::file`]).
fn option(value: &config::Value) -> Option<Value> {
    let table = |item: &config::Value| {
        let table = as_table(item)?.iter();
        table.map(|(name, value)| Some((name.clone(), option(value)?))).collect()
    };
    match &value.kind {
        ValueKind::Boolean(yes) => Some(Value::Bool(*yes)),
        ValueKind::I64(number) => Some(Value::Integer(*number)),
        ValueKind::String(text) => Some(Value::Text(text.clone())),
        ValueKind::Array(items) if items.first().is_some_and(|item| as_table(item).is_some()) => {
            items.iter().map(table).collect::<Option<Vec<_>>>().map(Value::Tables)
        }
        ValueKind::Array(items) => {
            let text = |item: &config::Value| values::text(&item.kind).ok().map(str::to_owned);
            items.iter().map(text).collect::<Option<Vec<_>>>().map(Value::List)
        }
        _ => None,
    }
}
