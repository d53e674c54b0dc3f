//! From the words of the command line to what they ask for, or to one sentence that says what is wrong.

use crate::args::Args;
use crate::failure::Failure;
use crate::screen::Screen;
use clap::Parser;
use clap::error::ErrorKind;
use std::ffi::OsString;
use std::io::Write;

/// Reads the command line. `None` when it asked for help or the version, which is then written.
pub(crate) fn parse(
    words: impl IntoIterator<Item = OsString>,
    screen: &mut Screen<'_>,
) -> Result<Option<Args>, Failure> {
    let error = match Args::try_parse_from(words) {
        Ok(args) => return Ok(Some(args)),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = error.render();
            match screen.has_colours() {
                true => write!(screen, "{}", text.ansi())?,
                false => write!(screen, "{text}")?,
            }
            Ok(None)
        }
        _ => Err(Failure::Usage(sentence(&error.render().to_string()))),
    }
}

/// One sentence from the parser's several lines: what is wrong, its tips, and whose help to read.
fn sentence(text: &str) -> String {
    let (said, usage) = text.split_once("Usage:").unwrap_or((text, "cenacle"));
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let parts: Vec<&str> = lines
        .map(|line| line.trim_start_matches("error: ").trim_start_matches("tip: "))
        .map(|line| line.strip_prefix('[').and_then(|l| l.strip_suffix(']')).unwrap_or(line))
        .filter(|line| !line.starts_with("For more information"))
        .collect();
    let is_name = |word: &&str| word.starts_with(|c: char| c.is_ascii_lowercase());
    let command: Vec<&str> = usage.split_whitespace().take_while(is_name).collect();
    format!("{}; see `{} --help`", parts.join("; "), command.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Bench, Command};

    fn parsed(line: &str) -> Result<Option<Args>, Failure> {
        let mut screen = Screen::new(std::io::sink(), false);
        parse(line.split_whitespace().map(OsString::from), &mut screen)
    }

    fn refused(line: &str) -> String {
        let failure = parsed(line).unwrap_err();
        assert_eq!(failure.status(), 2, "{line}");
        failure.sentence().unwrap()
    }

    #[test]
    fn the_parser_agrees_with_itself() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }

    #[test]
    fn words_are_kept_as_they_are() {
        let line = "cenacle bench keys --module gdh,tgdh --sizes 2,x --event join --json";
        let Some(Args { command: Command::Bench { what: Bench::Keys(keys) } }) =
            parsed(line).unwrap()
        else {
            panic!("another command");
        };
        assert_eq!(keys.module, ["gdh", "tgdh"]);
        assert_eq!(keys.sizes, ["2", "x"]);
        assert_eq!((keys.group, keys.repetitions, keys.json), (None, None, true));
    }

    #[test]
    fn errors_are_one_sentence_that_says_where_to_look() {
        assert_eq!(
            refused("cenacle bench keys --modul gdh"),
            "unexpected argument '--modul' found; a similar argument exists: '--module'; \
             see `cenacle bench keys --help`"
        );
        assert_eq!(
            refused("cenacle demon"),
            "unrecognized subcommand 'demon'; a similar subcommand exists: 'demo'; \
             see `cenacle --help`"
        );
        for line in ["cenacle", "cenacle bench", "cenacle demo --nodes", "cenacle plugins x"] {
            let said = refused(line);
            assert!(!said.contains('\n') && said.contains("--help`"), "{said}");
        }
    }

    #[test]
    fn help_is_no_error_and_has_an_example() {
        for line in [
            "cenacle --help",
            "cenacle init --help",
            "cenacle id --help",
            "cenacle check --help",
            "cenacle plugins --help",
            "cenacle bench --help",
            "cenacle bench keys --help",
            "cenacle bench rekey-study --help",
            "cenacle demo --help",
            "cenacle run --help",
            "cenacle join --help",
        ] {
            let mut out = Vec::new();
            let mut screen = Screen::new(&mut out, false);
            let words = line.split_whitespace().map(OsString::from);
            assert!(parse(words, &mut screen).unwrap().is_none());
            drop(screen);
            assert!(String::from_utf8(out).unwrap().contains("Example"), "{line}");
        }
    }
}
