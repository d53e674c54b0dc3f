//! What members of a view say to each other about a run, apart from the module's own messages.

use crate::TAG_LEN;
use crate::keys::CONFIRMATION_LEN;
use serde::{Deserialize, Serialize};

/// The last byte of what travels in a group, which tells what it is.
pub(crate) mod kind {
    /// A signed message of the module.
    pub(crate) const ENVELOPE: u8 = 1;
    /// One that the module has sealed itself.
    pub(crate) const FRAME: u8 = 2;
    /// A record of application messages.
    pub(crate) const RECORD: u8 = crate::records::RECORD;
    /// A member holds the secret.
    pub(crate) const CONFIRMATION: u8 = 4;
    /// All members hold it.
    pub(crate) const CONFIRMED: u8 = 5;
    /// A signed [`Control`](super::Control).
    pub(crate) const CONTROL: u8 = 6;
}

/// The longest explanation that travels.
const MAX_REASON: usize = 200;

/// What is signed by the member that says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Control {
    /// A run of the view will not be completed.
    Abort(Abort),
    /// A run takes long, and this member is still there.
    Here {
        /// Which run.
        run: u64,
    },
}

/// Why a run will not be completed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Abort {
    /// Which run of the view.
    pub(crate) run: u64,
    /// Why.
    pub(crate) cause: Cause,
    /// For people.
    pub(crate) reason: String,
}

/// Who is to blame for an abort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Cause {
    /// Nobody that could be named.
    Failure,
    /// The member at this position of the view.
    Member(u32),
    /// Time ran out: whoever has not said that it is still there.
    Time,
}

impl Abort {
    pub(crate) fn new(run: u64, cause: Cause, reason: &str) -> Self {
        let plain = reason.chars().map(|c| if c.is_control() { ' ' } else { c });
        Self { run, cause, reason: plain.take(MAX_REASON / 4).collect() }
    }
}

impl Control {
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let control: Self = ciborium::de::from_reader_with_recursion_limit(bytes, 8).ok()?;
        let fits =
            |reason: &str| reason.len() <= MAX_REASON && !reason.chars().any(char::is_control);
        match &control {
            Self::Abort(abort) if !fits(&abort.reason) => None,
            _ => Some(control),
        }
    }

    pub(crate) fn written(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Into memory, of a type that has a form: it does not fail.
        let _ = ciborium::into_writer(self, &mut bytes);
        bytes
    }
}

/// A confirmation, of one member or of all: the tag of the run and the proof.
pub(crate) fn proof_written(
    tag: [u8; TAG_LEN],
    proof: &[u8; CONFIRMATION_LEN],
    kind: u8,
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(TAG_LEN + CONFIRMATION_LEN + 1);
    bytes.extend_from_slice(&tag);
    bytes.extend_from_slice(proof);
    bytes.push(kind);
    bytes
}

/// Reads what [`proof_written`] wrote, without its kind.
pub(crate) fn read_proof(bytes: &[u8]) -> Option<([u8; TAG_LEN], [u8; CONFIRMATION_LEN])> {
    let (tag, proof) = bytes.split_first_chunk()?;
    Some((*tag, proof.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let abort = Abort::new(3, Cause::Member(1), &"\u{1b}é".repeat(500));
        let control = Control::Abort(abort.clone());
        assert_eq!(Control::read(&control.written()), Some(control));
        let here = Control::Here { run: 7 };
        assert_eq!(Control::read(&here.written()), Some(here));
        for reason in ["x".repeat(MAX_REASON + 1), "two\nlines".to_owned()] {
            let bad = Control::Abort(Abort { reason, ..abort.clone() });
            assert_eq!(Control::read(&bad.written()), None);
        }
        let mut proof = proof_written([1; 8], &[2; 32], kind::CONFIRMED);
        assert_eq!(proof.pop(), Some(kind::CONFIRMED));
        assert_eq!(read_proof(&proof), Some(([1; 8], [2; 32])));
        assert_eq!(read_proof(proof.get(1..).unwrap()), None);
        assert_eq!(read_proof(&[proof, vec![0]].concat()), None);
    }
}
