//! Nodes as processes: started, spoken to, killed, and all they said kept for the oracle.

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Nothing here measures time: a loaded machine gets as long as it wants.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// An event line.
pub(crate) type Event = Map<String, Value>;

/// Where nodes are.
pub(crate) trait Place: Sync {
    /// The address that a node listens on.
    fn listen(&self, name: &str) -> String;
    /// A program that will run where the node is.
    fn command(&self, name: &str, program: &str) -> Command;
}

/// All on loopback, at ports of the system's choice.
struct Loopback;

impl Place for Loopback {
    fn listen(&self, _: &str) -> String {
        "/ip4/127.0.0.1/tcp/0".to_owned()
    }

    fn command(&self, _: &str, program: &str) -> Command {
        Command::new(program)
    }
}

/// Nodes of one overlay in a temporary folder.
pub(crate) struct Company {
    folder: tempfile::TempDir,
    place: Box<dyn Place>,
    /// Who is admitted, and how nodes are found beside their bootstrap addresses: the keys for it in
    /// `[overlay]` of every node.
    pub(crate) entry: String,
    /// Added to `[overlay]` of every node.
    pub(crate) overlay: String,
    /// What every `[[group]]` says of its keys.
    pub(crate) keys: String,
    /// Added to every `[[group]]`.
    pub(crate) group: String,
    /// Everything that all processes wrote, for the oracle.
    trace: Mutex<String>,
}

impl Company {
    pub(crate) fn new() -> Self {
        Self::at(Box::new(Loopback))
    }

    pub(crate) fn at(place: Box<dyn Place>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let psk = folder.path().join("lab.psk");
        fs::write(&psk, "5a".repeat(32)).unwrap();
        fs::set_permissions(&psk, fs::Permissions::from_mode(0o600)).unwrap();
        // A process that gets no processor for seconds is not suspected for it. One that is killed
        // is, at once: its connections are closed, and dialling it again is refused.
        let overlay = "suspect_after = \"30s\"\n".to_owned();
        let entry = "admission = \"psk\"\npsk_file = \"lab.psk\"\nmdns = false\n".to_owned();
        let keys = "insecure = true\n".to_owned();
        let (group, trace) = (String::new(), Mutex::default());
        Self { folder, place, entry, overlay, keys, group, trace }
    }

    /// Groups agree on keys by this module.
    pub(crate) fn agree_by(&mut self, key_agreement: &str) {
        self.keys = format!("key_agreement = \"{key_agreement}\"\npolicy = \"open\"\n");
    }

    /// Makes the node's key before its first start; its peer id.
    pub(crate) fn identity(&self, name: &str) -> String {
        let identity = cenacle::Identity::generate().unwrap();
        assert!(identity.create(&self.folder.path().join(format!("{name}.key"))).unwrap());
        identity.peer_id().to_string()
    }

    /// Writes a file beside the configuration files.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Writes the node's configuration file.
    pub(crate) fn configure(&self, name: &str, bootstrap: &[String], more: &str) -> PathBuf {
        let mut text = format!(
            "[node]\nname = \"{name}\"\nidentity = \"{name}.key\"\nstate = \"{name}.state\"\n\
             listen = [\"{}\"]\n\n\
             [overlay]\nname = \"lab\"\nbootstrap = {bootstrap:?}\n{}{}\n",
            self.place.listen(name),
            self.entry,
            self.overlay
        );
        for group in ["ops", "dev"] {
            writeln!(text, "[[group]]\nname = \"{group}\"\n{}{}", self.keys, self.group).unwrap();
        }
        text.push_str(more);
        let file = self.folder.path().join(format!("{name}.toml"));
        fs::write(&file, text).unwrap();
        file
    }

