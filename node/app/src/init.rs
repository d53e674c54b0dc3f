//! `cenacle init`: a configuration, an identity and a secret to begin with.

use crate::args;
use crate::failure::Failure;
use crate::screen::{Screen, Style};
use cenacle::config::{EXAMPLE, FILE_NAME};
use cenacle_net::{Identity, Psk};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What the example calls the node's key.
const IDENTITY: &str = "identity.key";

/// What the example calls the overlay's secret.
const PSK: &str = "cenacle.psk";

/// How the example leaves the name open.
const NO_NAME: &str = "# name = \"alice\"";

/// More than this of standard input is no secret: 64 digits, and some white space.
const LONGEST_PSK: usize = 256;

/// Makes the files, none of which may be there.
pub(crate) fn run(words: &args::Init, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let dir = &words.dir;
    let text = configuration(words.name.as_deref())?;
    refuse_existing(dir)?;
    let psk = match &words.psk {
        Some(file) if file.as_os_str() == "-" => given(std::io::stdin())?,
        Some(file) => Psk::load(file).map_err(|error| Failure::Failed(error.to_string()))?,
        None => Psk::generate().map_err(|error| Failure::Failed(error.to_string()))?,
    };
    make_folder(dir)?;
    let mut made = Made::default();
    made.file(dir.join(PSK), |file| psk.create(file).map_err(|error| error.to_string()))?;
    let identity = Identity::generate().map_err(|error| Failure::Failed(error.to_string()))?;
    made.file(dir.join(IDENTITY), |file| identity.create(file).map_err(|error| error.to_string()))?;
    made.file(dir.join(FILE_NAME), |file| {
        write_new(file, &text).map_err(|error| error.to_string())
    })?;
    made.keep();
    tell(words, &identity, screen)
}

/// The example, with this name in it.
fn configuration(name: Option<&str>) -> Result<String, Failure> {
    let Some(name) = name else { return Ok(EXAMPLE.to_owned()) };
    if !(1..=64).contains(&name.len()) || name.chars().any(char::is_control) {
        let wrong = "--name takes 1 to 64 bytes without control characters";
        return Err(Failure::Usage(wrong.to_owned()));
    }
    let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
    Ok(EXAMPLE.replacen(NO_NAME, &format!("name = \"{quoted}\""), 1))
}

/// The secret that somebody pipes in.
fn given(source: impl Read) -> Result<Psk, Failure> {
    // With room, so that no copy of it is left behind.
    let mut text = Zeroizing::new(String::with_capacity(LONGEST_PSK));
    let most = u64::try_from(LONGEST_PSK).unwrap_or(u64::MAX);
    let read = source.take(most).read_to_string(&mut text);
    let psk = read.ok().and_then(|_| text.parse().ok());
    psk.ok_or_else(|| {
        let wrong = "standard input is no secret of 64 hexadecimal digits: pipe a copy of another \
                     node's cenacle.psk into it";
        Failure::Failed(wrong.to_owned())
    })
}

fn refuse_existing(dir: &Path) -> Result<(), Failure> {
    let files = [FILE_NAME, IDENTITY, PSK].map(|name| dir.join(name));
    // A link that leads nowhere is there too.
    let there = files.iter().filter(|file| file.symlink_metadata().is_ok());
    let there: Vec<String> = there.map(|file| file.display().to_string()).collect();
    match there.as_slice() {
        [] => Ok(()),
        some => Err(Failure::Failed(format!(
            "there is already {}, and nothing is overwritten: choose another folder with --dir, or \
             move it away",
            some.join(" and ")
        ))),
    }
}

/// Nobody else needs to look into a folder of secrets; one that is there stays as it is.
fn make_folder(dir: &Path) -> Result<(), Failure> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| {
        let dir = dir.display();
        Failure::Failed(format!("the folder {dir} cannot be made ({error}): choose another"))
    })
}

/// Files that were made, and go again if not all of them can be.
#[derive(Default)]
struct Made(Vec<PathBuf>);

