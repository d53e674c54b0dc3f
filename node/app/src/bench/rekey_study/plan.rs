//! What is to be played: the words of the command line, understood.

use crate::args;
use crate::failure::{Failure, number};
use crate::modules::refused;
use cenacle_host::{KeyAgreementSelector, Registry, SelectedKeyAgreement};
use cenacle_plugin::{Kind, Properties, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The smallest group: one goes, another comes, and there is still somebody to talk to.
const MIN_SIZE: u32 = 4;
/// The largest: the papers stop at 100 members, the modules at 1024.
const MAX_SIZE: u32 = 512;
/// The most members that are tried as leavers.
const MAX_SAMPLES: u32 = 512;

/// Modules, sizes and how much is tried.
pub(super) struct Plan {
    pub(super) subjects: Vec<Subject>,
    pub(super) sizes: Vec<u32>,
    /// How many leavers are tried; a number for the kind of module if nobody says.
    pub(super) samples: Option<u32>,
    pub(super) windows: bool,
    pub(super) json: bool,
}

/// A module with options that the papers tell apart.
pub(super) struct Subject {
    /// What it is called: the module, and the option that makes it another than the default.
    pub(super) name: String,
    kept: SelectedKeyAgreement,
    /// The same without a cache, if it has one.
    dropped: Option<SelectedKeyAgreement>,
    pub(super) contributory: bool,
}

/// What is done to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Story {
    /// All come together that were alone.
    AllOne,
    /// One leaves, another joins, in one change; the mean over all who may leave.
    JoinLeave,
    /// The oldest member goes.
    LeaderDies,
}

impl Story {
    /// The word for it in tables and lines.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AllOne => "all-one",
            Self::JoinLeave => "join-leave",
            Self::LeaderDies => "leader-dies",
        }
    }
}

/// What of the channels that were set up before is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cache {
    /// The module keeps none.
    None,
    /// Nothing.
    Cold,
    /// What earlier changes left.
    Warm,
}

impl Cache {
    /// The word for it in tables and lines.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Cold => "cold",
            Self::Warm => "warm",
        }
    }
}

impl Subject {
    /// The module for that state of the cache.
    pub(super) fn module(&self, cache: Cache) -> &SelectedKeyAgreement {
        match (cache, &self.dropped) {
            (Cache::Cold, Some(dropped)) => dropped,
            _ => &self.kept,
        }
    }

    /// What is played with it. Who was alone has no channels: all-one is cold whatever is kept.
    pub(super) fn stories(&self) -> Vec<(Story, Cache)> {
        use Story::{AllOne, JoinLeave, LeaderDies};
        if self.dropped.is_none() {
            return [AllOne, JoinLeave, LeaderDies].map(|story| (story, Cache::None)).to_vec();
        }
        let mut stories = vec![(AllOne, Cache::Cold)];
        for cache in [Cache::Warm, Cache::Cold] {
            stories.extend([(JoinLeave, cache), (LeaderDies, cache)]);
        }
        stories
    }
}

impl Plan {
    /// Understands `words`; the modules are those of `registry`.
    pub(super) fn new(words: &args::RekeyStudy, registry: Arc<Registry>) -> Result<Self, Failure> {
        let mut sizes = Vec::new();
        for text in &words.sizes {
            let size = number("--sizes", text, MIN_SIZE, MAX_SIZE)?;
            if !sizes.contains(&size) {
                sizes.push(size);
            }
        }
        let samples = words.samples.as_deref();
        let samples = samples.map(|text| number("--samples", text, 2, MAX_SAMPLES)).transpose()?;
        let subjects = subjects(words, &registry)?;
        Ok(Self { subjects, sizes, samples, windows: !words.no_window, json: words.json })
    }
}

fn subjects(words: &args::RekeyStudy, registry: &Arc<Registry>) -> Result<Vec<Subject>, Failure> {
    let mut names: Vec<String> = Vec::new();
    for name in words.module.iter().map(|name| name.trim()) {
        if !names.iter().any(|other| other == name) {
            names.push(name.to_owned());
        }
    }
    if names.is_empty() {
        let all = registry.list().into_iter().filter(|entry| entry.kind == Kind::KeyAgreement);
        names.extend(all.map(|entry| entry.descriptor.name.clone()));
    }
    let selector = KeyAgreementSelector::new(Arc::clone(registry));
    let mut subjects = Vec::new();
    for name in names {
        let plain = subject(&selector, words, &name, None)?;
        let has_way = plain.kept.options().text("set_up").is_some();
        subjects.push(plain);
        // The paper's own way, beside the one that is the default here.
        if has_way {
            subjects.push(subject(&selector, words, &name, Some("as-needed"))?);
        }
    }
    Ok(subjects)
}

fn subject(
    selector: &KeyAgreementSelector,
    words: &args::RekeyStudy,
    name: &str,
    set_up: Option<&str>,
) -> Result<Subject, Failure> {
    let mut options = BTreeMap::new();
    let group = words.group.iter().map(|group| ("group", group.as_str()));
    for (option, value) in group.chain(set_up.map(|way| ("set_up", way))) {
        options.insert(option.to_owned(), Value::Text(value.to_owned()));
    }
    let kept = selector.select(name, &options).map_err(refused)?;
    let dropped = match kept.options().bool("cache") {
        None => None,
        Some(_) => {
            options.insert("cache".to_owned(), Value::Bool(false));
            Some(selector.select(name, &options).map_err(refused)?)
        }
    };
    let contributory =
        matches!(kept.descriptor().properties, Properties::KeyAgreement { contributory: true, .. });
    let name = set_up.map_or_else(|| name.to_owned(), |way| format!("{name}/{way}"));
    Ok(Subject { name, kept, dropped, contributory })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::for_benchmarks;

    fn plan(module: &[&str]) -> Result<Plan, Failure> {
        let owned = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        let words = args::RekeyStudy {
            module: owned(module),
            group: None,
            sizes: owned(&["4", "9", "4"]),
            samples: None,
            no_window: false,
            json: false,
        };
        Plan::new(&words, for_benchmarks().unwrap())
    }

    #[test]
    fn all_modules_are_played_and_binary_both_ways() {
        let plan = plan(&[]).unwrap();
        let names: Vec<&str> = plan.subjects.iter().map(|subject| subject.name.as_str()).collect();
        assert_eq!(names.len(), cenacle_builtin::agreements().len() + 1);
        assert!(names.contains(&"binary") && names.contains(&"binary/as-needed"));
        assert_eq!(plan.sizes, [4, 9]);
    }

    #[test]
    fn what_has_no_cache_is_played_once() {
        let plan = plan(&["tgdh", "dist"]).unwrap();
        let stories: Vec<usize> = plan.subjects.iter().map(|s| s.stories().len()).collect();
        assert_eq!(stories, [3, 5]);
        assert!(plan.subjects[0].contributory && !plan.subjects[1].contributory);
    }
}
