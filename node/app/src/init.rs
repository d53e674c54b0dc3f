//! `cenacle init`: a configuration, an identity and a secret to begin with.

use crate::args;
use crate::failure::Failure;
use crate::screen::{Screen, Style};
use cenacle::config::{EXAMPLE, FILE_NAME};
use cenacle_net::{Identity, Psk};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What the example calls the node's key.
const IDENTITY: &str = "identity.key";

/// What the example calls the overlay's secret.
const PSK: &str = "cenacle.psk";

/// Makes the files, none of which may be there.
pub(crate) fn run(words: &args::Init, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let dir = &words.dir;
    refuse_existing(dir)?;
    let psk = match &words.psk {
        Some(file) => Psk::load(file),
        None => Psk::generate(),
    };
    let psk = psk.map_err(|error| Failure::Failed(error.to_string()))?;
    make_folder(dir)?;
    let mut made = Made::default();
    made.file(dir.join(PSK), |file| psk.create(file).map_err(|error| error.to_string()))?;
    let identity = Identity::generate().map_err(|error| Failure::Failed(error.to_string()))?;
    made.file(dir.join(IDENTITY), |file| identity.create(file).map_err(|error| error.to_string()))?;
    made.file(dir.join(FILE_NAME), |file| {
        write_new(file, EXAMPLE).map_err(|error| error.to_string())
    })?;
    made.keep();
    tell(words, &identity, screen)
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
    let check = format!(
        "Name the groups to join in {config}, and let `cenacle check --config {config}` look at it."
    );
    screen.item("  1. ", "     ", &check)?;
    let second = format!(
        "On a second machine the same secret is needed. Copy it over a channel that nobody else \
         reads, such as with `scp -p {} OTHER:`, and run `cenacle init --dir DIR --psk {PSK}` there.",
        psk.display()
    );
    screen.item("  2. ", "     ", &second)?;
    let addresses = format!(
        "In one local network the two find each other. Elsewhere write an address of one into \
         `bootstrap` of the other: `cenacle id --config {config}` prints them."
    );
    screen.item("  3. ", "     ", &addresses)?;
    screen.item("  4. ", "     ", &format!("Start each node: `cenacle run --config {config}`."))?;
    Ok(())
}
