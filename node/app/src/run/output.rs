//! Event lines on their way to standard output, as JSON or for people.

use crate::failure::Failure;
use crate::screen::Screen;
use cenacle::event::{Body, Content, Label, Line};
use cenacle::{GroupName, MemberId};
use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// So many bytes are gathered before they are written, at most one event more.
const GATHERED: usize = 256 << 10;

/// Where events go.
pub(super) struct Output<'a, 's> {
    screen: &'a mut Screen<'s>,
    json: bool,
    gathered: Vec<u8>,
    /// Who this node's members are, for people.
    own: Vec<String>,
    /// What the members of each group's present view go by.
    names: BTreeMap<Option<GroupName>, BTreeMap<String, String>>,
    clock: Clock,
    /// When the last line of each member was, and of the node.
    latest: BTreeMap<Option<MemberId>, u64>,
}

impl<'a, 's> Output<'a, 's> {
    pub(super) fn new(screen: &'a mut Screen<'s>, json: bool) -> Self {
        let (gathered, own, names) = (Vec::new(), Vec::new(), BTreeMap::new());
        let (clock, latest) = (Clock::new(), BTreeMap::new());
        Self { screen, json, gathered, own, names, clock, latest }
    }

    /// The time of lines that no engine has stamped.
    pub(super) fn now_us(&self) -> u64 {
        self.clock.now_us()
    }

    /// Gathers a line. An event waits between the engine's stamp and this place, and lines that are
    /// stamped here come in between: what would go back in time is told as late as the line before.
    pub(super) fn line(&mut self, line: &mut Line) -> Result<(), Failure> {
        line.time_us = self.after_the_last(line);
        if self.json {
            serde_json::to_writer(&mut self.gathered, line)
                .map_err(|error| Failure::Failed(format!("an event cannot be written: {error}")))?;
            self.gathered.push(b'\n');
        } else {
            self.for_people(line);
        }
        Ok(())
    }

    fn after_the_last(&mut self, line: &Line) -> u64 {
        let member = match line.member {
            Label::Member(member) => Some(member),
            _ => None,
        };
        let latest = self.latest.entry(member).or_default();
        let time_us = line.time_us.max(*latest);
        *latest = time_us;
        if member.is_some() && matches!(line.body, Body::Leave | Body::Refused { .. }) {
            // A member's last line; of the node no line is the last.
            self.latest.remove(&member);
        }
        time_us
    }

    pub(super) fn is_full(&self) -> bool {
        self.gathered.len() >= GATHERED
    }

    pub(super) fn is_empty(&self) -> bool {
        self.gathered.is_empty()
    }

    /// Writes what was gathered.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.screen.write_all(&self.gathered)?;
        self.gathered.clear();
        if self.gathered.capacity() > 4 * GATHERED {
            self.gathered = Vec::new();
        }
        self.screen.flush()?;
        Ok(())
    }

    fn for_people(&mut self, line: &Line) {
        if let Body::Join { .. } = line.body {
            self.own.push(line.member.to_string());
        }
        if let Body::View { names, .. } = &line.body {
            self.names.insert(line.group.clone(), names.clone());
        }
        let Some(text) = self.readable(line) else { return };
        let text = match &line.group {
            Some(group) => format!("{}: {text}", escaped(group.as_str())),
            None => text,
        };
        self.gathered.extend_from_slice(text.as_bytes());
        self.gathered.push(b'\n');
    }

    fn readable(&self, line: &Line) -> Option<String> {
        let names = |members: &[Label]| {
            let names: Vec<String> = members.iter().map(|m| self.name(&line.group, m)).collect();
            names.join(", ")
        };
        Some(match &line.body {
            Body::Start { peer, addresses } => {
                format!("this node is {} ({peer}), at {}", line.member, addresses.join(", "))
            }
            Body::Join { .. } => format!("joining as {}", line.member),
            Body::Leave => "left".to_owned(),
            Body::Message { from, content: Content::Text(_), .. } => {
                let Body::Message { content, .. } = &line.body else { return None };
                let text = String::from_utf8_lossy(content.bytes());
                format!("{}: {}", self.name(&line.group, from), escaped(&text))
            }
            Body::Message { from, content: Content::Data(body), .. } => {
                format!("{}: {} bytes that are no text", self.name(&line.group, from), body.len())
            }
            Body::View { members, key, safety, .. } => {
                let mut key = key.as_ref().map_or_else(String::new, |key| format!(", key {key}"));
                if let Some(safety) = safety {
                    key.push_str(&format!(", safety number {}", escaped(safety)));
                }
                let count = members.len();
                let word = if count == 1 { "member" } else { "members" };
                format!("{count} {word}{key}: {}", names(members))
            }
            Body::Refused { reason, detail, .. } => {
                format!("refused ({}): {}", escaped(reason), escaped(detail))
            }
            Body::State { state } => match state.as_str() {
                "offline" => "offline: no other node is connected".to_owned(),
                "discovering" => "looking for the group".to_owned(),
                "agreeing" => "agreeing on a key: what you say waits".to_owned(),
                "secure" => "secure: what you say is sealed for the members alone".to_owned(),
                "read_only" => "read only: this part of the group may not speak now".to_owned(),
                "insecure" => {
                    "NOT ENCRYPTED: whoever is admitted to the overlay can read this".to_owned()
                }
                other => other.to_owned(),
            },
            Body::Warning { reason, detail } => {
                format!("warning ({}): {}", escaped(reason), escaped(detail))
            }
            Body::FlushRequest { .. } => "the view is about to change".to_owned(),
            Body::Status(status) => serde_json::to_string_pretty(status).ok()?,
            Body::Done { id } => format!("done: {id}"),
            _ => return None,
        })
    }

    /// Anybody can go by any name: the address is shown, too.
    fn name(&self, group: &Option<GroupName>, member: &Label) -> String {
        let address = member.to_string();
        let you = self.own.contains(&address);
        match (self.names.get(group).and_then(|names| names.get(&address)), you) {
            (Some(name), true) => format!("{} ({address}, you)", escaped(name)),
            (Some(name), false) => format!("{} ({address})", escaped(name)),
            (None, true) => format!("{address} (you)"),
            (None, false) => address,
        }
    }
}

