//! What a member says to the next view, with its join or with its answer to a flush request: what it
//! confirmed last, and a share for the next run.
//!
//! The engine carries it unread. What must not be changed on the way (a share, evidence) counts only
//! under the member's signature; a false epoch only costs its sender's run a restart.

use crate::Signer;
use crate::envelope::{Sink, is_signed_by};
use crate::names::{member_bytes, view_bytes};
use crate::primary::MAX_ATTEMPTS;
use bytes::Bytes;
use cenacle_core::{GroupName, MemberId, ViewId};
use cenacle_plugin::{MAX_EVIDENCE, MAX_SHARE};
use serde::{Deserialize, Serialize};

/// The most bytes of what a member says, but for what belongs to the layer above.
const MAX_WORDS: usize = 4096 + MAX_EVIDENCE + MAX_SHARE;

/// When something is said: bound into the signature, so that it counts nowhere else.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Occasion {
    /// With a join.
    Join,
    /// At the end of this view.
    Flush(ViewId),
}

/// A view that was allowed to go on after a partition, alone of all parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Primary {
    /// Its name.
    pub(crate) view: ViewId,
    /// How many members it had.
    pub(crate) size: u32,
    /// Whether the one who says so was one of them, and has been there since.
    pub(crate) inside: bool,
}

/// What a member says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    /// The name of the epoch that it confirmed last.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "serde_bytes")]
    pub(crate) epoch: Option<[u8; 32]>,
    /// It asked for the change, to have a new key.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) asks: bool,
    /// The last primary view that it knows of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) primary: Option<Primary>,
    /// Later views that may have become primary without its knowing: at most [`MAX_ATTEMPTS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) attempts: Vec<Primary>,
    /// A share ahead of the run, of at most [`MAX_SHARE`] bytes.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "serde_bytes")]
    pub(crate) share: Option<Vec<u8>>,
    /// What a newcomer shows for itself, at most [`MAX_EVIDENCE`] bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "serde_bytes")]
    pub(crate) evidence: Vec<u8>,
    /// Of the layer above.
    #[serde(default, skip_serializing_if = "Bytes::is_empty")]
    pub(crate) above: Bytes,
}

/// Words cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what came with a join or a flush cannot be read")]
pub(crate) struct Unreadable;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(with = "serde_bytes")]
    words: Vec<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "serde_bytes")]
    signature: Option<[u8; 64]>,
}

impl Words {
    /// The words as `member` says them on this occasion, signed where that matters.
    pub(crate) fn say(
        &self,
        signer: &Signer,
        group: &GroupName,
        member: &MemberId,
        occasion: Occasion,
    ) -> Bytes {
        let words = written(self);
        let signature =
            self.must_be_signed().then(|| signer.sign(&signed(group, member, occasion, &words)));
        written(&Wire { words, signature }).into()
    }

    /// What `member` said on this occasion. A share or evidence that is not signed by it is left
    /// out: everybody sees the same bytes, so everybody leaves out the same.
    pub(crate) fn hear(
        bytes: &[u8],
        group: &GroupName,
        member: &MemberId,
        occasion: Occasion,
    ) -> Result<Self, Unreadable> {
        let wire: Wire = read(bytes)?;
        let mut words: Self = read(&wire.words)?;
        let fits = wire.words.len() <= MAX_WORDS.saturating_add(words.above.len())
            && words.share.as_ref().is_none_or(|share| share.len() <= MAX_SHARE)
            && words.attempts.len() <= MAX_ATTEMPTS
            && words.evidence.len() <= MAX_EVIDENCE;
        if !fits {
            return Err(Unreadable);
        }
        if words.must_be_signed() {
            let message = signed(group, member, occasion, &wire.words);
            let proven = wire
                .signature
                .is_some_and(|signature| is_signed_by(&member.node.key, &signature, &message));
            if !proven {
                (words.share, words.evidence) = (None, Vec::new());
            }
        }
        Ok(words)
    }

    fn must_be_signed(&self) -> bool {
        self.share.is_some() || !self.evidence.is_empty()
    }
}

fn signed(group: &GroupName, member: &MemberId, occasion: Occasion, words: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    message.part(b"cenacle words v1");
    message.part(group.as_str().as_bytes());
    message.part(&member_bytes(member));
    match occasion {
        Occasion::Join => message.part(b"join"),
        Occasion::Flush(view) => message.part(&view_bytes(&view)),
    }
    message.part(words);
    message
}

fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    ciborium::de::from_reader_with_recursion_limit(bytes, 8).map_err(|_| Unreadable)
}

fn written<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Into memory, of types that have a form: it does not fail.
    let _ = ciborium::into_writer(value, &mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use cenacle_core::{NodeId, Order};
    use cenacle_plugin::Secret;

    fn view(epoch: u64, node: NodeId) -> ViewId {
        ViewId { order: Order { epoch, ..Order::default() }, proposer: node }
    }

    #[test]
    fn a_share_counts_on_its_occasion_alone() {
        let signer = Signer::new(&Secret::new([1; 32]));
        let node = NodeId { key: *signer.public_key(), incarnation: 3 };
        let member = MemberId { node, local: 0 };
        let group: GroupName = "ops".parse().unwrap();
        let words = Words { share: Some(vec![7; 32]), asks: true, ..Words::default() };
        let flush = Occasion::Flush(view(1, node));
        let said = words.say(&signer, &group, &member, flush);
        assert_eq!(Words::hear(&said, &group, &member, flush), Ok(words.clone()));

        let bare = Ok(Words { share: None, ..words.clone() });
        let other: GroupName = "other".parse().unwrap();
        let later = Occasion::Flush(view(2, node));
        let twin = MemberId { local: 1, ..member };
        assert_eq!(Words::hear(&said, &group, &member, later), bare);
        assert_eq!(Words::hear(&said, &group, &member, Occasion::Join), bare);
        assert_eq!(Words::hear(&said, &other, &member, flush), bare);
        assert_eq!(Words::hear(&said, &group, &twin, flush), bare);
        let forger = Signer::new(&Secret::new([2; 32]));
        let forged = words.say(&forger, &group, &member, flush);
        assert_eq!(Words::hear(&forged, &group, &member, flush), bare);
    }

    #[test]
    fn what_is_too_long_or_no_words_is_unreadable() {
        let signer = Signer::new(&Secret::new([1; 32]));
        let node = NodeId { key: *signer.public_key(), incarnation: 3 };
        let member = MemberId { node, local: 0 };
        let group: GroupName = "ops".parse().unwrap();
        let hear = |bytes: &[u8]| Words::hear(bytes, &group, &member, Occasion::Join);
        for words in [
            Words { share: Some(vec![0; MAX_SHARE + 1]), ..Words::default() },
            Words { evidence: vec![0; MAX_EVIDENCE + 1], ..Words::default() },
        ] {
            assert_eq!(hear(&words.say(&signer, &group, &member, Occasion::Join)), Err(Unreadable));
        }
        assert_eq!(hear(b""), Err(Unreadable));
        assert_eq!(hear(&[0x9f; 100]), Err(Unreadable), "deep");
        let above = Words { above: vec![1; 50_000].into(), ..Words::default() };
        let said = above.say(&signer, &group, &member, Occasion::Join);
        assert_eq!(hear(&said), Ok(above), "bounded by the engine");
    }
}
