//! What came without a signature, too early to be opened.

use cenacle_plugin::Error;
use std::collections::BTreeMap;

/// How many different messages that claim to be of one member are kept until the key is here that
/// tells the true one: nobody signed them, so one slot would let a stranger keep the true one out. A
/// guess: an honest run needs one.
const KEPT: usize = 4;

/// Messages by the member that they claim to come from. The caller keeps those of members alone
/// that it waits for, and of one length.
#[derive(Clone, Default)]
pub(super) struct Waiting(BTreeMap<u32, Vec<Vec<u8>>>);

impl Waiting {
    /// Keeps a message; not the same one twice.
    pub(super) fn keep(&mut self, from: u32, body: &[u8]) -> Result<(), Error> {
        let kept = self.0.entry(from).or_default();
        if kept.len() >= KEPT || kept.iter().any(|other| other == body) {
            return Err(Error::DoesNotOpen);
        }
        kept.push(body.to_vec());
        Ok(())
    }

    /// Takes what waits of that member, if it can be opened now.
    pub(super) fn take(&mut self, from: u32, can_open: bool) -> Vec<Vec<u8>> {
        if can_open { self.0.remove(&from).unwrap_or_default() } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_kept_and_each_once() {
        let mut waiting = Waiting::default();
        assert!(waiting.keep(1, &[0]).is_ok());
        assert!(waiting.keep(1, &[0]).is_err());
        assert!(waiting.keep(2, &[0]).is_ok());
        assert!((1..4).all(|byte| waiting.keep(1, &[byte]).is_ok()));
        assert!(waiting.keep(1, &[4]).is_err());
        assert!(waiting.take(1, false).is_empty());
        assert_eq!(waiting.take(1, true), [[0], [1], [2], [3]]);
        assert!(waiting.take(1, true).is_empty());
    }
}
