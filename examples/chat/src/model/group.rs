//! What happens in the group, in words.

use super::{Chat, Members, Standing};
use crate::log::{Tone, Voice};
use crate::text;
use cenacle::{Event, MemberId, Message, State, View};
use std::collections::BTreeSet;

/// So many names are told of those who came or went together.
const MOST_NAMED: usize = 8;
/// So many members are remembered to have been here.
const MOST_KNOWN: usize = 10_000;

impl Chat {
    pub(super) fn joining(&mut self, member: MemberId) {
        self.people.set_own(member);
        let group = self.group.clone();
        self.tell(Tone::Plain, format!("joining {group}; /help tells what there is"));
    }

    pub(super) fn group_event(&mut self, event: Event) {
        match event {
            Event::State(state) => self.state(state),
            Event::View(view) => self.enter_view(view),
            Event::Message(message) => self.message(&message),
            Event::Sent(sent) => self.outgoing.numbered(sent.number),
            Event::NotSent { reason, .. } => {
                if let Some(text) = self.outgoing.not_sent() {
                    self.not_sent(&text, &reason);
                }
            }
            Event::Left => {
                self.tell(Tone::Plain, "you have left the group");
                self.end(Standing::Left);
            }
            Event::Refused(refusal) => {
                let why = format!("{} ({})", refusal.detail, refusal.code);
                self.refused(&why);
            }
            // Signs between two views: the next view tells what came of them.
            _ => {}
        }
    }

    pub(super) fn refused(&mut self, why: &str) {
        let was_in = self.view.is_some();
        let how = if was_in { "you have been put out" } else { "you are not let in" };
        self.tell(Tone::Bad, format!("{how}: {why}"));
        self.end(Standing::Refused(text::line(why)));
    }

    pub(super) fn stopped(&mut self) {
        if !self.standing.is_over() {
            self.end(Standing::Stopped);
        }
    }

    fn end(&mut self, standing: Standing) {
        self.standing = standing;
        self.members = Members::default();
        self.view = None;
        self.refreshing = false;
        match self.outgoing.give_up() {
            0 => {}
            1 => self.tell(Tone::Bad, "the message that waited was not sent"),
            count => {
                self.tell(Tone::Bad, format!("the {count} messages that waited were not sent"))
            }
        }
    }

    fn state(&mut self, state: State) {
        let before = std::mem::replace(&mut self.standing, Standing::In(state));
        if before == self.standing {
            return;
        }
        let words = match (&before, state) {
            (_, State::Insecure) => self.standing.meaning(self.members.present.len()),
            (_, State::ReadOnly) => {
                "you can read here, but not write now: this part of the group may not decide"
                    .to_owned()
            }
            (Standing::In(State::ReadOnly), State::Secure) => "you can write again".to_owned(),
            (Standing::In(_), State::Offline) => "nobody else can be reached now".to_owned(),
            // What is seen in the status line, and told by the views.
            _ => return,
        };
        self.tell(self.standing.tone(), words);
    }

    fn message(&mut self, message: &Message) {
        let member = message.from;
        if self.people.is_own(member) {
            self.outgoing.arrived(message.number);
        }
        let label = self.people.label(member);
        let text = text::message(&message.body);
        self.log.push(self.now_us, Voice::Member { member, label }, text);
    }

    fn enter_view(&mut self, view: View) {
        let before = self.view.take();
        let was: BTreeSet<MemberId> = self.members.present.iter().copied().collect();
        let is: BTreeSet<MemberId> = view.members.iter().copied().collect();
        let gone: Vec<(MemberId, String)> =
            was.difference(&is).map(|member| (*member, self.people.label(*member))).collect();
        self.people.keep(&was.union(&is).copied().collect());
        for name in self.people.learn(&view.names) {
            let warning = format!(
                "more than one person is called {name}: their peer ids are shown from here"
            );
            self.tell(Tone::Bad, warning);
        }
        self.people.keep(&is);
        self.people.dress(&view.members);
        self.tell_gone(&gone);
        if was.is_empty() {
            self.tell_entry(&view);
        } else {
            self.tell_come(&was, &view);
        }
        self.tell_key(before.as_ref(), &view);
        if self.known.len() < MOST_KNOWN {
            self.known.extend(&is);
        }
        self.members.gone = gone;
        self.members.present = view.members.clone();
        self.view = Some(view);
    }

    fn tell_entry(&mut self, view: &View) {
        let others: Vec<MemberId> =
            view.members.iter().copied().filter(|member| !self.people.is_own(*member)).collect();
        match others.len() {
            0 => self.tell(Tone::Plain, "you are in the group, and the only one so far"),
            _ => {
                let names = self.names(&others);
                self.tell(Tone::Plain, format!("you are in the group, with {names}"));
            }
        }
    }

    fn tell_gone(&mut self, gone: &[(MemberId, String)]) {
        let names = listed(gone.iter().map(|(_, label)| label.clone()).collect());
        match gone.len() {
            0 => {}
            1 => self.tell(Tone::Plain, format!("{names} has left, or cannot be reached")),
            count => self.tell(
                Tone::Plain,
                format!("{count} have left, or the network is cut between you and them: {names}"),
            ),
        }
    }

    fn tell_come(&mut self, was: &BTreeSet<MemberId>, view: &View) {
        let come = view.members.iter().copied().filter(|member| !was.contains(member));
        let (back, new): (Vec<MemberId>, Vec<MemberId>) =
            come.partition(|member| self.known.contains(member));
        for (come, one, several) in [
            (new, "has come", "have come"),
            (back, "is back: the cut is healed", "are back: the cut is healed"),
        ] {
            let names = self.names(&come);
            match come.len() {
                0 => {}
                1 => self.tell(Tone::Plain, format!("{names} {one}")),
                _ => self.tell(Tone::Plain, format!("{names} {several}")),
            }
        }
    }

    fn tell_key(&mut self, before: Option<&View>, view: &View) {
        if !view.key.is_some() {
            return;
        }
        // Another change may come first.
        let same = before.is_some_and(|before| before.members == view.members);
        let wanted = same && std::mem::take(&mut self.refreshing);
        let key = view.key;
        match before {
            None => self.tell(Tone::Key, format!("the key: fingerprint {key}")),
            Some(before) if before.key != key => {
                let why = if wanted { ", as you asked" } else { "" };
                self.tell(Tone::Key, format!("the key has changed{why}: fingerprint {key}"));
            }
            Some(_) => {}
        }
        if let Some(safety) = &view.safety
            && before.and_then(|before| before.safety.as_ref()) != Some(safety)
            && view.members.len() > 1
        {
            self.tell(Tone::Key, format!("safety number: {safety}"));
        }
    }

    fn names(&self, members: &[MemberId]) -> String {
        listed(members.iter().map(|member| self.people.label(*member)).collect())
    }
}

/// Some names; of many, the first few.
fn listed(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(MOST_NAMED);
    if more > 0 {
        names.truncate(MOST_NAMED);
        names.push(format!("{more} more"));
    }
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}
