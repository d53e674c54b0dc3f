//! The chat as a person uses it: on a terminal of tmux, with keys, and looked at.
//!
//! Without tmux this is skipped, and says so; where `TMUX_REQUIRED` is set that is a failure.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop, and says why it did not run"
)]

mod place;

use place::{PATIENCE, Place};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A tmux of its own with a chat in a shell.
struct Terminal {
    socket: String,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

fn is_tmux_here() -> bool {
    let version = Command::new("tmux").arg("-V").stdout(Stdio::null()).status();
    let here = version.is_ok_and(|status| status.success());
    assert!(here || std::env::var_os("TMUX_REQUIRED").is_none(), "tmux is required: install it");
    if !here {
        eprintln!("SKIPPED: this test needs tmux, and there is none: install it");
    }
    here
}

impl Terminal {
    /// A terminal of 90 columns and 24 rows, in which the chat of somebody has been called.
    fn start(place: &Place, name: &str) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let terminal = Self { socket: format!("chat-{}-{number}", std::process::id()) };
        let chat = env!("CARGO_BIN_EXE_chat");
        let config = place.configure(name);
        let size = ["-x", "90", "-y", "24"];
        let shell = ["env", "PS1=$ ", "TZ=UTC", "sh"];
        terminal.tmux(&[&["-f", "/dev/null", "new-session", "-d"], &size[..], &shell].concat());
        terminal.tmux(&["set", "-g", "window-size", "manual"]);
        terminal.shows(&["$"]);
        // The shell tells the process, which the chat then is.
        let call = format!("sh -c 'echo $$ >{config}.pid; exec {chat} --config {config}'");
        terminal.types(&format!("clear; {call}; echo ended=$?"));
        terminal.keys(&["Enter"]);
        terminal
    }

