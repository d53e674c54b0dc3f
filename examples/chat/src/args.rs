//! The command line.

use crate::failure::Failure;
use cenacle::config::{Config, FILE_NAME, Loader};
use clap::Parser;
use clap::error::ErrorKind;
use std::ffi::OsString;
use std::path::PathBuf;

/// What one can do here; shown by `--help`, not by `-h`.
const LONG: &str = "\
Talk in a group. All members see who is there and read everything in the same order; what is said is
sealed under a key that the members agree on, and that changes whenever somebody comes or goes.

On a terminal the chat takes the whole screen; /help tells its commands and keys. Where standard
output or input is no terminal, or with --plain, it writes lines and reads lines: each is a message
or a command. The end of the input, Ctrl-C, SIGINT and SIGTERM leave the group and end.

The status is 0 after a clean end, 1 when the group cannot be joined or something fails, 2 for bad
use.";

#[derive(Debug, Parser)]
#[command(
    name = "chat",
    version,
    about = "Talk in a group, on a terminal",
    long_about = LONG,
    max_term_width = 100,
    after_help = "Examples:
  chat --config alice/cenacle.toml                 # the only group of the configuration
  chat ops --config alice/cenacle.toml --name Ada
  chat --config alice/cenacle.toml --plain < questions > answers

`cenacle init --dir alice` makes a configuration to begin with."
)]
pub(crate) struct Args {
    /// The group, by its name in the configuration [default: the only one there]
    pub(crate) group: Option<String>,
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = FILE_NAME)]
    pub(crate) config: PathBuf,
    /// What the others see you as [default: the configuration's `name`]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// A key of `node`, `overlay` or `metrics` in place of the file's and the environment's
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Lines instead of a screen, such as for screen readers
    #[arg(long)]
    pub(crate) plain: bool,
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Wanted {
    Chat(Box<Args>),
    /// Help or the version, as text.
    Text(String),
}

/// Reads the command line.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Wanted, Failure> {
    let error = match Args::try_parse_from(words) {
        Ok(args) => return Ok(Wanted::Chat(Box::new(args))),
        Err(error) => error,
    };
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(Wanted::Text(text)),
        _ => Err(Failure::Usage(sentence(&text))),
    }
}

/// One sentence from the parser's several lines.
fn sentence(text: &str) -> String {
    let said = text.split("Usage:").next().unwrap_or(text);
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let parts: Vec<&str> = lines
        .map(|line| line.trim_start_matches("error: ").trim_start_matches("tip: "))
        .filter(|line| !line.starts_with("For more information"))
        .collect();
    format!("{}; see `chat --help`", parts.join("; "))
}

/// The configuration, and the group in it.
pub(crate) fn configuration(args: &Args) -> Result<(Config, String), Failure> {
    let mut loader = Loader::new(&args.config).variables(std::env::vars_os());
    if args.name.as_ref().is_some_and(|name| !is_name(name)) {
        let wrong = "--name takes 1 to 64 bytes without control characters";
        return Err(Failure::Usage(wrong.to_owned()));
    }
    let name = args.name.as_ref().map(|name| format!("node.name={name}"));
    for assignment in args.set.iter().chain(&name) {
        loader = loader.set(assignment).map_err(|wrong| Failure::Usage(wrong.in_a_sentence()))?;
    }
    let config = loader.load().map_err(|wrong| Failure::Failed(wrong.in_a_sentence()))?;
    let group = group(&config, args)?;
    Ok((config, group))
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && !name.chars().any(char::is_control)
}

fn group(config: &Config, args: &Args) -> Result<String, Failure> {
    let all: Vec<&str> = config.groups().iter().map(|group| group.name.as_str()).collect();
    let file = args.config.display();
    match (&args.group, all.as_slice()) {
        (_, []) => Err(Failure::Failed(format!("there is no [[group]] in {file}: add one"))),
        (None, [only]) => Ok((*only).to_owned()),
        (None, several) => Err(Failure::Usage(format!(
            "which group? {file} has {}: say `chat GROUP`",
            several.join(", ").escape_debug()
        ))),
        (Some(wanted), all) if all.contains(&wanted.as_str()) => Ok(wanted.clone()),
        (Some(wanted), all) => {
            // Distances of long words take long to tell.
            let short: String = wanted.chars().take(80).collect();
            let hint = cenacle_plugin::hint(&short, all, "there are");
            Err(Failure::Usage(format!("group {short:?} is not in {file}; {hint}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_parser_agrees_with_itself_and_help_has_examples() {
        use clap::CommandFactory;
        Args::command().debug_assert();
        let Ok(Wanted::Text(help)) = parse(words("chat --help")) else { panic!("no help") };
        assert!(help.contains("Examples:") && help.contains("--plain"), "{help}");
    }

    #[test]
    fn bad_use_is_one_sentence() {
        let Err(Failure::Usage(said)) = parse(words("chat --nmae x")) else { panic!("it is") };
        assert_eq!(
            said,
            "unexpected argument '--nmae' found; a similar argument exists: '--name'; see `chat --help`"
        );
    }
}
