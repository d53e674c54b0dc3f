//! Whatever is in the file: an answer, and never a panic.

use crate::{BASE, LEAST};
use cenacle::config::{Config, EXAMPLE, Loader, Place, Problems};
use cenacle_host::Registry;
use std::path::Path;
use std::sync::Arc;

/// Bytes that look random and are the same every time.
struct Bytes(blake3::OutputReader);

impl Bytes {
    fn new(seed: u64) -> Self {
        Self(blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof())
    }

    fn below(&mut self, limit: usize) -> usize {
        let mut bytes = [0; size_of::<usize>()];
        self.0.fill(&mut bytes);
        usize::from_le_bytes(bytes) % limit.max(1)
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.0.fill(&mut bytes);
        bytes
    }
}

fn read(text: &str, registry: &Arc<Registry>) -> Result<Config, Problems> {
    let path = Path::new(BASE).join("cenacle.toml");
    Loader::new(&path).registry(Arc::clone(registry)).parse(text)
}

/// What holds whatever the text is.
fn check(text: &str, registry: &Arc<Registry>) -> bool {
    match read(text, registry) {
        Ok(config) => {
            let overlay = config.overlay();
            assert!(overlay.suspect_after >= 3 * overlay.heartbeat, "{text}");
            assert!((1..=64).contains(&overlay.name.len()));
            let vs = cenacle_core::Semantics::Vs;
            assert!(config.groups().iter().all(|group| group.insecure || group.semantics == vs));
            true
        }
        Err(problems) => {
            assert!(problems.count() >= problems.iter().len() && problems.iter().len() > 0);
            let lines = text.split('\n').count();
            for problem in problems.iter() {
                assert!(!problem.to_string().chars().any(char::is_control), "{problem:?}");
                if let Place::File { line: Some(line), column, .. } = &problem.place {
                    assert!((1..=lines).contains(line), "{problem} in\n{text}");
                    let length = text.split('\n').nth(line - 1).unwrap().chars().count();
                    assert!(
                        column.is_none_or(|column| column <= length + 1),
                        "{problem} in\n{text}"
                    );
                }
            }
            false
        }
    }
}

/// Everything that a file can have, so that mutations reach all readers.
fn full() -> String {
    let more = "[group.options.key_agreement]\ngroup = \"modp-2048\"\n[group.options.policy]\n\
                members = [\"12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA\"]\n\
                rekey_after = \"1h\"\n[[group]]\nname = \"dev\"\nsemantics = \"evs\"\n\
                insecure = true\n[[plugin]]\npath = \"x\"\nblake3 = \"00\"\n";
    let lines: String = EXAMPLE
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .flat_map(|line| [line, "\n"])
        .collect();
    lines.replace("policy = \"open\"", "policy = \"allowlist\"") + more
}

/// What is put into files: pieces of TOML and of values.
const PIECES: [&str; 29] = [
    "[",
    "]",
    "\"",
    "=",
    "{",
    "}",
    "\n",
    "#",
    "'''",
    "\\",
    "-",
    "9",
    "9999999999",
    "true",
    "[[group]]\n",
    "options",
    ".",
    "\u{0}",
    "\u{7f}",
    "é",
    "1979-05-27",
    "nan",
    "0x",
    "last ",
    "\"evs\"",
    "[group.options]\n",
    "12D3KooW",
    "/ip4/",
    "p2p/",
];

/// Puts a piece in, takes a few characters out, cuts the end off, or swaps two lines.
fn mutate(text: &mut String, bytes: &mut Bytes) {
    let at = {
        let mut at = bytes.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    match bytes.below(4) {
        0 => text.insert_str(at, PIECES[bytes.below(PIECES.len())]),
        1 => {
            let end =
                text[at..].char_indices().nth(bytes.below(20)).map_or(text.len(), |(n, _)| at + n);
            text.replace_range(at..end, "");
        }
        2 => text.truncate(at),
        _ => {
            let mut lines: Vec<&str> = text.lines().collect();
            if !lines.is_empty() {
                let (a, b) = (bytes.below(lines.len()), bytes.below(lines.len()));
                lines.swap(a, b);
            }
            *text = lines.join("\n");
        }
    }
}

#[test]
fn mutated_files_are_answered() {
    let registry = cenacle::built_in_modules().unwrap();
    let full = full();
    // What this version refuses anyway would hide what is taken.
    let usable = full.split("[[plugin]]").next().unwrap();
    assert!(check(usable, &registry));
    let (mut taken, mut refused) = (0, 0);
    for seed in 0..2000 {
        let mut bytes = Bytes::new(seed);
        let mut text = if seed % 2 == 0 { full.clone() } else { usable.to_owned() };
        for _ in 0..=bytes.below(2) {
            mutate(&mut text, &mut bytes);
        }
        if check(&text, &registry) { taken += 1 } else { refused += 1 }
    }
    assert!(taken > 50 && refused > 1000, "{taken} taken, {refused} refused");
}

#[test]
fn random_bytes_are_answered() {
    let registry = cenacle::built_in_modules().unwrap();
    for seed in 0..1000 {
        let mut bytes = Bytes::new(seed);
        let len = bytes.below(300);
        let text = String::from_utf8_lossy(&bytes.take(len)).into_owned();
        check(&text, &registry);
        check(&format!("{LEAST}{text}"), &registry);
    }
}

/// A file made to cost much: deep, wide, long.
#[test]
fn costly_files_are_answered_at_once() {
    let registry = cenacle::built_in_modules().unwrap();
    let begun = std::time::Instant::now();
    for text in [
        "[".repeat(100_000),
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}", "{a=".repeat(100_000)),
        format!("[node]\n{}", "x.".repeat(100_000)),
        format!("[node]\nname = \"{}\"", "x".repeat(900_000)),
        format!("[node]\n{} = 1", "x".repeat(900_000)),
        "[[group]]\n".repeat(90_000),
        "[[group]]\nname = \"a\"\n".repeat(257),
        format!("{LEAST}bootstrap = [{}]", "\"/ip4/1.2.3.4/tcp/1\",".repeat(30_000)),
        format!("{LEAST}allowlist = [{}]", "\"x\",".repeat(4_096)),
        format!("[overlay]\n{}", "\"".repeat(500_000)),
        "x".repeat(2 << 20),
    ] {
        assert!(!check(&text, &registry), "{}", &text[..40]);
    }
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}
