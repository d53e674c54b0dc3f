//! What the story's claims mean, as conditions that can be false.

/// All show one fingerprint of 16 hex digits.
pub(crate) fn same_at_all<'f>(fingerprints: impl IntoIterator<Item = &'f str>) -> bool {
    let mut fingerprints = fingerprints.into_iter();
    let Some(first) = fingerprints.next() else { return false };
    let well_formed = first.len() == 16 && first.bytes().all(|byte| byte.is_ascii_hexdigit());
    well_formed && fingerprints.all(|other| other == first)
}

/// There is something, and it is the same everywhere.
pub(crate) fn alike<T: PartialEq>(things: &[Vec<T>]) -> bool {
    things.first().is_some_and(|first| !first.is_empty())
        && things.windows(2).all(|pair| pair.first() == pair.last())
}

/// Something passed, and none of the texts stands in it.
pub(crate) fn hidden<'t>(texts: impl IntoIterator<Item = &'t str>, bytes: &[u8]) -> bool {
    let stands = |text: &str| bytes.windows(text.len().max(1)).any(|w| w == text.as_bytes());
    !bytes.is_empty() && texts.into_iter().all(|text| !text.is_empty() && !stands(text))
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
    fn alike_means_all_of_it_in_one_order() {
        assert!(alike(&[vec![1, 2], vec![1, 2]]));
        assert!(!alike(&[vec![1, 2], vec![2, 1]]));
        assert!(!alike(&[vec![1, 2], vec![1]]));
        assert!(!alike::<u8>(&[vec![], vec![]]));
        assert!(!alike::<u8>(&[]));
    }

    #[test]
    fn hidden_means_nowhere_in_the_bytes_of_which_there_are_some() {
        assert!(hidden(["hello"], b"\x01\x02\x03\x04\x05\x06"));
        assert!(!hidden(["bye", "hello"], b"\x01hello\x02"));
        assert!(!hidden([""], b"anything"));
        assert!(!hidden(["hello"], b""));
    }
}
