//! What the program says when it is asked.

use super::Chat;
use super::command::COMMANDS;
use crate::log::Tone;
use crate::people;

/// So many members are listed.
const MOST_LISTED: usize = 200;

impl Chat {
    pub(super) fn tell_who(&mut self) {
        let present = self.members.present.clone();
        let heading = match present.len() {
            0 => "you are not in the group".to_owned(),
            1 => "1 member:".to_owned(),
            count => format!("{count} members:"),
        };
        let mut lines = vec![heading];
        for member in present.iter().take(MOST_LISTED) {
            lines.push(format!("  {}  {}", self.people.label(*member), people::peer_id(*member)));
        }
        if let Some(more @ 1..) = present.len().checked_sub(MOST_LISTED) {
            lines.push(format!("  and {more} more"));
        }
        lines.into_iter().for_each(|line| self.tell(Tone::Plain, line));
    }

    pub(super) fn tell_safety(&mut self) {
        let Some(view) = &self.view else {
            return self.tell(Tone::Plain, "there is no safety number: you are not in the group");
        };
        let (key, safety) = (view.key, view.safety.clone());
        match safety {
            Some(safety) => {
                self.tell(Tone::Key, format!("safety number: {safety}"));
                self.tell(
                    Tone::Plain,
                    "read it to the others aloud, on the telephone or face to face: if theirs is \
                     the same, you mean the same people and nobody is in between; it changes when \
                     somebody comes or goes",
                );
                self.tell(Tone::Key, format!("key: {key}"));
            }
            None => self.tell(Tone::Bad, "there is no safety number: this group is not secure"),
        }
    }

    pub(super) fn tell_help(&mut self) {
        self.tell(Tone::Plain, "what you write, all members read, in the same order; commands:");
        for (name, _, does) in COMMANDS {
            self.tell(Tone::Plain, format!("  /{name}: {does}"));
        }
        self.tell(Tone::Plain, "  //text: send a text that begins with a slash");
        self.tell(
            Tone::Plain,
            "keys: PageUp, PageDown, mouse wheel: scroll; Home, End on an empty line: oldest, \
             latest; Up, Down: what you wrote before; hold Shift to mark text with the mouse",
        );
    }
}
