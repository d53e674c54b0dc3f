//! The files with what a node shows to a group's policy.

use super::loader::shown_path;
use cenacle_plugin::MAX_EVIDENCE;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

/// What is wrong, and what to do about it. Nothing of the file's content is in either.
pub(crate) type Wrong = (String, String);

/// The content of the file, without white space around it.
///
/// It is no secret: with the join it goes to every node of the overlay, since all decide on it. So its
/// mode does not matter. That it is of no use to others is up to the policy; an invitation names its
/// holder.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, Wrong> {
    let name = shown_path(file);
    let unreadable = |error: Error| match error.kind() {
        ErrorKind::NotFound => (
            format!("there is no file {name}"),
            "write what `cenacle invite` printed into it, or name another".to_owned(),
        ),
        kind => (format!("{name} cannot be read ({kind})"), "let this user read it".to_owned()),
    };
    // A pipe would be waited for.
    if !std::fs::metadata(file).map_err(unreadable)?.is_file() {
        return Err((format!("{name} is no file"), "name another".to_owned()));
    }
    let most = u64::try_from(MAX_EVIDENCE).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).map_err(unreadable)?;
    opened.take(most).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > MAX_EVIDENCE {
        let problem = format!("{name} has more than {MAX_EVIDENCE} bytes");
        return Err((problem, "leave in it what the group's policy wants to see".to_owned()));
    }
    let shown = bytes.trim_ascii();
    if shown.is_empty() {
        let way_out = "write what `cenacle invite` printed into it, or leave the key out";
        return Err((format!("{name} is empty"), way_out.to_owned()));
    }
    Ok(shown.to_vec())
}
