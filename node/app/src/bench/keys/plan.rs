//! What is to be measured: the words of the command line, understood.

use crate::args;
use crate::failure::{Failure, number};
use crate::modules::refused;
use cenacle_host::{KeyAgreementSelector, Registry, SelectedKeyAgreement};
use cenacle_plugin::{Descriptor, Kind, Occasion, OptionType, Properties, Scenario, Value, hint};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The largest group that is played.
const MAX_SIZE: u32 = 1024;

/// The most runs that are timed of one change.
const MAX_REPETITIONS: u32 = 10_000;

/// Modules, sizes and events, each once, in the order in which they were named.
pub(crate) struct Plan {
    pub(crate) modules: Vec<SelectedKeyAgreement>,
    pub(crate) repetitions: Option<u32>,
    pub(crate) json: bool,
    sizes: Vec<u32>,
    occasions: Vec<Occasion>,
}

impl Plan {
    /// Understands `words`; the modules are those of `registry`.
    pub(crate) fn new(words: &args::Keys, registry: Arc<Registry>) -> Result<Self, Failure> {
        let mut sizes = Vec::new();
        for text in &words.sizes {
            push_new(&mut sizes, number("--sizes", text, 1, MAX_SIZE)?);
        }
        let mut occasions = Vec::new();
        for name in &words.event {
            push_new(&mut occasions, occasion(name.trim())?);
        }
        if occasions.is_empty() {
            occasions.extend(Occasion::ALL);
        }
        let repetitions = words.repetitions.as_deref();
        let repetitions = repetitions.map(|text| number("--repetitions", text, 1, MAX_REPETITIONS));
        let modules = select(words, &registry)?;
        Ok(Self {
            modules,
            repetitions: repetitions.transpose()?,
            json: words.json,
            sizes,
            occasions,
        })
    }

    /// Every change to play with `module`; or why it cannot be played.
    pub(crate) fn scenarios(
        &self,
        module: &SelectedKeyAgreement,
    ) -> Vec<(Scenario, Result<(), String>)> {
        let mut scenarios = Vec::new();
        for &size in &self.sizes {
            for &occasion in &self.occasions {
                let nothing = Scenario { occasion, members: size, joining: 0, leaving: 0 };
                scenarios.push(match occasion.scenario(size) {
                    Some(scenario) => (scenario, fits(module.descriptor(), &scenario)),
                    None => {
                        let why = format!("{}: {size} is too small a group", occasion.name());
                        (nothing, Err(why))
                    }
                });
            }
        }
        scenarios
    }
}

/// Whether the module takes a group that large.
fn fits(descriptor: &Descriptor, scenario: &Scenario) -> Result<(), String> {
    let Properties::KeyAgreement { max_members, .. } = descriptor.properties else {
        return Ok(());
    };
    let (name, after) = (&descriptor.name, scenario.after());
    if after.max(scenario.members) <= max_members {
        return Ok(());
    }
    let event = scenario.occasion.name();
    Err(format!("{event} of {}: {name} takes {max_members} members, not {after}", scenario.members))
}

fn occasion(name: &str) -> Result<Occasion, Failure> {
    let known = Occasion::ALL.map(Occasion::name);
    Occasion::ALL.into_iter().find(|occasion| occasion.name() == name).ok_or_else(|| {
        let name = cut(name);
        let hint = hint(&name, &known, "there are");
        Failure::Usage(format!("--event does not know {name:?}; {hint}"))
    })
}

fn select(
    words: &args::Keys,
    registry: &Arc<Registry>,
) -> Result<Vec<SelectedKeyAgreement>, Failure> {
    let mut names = Vec::new();
    for name in &words.module {
        push_new(&mut names, name.trim().to_owned());
    }
    if names.is_empty() {
        let all = registry.list().into_iter().filter(|entry| entry.kind == Kind::KeyAgreement);
        names.extend(all.map(|entry| entry.descriptor.name.clone()));
    }
    let selector = KeyAgreementSelector::new(Arc::clone(registry));
    let select = |name: &String| {
        let mut options = BTreeMap::new();
        if let Some(group) = &words.group {
            let plain = selector.select(name, &options).map_err(refused)?;
            check_group(plain.descriptor(), group)?;
            options.insert("group".to_owned(), Value::Text(group.clone()));
        }
        selector.select(name, &options).map_err(refused)
    };
    names.iter().map(select).collect()
}

