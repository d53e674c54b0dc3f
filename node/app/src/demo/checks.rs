//! What the story's claims mean, as conditions that can be false.

use cenacle_plugin::Error;
use cenacle_secure::EnvelopeError;

/// All members show one fingerprint of 16 hex digits.
pub(crate) fn same_at_all<'f>(fingerprints: impl IntoIterator<Item = &'f str>) -> bool {
    let mut fingerprints = fingerprints.into_iter();
    let Some(first) = fingerprints.next() else { return false };
    let well_formed = first.len() == 16 && first.bytes().all(|byte| byte.is_ascii_hexdigit());
    well_formed && fingerprints.all(|other| other == first)
}

/// There was somebody to read it, and all read what was said.
pub(crate) fn read_by_all(said: &str, read: &[Result<String, Error>]) -> bool {
    !read.is_empty() && read.iter().all(|text| text.as_deref() == Ok(said))
}

/// It does not open, and for no other reason than its key or a change.
pub(crate) fn stays_shut(read: &Result<String, Error>) -> bool {
    matches!(read, Err(Error::DoesNotOpen))
}

/// The text does not stand in the bytes.
pub(crate) fn hidden(text: &str, bytes: &[u8]) -> bool {
    !text.is_empty() && !bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The reason why a member's opener refuses an envelope, as far as the story tells reasons apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    BadSignature,
    Stranger,
    Repeated,
    OtherRun,
}

/// It was refused, and for that reason.
pub(crate) fn refused_for<T>(reason: Reason, opened: &Result<T, EnvelopeError>) -> bool {
    let Err(error) = opened else { return false };
    let given = match error {
        EnvelopeError::BadSignature { .. } => Reason::BadSignature,
        EnvelopeError::UnknownSender { .. } => Reason::Stranger,
        EnvelopeError::Replayed { .. } => Reason::Repeated,
        EnvelopeError::ForeignRun { .. } => Reason::OtherRun,
        _ => return false,
    };
    given == reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_must_be_there_and_alike() {
        let (one, other) = ("0123456789abcdef", "0123456789abcdee");
        assert!(same_at_all([one, one, one]));
        assert!(!same_at_all([one, one, other]));
        assert!(!same_at_all(["none", "none"]));
        assert!(!same_at_all([]));
    }

    #[test]
    fn reading_means_everybody_and_every_letter() {
        let read = |text: &str| Ok(text.to_owned());
        assert!(read_by_all("hi", &[read("hi"), read("hi")]));
        assert!(!read_by_all("hi", &[read("hi"), read("ho")]));
        assert!(!read_by_all("hi", &[read("hi"), Err(Error::DoesNotOpen)]));
        assert!(!read_by_all("hi", &[]));
    }

    #[test]
    fn shut_means_refused_by_the_cipher() {
        assert!(stays_shut(&Err(Error::DoesNotOpen)));
        assert!(!stays_shut(&Ok("hi".to_owned())));
        assert!(!stays_shut(&Err(Error::WrongCall("no keys"))));
        assert!(!stays_shut(&Err(Error::Bug("cipher"))));
    }

    #[test]
    fn hidden_means_nowhere_in_the_bytes() {
        assert!(hidden("hello", b"\x01\x02\x03\x04\x05\x06"));
        assert!(!hidden("hello", b"\x01hello\x02"));
        assert!(!hidden("", b"anything"));
    }

    #[test]
    fn a_refusal_has_the_right_reason() {
        let forged: Result<(), _> = Err(EnvelopeError::BadSignature { from: 1 });
        assert!(refused_for(Reason::BadSignature, &forged));
        assert!(!refused_for(Reason::OtherRun, &forged));
        assert!(!refused_for(Reason::BadSignature, &Ok(())));
        assert!(!refused_for(Reason::Stranger, &Err::<(), _>(EnvelopeError::NoMembers)));
    }
}
