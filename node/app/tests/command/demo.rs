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

#[test]
fn it_says_before_and_after_what_is_not_real() {
    let story = succeeds("demo");
    let (before, rest) = story.split_once("1. 5 members come together").unwrap();
    let (_, after) = rest.split_once("checks held").unwrap();
    for part in [before, after] {
        assert!(part.contains("no network between processes"));
        assert!(part.contains("no views and no ordering"));
        assert!(part.contains("no configuration"));
    }
}

/// Three keys: at the start, after the leave, after the refresh; the same at all, never the same.
#[test]
fn three_fingerprints_are_shown_and_differ() {
    let story = succeeds("demo --nodes 3");
    let mut shown: Vec<&str> = story
        .lines()
        .filter_map(|line| line.split_once("has the fingerprint ")?.1.split(' ').next())
        .collect();
    assert!(shown.iter().all(|digits| digits.len() == 16));
    assert_eq!(shown.len(), 3);
    shown.sort_unstable();
    shown.dedup();
    assert_eq!(shown.len(), 3);
}

#[test]
fn a_cipher_that_hides_nothing_is_not_said_to_hide() {
    let story = succeeds("demo --cipher blake3-mac");
    assert!(story.contains("hides nothing") && !story.contains("cannot be seen"));
}

#[test]
fn many_members_end_in_time_too() {
    let begun = Instant::now();
    assert!(succeeds("demo --nodes 40 --key-agreement gdh").contains("all 39 members"));
    assert!(begun.elapsed() < LIMIT);
}
