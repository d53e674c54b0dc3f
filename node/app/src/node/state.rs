//! Where a member is on its way through a group.

use super::event::State;

/// Whether a member can send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Standing {
    /// It has no view yet: messages wait.
    Joining = 0,
    /// It has had one.
    Member = 1,
    /// It wants to leave, has left, or was refused.
    Gone = 2,
}

impl Standing {
    pub(crate) fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Joining,
            1 => Self::Member,
            _ => Self::Gone,
        }
    }
}

/// What to tell the application: members of its view, and whether another node is connected.
///
/// A group without keys says `insecure` wherever somebody else could hear it.
pub(crate) fn of_insecure(members: Option<usize>, connected: bool) -> State {
    match (members, connected) {
        (Some(2..), _) | (Some(_), true) => State::Insecure,
        (None, true) => State::Discovering,
        (_, false) => State::Offline,
    }
}

/// The same for a group with keys: what counts is whether the present view has one.
pub(crate) fn of_secure(standing: Option<&cenacle_secure::Standing>, connected: bool) -> State {
    use cenacle_secure::Standing::{Agreeing, ReadOnly, Secure};
    match standing {
        Some(Agreeing) => State::Agreeing,
        Some(Secure) => State::Secure,
        Some(ReadOnly { .. }) => State::ReadOnly,
        None if connected => State::Discovering,
        None => State::Offline,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_alone_and_who_is_offline_are_told_apart() {
        assert_eq!(of_insecure(None, false), State::Offline);
        assert_eq!(of_insecure(None, true), State::Discovering);
        assert_eq!(of_insecure(Some(1), false), State::Offline);
        assert_eq!(of_insecure(Some(1), true), State::Insecure);
        assert_eq!(of_insecure(Some(2), false), State::Insecure);
    }
}
