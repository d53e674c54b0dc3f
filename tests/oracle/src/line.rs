//! One line of a trace, parsed without copying.
//!
//! Lines that no property reads (`status`, `warning`, unknown events…) need only be JSON objects
//! with the four fields that every line has; their other fields may be of any shape.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, Visitor};

/// What a group promises about views and messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Semantics {
    /// Virtual synchrony: a message is delivered in the view in which it was sent.
    #[default]
    Vs,
    /// Extended virtual synchrony: a message is delivered in one and the same configuration.
    Evs,
}

/// How a message was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Service {
    Unreliable,
    Unicast,
    Fifo,
    Causal,
    Agreed,
    Safe,
}

impl Service {
    /// Has a place among the reliable multicasts of its sender.
    pub(crate) fn is_reliable_multicast(self) -> bool {
        self >= Self::Fifo
    }

    /// Has a place in the one agreed order.
    pub(crate) fn is_ordered(self) -> bool {
        self >= Self::Agreed
    }
}

impl fmt::Display for Service {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Unreliable => "unreliable",
            Self::Unicast => "unicast",
            Self::Fifo => "fifo",
            Self::Causal => "causal",
            Self::Agreed => "agreed",
            Self::Safe => "safe",
        })
    }
}

/// A configuration's epoch and a position in it.
pub(crate) type Order = (u64, u64);

/// A line that the oracle may have to remember.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub member: Text<'a>,
    /// Absent for `start` and for a `crash` in all groups.
    pub group: Option<Text<'a>>,
    pub event: Event<'a>,
}

#[derive(Debug)]
pub(crate) enum Event<'a> {
    Join { semantics: Option<Semantics> },
    Leave,
    Crash,
    Send { message: Text<'a>, view: Option<Text<'a>>, service: Service, to: Option<Text<'a>> },
    Message { message: Text<'a>, view: Text<'a>, service: Service, from: Text<'a> },
    View(View<'a>),
    Transitional { view: Text<'a> },
    FlushRequest,
    Refused,
    Other,
}

#[derive(Debug)]
pub(crate) struct View<'a> {
    pub view: Text<'a>,
    pub order: Order,
    pub members: Vec<Text<'a>>,
    pub transitional: Vec<Text<'a>>,
    pub configuration: Option<Text<'a>>,
    /// The fingerprint of its key; none for a group without keys.
    pub key: Option<Text<'a>>,
}

/// A string of the line, copied only if it has escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text<'a>(Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'a, 'de: 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;
        impl<'de> Visitor<'de> for Borrow {
            type Value = Text<'de>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Borrow)
    }
}

/// The fields that properties read; all others are skipped.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(rename = "time_us")]
    _time_us: u64,
    #[serde(borrow)]
    member: Text<'a>,
    #[serde(borrow)]
    event: Text<'a>,
    #[serde(borrow)]
    group: Option<Text<'a>>,
    #[serde(borrow)]
    message: Option<Text<'a>>,
    #[serde(borrow)]
    view: Option<Text<'a>>,
    #[serde(borrow)]
    from: Option<Text<'a>>,
    #[serde(borrow)]
    to: Option<Text<'a>>,
    service: Option<Service>,
    #[serde(borrow)]
    configuration: Option<Text<'a>>,
    #[serde(borrow)]
    key: Option<Text<'a>>,
    #[serde(borrow)]
    semantics: Option<Text<'a>>,
    order: Option<Order>,
    #[serde(borrow)]
    members: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    transitional: Option<Vec<Text<'a>>>,
}

/// The fields that every line has, whatever else is there.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "time_us")]
    _time_us: u64,
    #[serde(borrow)]
    member: Text<'a>,
    #[serde(borrow)]
    event: Text<'a>,
    #[serde(rename = "group")]
    _group: Option<IgnoredAny>,
}

/// The events that properties read.
const READ: [&str; 9] = [
    "join",
    "leave",
    "crash",
    "send",
    "message",
    "view",
    "transitional",
    "flush_request",
    "refused",
];

impl<'a> Line<'a> {
    /// Parses one line; the error says in words what is wrong with it.
    pub(crate) fn parse(line: &'a str) -> Result<Self, String> {
        match serde_json::from_str::<Fields<'a>>(line) {
            Ok(fields) => Self::from_fields(fields).map_err(|error| error.to_string()),
            Err(error) => match serde_json::from_str::<Head<'a>>(line) {
                Ok(head) if !READ.contains(&&*head.event) => {
                    Ok(Self { member: head.member, group: None, event: Event::Other })
                }
                _ => Err(error.to_string()),
            },
        }
    }

    fn from_fields(fields: Fields<'a>) -> Result<Self, serde_json::Error> {
        let event = match &*fields.event {
            "join" => Event::Join { semantics: semantics(fields.semantics.as_deref())? },
            "leave" => Event::Leave,
            "crash" => Event::Crash,
            "send" => {
                let service = required(fields.service, "service")?;
                if service == Service::Unicast && fields.to.is_none() {
                    return Err(missing("to"));
                }
                let message = required(fields.message, "message")?;
                let to = fields.to.filter(|_| service == Service::Unicast);
                Event::Send { message, view: fields.view, service, to }
            }
            "message" => Event::Message {
                message: required(fields.message, "message")?,
                view: required(fields.view, "view")?,
                service: required(fields.service, "service")?,
                from: required(fields.from, "from")?,
            },
            "view" => Event::View(View {
                view: required(fields.view, "view")?,
                order: required(fields.order, "order")?,
                members: required(fields.members, "members")?,
                transitional: required(fields.transitional, "transitional")?,
                configuration: fields.configuration,
                key: fields.key.filter(|key| &**key != "none"),
            }),
            "transitional" => Event::Transitional { view: required(fields.view, "view")? },
            "flush_request" => Event::FlushRequest,
            "refused" => Event::Refused,
            _ => Event::Other,
        };
        // A command that concerns no group may be refused.
        let free = matches!(event, Event::Crash | Event::Refused | Event::Other);
        if fields.group.is_none() && !free {
            return Err(missing("group"));
        }
        Ok(Self { member: fields.member, group: fields.group, event })
    }
}

fn required<T>(field: Option<T>, name: &'static str) -> Result<T, serde_json::Error> {
    field.ok_or_else(|| missing(name))
}

fn missing(name: &'static str) -> serde_json::Error {
    serde_json::Error::custom(format_args!("this event needs the field `{name}`"))
}

fn semantics(text: Option<&str>) -> Result<Option<Semantics>, serde_json::Error> {
    match text {
        None => Ok(None),
        Some("vs") => Ok(Some(Semantics::Vs)),
        Some("evs") => Ok(Some(Semantics::Evs)),
        Some(other) => {
            let shown: String = other.chars().take(20).collect();
            let text = format_args!("`semantics` is \"vs\" or \"evs\", not {shown:?}");
            Err(serde_json::Error::custom(text))
        }
    }
}