    fn tmux(&self, words: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.args(["-u", "-L", &self.socket]).args(words).env("LC_ALL", "C.UTF-8");
        let output = command.env_remove("TMUX").output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn types(&self, text: &str) {
        self.tmux(&["send-keys", "-l", "--", text]);
    }

    /// Keys by tmux's names.
    fn keys(&self, names: &[&str]) {
        self.tmux(&[&["send-keys"], names].concat());
    }

    fn writes(&self, line: &str) {
        self.types(line);
        self.keys(&["Enter"]);
    }

    fn resize(&self, columns: &str, rows: &str) {
        self.tmux(&["resize-window", "-x", columns, "-y", rows]);
    }

    /// What a person sees.
    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Waits until all of this is on the screen; the screen then.
    fn shows(&self, what: &[&str]) -> String {
        self.awaits(&format!("{what:?}"), |screen| what.iter().all(|part| screen.contains(part)))
    }

    fn hides(&self, what: &str) -> String {
        self.awaits(&format!("screen without {what:?}"), |screen| !screen.contains(what))
    }

    fn awaits(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if wanted(&screen) {
                return screen;
            }
            assert!(Instant::now() < until, "no {what} on the screen:\n{screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended.
        let mut command = Command::new("tmux");
        let _ = command.args(["-L", &self.socket, "kill-server"]).stderr(Stdio::null()).status();
    }
}

/// Alice and Bob, who see each other.
fn two(place: &Place) -> (Terminal, Terminal) {
    let alice = Terminal::start(place, "alice");
    alice.shows(&["you are in the group, and the only one so far"]);
    let bob = Terminal::start(place, "bob");
    for terminal in [&alice, &bob] {
        terminal.shows(&["SECURE", "only you two can read this", "2 members", "safety number"]);
    }
    (alice, bob)
}

#[test]
fn two_people_talk() {
    if !is_tmux_here() {
        return;
    }
    let place = Place::new();
    let (alice, bob) = two(&place);
    let screen = alice.shows(&["bob has come", "the key has changed: fingerprint"]);
    assert!(screen.contains("› alice (you)") && screen.contains("• bob"), "{screen}");
    alice.writes("good morning 早上好 👋");
    bob.shows(&["alice: good morning 早上好 👋"]);
    alice.shows(&["alice (you): good morning 早上好 👋"]);
    // The line can be mended before it is sent.
    bob.types("helo alcie");
    bob.keys(&["BSpace", "BSpace", "BSpace"]);
    bob.types("ice");
    bob.keys(&["C-Left", "Left", "Left"]);
    bob.types("l");
    bob.shows(&["> hello alice"]);
    bob.keys(&["Enter"]);
    alice.shows(&["bob: hello alice"]);
    // What was said before is at hand.
    bob.keys(&["Up"]);
    bob.shows(&["> hello alice"]);
    bob.keys(&["C-u"]);
    bob.hides("> hello alice");
    // A paste is one message, not a message for each of its lines.
    bob.tmux(&["set-buffer", "first line\nsecond line"]);
    bob.tmux(&["paste-buffer", "-p"]);
    bob.shows(&["> first line⏎second line"]);
    bob.keys(&["Enter"]);
    alice.shows(&["bob: first line ", "\n      second line "]);
    alice.writes("/who");
    alice.shows(&["* 2 members:", "*   alice (you)", "*   bob", "12D3KooW"]);
    alice.writes("/refresh");
    alice.shows(&["the key has changed, as you asked: fingerprint"]);
    alice.writes("/hepl");
    alice.shows(&["there is no /hepl: did you mean help?"]);
    bob.writes("/leave");
    bob.shows(&["you have left the group", "LEFT", "/join to come back"]);
    alice.shows(&["bob has left, or cannot be reached", "× bob (gone)", "only you can read"]);
    bob.writes("hello?");
    bob.shows(&["not sent: you have left"]);
    bob.keys(&["C-u"]);
    bob.writes("/join");
    alice.shows(&["bob has come", "only you two can read this"]);
}

#[test]
fn one_scrolls_and_the_window_changes() {
    if !is_tmux_here() {
        return;
    }
    let place = Place::new();
    let (alice, bob) = two(&place);
    for number in 1..=40 {
        bob.writes(&format!("line {number}."));
    }
    alice.shows(&["bob: line 40."]);
    alice.keys(&["PageUp"]);
    let screen = alice.shows(&["messages below; End: the latest"]);
    assert!(!screen.contains("line 40."), "{screen}");
    bob.writes("news");
    alice.shows(&["↓ 20 messages below"]);
    alice.keys(&["Home"]);
    alice.shows(&["* joining ops"]);
    // A notch of the wheel down, and all the way up again.
    alice.keys(&["-H", "1b", "5b", "3c", "36", "35", "3b", "35", "3b", "35", "4d"]);
    alice.hides("* joining ops");
    alice.keys(&["-H", "1b", "5b", "3c", "36", "34", "3b", "35", "3b", "35", "4d"]);
    alice.shows(&["* joining ops"]);
    alice.keys(&["End"]);
    alice.shows(&["bob: news"]);
    for (columns, rows) in [("20", "5"), ("1", "1"), ("7", "3"), ("140", "40")] {
        alice.resize(columns, rows);
        std::thread::sleep(Duration::from_millis(200));
    }
    alice.shows(&["bob: line 40.", "bob: news", "2 members"]);
    alice.resize("20", "5");
    let small = alice.shows(&["bob: news", "ops", "SECURE"]);
    assert!(small.lines().count() <= 5, "{small}");
    alice.writes("all well");
    alice.resize("90", "24");
    alice.shows(&["alice (you): all well"]);
    bob.shows(&["alice: all well"]);
}

#[test]
fn the_terminal_is_given_back() {
    if !is_tmux_here() {
        return;
    }
    let place = Place::new();
    let (alice, bob) = two(&place);
    let carol = Terminal::start(&place, "carol");
    alice.shows(&["only the 3 members can read this"]);
    bob.writes("/quit");
    carol.keys(&["C-c"]);
    let pid = std::fs::read_to_string(format!("{}.pid", place.configure("alice"))).unwrap();
    alice.shows(&["only you can read"]);
    assert!(Command::new("kill").args(["-TERM", pid.trim()]).status().unwrap().success());
    for terminal in [alice, bob, carol] {
        let screen = terminal.shows(&["ended=0"]);
        assert!(!screen.contains("SECURE"), "{screen}");
        // It echoes and breaks lines as before.
        terminal.writes("echo so'me'where");
        terminal.shows(&["$ echo so'me'where\nsomewhere\n$"]);
        let modes = "#{alternate_on} #{mouse_any_flag} #{cursor_flag}";
        assert_eq!(terminal.tmux(&["display", "-p", modes]), "0 0 1\n");
    }
}
