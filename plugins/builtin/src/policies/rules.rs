//! The rules that every policy has beside admission: when a new key is due, which component of a
//! partitioned group goes on, how much a newcomer sees.

use cenacle_plugin::{
    Claim, Component, Error, History, JoinRequest, KeyUse, Member, OptionSpec, OptionType, Options,
    Policy, RekeyReason, Use, Value, Verdict,
};

const REKEY_AFTER: &str = "rekey_after";
const REKEY_BYTES: &str = "rekey_bytes";
const REKEY_MESSAGES: &str = "rekey_messages";
const PARTITION: &str = "partition";
const HISTORY: &str = "history";

/// Shortest and longest age of a key, in milliseconds. A group that agrees on a key more often than
/// once a second does little else; a key that nobody changes for a year might as well be `off`.
const AGE_MS: (u64, u64) = (1_000, 365 * 86_400_000);

/// The fewest and the most bytes after which a new key can be due. Less would make a group agree on
/// keys for every few messages; the most is more than any group seals in a key's life, and so no
/// limit at all.
const REKEY_BYTES_BOUNDS: (i64, i64) = (1 << 10, i64::MAX);

/// Bytes that all members together may seal before a new key is due: 2^34 blocks of AES-GCM, which
/// keeps an attacker's advantage below 2^-58 (RFC 9001, appendix B.1) even if one member sealed all
/// of them.
const DEFAULT_REKEY_BYTES: i64 = 1 << 38;

/// Messages of one sender after which a new key is due.
///
/// Half of what the strictest built-in cipher seals under one key (`aes256gcm`: 2^23), so that as
/// many again can be sealed while the group agrees.
const DEFAULT_REKEY_MESSAGES: i64 = 1 << 22;

/// Bounds of the above. Below, groups would agree on keys without end; above, no counter of ours
/// gets in a key's life, and only ciphers without a limit would still be within theirs.
const REKEY_MESSAGES_BOUNDS: (i64, i64) = (16, 1 << 48);

/// The most messages that a policy lets a newcomer see: what members must keep in memory for it.
/// A guess at what a conversation needs.
const MAX_HISTORY: u32 = 10_000;

/// The most bytes of the text of `history`.
const HISTORY_LEN: u32 = 16;

/// Who belongs to a group; the part in which policies differ.
pub(super) trait Membership: Send + Sync {
    fn admit(&self, request: &JoinRequest) -> Verdict;
    fn may_send(&self, member: &Member) -> Verdict;
    fn uses(&self, _request: &JoinRequest) -> Vec<Use> {
        Vec::new()
    }
    fn proven(&self, _claim: &Claim) -> Vec<Use> {
        Vec::new()
    }
    fn may_stay(&self, _claim: &Claim) -> Verdict {
        Verdict::Allow
    }
}

/// A policy: a rule of membership and the rules of this file.
pub(super) struct Ruled<M> {
    membership: M,
    rules: Rules,
}

impl<M: Membership> Ruled<M> {
    pub(super) fn new(membership: M, options: &Options) -> Result<Self, Error> {
        Ok(Self { membership, rules: Rules::read(options)? })
    }
}

impl<M: Membership> Policy for Ruled<M> {
    fn admit(&self, request: &JoinRequest) -> Verdict {
        self.membership.admit(request)
    }

    fn uses(&self, request: &JoinRequest) -> Vec<Use> {
        self.membership.uses(request)
    }

    fn proven(&self, claim: &Claim) -> Vec<Use> {
        self.membership.proven(claim)
    }

    fn may_stay(&self, claim: &Claim) -> Verdict {
        self.membership.may_stay(claim)
    }

    fn may_send(&self, member: &Member) -> Verdict {
        self.membership.may_send(member)
    }

    fn rekey(&self, usage: &KeyUse) -> Option<RekeyReason> {
        self.rules.rekey(usage)
    }

    fn may_continue(&self, component: &Component) -> bool {
        self.rules.partition.may_continue(component)
    }

    fn history(&self) -> History {
        self.rules.history
    }
}

