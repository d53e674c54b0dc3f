//! Which run of which view of which group a message belongs to, as 32 bytes.

use super::parts::Sink;
use super::{EnvelopeError, KeyRing};

/// The most bytes of a suite's, group's or view's name in a run: ample for a name or a hash, and a
/// bound on what is hashed.
pub const MAX_CONTEXT_PART: usize = 256;

/// Bytes of the tag by which a sealed message names its run.
pub const TAG_LEN: usize = 8;

/// What tells one run of key agreement from every other; the same at all members.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The key agreement suite: module and group arithmetic, as the charter names them. 1 to
    /// [`MAX_CONTEXT_PART`] bytes, like the next two.
    pub suite: &'a str,
    /// The group's name.
    pub group: &'a [u8],
    /// The view's id.
    pub view: &'a [u8],
    /// The members of the view by seniority, with their keys: the ring that will verify.
    pub members: &'a KeyRing,
    /// The hash of the group's charter.
    pub charter: &'a [u8; 32],
    /// How many runs of this view were aborted before this one.
    pub number: u64,
}

impl Run<'_> {
    /// The run's context.
    ///
    /// Fails with [`EnvelopeError::BadPart`] when a name is empty or longer than
    /// [`MAX_CONTEXT_PART`].
    pub fn context(&self) -> Result<RunContext, EnvelopeError> {
        let mut hasher = blake3::Hasher::new_derive_key("cenacle key agreement v1");
        hasher.part(bounded("suite's name", self.suite.as_bytes())?);
        hasher.part(bounded("group's name", self.group)?);
        hasher.part(bounded("view's id", self.view)?);
        hasher.part(self.members.digest());
        hasher.part(self.charter);
        hasher.part(&self.number.to_be_bytes());
        let bytes: [u8; 32] = hasher.finalize().into();
        Ok(RunContext { bytes, tag: tag_of(&bytes) })
    }
}

fn bounded<'a>(what: &'static str, part: &'a [u8]) -> Result<&'a [u8], EnvelopeError> {
    if part.is_empty() || part.len() > MAX_CONTEXT_PART {
        return Err(EnvelopeError::BadPart { what, got: part.len() });
    }
    Ok(part)
}

fn tag_of(context: &[u8; 32]) -> [u8; TAG_LEN] {
    let mut tag = [0; TAG_LEN];
    let mut hasher = blake3::Hasher::new_derive_key("cenacle key agreement run tag v1");
    hasher.update(context);
    hasher.finalize_xof().fill(&mut tag);
    tag
}

/// The context of a run: whatever is signed or derived in the run is bound to these 32 bytes. Not
/// secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RunContext {
    bytes: [u8; 32],
    tag: [u8; TAG_LEN],
}

impl RunContext {
    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The short name that travels with each message. It tells runs apart cheaply, and no more:
    /// that a message belongs to the run is what its signature proves.
    pub fn tag(&self) -> [u8; TAG_LEN] {
        self.tag
    }
}

impl std::fmt::Debug for RunContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RunContext({:02x?})", self.tag)
    }
}
