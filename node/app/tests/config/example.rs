//! The example that `cenacle init` writes: every key, at its default.

use crate::{BASE, LEAST, parse};
use cenacle::config::{Config, EXAMPLE, GroupBuilder, KEYS, Shape};

/// The example without what cannot be a default: the way in, and a group.
fn values(config: &Config) -> String {
    let overlay = format!("{:?}", config.overlay());
    let (before, rest) = overlay.split_once("admission: ").unwrap();
    let (_, after) = rest.split_once("bootstrap: ").unwrap();
    format!("{:?} {before}{after} {:?}", config.node(), config.metrics())
}

#[test]
fn it_is_the_defaults() {
    let example = parse(EXAMPLE).unwrap();
    let least = parse(&format!("{LEAST}[[group]]\nname = \"ops\"\npolicy = \"open\"\n")).unwrap();
    assert_eq!(values(&example), values(&least));
    let group = |config: &Config| format!("{:?}", config.group("ops").unwrap());
    assert_eq!(group(&example), group(&least));
    assert!(format!("{:?}", example.overlay().admission).contains("/base/cenacle.psk"));
}

#[test]
fn every_key_is_in_it_at_its_default() {
    let mut section = "";
    let mut found = Vec::new();
    for line in EXAMPLE.lines() {
        let line = line.trim_start_matches("# ");
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_matches(['[', ']']);
        } else if let Some((name, value)) = line.split_once(" = ")
            && let Some(key) = KEYS.iter().find(|key| key.section == section && key.name == name)
        {
            found.push((section, name));
            let free = matches!((section, name), ("group", "policy" | "name"));
            if let Some(default) = key.default.filter(|_| !free) {
                assert_eq!(value, default, "{section}.{name}");
            }
        }
    }
    for key in KEYS.iter().filter(|key| key.section != "plugin" && key.shape != Shape::Table) {
        assert!(found.contains(&(key.section, key.name)), "{}.{}", key.section, key.name);
    }
}

/// What is commented out can be used as it stands.
#[test]
fn what_is_commented_out_is_right_too() {
    let is_code = |line: &str| {
        let words = line.strip_prefix("# ");
        words.is_some_and(|words| {
            words.starts_with("[group.")
                || words.split_once(" = ").is_some_and(|(name, _)| !name.contains([' ', '(']))
        })
    };
    let uncommented: String = EXAMPLE
        .lines()
        .map(|line| if is_code(line) { &line[2..] } else { line })
        .flat_map(|line| [line, "\n"])
        .collect();
    let config = parse(&uncommented).unwrap();
    assert_eq!(config.node().name.as_deref(), Some("alice"));
    assert_eq!(config.metrics().unwrap().listen.to_string(), "127.0.0.1:9101");
    let options = config.group("ops").unwrap().modules.policy.options();
    assert_eq!(options.text("rekey_after"), Some("1h"));
}

/// The documentation has a line for every key, with its default.
#[test]
fn every_key_is_documented() {
    let document = include_str!("../../../../docs/configuration.md");
    for key in KEYS {
        let section = key.section;
        let titles = [format!("\n## `[{section}]`"), format!("\n## `[[{section}]]`")];
        let found = titles.iter().find_map(|title| document.split_once(title.as_str()));
        let (_, rest) = found.unwrap_or_else(|| panic!("{section} is not documented"));
        let rest = rest.split("\n## ").next().unwrap();
        let row = rest.lines().find(|line| line.starts_with(&format!("| `{}` |", key.name)));
        let row = row.unwrap_or_else(|| panic!("{}.{} is not documented", section, key.name));
        if let Some(default) = key.default {
            assert!(row.contains(&format!("| `{default}` |")), "the default in {row}");
        }
    }
}

