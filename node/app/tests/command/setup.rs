//! `cenacle init`, `cenacle id`, `cenacle check`: from nothing to a configuration that holds.
#![cfg(unix)]

use crate::{Ran, cenacle, objects, succeeds};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const FILES: [&str; 3] = ["cenacle.toml", "cenacle.psk", "identity.key"];

/// An overlay's first node, in the folder `a` of a new one.
fn first() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("a").to_str().unwrap().to_owned();
    succeeds(&format!("init --dir {dir}"));
    (folder, dir)
}

fn mode(file: impl AsRef<Path>) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o777
}

fn with_variable(line: &str, name: &str, value: &str) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cenacle"));
    let output = command.args(line.split_whitespace()).env(name, value).output().unwrap();
    Ran {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn what_init_makes_passes_check_and_has_an_id() {
    let (_folder, dir) = first();
    for name in FILES {
        assert!(Path::new(&dir).join(name).is_file(), "{name}");
    }
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(mode(format!("{dir}/cenacle.psk")), 0o600);
    assert_eq!(mode(format!("{dir}/identity.key")), 0o600);
    let text = succeeds(&format!("check --config {dir}/cenacle.toml"));
    assert!(text.contains("in order") && text.contains("ops, secure"), "{text}");
    assert!(!text.contains("not used"), "{text}");
    let checked = objects(&succeeds(&format!("check --json --config {dir}/cenacle.toml")));
    assert_eq!(checked[0]["ok"], true);
    assert_eq!(checked[0]["problems"], serde_json::json!([]));
    let id = &objects(&succeeds(&format!("id --json --config {dir}/cenacle.toml")))[0];
    let peer = id["peer"].as_str().unwrap();
    assert!(peer.starts_with("12D3KooW") && peer.len() == 52, "{peer}");
    assert_eq!(
        id["addresses"],
        serde_json::json!([
            format!("/ip4/0.0.0.0/tcp/7101/p2p/{peer}"),
            format!("/ip4/0.0.0.0/udp/7101/quic-v1/p2p/{peer}")
        ])
    );
    let text = succeeds(&format!("id --config {dir}/cenacle.toml"));
    assert_eq!(text.lines().next(), Some(peer));
    // The same again, and nothing was made on the way.
    assert_eq!(text, succeeds(&format!("id --config {dir}/cenacle.toml")));
    assert_eq!(fs::read_dir(&dir).unwrap().count(), FILES.len());
}

#[test]
fn every_init_has_secrets_of_its_own() {
    let ((_one, a), (_two, b)) = (first(), first());
    for name in ["cenacle.psk", "identity.key"] {
        let read = |dir: &str| fs::read_to_string(format!("{dir}/{name}")).unwrap();
        assert_ne!(read(&a), read(&b), "{name}");
    }
}

#[test]
fn nothing_is_overwritten() {
    for name in FILES {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().display();
        fs::write(folder.path().join(name), "mine").unwrap();
        let ran = cenacle(&format!("init --dir {dir}"));
        assert_eq!((ran.status, ran.out.as_str()), (1, ""));
        assert!(
            ran.err.contains(name) && ran.err.contains("nothing is overwritten"),
            "{}",
            ran.err
        );
        assert_eq!(ran.err.lines().count(), 1);
        assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), "mine");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
    // A link that leads nowhere would be written through.
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("elsewhere", folder.path().join("cenacle.psk")).unwrap();
    assert_eq!(cenacle(&format!("init --dir {}", folder.path().display())).status, 1);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_second_node_takes_the_first_ones_secret() {
    let (folder, dir) = first();
    let second = folder.path().join("b").display().to_string();
    let told = succeeds(&format!("init --dir {second} --psk {dir}/cenacle.psk"));
    assert!(told.contains("a copy"), "{told}");
    let read = |dir: &str, name: &str| fs::read_to_string(format!("{dir}/{name}")).unwrap();
    assert_eq!(read(&dir, "cenacle.psk"), read(&second, "cenacle.psk"));
    assert_ne!(read(&dir, "identity.key"), read(&second, "identity.key"));
    succeeds(&format!("check --config {second}/cenacle.toml"));
    // What is no secret, or lies open, is no beginning; nothing is left behind.
    let third = folder.path().join("c");
    fs::set_permissions(format!("{dir}/cenacle.psk"), fs::Permissions::from_mode(0o644)).unwrap();
    for psk in ["cenacle.psk", "cenacle.toml", "nothing"] {
        let ran = cenacle(&format!("init --dir {} --psk {dir}/{psk}", third.display()));
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{}", ran.err);
        assert!(!third.exists());
    }
}

#[test]
fn a_secret_can_be_piped_in_and_a_node_can_have_a_name() {
    use std::io::Write;
    use std::process::Stdio;
    let (folder, dir) = first();
    let psk = fs::read_to_string(format!("{dir}/cenacle.psk")).unwrap();
    let piped = |name: &str, input: &str| {
        let second = folder.path().join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_cenacle"));
        command.args(["init", "--psk", "-", "--name", "Bob \"\\\" B.", "--dir"]).arg(&second);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        (child.wait_with_output().unwrap(), second)
    };
    let (output, second) = piped("b", &psk);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read_to_string(second.join("cenacle.psk")).unwrap(), psk);
    let config = cenacle::Config::load(second.join("cenacle.toml")).unwrap();
    assert_eq!(config.node().name.as_deref(), Some("Bob \"\\\" B."));
    // It tells how to go on, in words that can be copied.
    let told = String::from_utf8(output.stdout).unwrap();
    let next = " init --dir NAME --name NAME --psk -\n";
    assert!(told.contains(next) && told.contains("ssh THIS-MACHINE cat /"), "{told}");
    for input in ["", "hello", &psk.repeat(9)] {
        let (output, third) = piped("c", input);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
        assert!(!third.exists());
    }
    for name in ["", "a\nb", &"x".repeat(65)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cenacle"));
        let output = command.args(["init", "--name", name, "--dir"]).arg(folder.path().join("d"));
        assert_eq!(output.output().unwrap().status.code(), Some(2), "{name:?}");
    }
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let ran = cenacle(&format!("init --dir {}/file/dir", folder.path().display()));
    assert_eq!((ran.status, ran.err.lines().count()), (1, 1), "{}", ran.err);
}

