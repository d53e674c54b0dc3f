//! `cenacle demo`.

use crate::{objects, succeeds};
use std::time::{Duration, Instant};

/// What a demo may take, from interfaces.
const LIMIT: Duration = Duration::from_secs(15);

#[test]
fn every_module_tells_the_story() {
    for module in objects(&succeeds("plugins --json")) {
        let name = module["name"].as_str().unwrap();
        let line = match module["kind"].as_str().unwrap() {
            "key_agreement" => format!("demo --nodes 4 --key-agreement {name}"),
            "cipher" => format!("demo --nodes 3 --cipher {name}"),
            _ => continue,
        };
        let begun = Instant::now();
        let story = succeeds(&line);
        assert!(begun.elapsed() < LIMIT, "{line}");
        assert!(story.contains(name) && story.contains("checks held"), "{line}\n{story}");
        assert!(!story.contains("FAILED"), "{line}\n{story}");
    }
}

/// Four keys: at the start, after the leave, after the refresh, after the return; the same at all,
/// never the same again.
#[test]
fn four_fingerprints_are_shown_and_differ() {
    let story = succeeds("demo --nodes 3");
    let mut shown: Vec<&str> = story
        .lines()
        .filter_map(|line| line.split_once("has the fingerprint ")?.1.split(' ').next())
        .collect();
    assert!(shown.iter().all(|digits| digits.len() == 16));
    assert_eq!(shown.len(), 4);
    shown.sort_unstable();
    shown.dedup();
    assert_eq!(shown.len(), 4);
}

#[test]
fn outsiders_are_refused_and_told_why() {
    let story = succeeds("demo --nodes 3");
    let words: Vec<&str> = story.split_whitespace().collect();
    let story = words.join(" ");
    for told in [
        "is not admitted: check the secret",
        "is not among the group's members",
        "key_agreement is gdh here and tgdh in the group",
    ] {
        assert!(story.contains(told), "{told}\n{story}");
    }
}

#[test]
fn a_cipher_that_hides_nothing_is_not_said_to_hide() {
    let story = succeeds("demo --cipher blake3-mac");
    assert!(story.contains("hides nothing") && !story.contains("sits on the line"));
    assert!(succeeds("demo --nodes 3").contains("sits on the line"));
}

#[test]
fn many_members_end_in_time_too() {
    let begun = Instant::now();
    assert!(succeeds("demo --nodes 12 --key-agreement gdh").contains("all 11 members"));
    assert!(begun.elapsed() < LIMIT);
}
