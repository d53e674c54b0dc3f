//! How we stand in the group, in words for people who have never heard of views and key agreement.

use crate::log::Tone;
use cenacle::State;

/// How we stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing has been heard of the group yet.
    Starting,
    In(State),
    Left,
    /// Not let in, or put out, and why.
    Refused(String),
    /// The node has stopped.
    Stopped,
}

impl Standing {
    /// One or two words, to be seen at a glance; without them colour would have to say it.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Starting => "STARTING",
            Self::In(State::Offline) => "ALONE",
            Self::In(State::Discovering) => "LOOKING",
            Self::In(State::Agreeing) => "NEW KEY",
            Self::In(State::Secure) => "SECURE",
            Self::In(State::ReadOnly) => "READ ONLY",
            Self::In(State::Insecure) => "NOT SECURE",
            Self::In(_) => "UNKNOWN",
            Self::Left => "LEFT",
            Self::Refused(_) => "NOT IN",
            Self::Stopped => "STOPPED",
        }
    }

    /// What that means.
    pub(crate) fn meaning(&self, members: usize) -> String {
        let text = match self {
            Self::Starting => "the program starts",
            Self::In(State::Offline) => "nobody else can be reached",
            Self::In(State::Discovering) => "others are there, the group is being looked for",
            Self::In(State::Agreeing) => "the members agree on a key; what you write waits",
            Self::In(State::Secure) => return secure(members),
            Self::In(State::ReadOnly) => "you can read here, but not write now",
            Self::In(State::Insecure) => "NOT encrypted: everybody in the network can read this",
            Self::In(_) => "a state of a later version",
            Self::Left => "you have left; /join to come back, /quit to end",
            Self::Refused(_) => "you are not let in; /quit to end",
            Self::Stopped => "the connection is closed; /quit to end",
        };
        text.to_owned()
    }

    pub(crate) fn tone(&self) -> Tone {
        match self {
            Self::In(State::Secure) => Tone::Key,
            Self::In(State::Insecure | State::ReadOnly) | Self::Refused(_) | Self::Stopped => {
                Tone::Bad
            }
            _ => Tone::Plain,
        }
    }

    /// Whether somebody who writes can hope.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Left | Self::Refused(_) | Self::Stopped)
    }
}

fn secure(members: usize) -> String {
    match members {
        0 | 1 => "only you can read; nobody else is here yet".to_owned(),
        2 => "only you two can read this".to_owned(),
        _ => format!("only the {members} members can read this"),
    }
}