/// Text that moves no cursor and forges no line.
pub(super) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => shown.push(character),
            // Marks that turn the direction of what follows are no better than controls.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                shown.extend(character.escape_unicode())
            }
            control if control.is_control() => shown.extend(control.escape_default()),
            other => shown.push(other),
        }
    }
    shown
}

/// Begins at the system's time, and goes on whoever sets that, as the engine's does.
struct Clock {
    epoch: Duration,
    begun: Instant,
}

impl Clock {
    fn new() -> Self {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { epoch, begun: Instant::now() }
    }

    fn now_us(&self) -> u64 {
        let time = self.epoch.saturating_add(self.begun.elapsed());
        u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cenacle::Service;

    fn shown(body: Body) -> String {
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out, false);
        let mut output = Output::new(&mut screen, false);
        let mut line = Line { time_us: 1, member: "a".into(), group: "ops".parse().ok(), body };
        output.line(&mut line).unwrap();
        output.flush().unwrap();
        drop(screen);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_others_write_forges_nothing() {
        let content = Content::Text("hi\nops: b/0: \u{1b}[2J\u{202e}".into());
        let (view, service) = ("v".into(), Service::Agreed);
        let (message, from) = ("b/0#1".into(), "b/0".into());
        let body = Body::Message { message, view, from, service, order: None, content };
        assert_eq!(shown(body), "ops: b/0: hi\\nops: b/0: \\u{1b}[2J\\u{202e}\n");
    }

    #[test]
    fn people_see_who_is_there() {
        let members = vec!["a/0".into(), "b/0".into()];
        let body = Body::View {
            view: "v".into(),
            order: (1, 2),
            configuration: "1@a".into(),
            members,
            transitional: Vec::new(),
            key: None,
            safety: None,
            names: [("b/0".to_owned(), "Grace".to_owned())].into(),
            modules: cenacle::Modules::NONE,
        };
        assert_eq!(shown(body), "ops: 2 members: a/0, Grace (b/0)\n");
    }

    #[test]
    fn the_lines_of_a_member_never_go_back_in_time() {
        let node = cenacle::NodeId { key: [1; 32], incarnation: 1 };
        let member = |local| Label::Member(MemberId { node, local });
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out, false);
        let mut output = Output::new(&mut screen, true);
        let lines =
            [(member(0), 5), (member(0), 3), (member(1), 4), (member(0), 6), ("n".into(), 2)];
        for (member, time_us) in lines {
            let body = Body::State { state: "offline".to_owned() };
            output.line(&mut Line { time_us, member, group: None, body }).unwrap();
        }
        output.flush().unwrap();
        drop(screen);
        let lines = String::from_utf8(out).unwrap();
        let times = lines.lines().map(|line| serde_json::from_str::<Line>(line).unwrap().time_us);
        assert_eq!(times.collect::<Vec<_>>(), [5, 5, 4, 6, 2]);
    }
}
