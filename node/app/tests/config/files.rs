//! The files that a configuration names.
#![cfg(unix)]

use cenacle::config::{Config, EXAMPLE};
use cenacle_net::{Identity, Psk};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

/// A folder as `cenacle init` makes it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cenacle.toml"), EXAMPLE).unwrap();
    assert!(Psk::generate().unwrap().create(&folder.path().join("cenacle.psk")).unwrap());
    assert!(Identity::generate().unwrap().create(&folder.path().join("identity.key")).unwrap());
    folder
}

fn told(folder: &Path) -> String {
    let problems = Config::load(folder.join("cenacle.toml")).unwrap_err();
    problems.to_string().replace(folder.to_str().unwrap(), "DIR")
}

fn chmod(file: &Path, mode: u32) {
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_in_order_is_loaded_from_any_working_directory() {
    let folder = folder();
    let config = Config::load(folder.path().join("cenacle.toml")).unwrap();
    assert_eq!(config.node().identity, folder.path().join("identity.key"));
    assert!(config.node().state.is_absolute());
    // The folder is made by the start.
    assert!(!config.node().state.exists());
}

#[test]
fn secrets_that_others_can_read_are_refused() {
    for (name, key) in [("cenacle.psk", "overlay.psk_file"), ("identity.key", "node.identity")] {
        let line =
            1 + EXAMPLE.lines().position(|line| line.ends_with(&format!("= \"{name}\""))).unwrap();
        for mode in [0o640, 0o604, 0o660, 0o644, 0o601, 0o610] {
            let folder = folder();
            chmod(&folder.path().join(name), mode);
            let said = told(folder.path());
            let want = format!(
                "DIR/cenacle.toml:{line}:12: {key}: DIR/{name} can be read by others (mode \
                 {mode:04o}); run `chmod 600 DIR/{name}`"
            );
            assert_eq!(said, want);
        }
        let folder = folder();
        chmod(&folder.path().join(name), 0o400);
        assert!(Config::load(folder.path().join("cenacle.toml")).is_ok());
    }
}

#[test]
fn secrets_of_another_form_are_refused_and_not_shown() {
    let secret = "0123456789abcdef".repeat(4);
    for content in
        ["", "x", &secret[1..], &format!("{secret}0"), &secret.replace('0', "g"), "\u{7}"]
    {
        let folder = folder();
        fs::write(folder.path().join("cenacle.psk"), content).unwrap();
        let said = told(folder.path());
        assert!(
            said.contains("overlay.psk_file: ") && said.contains("64 hexadecimal digits"),
            "{said}"
        );
        assert!(!said.contains("123456789abcdef"), "{said}");
        let folder = self::folder();
        fs::write(folder.path().join("identity.key"), content).unwrap();
        let said = told(folder.path());
        assert!(said.contains("node.identity: ") && said.contains("identity"), "{said}");
        assert!(!said.contains("123456789abcdef"), "{said}");
    }
    let folder = folder();
    fs::write(folder.path().join("cenacle.psk"), [0xff, 0xfe]).unwrap();
    assert!(told(folder.path()).contains("overlay.psk_file"));
}

#[test]
fn a_secret_must_be_there_and_an_identity_need_not() {
    let folder = folder();
    fs::remove_file(folder.path().join("identity.key")).unwrap();
    let config = Config::load(folder.path().join("cenacle.toml")).unwrap();
    assert!(config.remarks().iter().any(|remark| remark.contains("no identity yet")));
    fs::remove_file(folder.path().join("cenacle.psk")).unwrap();
    let said = told(folder.path());
    assert!(said.contains("there is no file DIR/cenacle.psk; copy it"), "{said}");
}

#[test]
fn what_is_no_file_is_refused_without_waiting() {
    let folder = folder();
    let path = folder.path();
    for name in ["cenacle.psk", "identity.key"] {
        fs::remove_file(path.join(name)).unwrap();
        fs::create_dir(path.join(name)).unwrap();
    }
    fs::write(path.join("state"), "").unwrap();
    let said = told(path);
    assert!(said.contains("DIR/cenacle.psk is no file"), "{said}");
    assert!(said.contains("DIR/identity.key is no file"), "{said}");
    assert!(said.contains("DIR/state is no folder"), "{said}");
    assert!(Config::load(path).unwrap_err().to_string().contains("this is no file"));
    let pipe = path.join("pipe.toml");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    assert!(Config::load(&pipe).unwrap_err().to_string().contains("this is no file"));
}

#[test]
fn a_file_that_is_not_there_or_no_text_is_told() {
    let folder = folder();
    let said = Config::load(folder.path().join("other.toml")).unwrap_err().to_string();
    assert!(
        said.contains("other.toml: this cannot be read") && said.contains("cenacle init"),
        "{said}"
    );
    let config = folder.path().join("cenacle.toml");
    fs::write(&config, b"[node]\nname = \"\xff\"\n").unwrap();
    assert_eq!(
        told(folder.path()),
        "DIR/cenacle.toml:2:9: this is not UTF-8; write the file as UTF-8 text"
    );
    fs::write(&config, vec![b'#'; (1 << 20) + 1]).unwrap();
    assert!(told(folder.path()).contains("larger than"));
}

/// Problems of the text and of the files come together.
#[test]
fn everything_is_told_at_once() {
    let folder = folder();
    chmod(&folder.path().join("cenacle.psk"), 0o644);
    fs::write(folder.path().join("identity.key"), "x").unwrap();
    let text = EXAMPLE.replace("priority = 0", "priority = -1");
    fs::write(folder.path().join("cenacle.toml"), text).unwrap();
    assert_eq!(told(folder.path()).lines().count(), 3);
}