    /// A command with the node's configuration file.
    pub(crate) fn command(&self, name: &str, words: &[&str]) -> Command {
        let mut command = self.place.command(name, env!("CARGO_BIN_EXE_cenacle"));
        command.args(words).arg("--config").arg(self.folder.path().join(format!("{name}.toml")));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts `join ops --json` with these bootstrap addresses.
    pub(crate) fn start(&self, name: &str, bootstrap: &[String]) -> Process {
        self.configure(name, bootstrap, "");
        self.start_configured(name)
    }

    pub(crate) fn start_configured(&self, name: &str) -> Process {
        Process::start(name, self.command(name, &["join", "ops", "--json"]))
    }

    /// A node and others that find it by its address.
    pub(crate) fn start_several(&self, count: usize) -> Vec<Process> {
        let first = self.start("n0", &[]);
        let address = vec![first.address()];
        let others = (1..count).map(|number| self.start(&format!("n{number}"), &address));
        std::iter::once(first).chain(others).collect()
    }

    /// What a process wrote goes to the oracle.
    pub(crate) fn keep(&self, process: &Process) {
        let mut trace = self.trace.lock().unwrap();
        for line in &process.said.lines.lock().unwrap().lines {
            trace.push_str(line);
            trace.push('\n');
        }
    }

    /// Kills, and adds the line that whoever kills adds.
    pub(crate) fn kill(&self, mut process: Process) {
        process.child.kill().unwrap();
        process.child.wait().unwrap();
        process.await_end_of_lines();
        let members = process.members();
        self.keep(&process);
        let mut trace = self.trace.lock().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        for member in members {
            let line = json!({"time_us": now * 1_000_000, "member": member, "event": "crash"});
            writeln!(trace, "{line}").unwrap();
        }
    }

    /// Ends a process' input; it must stop cleanly.
    pub(crate) fn stop(&self, mut process: Process) {
        process.input = None;
        let status = process.await_exit();
        self.keep(&process);
        assert!(status.success(), "{} ended with {status}: {}", process.name, process.errors());
    }

    /// All that was kept keeps all properties.
    pub(crate) fn judge(self) {
        let trace = with_lost_sends(&self.trace.into_inner().unwrap());
        let options = cenacle_oracle::Options::default();
        let report = cenacle_oracle::check(trace.as_bytes(), options).unwrap();
        if !report.broken().is_empty() {
            let file = std::env::temp_dir().join(format!("cenacle-{}.jsonl", std::process::id()));
            fs::write(&file, &trace).unwrap();
            panic!("{report}\nthe trace is in {}", file.display());
        }
    }
}

/// Who is killed may have sent more than it could still tell: what others have of it was sent.
fn with_lost_sends(trace: &str) -> String {
    let all: Vec<Event> = trace.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: BTreeSet<&str> =
        all.iter().filter(|event| is(event, "send")).map(|event| text(event, "message")).collect();
    let mut lost: BTreeMap<&str, BTreeMap<&str, Value>> = BTreeMap::new();
    for event in all.iter().filter(|event| is(event, "message")) {
        let (from, message) = (text(event, "from"), text(event, "message"));
        if !told.contains(message) {
            let send = json!({
                "time_us": event["time_us"], "member": from, "group": event["group"],
                "event": "send", "message": message, "view": event["view"],
                "service": event["service"],
            });
            lost.entry(from).or_default().insert(message, send);
        }
    }
    let mut whole = String::with_capacity(trace.len());
    for (line, event) in trace.lines().zip(&all) {
        if is(event, "crash") {
            let sends = lost.remove(text(event, "member")).unwrap_or_default();
            sends.values().for_each(|send| writeln!(whole, "{send}").unwrap());
        }
        writeln!(whole, "{line}").unwrap();
    }
    whole
}

#[derive(Default)]
struct Said {
    lines: Mutex<Lines>,
    more: Condvar,
}

impl Said {
    fn change(&self, change: impl FnOnce(&mut Lines)) {
        change(&mut self.lines.lock().unwrap_or_else(PoisonError::into_inner));
        self.more.notify_all();
    }
}

#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    /// The views of `ops` among them.
    views: Vec<Event>,
    ended: bool,
}

impl Lines {
    fn push(&mut self, line: String) {
        if line.contains("\"event\":\"view\"")
            && let Ok(event) = serde_json::from_str::<Event>(&line)
            && is(&event, "view")
            && event["group"] == "ops"
        {
            self.views.push(event);
        }
        self.lines.push(line);
    }
}

/// A running node.
pub(crate) struct Process {
    pub(crate) name: String,
    child: Child,
    input: Option<ChildStdin>,
    said: Arc<Said>,
    errors: Arc<Mutex<String>>,
}