/// The same in code as in a file.
#[test]
fn the_builder_makes_what_the_file_makes() {
    let file = parse(
        "[node]\nname = \"a\"\nidentity = \"k\"\nstate = \"s\"\nlisten = [\"/ip4/127.0.0.1/tcp/0\"]\n\
         priority = 7\n[overlay]\nname = \"o\"\nadmission = \"psk\"\npsk_file = \"p\"\n\
         bootstrap = [\"/dns4/h/tcp/1\"]\nmdns = false\ndissemination = \"gossip\"\n\
         heartbeat = \"100ms\"\nsuspect_after = \"2s\"\nflush_timeout = \"1m\"\n\
         slow_member_timeout = \"5s\"\nrelay = true\n[metrics]\nlisten = \"[::1]:9\"\n[[group]]\n\
         name = \"g\"\nkey_agreement = \"gdh\"\ncipher = \"aes256gcm\"\npolicy = \"open\"\n\
         semantics = \"evs\"\ninsecure = true\n[group.options.key_agreement]\n\
         group = \"modp-2048\"\n",
    )
    .unwrap();
    let group = GroupBuilder::new("g")
        .key_agreement("gdh")
        .option("key_agreement", "group", cenacle_plugin::Value::Text("modp-2048".to_owned()))
        .cipher("aes256gcm")
        .policy("open")
        .semantics(cenacle_core::Semantics::Evs)
        .insecure(true);
    let code = Config::builder(BASE)
        .name("a")
        .identity("k")
        .state("s")
        .listen(["/ip4/127.0.0.1/tcp/0"])
        .priority(7)
        .overlay("o")
        .admission_psk("p")
        .bootstrap(["/dns4/h/tcp/1"])
        .mdns(false)
        .dissemination(cenacle_net::Dissemination::Gossip)
        .heartbeat(std::time::Duration::from_millis(100))
        .suspect_after(std::time::Duration::from_secs(2))
        .flush_timeout(std::time::Duration::from_secs(60))
        .slow_member_timeout(std::time::Duration::from_secs(5))
        .relay(true)
        .metrics("[::1]:9".parse().unwrap())
        .group(group)
        .build()
        .unwrap();
    assert_eq!(format!("{file:?}"), format!("{code:?}"));
}

#[test]
fn the_builder_refuses_what_the_file_refuses() {
    let problems = Config::builder(BASE)
        .heartbeat(std::time::Duration::from_micros(250_500))
        .listen(["nowhere"])
        .group(GroupBuilder::new("").insecure(true).history(cenacle_plugin::History::Last(0)))
        .build()
        .unwrap_err();
    let keys: Vec<_> = problems.iter().filter_map(|problem| problem.key.as_deref()).collect();
    for key in [
        "node.listen[0]",
        "overlay.heartbeat",
        "overlay.psk_file",
        "group[0].name",
        "group[0].history",
    ] {
        assert!(keys.contains(&key), "{key} in {problems}");
    }
}

#[test]
fn the_engine_is_told_what_the_file_says() {
    let text = "[node]\npriority = 9\n[overlay]\nname = \"o\"\nadmission = \"open\"\n\
                heartbeat = \"100ms\"\nsuspect_after = \"400ms\"\nflush_timeout = \"3s\"\n\
                slow_member_timeout = \"4s\"\n";
    let node = cenacle_core::NodeId { key: [1; 32], incarnation: 2 };
    let settings = parse(text).unwrap().engine_settings(node);
    assert_eq!((settings.node, settings.overlay.as_str(), settings.priority), (node, "o", 9));
    assert_eq!(settings.heartbeat.as_millis(), 100);
    assert_eq!(settings.suspect_after.as_millis(), 400);
    assert_eq!(settings.flush_limit.as_millis(), 3_000);
    assert_eq!(settings.slow_limit.as_millis(), 4_000);
    // The defaults of both are the same.
    let (ours, engine) =
        (parse(LEAST).unwrap().engine_settings(node), cenacle_core::Settings::new(node, "cenacle"));
    assert_eq!(format!("{ours:?}"), format!("{engine:?}"));
}
