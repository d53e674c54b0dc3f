//! The chat without a terminal and without a network: what it knows, and what each thing that
//! happens changes.
//!
//! ```text
//!  Happening ──▶ Chat::handle ──▶ Effect (what the driver is to do)
//!                    │
//!                    └──▶ log, members, state, input line ──▶ view (a frame), or plain (lines)
//! ```

mod command;
mod group;
mod keys;
mod outgoing;
mod scroll;
mod standing;
mod words;

pub(crate) use keys::Press;
pub(crate) use outgoing::Outgoing;
pub(crate) use scroll::{Pane, Scroll};
pub(crate) use standing::Standing;

use crate::input::Input;
use crate::log::{Log, Tone, Voice};
use crate::people::People;
use crate::{input, text};
use cenacle::{Error, Event, MemberId, View};
use command::{Command, Written};

/// Something that has happened.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// The group is being joined with this member.
    Joining(MemberId),
    /// It cannot be.
    NotJoined(Error),
    /// In the group.
    Group(Box<Event>),
    /// At the node.
    Warning(String),
    /// What the group said to a message of ours.
    Offered { ticket: u64, result: Result<(), Error> },
    /// What the group said to the wish for a new key.
    Refreshed(Result<(), Error>),
    /// At the keyboard.
    Press(Press),
    /// A whole line of input, where there is no keyboard.
    Line(String),
    /// A line of input that cannot be used, and why.
    BadLine(String),
    /// No more input will come.
    EndOfInput,
    /// The terminal's columns and rows.
    Resized { columns: u16, rows: u16 },
    /// Somebody wants the program to end.
    Signal,
    /// The node has stopped.
    Stopped,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Offer {
        ticket: u64,
        text: String,
    },
    Refresh,
    Leave,
    Join,
    /// Leave and end.
    Quit,
    /// Draw everything again: something else has written on the screen.
    Redraw,
}

/// The members of the present view, and who has just gone.
#[derive(Debug, Default)]
pub(crate) struct Members {
    /// By seniority.
    pub(crate) present: Vec<MemberId>,
    /// Who went with the last change, and how it is called.
    pub(crate) gone: Vec<(MemberId, String)>,
}

/// Everything that the chat knows.
#[derive(Debug)]
pub(crate) struct Chat {
    /// The group's name, harmless.
    pub(crate) group: String,
    pub(crate) standing: Standing,
    pub(crate) view: Option<View>,
    pub(crate) members: Members,
    pub(crate) people: People,
    pub(crate) log: Log,
    pub(crate) outgoing: Outgoing,
    pub(crate) input: Input,
    pub(crate) scroll: Scroll,
    /// The terminal.
    pub(crate) size: (u16, u16),
    /// Who has been in a view with us: coming again is a healed connection.
    known: std::collections::BTreeSet<MemberId>,
    /// Without a screen there is nothing to read when the group is over.
    pub(crate) ends_with_the_group: bool,
    /// Our node leaves, and the program ends with it.
    pub(crate) ending: bool,
    /// The input has ended; the end waits for what was written.
    input_ended: bool,
    /// Someone wants a new key.
    refreshing: bool,
    now_us: u64,
}

impl Chat {
    pub(crate) fn new(group: &str) -> Self {
        Self {
            group: text::line(group),
            standing: Standing::Starting,
            view: None,
            members: Members::default(),
            people: People::default(),
            log: Log::default(),
            outgoing: Outgoing::default(),
            input: Input::default(),
            scroll: Scroll::End,
            size: (80, 24),
            known: std::collections::BTreeSet::new(),
            ends_with_the_group: false,
            ending: false,
            input_ended: false,
            refreshing: false,
            now_us: 0,
        }
    }

    /// Takes in what has happened at that time; what is to be done is appended to `effects`.
    pub(crate) fn handle(&mut self, now_us: u64, what: Happening, effects: &mut Vec<Effect>) {
        self.now_us = now_us;
        match what {
            Happening::Joining(member) => self.joining(member),
            Happening::NotJoined(error) => self.refused(&error.to_string()),
            Happening::Group(event) => self.group_event(*event),
            Happening::Warning(detail) => self.warning(&detail),
            Happening::Offered { ticket, result } => self.offered(ticket, result),
            Happening::Refreshed(Ok(())) => {}
            Happening::Refreshed(Err(error)) => {
                self.refreshing = false;
                self.tell(Tone::Bad, format!("no new key: {error}"));
            }
            Happening::Press(press) => self.press(press, effects),
            Happening::Line(line) => self.written(&line, effects),
            Happening::BadLine(why) => self.tell(Tone::Bad, why),
            Happening::EndOfInput => self.input_ended = true,
            Happening::Resized { columns, rows } => self.size = (columns, rows),
            Happening::Signal => self.quit(effects),
            Happening::Stopped => self.stopped(),
        }
        let over = self.standing.is_over();
        if self.input_ended && (self.outgoing.is_handed_over() || over)
            || over && self.ends_with_the_group
        {
            self.quit(effects);
        }
    }