impl Process {
    pub(crate) fn start(name: &str, mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let said = Arc::<Said>::default();
        let (out, heard) = (child.stdout.take().unwrap(), Arc::clone(&said));
        std::thread::spawn(move || {
            for line in BufReader::with_capacity(1 << 20, out).lines() {
                let Ok(line) = line else { break };
                heard.change(|lines| lines.push(line));
            }
            heard.change(|lines| lines.ended = true);
        });
        let errors = Arc::<Mutex<String>>::default();
        let (mut err, heard) = (child.stderr.take().unwrap(), Arc::clone(&errors));
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(read @ 1..) = err.read(&mut part) {
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&part[..read]));
            }
        });
        let input = child.stdin.take();
        Self { name: name.to_owned(), child, input, said, errors }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to standard error.
    pub(crate) fn errors(&self) -> String {
        self.errors.lock().unwrap().clone()
    }

    /// Writes a line to its input.
    pub(crate) fn write(&mut self, line: &str) {
        let input = self.input.as_mut().expect("an open input");
        input.write_all(line.as_bytes()).unwrap();
        input.write_all(b"\n").unwrap();
        input.flush().unwrap();
    }

    pub(crate) fn tell(&mut self, command: &Value) {
        self.write(&command.to_string());
    }

    pub(crate) fn send(&mut self, text: &str, service: &str) {
        self.tell(&json!({"send": {"group": "ops", "text": text, "service": service}}));
    }

    /// Waits for lines that `wanted` finds what it wants in.
    pub(crate) fn await_text<T>(&self, what: &str, wanted: impl Fn(&[String]) -> Option<T>) -> T {
        self.await_lines(what, |lines| wanted(&lines.lines))
    }

    fn await_lines<T>(&self, what: &str, mut wanted: impl FnMut(&Lines) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        let mut lines = self.said.lines.lock().unwrap();
        loop {
            if let Some(found) = wanted(&lines) {
                return found;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || lines.ended {
                let from = lines.lines.len().saturating_sub(20);
                let shown: Vec<String> = lines.lines[from..]
                    .iter()
                    .map(|line| line.chars().take(300).collect())
                    .collect();
                let errors = self.errors();
                panic!("{}: no {what}\n{}\n{errors}", self.name, shown.join("\n"));
            }
            lines = self.said.more.wait_timeout(lines, left).unwrap().0;
        }
    }

    /// All events so far.
    pub(crate) fn events(&self) -> Vec<Event> {
        events(&self.said.lines.lock().unwrap().lines)
    }

    /// Waits for events that `wanted` finds what it wants in.
    pub(crate) fn await_events<T>(&self, what: &str, wanted: impl Fn(&[Event]) -> Option<T>) -> T {
        self.await_text(what, |lines| wanted(&events(lines)))
    }

    /// Waits for an event.
    pub(crate) fn await_event(&self, what: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        let mut read = 0;
        self.await_lines(what, |lines| {
            let new = events(&lines.lines[read..]);
            read = lines.lines.len();
            new.into_iter().find(|event| wanted(event))
        })
    }

    /// Waits until its latest view of `ops` has so many members; the view's name.
    pub(crate) fn await_view(&self, members: usize) -> String {
        self.await_lines(&format!("view of {members}"), |lines| {
            let view = lines.views.last()?;
            let all = view["members"].as_array().unwrap().len();
            (all == members).then(|| text(view, "view").to_owned())
        })
    }

    /// Waits until a message with this text is delivered.
    pub(crate) fn await_message(&self, body: &str) -> Event {
        self.await_event(&format!("message {body:?}"), |event| {
            is(event, "message") && event.get("text").is_some_and(|text| text == body)
        })
    }

    /// Where it listens, as others dial it.
    pub(crate) fn address(&self) -> String {
        let start = self.await_event("start", |event| is(event, "start"));
        let address = start["addresses"][0].as_str().expect("an address").to_owned();
        format!("{address}/p2p/{}", text(&start, "peer"))
    }

    /// Its members.
    pub(crate) fn members(&self) -> Vec<String> {
        let joins = self.events().into_iter().filter(|event| is(event, "join"));
        joins.map(|event| text(&event, "member").to_owned()).collect()
    }

    /// Its member in `ops`.
    pub(crate) fn member(&self) -> String {
        let join = self.await_event("join", |event| is(event, "join"));
        text(&join, "member").to_owned()
    }

    pub(crate) fn await_exit(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.await_end_of_lines();
                return status;
            }
            if Instant::now() > until {
                let last: Vec<Event> = self.events().into_iter().rev().take(10).collect();
                panic!("{} does not end: {last:?}\n{}", self.name, self.errors());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends its input.
    pub(crate) fn end_input(&mut self) {
        self.input = None;
    }

    fn await_end_of_lines(&self) {
        let lines = self.said.lines.lock().unwrap();
        let (lines, _) =
            self.said.more.wait_timeout_while(lines, PATIENCE, |lines| !lines.ended).unwrap();
        assert!(lines.ended);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn events(lines: &[String]) -> Vec<Event> {
    lines.iter().map(|line| serde_json::from_str(line).expect("an event a line")).collect()
}

pub(crate) fn is(event: &Event, kind: &str) -> bool {
    event["event"] == kind
}

pub(crate) fn text<'e>(event: &'e Event, field: &str) -> &'e str {
    event.get(field).and_then(Value::as_str).unwrap_or_else(|| panic!("{field} in {event:?}"))
}

/// The texts of the messages of a service, in the order of their delivery.
pub(crate) fn delivered(process: &Process, service: &str) -> Vec<String> {
    let events = process.events();
    let messages =
        events.iter().filter(|event| is(event, "message") && event["service"] == service);
    messages.map(|event| text(event, "text").to_owned()).collect()
}
