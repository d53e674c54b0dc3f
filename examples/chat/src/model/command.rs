//! What is written: a message, or a command that begins with a slash.

/// A line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Nothing,
    Message(String),
    Command(Command),
    /// No such command: what to say.
    Unknown(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Who,
    Leave,
    Join,
    Refresh,
    Safety,
    Help,
    Quit,
}

/// All commands: the word, and what it does.
pub(crate) const COMMANDS: [(&str, Command, &str); 7] = [
    ("who", Command::Who, "who is here, with their full peer ids"),
    ("safety", Command::Safety, "the numbers by which you make sure that nobody is in between"),
    ("refresh", Command::Refresh, "agree on a new key now"),
    ("leave", Command::Leave, "leave the group and keep reading what was said"),
    ("join", Command::Join, "come back after /leave"),
    ("help", Command::Help, "this list"),
    ("quit", Command::Quit, "leave and end; so do Ctrl-C, and Ctrl-D on an empty line"),
];

/// Reads a line.
pub(crate) fn read(line: &str) -> Written {
    if line.trim().is_empty() {
        return Written::Nothing;
    }
    let Some(rest) = line.strip_prefix('/') else { return Written::Message(line.to_owned()) };
    if rest.starts_with('/') {
        return Written::Message(rest.to_owned());
    }
    let word = rest.trim();
    match COMMANDS.iter().find(|(name, _, _)| *name == word) {
        Some((_, command, _)) => Written::Command(*command),
        None => Written::Unknown(unknown(word)),
    }
}

fn unknown(word: &str) -> String {
    // Distances of long words take long to tell.
    let short: String = word.chars().take(20).collect();
    let known = COMMANDS.map(|(name, _, _)| name);
    let first = short.split_whitespace().next().unwrap_or_default();
    if known.contains(&first) {
        return format!("/{first} stands alone; to send a text that begins with a slash, write //");
    }
    let hint = cenacle_plugin::hint(first, &known, "there are").replace('"', "");
    let first = crate::text::line(first);
    format!("there is no /{first}: {hint}; to send a text that begins with a slash, write //")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_messages_unless_they_begin_with_one_slash() {
        assert_eq!(read("hello /who"), Written::Message("hello /who".to_owned()));
        assert_eq!(read("//etc/hosts"), Written::Message("/etc/hosts".to_owned()));
        assert_eq!(read(" \n"), Written::Nothing);
        for (word, command, _) in COMMANDS {
            assert_eq!(read(&format!("/{word} ")), Written::Command(command));
        }
    }

    #[test]
    fn what_is_no_command_gets_a_hint_and_is_not_sent() {
        let Written::Unknown(said) = read("/hwo") else { panic!("it is one") };
        assert!(said.contains("did you mean who?") && said.contains("//"), "{said}");
        let Written::Unknown(said) = read("/leave now") else { panic!("it is one") };
        assert!(said.contains("stands alone"), "{said}");
        let Written::Unknown(said) = read(&format!("/\u{1b}{}", "x".repeat(9000))) else {
            panic!("it is one")
        };
        assert!(said.len() < 300 && !said.contains('\u{1b}'), "{said}");
    }
}
