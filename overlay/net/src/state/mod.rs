//! The state folder: what a node remembers from one start to the next.

pub(crate) mod files;

use crate::error::Error;
use rustix::fs::{FlockOperation, flock};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// Locked as long as a process uses the folder; empty.
const LOCK: &str = "lock";
/// The incarnation of the last start, as a decimal number.
const INCARNATION: &str = "incarnation";
/// The address book.
const BOOK: &str = "peers";

/// A folder that one process at a time uses: the incarnation and the address book.
#[derive(Debug)]
pub struct StateFolder {
    folder: PathBuf,
    incarnation: u64,
    warnings: Vec<String>,
    /// The lock is held as long as the file is open.
    _lock: fs::File,
}

impl StateFolder {
    /// Opens the folder, making it if need be, and begins the next incarnation: the larger of the
    /// stored one + 1 and the Unix time in seconds. It is on disk when this returns.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process uses it; a file that cannot be read or written.
    pub fn open(folder: &Path) -> Result<(Self, u64), Error> {
        let failed = |action, path: &Path| {
            let path = path.to_owned();
            move |source| Error::File { action, path, source }
        };
        fs::create_dir_all(folder).map_err(failed("make", folder))?;
        let path = folder.join(LOCK);
        let lock = fs::OpenOptions::new().create(true).append(true).open(&path);
        let lock = lock.map_err(failed("open", &path))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(Error::Locked { path: folder.to_owned() });
            }
            Err(error) => return Err(failed("lock", &path)(error.into())),
        }
        let mut state =
            Self { folder: folder.to_owned(), incarnation: 0, warnings: Vec::new(), _lock: lock };
        let incarnation = state.begin()?;
        Ok((state, incarnation))
    }

    fn begin(&mut self) -> Result<u64, Error> {
        let path = self.folder.join(INCARNATION);
        let stored = match files::read(&path)? {
            None => 0,
            Some(bytes) => match parse(&bytes) {
                Some(stored) => stored,
                None => {
                    self.set_aside(&path)?;
                    0
                }
            },
        };
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        self.incarnation = stored.saturating_add(1).max(clock);
        files::replace(&path, format!("{}\n", self.incarnation).as_bytes())?;
        Ok(self.incarnation)
    }

    /// The incarnation of this start.
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// What was wrong with the folder and has been mended; told to the operator once.
    pub(crate) fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// The stored address book, if there is one that can be read.
    pub(crate) fn read_book(&self) -> Result<Option<Vec<u8>>, Error> {
        files::read(&self.folder.join(BOOK))
    }

    /// Replaces the address book. Blocks for a disk's time: not for the engine's task.
    pub(crate) fn write_book(&self, bytes: &[u8]) -> Result<(), Error> {
        files::replace(&self.folder.join(BOOK), bytes)
    }

    /// The address book is not one: sets it aside.
    pub(crate) fn set_book_aside(&mut self) -> Result<(), Error> {
        self.set_aside(&self.folder.join(BOOK))
    }

    /// Renames a file that is torn or somebody else's: nothing is lost, and the node starts.
    fn set_aside(&mut self, path: &Path) -> Result<(), Error> {
        let mut aside = path.as_os_str().to_owned();
        aside.push(".unreadable");
        fs::rename(path, &aside).map_err(|source| Error::File {
            action: "set aside",
            path: path.to_owned(),
            source,
        })?;
        self.warnings.push(format!(
            "{} could not be read and is set aside as {}",
            path.display(),
            Path::new(&aside).display()
        ));
        Ok(())
    }
}

fn parse(bytes: &[u8]) -> Option<u64> {
    // The last number has no successor.
    std::str::from_utf8(bytes).ok()?.trim().parse().ok().filter(|number| *number < u64::MAX)
}
