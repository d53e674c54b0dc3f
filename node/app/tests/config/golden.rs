//! Each kind of mistake, and the exact text that answers it: `cases/NAME.toml` and `cases/NAME.txt`.
//!
//! `BLESS=1 cargo test -p cenacle --test config` writes the answers; read them before you keep them.

use crate::told;
use std::fs;
use std::path::{Path, PathBuf};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/cases");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|end| end == "toml")).collect();
    cases.sort();
    cases
}

#[test]
fn every_mistake_gets_its_answer() {
    let blesses = std::env::var_os("BLESS").is_some();
    let mut different = Vec::new();
    let cases = cases();
    assert!(cases.len() >= 37, "cases are missing");
    for case in cases {
        let answer = case.with_extension("txt");
        let got = told(&fs::read_to_string(&case).unwrap()) + "\n";
        if blesses {
            fs::write(&answer, got).unwrap();
        } else if got != fs::read_to_string(&answer).unwrap_or_default() {
            different.push(format!("{}:\n{got}", case.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// Whatever is wrong is told in one line: where, what, and a way out.
#[test]
fn every_answer_has_a_place_and_a_way_out() {
    for case in cases() {
        let text = fs::read_to_string(&case).unwrap();
        let problems = crate::parse(&text).unwrap_err();
        assert!(problems.count() >= 1);
        for problem in problems.iter() {
            let line = problem.to_string();
            assert!(line.starts_with("/base/cenacle.toml"), "{line}");
            assert!(!problem.problem.is_empty() && !problem.way_out.is_empty(), "{line}");
            assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }
}

#[test]
fn what_is_secret_is_not_repeated() {
    let secret = "0123456789abcdef".repeat(4);
    let said = told(&format!("[overlay]\npsk_file = \"{secret}\"\n"));
    assert!(!said.contains("0123456789abcdef") && said.contains("0600"), "{said}");
}

#[test]
fn one_sentence_says_how_many_more_there_are() {
    let problems = crate::parse("[node]\nnaem = 1\nstaet = 2\npriority = -1\n").unwrap_err();
    assert_eq!(problems.count(), 4);
    let sentence = problems.in_a_sentence();
    assert!(sentence.starts_with("/base/cenacle.toml:") && !sentence.contains('\n'), "{sentence}");
    assert!(sentence.ends_with("(and 3 more problems: see `cenacle check`)"), "{sentence}");
}

/// A file that has nothing to do with us is not answered by thousands of lines.
#[test]
fn the_list_of_problems_is_bounded() {
    let text: String = (0..5000).map(|number| format!("[x{number}]\n")).collect();
    let problems = crate::parse(&text).unwrap_err();
    assert_eq!(problems.iter().len(), 100);
    assert!(problems.count() >= 5000);
    assert!(problems.to_string().ends_with("more problems"));
}