impl Made {
    /// Makes one more file; `make` tells whether it did.
    fn file(
        &mut self,
        file: PathBuf,
        make: impl FnOnce(&Path) -> Result<bool, String>,
    ) -> Result<(), Failure> {
        match make(&file) {
            Ok(true) => {
                self.0.push(file);
                Ok(())
            }
            Ok(false) => {
                let file = file.display();
                Err(Failure::Failed(format!("there is {file} since just now: move it away")))
            }
            Err(why) => Err(Failure::Failed(why)),
        }
    }

    fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for file in &self.0 {
            // What cannot be taken away is named by the next try.
            let _ = fs::remove_file(file);
        }
    }
}

fn write_new(file: &Path, text: &str) -> std::io::Result<bool> {
    let mut opened = match fs::OpenOptions::new().write(true).create_new(true).open(file) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(false),
        other => other?,
    };
    opened.write_all(text.as_bytes()).and_then(|()| opened.sync_all()).inspect_err(|_| {
        let _ = fs::remove_file(file);
    })?;
    Ok(true)
}

fn tell(words: &args::Init, identity: &Identity, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let dir = words.dir.display();
    let config = words.dir.join(FILE_NAME);
    let config = config.display();
    let psk = words.dir.join(PSK);
    writeln!(screen, "{}", screen.paint(Style::Heading, &format!("Made in {dir}")))?;
    writeln!(screen, "  {FILE_NAME}  the configuration, with every key explained")?;
    writeln!(screen, "  {IDENTITY}  the key of this node, {}", identity.peer_id())?;
    match words.psk {
        Some(_) => writeln!(screen, "  {PSK}   the overlay's secret, a copy")?,
        None => writeln!(screen, "  {PSK}   the secret of a new overlay")?,
    }
    writeln!(screen)?;
    writeln!(screen, "{}", screen.paint(Style::Heading, "Next"))?;
    tell_next(&config.to_string(), &psk, screen)
}

/// The commands to go on with, as they can be copied.
fn tell_next(config: &str, psk: &Path, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let (cenacle, talk) = programs();
    let config = quoted(config);
    let psk = std::path::absolute(psk).unwrap_or_else(|_| psk.to_owned());
    writeln!(screen, "  Talk in the group `ops` of the example:")?;
    writeln!(screen, "    {talk} --config {config}")?;
    writeln!(screen)?;
    let second = "On a second machine, with the same secret (whoever has it is in the overlay: let \
                  nobody else read it):";
    screen.paragraph("  ", second)?;
    let psk = quoted(&psk.display().to_string());
    writeln!(
        screen,
        "    ssh THIS-MACHINE cat {psk} | {cenacle} init --dir NAME --name NAME --psk -"
    )?;
    writeln!(screen, "    {talk} --config NAME/{FILE_NAME}")?;
    writeln!(screen)?;
    let elsewhere = format!(
        "In one local network the two find each other. Elsewhere write an address of one into \
         `bootstrap` of the other: `{cenacle} id --config {config}` prints them. Other groups are \
         named in {config}, and `{cenacle} check --config {config}` looks at it."
    );
    screen.paragraph("  ", &elsewhere)?;
    Ok(())
}

/// How this program was called, and how one talks in a group: in the chat, if it is beside it.
fn programs() -> (String, String) {
    let called = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    let is_path = called.components().count() > 1;
    let cenacle = match is_path {
        true => quoted(&called.display().to_string()),
        false => "cenacle".to_owned(),
    };
    let name = format!("chat{}", std::env::consts::EXE_SUFFIX);
    let has_chat = std::env::current_exe().is_ok_and(|own| own.with_file_name(&name).is_file());
    let talk = match (has_chat, is_path) {
        (true, true) => quoted(&called.with_file_name(&name).display().to_string()),
        (true, false) => "chat".to_owned(),
        (false, _) => format!("{cenacle} join ops"),
    };
    (cenacle, talk)
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:@,%\\".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}
