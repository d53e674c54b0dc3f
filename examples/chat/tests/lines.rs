//! Real processes that talk in lines, on loopback.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may stop")]

mod place;

use place::{PATIENCE, Place};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

/// The chat of somebody with these words.
fn chat(place: &Place, name: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat"));
    command.args(words).arg("--config").arg(place.configure(name));
    command
}

/// A chat whose lines are read.
struct Chat {
    child: Child,
    input: Option<ChildStdin>,
    lines: Arc<(Mutex<Vec<String>>, Condvar)>,
}

impl Chat {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = Arc::<(Mutex<Vec<String>>, Condvar)>::default();
        let (out, heard) = (child.stdout.take().unwrap(), Arc::clone(&lines));
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                heard.0.lock().unwrap().push(line);
                heard.1.notify_all();
            }
        });
        let input = child.stdin.take();
        Self { child, input, lines }
    }

    fn write(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Waits for a line that contains all of this, behind the first `from`; how many there were then.
    fn reads_from(&self, from: usize, what: &[&str]) -> usize {
        let until = Instant::now() + PATIENCE;
        let mut lines = self.lines.0.lock().unwrap();
        loop {
            let is_it = |line: &&String| what.iter().all(|part| line.contains(part));
            if lines.iter().skip(from).any(|line| is_it(&line)) {
                return lines.len();
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what:?} in {lines:#?}");
            lines = self.lines.1.wait_timeout(lines, left).unwrap().0;
        }
    }

    fn reads(&self, what: &[&str]) -> usize {
        self.reads_from(0, what)
    }

    /// Its status, and what it wrote to standard error.
    fn ends(&mut self) -> (ExitStatus, String) {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "it does not end: {:#?}", self.lines.0.lock());
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (status, errors)
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn two_talk_and_one_leaves() {
    let place = Place::new();
    let mut alice = Chat::start(chat(&place, "alice", &[]));
    let mut bob = Chat::start(chat(&place, "bob", &["ops", "--name", "Bob B."]));
    alice.reads(&["* ", "Bob B. "]);
    // He came to her, or found her after he had begun alone.
    bob.reads(&["* ", "alice"]);
    alice.write("good morning");
    bob.reads(&[" alice: good morning"]);
    alice.reads(&[" alice (you): good morning"]);
    bob.write("\u{1b}[2Jhi\u{202e}");
    bob.write("//slashed");
    alice.reads(&[" Bob B.: \\u{1b}[2Jhi\\u{202e}"]);
    alice.reads(&[" Bob B.: /slashed"]);
    alice.write("/who");
    alice.reads(&["* 2 members:"]);
    alice.reads(&["*   Bob B.  12D3KooW"]);
    let from = alice.reads(&["*   alice (you)  12D3KooW"]);
    alice.write("/refresh");
    alice.reads_from(from, &["* the key has changed, as you asked: fingerprint "]);
    bob.reads(&["* the key has changed: fingerprint "]);
    bob.write("/qiut");
    bob.reads(&["did you mean quit?"]);
    bob.write("/leave");
    let (status, errors) = bob.ends();
    assert!(status.success() && errors.is_empty(), "{errors}");
    bob.reads(&["* you have left the group"]);
    alice.reads(&["* Bob B. has left, or cannot be reached"]);
    // The end of the input is an end as good as any, and what was said before it is said.
    alice.write("bye");
    alice.input = None;
    let (status, errors) = alice.ends();
    assert!(status.success() && errors.is_empty(), "{errors}");
    alice.reads(&[" alice (you): bye"]);
}

#[test]
fn whoever_is_not_let_in_is_told_why() {
    let mut place = Place::new();
    place.group = "policy = \"open\"\ncipher = \"aes256gcm\"\n".to_owned();
    let alice = Chat::start(chat(&place, "alice", &[]));
    alice.reads(&["the only one so far"]);
    place.group = "policy = \"open\"\n".to_owned();
    let bob = Chat::start(chat(&place, "bob", &[]));
    // Both were in groups of their own: which of them stands, the engine decides.
    let mut refused = loop {
        let found = [&alice, &bob].iter().position(|chat| {
            let lines = chat.lines.0.lock().unwrap();
            lines.iter().any(|line| {
                line.contains("* you are not let in: ")
                    || line.contains("* you have been put out: ")
            })
        });
        match found {
            Some(0) => break alice,
            Some(_) => break bob,
            None => std::thread::sleep(std::time::Duration::from_millis(20)),
        }
    };
    let (status, errors) = refused.ends();
    assert_eq!(status.code(), Some(1), "{errors}");
    assert!(errors.starts_with("chat: ") && errors.lines().count() == 1, "{errors}");
    assert!(errors.contains("settings") || errors.contains("charter"), "{errors}");
}

#[test]
fn bad_use_has_status_two_and_a_way_out() {
    let place = Place::new();
    for (words, status, says) in [
        (&["opps"][..], 2, "did you mean \"ops\"?"),
        (&["--nmae", "x"][..], 2, "'--name'"),
        (&["--name", ""][..], 2, "1 to 64 bytes"),
    ] {
        let output = chat(&place, "alice", words).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(status), 0), "{said}");
        assert!(said.contains(says) && said.lines().count() == 1, "{said}");
    }
    let mut nowhere = Command::new(env!("CARGO_BIN_EXE_chat"));
    let output = nowhere.args(["--config", "/nowhere/cenacle.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cenacle init"));
}

#[test]
fn of_several_groups_one_is_to_be_named() {
    let mut place = Place::new();
    place.group.push_str("[[group]]\nname = \"dev\"\npolicy = \"open\"\n");
    let output = chat(&place, "alice", &[]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("which group?") && said.contains("ops, dev"), "{said}");
}

#[test]
fn a_signal_leaves_cleanly() {
    let place = Place::new();
    let mut alice = Chat::start(chat(&place, "alice", &[]));
    alice.reads(&["you are in the group"]);
    let pid = alice.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let (status, errors) = alice.ends();
    assert!(status.success() && errors.is_empty(), "{errors}");
    alice.reads(&["* you have left the group"]);
}
