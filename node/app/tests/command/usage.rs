//! Bad use: status 2 and one sentence on standard error that says what to do.

use crate::{cenacle, succeeds};

#[test]
fn bad_use_is_one_sentence_and_status_2() {
    for (line, says) in [
        ("", "see `cenacle --help`"),
        ("frobnicate", "see `cenacle --help`"),
        ("demon", "'demo'"),
        ("bench", "subcommands: keys"),
        ("plugins --jsn", "'--json'"),
        ("plugins --config cenacle.toml", "see `cenacle plugins --help`"),
        ("bench keys --sizes 0", "--sizes takes whole numbers from 1 to 1024"),
        ("bench keys --sizes 2,,3", "--sizes takes whole numbers from 1 to 1024"),
        ("bench keys --sizes 1 --event leave", "choose other sizes"),
        ("bench keys --sizes 1024 --event join --module tgdh", "choose other sizes"),
        ("bench keys --repetitions none", "--repetitions takes whole numbers"),
        ("bench keys --module tgdx", "did you mean \"tgdh\"?"),
        ("bench keys --event jion", "did you mean \"join\"?"),
        ("bench keys --group ristretto", "\"ristretto255\""),
        ("bench rekey-study --sizes 3", "--sizes takes whole numbers from 4 to 512"),
        ("bench rekey-study --samples 1", "--samples takes whole numbers from 2 to 512"),
        ("bench rekey-study --module dits", "did you mean \"dist\"?"),
        ("bench rekey-study --group ristretto", "ristretto255"),
        ("demo --nodes 2", "--nodes takes whole numbers from 3 to 20"),
        ("demo --nodes five", "--nodes takes whole numbers from 3 to 20"),
        ("demo --key-agreement gdhh", "did you mean \"gdh\"?"),
        ("demo --cipher aes", "aes256gcm"),
        ("check --confg x", "'--config'"),
        ("check --set node.naem=x", "did you mean \"name\"?"),
        ("id --set node.name", "has no value"),
        ("invite ops", "--for"),
        ("invite ops --for alice", "no peer id"),
        (
            "invite ops --for 12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA --expires 1",
            "--expires takes",
        ),
        ("invite ops --for a,b,c,d,e,f,g,h,i", "--for takes up to 8 peers"),
        ("init alice", "see `cenacle init --help`"),
    ] {
        let ran = cenacle(line);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{line}: {}", ran.err);
        let sentence = ran.err.lines().last().unwrap_or_default();
        assert!(
            sentence.starts_with("cenacle: ") && sentence.contains(says),
            "{line}: {}",
            ran.err
        );
        // What was left out of a plan is told before.
        let remarks = ran.err.lines().filter(|line| !line.contains("left out")).count();
        assert_eq!(remarks, 1, "{line}: {}", ran.err);
    }
}

#[test]
fn help_and_version_are_no_errors() {
    for line in [
        "--help",
        "help demo",
        "plugins --help",
        "bench keys --help",
        "demo --help",
        "init --help",
        "id --help",
        "check --help",
        "invite --help",
    ] {
        assert!(succeeds(line).contains("Example"), "{line}");
    }
    assert_eq!(succeeds("--version"), format!("cenacle {}\n", env!("CARGO_PKG_VERSION")));
}
