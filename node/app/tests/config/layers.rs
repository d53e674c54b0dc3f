//! Defaults below the file, the file below the environment, the environment below flags.

use crate::{BASE, LEAST};
use cenacle::config::{Config, KEYS, Loader, Place, Problems, Shape};
use std::ffi::OsString;
use std::path::Path;

fn read(text: &str, variables: &[(&str, &str)], flags: &[&str]) -> Result<Config, Problems> {
    let path = Path::new(BASE).join("cenacle.toml");
    let variables =
        variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let mut loader = Loader::new(&path).variables(variables);
    for flag in flags {
        loader = loader.set(flag)?;
    }
    loader.parse(text)
}

#[test]
fn each_layer_lies_on_those_before() {
    let name = |config: Config| config.node().name.clone();
    let file = format!("[node]\nname = \"file\"\n{LEAST}");
    let variable = [("CENACLE_NODE__NAME", "variable")];
    let flag = ["node.name=flag"];
    assert_eq!(name(read(LEAST, &[], &[]).unwrap()), None);
    assert_eq!(name(read(&file, &[], &[]).unwrap()).as_deref(), Some("file"));
    assert_eq!(name(read(&file, &variable, &[]).unwrap()).as_deref(), Some("variable"));
    assert_eq!(name(read(&file, &variable, &flag).unwrap()).as_deref(), Some("flag"));
    // A key of the section that a layer does not name stays.
    let both = format!("[node]\nname = \"file\"\npriority = 3\n{LEAST}");
    assert_eq!(read(&both, &variable, &flag).unwrap().node().priority, 3);
}

#[test]
fn values_of_every_shape_can_be_set() {
    let config = read(
        LEAST,
        &[
            ("CENACLE_NODE__LISTEN", "/ip4/127.0.0.1/tcp/1, /ip4/127.0.0.1/udp/1/quic-v1"),
            ("CENACLE_NODE__PRIORITY", "12"),
            ("CENACLE_OVERLAY__MDNS", "false"),
            ("CENACLE_OVERLAY__SUSPECT_AFTER", "3s"),
            ("CENACLE_METRICS__LISTEN", "127.0.0.1:9"),
            ("CENACLE_OVERLAY__BOOTSTRAP", ""),
            ("PATH", "/bin"),
            ("CENACLE_EFFORT", "10"),
        ],
        &[],
    )
    .unwrap();
    assert_eq!((config.node().listen.len(), config.node().priority), (2, 12));
    assert!(!config.overlay().mdns && config.overlay().bootstrap.is_empty());
    assert_eq!(config.overlay().suspect_after.as_secs(), 3);
    assert_eq!(config.metrics().unwrap().listen.port(), 9);
}

#[test]
fn every_key_of_a_single_section_has_a_variable() {
    for key in KEYS.iter().filter(|key| !matches!(key.section, "group" | "plugin")) {
        let name = format!("CENACLE_{}__{}", key.section.to_uppercase(), key.name.to_uppercase());
        let value = match (key.default, key.name) {
            (Some(default), _) => default.trim_matches(['[', ']']).replace('"', ""),
            (None, "listen") => "127.0.0.1:1".to_owned(),
            (None, _) => "x".to_owned(),
        };
        let value = if key.name == "admission" { "open".to_owned() } else { value };
        assert_ne!(key.shape, Shape::Table);
        if let Err(problems) = read(LEAST, &[(&name, &value)], &[]) {
            panic!("{problems}");
        }
    }
}

#[test]
fn what_a_variable_says_wrong_is_told_by_its_name() {
    for (name, value, says) in [
        ("CENACLE_NODE__NAEM", "x", "did you mean \"CENACLE_NODE__NAME\"?"),
        ("CENACLE_NODE_NAME", "x", "did you mean \"CENACLE_NODE__NAME\"?"),
        ("CENACLE_WHATEVER_THIS_IS_ABOUT", "x", "unset it"),
        ("CENACLE_GROUP__NAME", "x", "in the file alone"),
        (
            "CENACLE_OVERLAY__MDNS",
            "yes",
            "overlay.mdns: this cannot be \"yes\"; it takes true or false",
        ),
        ("CENACLE_NODE__PRIORITY", "-1", "it takes a whole number"),
        ("CENACLE_NODE__LISTEN", "/ip4/127.0.0.1/tcp/1,nowhere", "node.listen[1]"),
        ("CENACLE_OVERLAY__HEARTBEAT", "1", "it takes a duration"),
    ] {
        let problems = read(LEAST, &[(name, value)], &[]).unwrap_err();
        assert_eq!(problems.count(), 1, "{problems}");
        let problem = problems.iter().next().unwrap();
        assert_eq!(problem.place, Place::Variable { variable: name.to_owned() });
        assert!(problem.to_string().contains(says), "{problem}");
    }
}

#[test]
fn what_a_flag_says_wrong_is_told() {
    for (flag, says) in [
        ("node.name", "has no value"),
        ("name=x", "names no section"),
        ("nod.name=x", "did you mean \"node\"?"),
        ("node.naem=x", "did you mean \"name\"?"),
        ("group.name=x", "set it in the file"),
        ("overlay.relay=maybe", "it takes true or false"),
    ] {
        let problems = read(LEAST, &[], &[flag]).unwrap_err();
        assert!(problems.to_string().starts_with("--set"), "{problems}");
        assert!(problems.to_string().contains(says), "{problems}");
    }
}

/// A value that another layer replaces has no say, and no place.
#[test]
fn what_is_replaced_is_not_told() {
    let file = format!("[node]\npriority = \"high\"\nlisten = [\"nowhere\"]\n{LEAST}");
    let flags = ["node.priority=1", "node.listen=/ip4/127.0.0.1/tcp/1"];
    assert_eq!(read(&file, &[], &flags).unwrap().node().priority, 1);
    let problems = read(&file, &[], &["node.priority=1", "node.listen=elsewhere"]).unwrap_err();
    assert_eq!(problems.count(), 1);
    assert!(problems.to_string().starts_with("--set node.listen"), "{problems}");
}

#[cfg(unix)]
#[test]
fn values_that_are_no_text_are_refused() {
    use std::os::unix::ffi::OsStringExt;
    let path = Path::new(BASE).join("cenacle.toml");
    let value = OsString::from_vec(vec![0x66, 0xff]);
    let read = Loader::new(&path).variables([("CENACLE_NODE__NAME".into(), value)]).parse(LEAST);
    assert!(read.unwrap_err().to_string().contains("no UTF-8"));
}