/// Of a choice, the nearest word can be named, not only all of them.
fn check_group(descriptor: &Descriptor, group: &str) -> Result<(), Failure> {
    let option = descriptor.options.iter().find(|option| option.name == "group");
    let Some(OptionType::Choice(words)) = option.map(|option| &option.kind) else { return Ok(()) };
    if words.iter().any(|word| word == group) {
        return Ok(());
    }
    let known: Vec<&str> = words.iter().map(String::as_str).collect();
    let group = cut(group);
    let hint = hint(&group, &known, "it has");
    Err(Failure::Usage(format!("{} has no group {group:?}; {hint}", descriptor.name)))
}

/// What is quoted in an error: names are short, and what is not a name need not be told whole.
fn cut(name: &str) -> String {
    name.chars().take(64).collect()
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::for_benchmarks;

    fn words(module: &[&str], sizes: &[&str], event: &[&str], group: Option<&str>) -> args::Keys {
        let owned = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        args::Keys {
            module: owned(module),
            group: group.map(str::to_owned),
            sizes: owned(sizes),
            event: owned(event),
            repetitions: None,
            json: false,
        }
    }

    fn plan(words: &args::Keys) -> Result<Plan, Failure> {
        Plan::new(words, for_benchmarks().unwrap())
    }

    fn refusal(words: &args::Keys) -> String {
        let failure = plan(words).err().expect("a refusal");
        assert_eq!(failure.status(), 2);
        failure.sentence().unwrap()
    }

    #[test]
    fn nothing_named_means_everything() {
        let plan = plan(&words(&[], &["3"], &[], None)).unwrap();
        assert_eq!(plan.modules.len(), cenacle_builtin::agreements().len());
        let scenarios = plan.scenarios(&plan.modules[0]);
        assert_eq!(scenarios.len(), Occasion::ALL.len());
        assert!(scenarios.iter().all(|(_, fits)| fits.is_ok()));
    }

    #[test]
    fn what_is_named_twice_is_done_once_and_in_order() {
        let plan =
            plan(&words(&["tgdh", "gdh", "tgdh"], &["5", "2", "5"], &["leave", "join"], None))
                .unwrap();
        let names: Vec<_> = plan.modules.iter().map(|m| m.descriptor().name.as_str()).collect();
        assert_eq!(names, ["tgdh", "gdh"]);
        let played = plan.scenarios(&plan.modules[0]);
        let played: Vec<_> = played.iter().map(|(s, _)| (s.members, s.occasion.name())).collect();
        assert_eq!(played, [(5, "leave"), (5, "join"), (2, "leave"), (2, "join")]);
    }

    #[test]
    fn unknown_names_are_told_with_the_nearest() {
        let said = refusal(&words(&["tgdn"], &["3"], &[], None));
        assert!(said.contains("did you mean \"tgdh\"?"), "{said}");
        let said = refusal(&words(&["tgdh"], &["3"], &["jion"], None));
        assert!(said.contains("did you mean \"join\"?") && said.contains("leader-leave"), "{said}");
        let said = refusal(&words(&["tgdh"], &["3"], &[], Some("ristreto255")));
        assert!(said.contains("\"ristretto255\"?") && said.contains("modp-512"), "{said}");
    }

    #[test]
    fn sizes_have_bounds() {
        for size in ["0", "1025", "many", "-1"] {
            let said = refusal(&words(&[], &[size], &[], None));
            assert!(said.starts_with("--sizes takes whole numbers from 1 to 1024"), "{said}");
        }
        let plan = plan(&words(&["tgdh"], &["1", "1024"], &["leave", "join"], None)).unwrap();
        let fits: Vec<bool> =
            plan.scenarios(&plan.modules[0]).iter().map(|(_, fits)| fits.is_ok()).collect();
        assert_eq!(fits, [false, true, true, false]);
    }

    #[test]
    fn weak_groups_are_for_comparison_alone() {
        let words = words(&["tgdh"], &["3"], &[], Some("modp-512"));
        assert!(Plan::new(&words, for_benchmarks().unwrap()).is_ok());
        assert!(Plan::new(&words, crate::modules::of_a_node().unwrap()).is_err());
    }
}