#[test]
fn check_tells_all_problems_with_their_lines() {
    let (_folder, dir) = first();
    let file = format!("{dir}/cenacle.toml");
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace("priority = 0", "prioritty = 0").replace("\"ops\"", "\"\"");
    fs::write(&file, text).unwrap();
    fs::set_permissions(format!("{dir}/cenacle.psk"), fs::Permissions::from_mode(0o644)).unwrap();
    let ran = cenacle(&format!("check --config {file}"));
    assert_eq!((ran.status, ran.err.lines().count(), ran.out.lines().count()), (1, 1, 3));
    assert!(ran.err.contains("the 3 problems above"), "{}", ran.err);
    assert!(ran.out.contains("did you mean \"priority\"?"), "{}", ran.out);
    assert!(ran.out.lines().all(|line| line.starts_with(&format!("{file}:"))), "{}", ran.out);
    let ran = cenacle(&format!("check --json --config {file}"));
    assert_eq!(ran.status, 1);
    let checked = &objects(&ran.out)[0];
    assert_eq!(checked["ok"], false);
    let problems = checked["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 3);
    for problem in problems {
        assert_eq!(problem["file"], file.as_str());
        assert!(problem["line"].is_u64() && problem["column"].is_u64(), "{problem}");
        for field in ["key", "problem", "way_out"] {
            assert!(problem[field].is_string(), "{field} of {problem}");
        }
    }
    // Others say the first, and how many there are.
    let ran = cenacle(&format!("id --config {file}"));
    assert_eq!((ran.status, ran.out.as_str(), ran.err.lines().count()), (1, "", 1));
    assert!(ran.err.contains("and 2 more problems"), "{}", ran.err);
}

#[test]
fn environment_and_flags_count() {
    let (_folder, dir) = first();
    let line = format!("id --json --config {dir}/cenacle.toml");
    let variable = ("CENACLE_NODE__LISTEN", "/ip4/127.0.0.1/tcp/9");
    let ran = with_variable(&line, variable.0, variable.1);
    assert!(ran.out.contains("[\"/ip4/127.0.0.1/tcp/9/p2p/12D3KooW"), "{} {}", ran.out, ran.err);
    let flag = format!("{line} --set node.listen=/ip4/127.0.0.1/tcp/8");
    let ran = with_variable(&flag, variable.0, variable.1);
    assert!(ran.out.contains("[\"/ip4/127.0.0.1/tcp/8/p2p/12D3KooW"), "{} {}", ran.out, ran.err);
    let check = format!("check --config {dir}/cenacle.toml");
    let ran = with_variable(&check, "CENACLE_NODE__LISTNE", "x");
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("did you mean \"CENACLE_NODE__LISTEN\"?"), "{}", ran.out);
    let ran = with_variable(&format!("{check} --json"), "CENACLE_OVERLAY__MDNS", "perhaps");
    let problem = &objects(&ran.out)[0]["problems"][0];
    assert_eq!(
        (&problem["variable"], &problem["key"]),
        (&"CENACLE_OVERLAY__MDNS".into(), &"overlay.mdns".into())
    );
}

#[test]
fn an_identity_that_is_not_there_is_no_id() {
    let (_folder, dir) = first();
    fs::remove_file(format!("{dir}/identity.key")).unwrap();
    let ran = cenacle(&format!("id --config {dir}/cenacle.toml"));
    assert_eq!((ran.status, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("no identity yet"), "{}", ran.err);
    let text = succeeds(&format!("check --config {dir}/cenacle.toml"));
    assert!(text.contains("Note: there is no identity yet"), "{text}");
}

/// Peer ids can be had before anybody is listed.
#[test]
fn a_list_of_nobody_keeps_no_node_from_its_id() {
    let (_folder, dir) = first();
    let set = "--set overlay.admission=allowlist";
    assert!(succeeds(&format!("id --config {dir}/cenacle.toml {set}")).starts_with("12D3KooW"));
    let text = succeeds(&format!("check --config {dir}/cenacle.toml {set}"));
    assert!(text.contains("nobody is listed in overlay.allowlist"), "{text}");
    assert!(text.contains("overlay.psk_file is not used"), "{text}");
}

#[test]
fn without_a_file_the_way_to_one_is_told() {
    let ran = cenacle("check --config /nowhere/cenacle.toml");
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("cenacle init"), "{}", ran.out);
}