/// The options of this file, in the order in which they are shown.
pub(super) fn options() -> Vec<OptionSpec> {
    let spec = |name: &str, help: &str, kind, default| OptionSpec {
        name: name.to_owned(),
        help: help.to_owned(),
        kind,
        default,
    };
    let word = |word: &str| Value::Text(word.to_owned());
    vec![
        spec(
            REKEY_AFTER,
            "The group agrees on a new key when the present one is this old.",
            OptionType::Duration { min_ms: AGE_MS.0, max_ms: AGE_MS.1, or_off: true },
            word("off"),
        ),
        spec(
            REKEY_BYTES,
            "The group agrees on a new key when its members have sealed this many bytes under \
             the present one; the largest value is as good as no limit.",
            OptionType::Integer { min: REKEY_BYTES_BOUNDS.0, max: REKEY_BYTES_BOUNDS.1 },
            Value::Integer(DEFAULT_REKEY_BYTES),
        ),
        spec(
            REKEY_MESSAGES,
            "The group agrees on a new key when one member has sealed this many messages under \
             the present one; keep it well below the limit of the group's cipher.",
            OptionType::Integer { min: REKEY_MESSAGES_BOUNDS.0, max: REKEY_MESSAGES_BOUNDS.1 },
            Value::Integer(DEFAULT_REKEY_MESSAGES),
        ),
        spec(
            PARTITION,
            "Which part of a partitioned group may go on: any of them, or only the one that has \
             more than half of the last primary view (the others can only read).",
            OptionType::Choice(vec!["any".to_owned(), "primary".to_owned()]),
            word("any"),
        ),
        spec(
            HISTORY,
            "What a newcomer may see of what was said before: \"none\", \"since-join\" or \
             \"last N\" messages, N from 1 to 10000.",
            OptionType::Text { max_len: HISTORY_LEN },
            word("none"),
        ),
    ]
}

struct Rules {
    /// `None`: keys do not age.
    rekey_after_ms: Option<u64>,
    rekey_bytes: u64,
    rekey_messages: u64,
    partition: Partition,
    history: History,
}

impl Rules {
    fn read(options: &Options) -> Result<Self, Error> {
        let rekey_after_ms = match text(options, REKEY_AFTER)? {
            "off" => None,
            _ => Some(age_ms(options)?),
        };
        let rekey_bytes = u64::try_from(integer(options, REKEY_BYTES)?).map_err(|_| UNCHECKED)?;
        let rekey_messages =
            u64::try_from(integer(options, REKEY_MESSAGES)?).map_err(|_| UNCHECKED)?;
        let partition = match text(options, PARTITION)? {
            "any" => Partition::Any,
            "primary" => Partition::Primary,
            _ => return Err(UNCHECKED),
        };
        let history = parse_history(text(options, HISTORY)?)?;
        Ok(Self { rekey_after_ms, rekey_bytes, rekey_messages, partition, history })
    }

    fn rekey(&self, usage: &KeyUse) -> Option<RekeyReason> {
        if self.rekey_after_ms.is_some_and(|most| usage.age_ms >= most) {
            return Some(RekeyReason::TimeOut);
        }
        if usage.sealed_bytes >= self.rekey_bytes || usage.sealed_messages >= self.rekey_messages {
            return Some(RekeyReason::DataOut);
        }
        None
    }
}

/// Which component of a partitioned group goes on.
#[derive(Clone, Copy)]
enum Partition {
    Any,
    /// The one with strictly more than half of the last primary view: two components cannot both
    /// have that. A group's first view is its first primary view; nobody asks about it.
    Primary,
}

impl Partition {
    fn may_continue(self, component: &Component) -> bool {
        match self {
            Self::Any => true,
            Self::Primary => {
                u64::from(component.present).saturating_mul(2) > u64::from(component.last_primary)
            }
        }
    }
}

/// Options that were not checked against the descriptor: the caller's mistake.
const UNCHECKED: Error = Error::WrongCall("options that were not checked against the descriptor");

fn text<'a>(options: &'a Options, name: &str) -> Result<&'a str, Error> {
    options.text(name).ok_or(UNCHECKED)
}

fn integer(options: &Options, name: &str) -> Result<i64, Error> {
    options.integer(name).ok_or(UNCHECKED)
}

fn age_ms(options: &Options) -> Result<u64, Error> {
    let age = options.duration(REKEY_AFTER).ok_or(UNCHECKED)?;
    u64::try_from(age.as_millis()).map_err(|_| UNCHECKED)
}

/// `none`, `since-join` or `last N`: one space, N in plain digits without leading zeros.
fn parse_history(text: &str) -> Result<History, Error> {
    let bad = || Error::BadOption {
        name: HISTORY,
        why: format!(
            "{text:?} is not \"none\", \"since-join\" or \"last N\" with N from 1 to {MAX_HISTORY}"
        ),
    };
    match text {
        "none" => return Ok(History::None),
        "since-join" => return Ok(History::SinceJoin),
        _ => {}
    }
    let digits = text.strip_prefix("last ").ok_or_else(bad)?;
    if digits.starts_with('0') || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    match digits.parse() {
        Ok(number) if (1..=MAX_HISTORY).contains(&number) => Ok(History::Last(number)),
        _ => Err(bad()),
    }
}
