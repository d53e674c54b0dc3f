//! Files that are there whole or not at all.

use crate::error::Error;
use std::{
    fs,
    io::{ErrorKind, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// No file that is read here is larger: an address book of a thousand peers has half of it.
const MAX_FILE: u64 = 4 << 20;
/// Secrets are lines.
const MAX_SECRET: u64 = 4096;

/// Whether a new file was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fresh {
    Written,
    /// There was one already; it is untouched.
    Exists,
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { action, path, source }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Replaces a file: after a crash it is the old one or the new one. Mode 0600.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let file = prepared(path, bytes)?;
    file.persist(path).map_err(|error| failed("write", path)(error.error))?;
    sync_folder(path)
}

/// Writes a file where there is none. Mode 0600.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<Fresh, Error> {
    match prepared(path, bytes)?.persist_noclobber(path) {
        Ok(_) => sync_folder(path).map(|()| Fresh::Written),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(Fresh::Exists),
        Err(error) => Err(failed("write", path)(error.error)),
    }
}

/// A temporary file beside `path` with the content on disk; `tempfile` makes it with mode 0600.
fn prepared(path: &Path, bytes: &[u8]) -> Result<tempfile::NamedTempFile, Error> {
    let folder = folder_of(path);
    let mut file = tempfile::NamedTempFile::new_in(&folder).map_err(failed("write in", &folder))?;
    file.write_all(bytes).map_err(failed("write", path))?;
    file.as_file().sync_all().map_err(failed("write", path))?;
    Ok(file)
}

/// A rename lasts when its folder is on disk.
fn sync_folder(path: &Path) -> Result<(), Error> {
    let folder = folder_of(path);
    let opened = fs::File::open(&folder).and_then(|file| file.sync_all());
    opened.map_err(failed("write in", &folder))
}

/// Reads a file if it is there.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(failed("read", path))?;
    Ok(Some(bytes))
}

/// Reads a text that only its owner may read.
pub(crate) fn read_secret(path: &Path) -> Result<Zeroizing<String>, Error> {
    let file = fs::File::open(path).map_err(failed("read", path))?;
    let mode = file.metadata().map_err(failed("read", path))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Error::Readable { path: path.to_owned(), mode });
    }
    // Room for all of it at once: a buffer that grows leaves its old place behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    file.take(MAX_SECRET).read_to_end(&mut bytes).map_err(failed("read", path))?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(Error::Content {
            path: path.to_owned(),
            expected: "text",
            advice: "name another file",
        }),
    }
}