    /// Whether more lines of input can be taken.
    pub(crate) fn wants_input(&self) -> bool {
        !self.ending && !self.input_ended && !self.outgoing.is_full()
    }

    /// Why the program has failed, if it has.
    pub(crate) fn failure(&self) -> Option<&str> {
        match &self.standing {
            Standing::Refused(why) => Some(why),
            _ => None,
        }
    }

    fn warning(&mut self, detail: &str) {
        let text = text::message(format!("warning: {detail}").as_bytes());
        // Once is enough, until something else happens.
        if self.log.last().is_none_or(|last| last.text != text) {
            self.log.push(self.now_us, Voice::Program(Tone::Bad), text);
        }
    }

    fn tell(&mut self, tone: Tone, text: impl AsRef<str>) {
        // Reasons and names in it may come from others.
        let text = text::message(text.as_ref().as_bytes());
        self.log.push(self.now_us, Voice::Program(tone), text);
    }

    fn written(&mut self, line: &str, effects: &mut Vec<Effect>) {
        match command::read(line) {
            Written::Nothing => {}
            Written::Message(text) => self.offer(line, text, effects),
            Written::Command(command) => self.command(command, effects),
            Written::Unknown(hint) => self.tell(Tone::Bad, hint),
        }
    }

    fn offer(&mut self, line: &str, text: String, effects: &mut Vec<Effect>) {
        if self.standing.is_over() || self.ending {
            let why = self.standing.meaning(0);
            self.tell(Tone::Bad, format!("not sent: {why}"));
            return self.input.give_back(line);
        }
        if text.len() > input::LONGEST {
            let most = input::LONGEST;
            return self.tell(Tone::Bad, format!("not sent: a line has at most {most} bytes"));
        }
        match self.outgoing.push(text.clone()) {
            Some(ticket) => effects.push(Effect::Offer { ticket, text }),
            None => {
                let most = outgoing::MOST;
                self.tell(Tone::Bad, format!("not sent: {most} messages wait already"));
                self.input.give_back(line);
            }
        }
    }

    fn offered(&mut self, ticket: u64, result: Result<(), Error>) {
        match result {
            Ok(()) => self.outgoing.accepted(ticket),
            Err(error) => {
                if let Some(text) = self.outgoing.refused(ticket) {
                    self.not_sent(&text, &error);
                }
            }
        }
    }

    fn not_sent(&mut self, text: &str, error: &Error) {
        let shown = text::line(text);
        let shown = text::cut(&shown, 60);
        self.tell(Tone::Bad, format!("not sent: {error} ({shown:?})", shown = shown.as_ref()));
        let line = if text.starts_with('/') { format!("/{text}") } else { text.to_owned() };
        self.input.give_back(&line);
    }

    fn command(&mut self, command: Command, effects: &mut Vec<Effect>) {
        match command {
            Command::Who => self.tell_who(),
            Command::Safety => self.tell_safety(),
            Command::Help => self.tell_help(),
            Command::Quit => self.quit(effects),
            Command::Refresh if self.view.is_none() || self.standing.is_over() => {
                self.tell(Tone::Bad, "no new key: you are not in the group");
            }
            Command::Refresh => {
                self.refreshing = true;
                self.tell(Tone::Key, "asking for a new key");
                effects.push(Effect::Refresh);
            }
            Command::Leave if self.standing.is_over() => self.tell(Tone::Plain, "you are out"),
            Command::Leave => {
                self.tell(Tone::Plain, "leaving");
                effects.push(Effect::Leave);
            }
            Command::Join if self.standing == Standing::Left && !self.ending => {
                self.standing = Standing::Starting;
                effects.push(Effect::Join);
            }
            Command::Join => self.tell(Tone::Plain, "only whoever has left can join again"),
        }
    }

    fn quit(&mut self, effects: &mut Vec<Effect>) {
        if !self.ending {
            self.ending = true;
            effects.push(Effect::Quit);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
