//! One command as a JSON object, checked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cenacle_core::Service;
use serde_json::{Map, Value};
use std::fmt;

/// What a command asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Request {
    /// Send in a group.
    Send {
        /// The group.
        group: String,
        /// What.
        body: Bytes,
        /// How, and to whom.
        manner: Manner,
    },
    /// Join a group.
    Join(String),
    /// Leave a group.
    Leave(String),
    /// A fresh key.
    Refresh(String),
    /// The answer to a flush request.
    FlushOk(String),
    /// What the node is doing.
    Status,
}

/// How a message travels, and to whom.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Manner {
    /// To all members.
    Multicast(Service),
    /// To the member of this name, as events spell it.
    Unicast(String),
}

/// A command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// What `done` or `refused` repeats.
    pub id: Option<Value>,
    /// What it asks for.
    pub request: Request,
}

/// Why a line is no command; nothing was done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadLine(String);

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadLine {}

const COMMANDS: [&str; 6] = ["send", "join", "leave", "refresh", "flush_ok", "status"];
const OF_SEND: [&str; 5] = ["group", "text", "data", "service", "to"];
/// Those of multicasts, the weakest first.
const SERVICES: [Service; 5] =
    [Service::Unreliable, Service::Fifo, Service::Causal, Service::Agreed, Service::Safe];
/// The most characters of the line that an error repeats.
const SHOWN: usize = 40;
/// An id is repeated in answers: no larger than this, written as JSON.
const MAX_ID: usize = 256;

impl Command {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    ///
    /// ```
    /// use cenacle::event::{Command, Request};
    ///
    /// let command = Command::parse(r#"{"join":"ops","id":7}"#).expect("a command");
    /// assert_eq!(command.request, Request::Join("ops".into()));
    /// let wrong = Command::parse(r#"{"jion":"ops"}"#).unwrap_err();
    /// assert!(wrong.to_string().contains("did you mean \"join\"?"));
    /// ```
    pub fn parse(line: &str) -> Result<Self, BadLine> {
        let value: Value = serde_json::from_str(line)
            .map_err(|error| bad(format!("this is not JSON ({error}): write {EXAMPLE}")))?;
        let Value::Object(mut fields) = value else {
            return Err(bad(format!("a command is a JSON object: write {EXAMPLE}")));
        };
        let id = fields.remove("id");
        if id.as_ref().is_some_and(|id| id.to_string().len() > MAX_ID) {
            return Err(bad(format!("`id` is longer than {MAX_ID} bytes: number your commands")));
        }
        if let Some(unknown) = fields.keys().find(|key| !COMMANDS.contains(&key.as_str())) {
            return Err(bad(format!(
                "there is no command {}; {}",
                shown(unknown),
                near(unknown, &COMMANDS)
            )));
        }
        let mut fields = fields.into_iter();
        let (Some((name, argument)), None) = (fields.next(), fields.next()) else {
            return Err(bad(format!(
                "a line has one command, not none or several: write {EXAMPLE}"
            )));
        };
        Ok(Self { id, request: request(&name, argument)? })
    }
}

const EXAMPLE: &str = r#"{"send":{"group":"ops","text":"hello"}}"#;

fn request(name: &str, argument: Value) -> Result<Request, BadLine> {
    match (name, argument) {
        ("send", Value::Object(fields)) => send(fields),
        ("send", _) => Err(bad(format!("`send` takes an object: write {EXAMPLE}"))),
        ("status", Value::Object(fields)) if fields.is_empty() => Ok(Request::Status),
        ("status", Value::Null) => Ok(Request::Status),
        ("status", _) => Err(bad("`status` takes nothing: write {\"status\":{}}".to_owned())),
        (_, Value::String(group)) => Ok(match name {
            "join" => Request::Join(group),
            "leave" => Request::Leave(group),
            "refresh" => Request::Refresh(group),
            _ => Request::FlushOk(group),
        }),
        _ => Err(bad(format!("`{name}` takes the name of a group: write {{\"{name}\":\"ops\"}}"))),
    }
}

fn send(mut fields: Map<String, Value>) -> Result<Request, BadLine> {
    if let Some(unknown) = fields.keys().find(|key| !OF_SEND.contains(&key.as_str())) {
        let near = near(unknown, &OF_SEND);
        return Err(bad(format!("`send` has no field {}; {near}", shown(unknown))));
    }
    let group = text_of(&mut fields, "group")?
        .ok_or_else(|| bad(format!("`send` needs the field `group`: write {EXAMPLE}")))?;
    let body = match (text_of(&mut fields, "text")?, text_of(&mut fields, "data")?) {
        (Some(text), None) => Bytes::from(text),
        (None, Some(data)) => STANDARD.decode(&data).map(Bytes::from).map_err(|error| {
            bad(format!("`data` is not base64 ({error}): give bytes in base64, or `text`"))
        })?,
        _ => return Err(bad("`send` needs either `text` or `data`".to_owned())),
    };
    let service = text_of(&mut fields, "service")?;
    let manner = match (text_of(&mut fields, "to")?, service.as_deref()) {
        (Some(to), None | Some("unicast")) => Manner::Unicast(to),
        (Some(_), Some(other)) => {
            return Err(bad(format!(
                "`to` goes with the service \"unicast\", not {}: leave one of them out",
                shown(other)
            )));
        }
        (None, Some("unicast")) => {
            return Err(bad("the service \"unicast\" needs the field `to`".to_owned()));
        }
        (None, None) => Manner::Multicast(Service::Agreed),
        (None, Some(name)) => match service_of(name) {
            Some(service) => Manner::Multicast(service),
            None => {
                let near = near(name, &SERVICES.map(Service::as_str));
                return Err(bad(format!("there is no service {}; {near}", shown(name))));
            }
        },
    };
    Ok(Request::Send { group, body, manner })
}

/// The service of this name.
pub(super) fn service_of(word: &str) -> Option<Service> {
    let all = SERVICES.into_iter().chain([Service::Unicast]);
    all.into_iter().find(|service| service.as_str() == word)
}

fn text_of(fields: &mut Map<String, Value>, name: &str) -> Result<Option<String>, BadLine> {
    match fields.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(bad(format!("the field `{name}` of `send` takes text in quotation marks"))),
    }
}

fn bad(sentence: String) -> BadLine {
    BadLine(sentence)
}

fn shown(text: &str) -> String {
    let cut: String = text.chars().take(SHOWN).collect();
    format!("{cut:?}")
}

/// The nearest of what there is, or all of it.
fn near(word: &str, known: &[&str]) -> String {
    let word: String = word.chars().take(SHOWN).collect();
    let nearest = known.iter().map(|other| (strsim::damerau_levenshtein(&word, other), other));
    match nearest.min() {
        Some((distance, other)) if distance <= 1 + word.chars().count() / 3 => {
            format!("did you mean {other:?}?")
        }
        _ => format!("there are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> String {
        Command::parse(line).unwrap_err().to_string()
    }

    #[test]
    fn commands_are_read() {
        let request = |line: &str| Command::parse(line).unwrap().request;
        let multicast = |service| Request::Send {
            group: "ops".into(),
            body: Bytes::from_static(b"hi"),
            manner: Manner::Multicast(service),
        };
        assert_eq!(request(r#"{"send":{"group":"ops","text":"hi"}}"#), multicast(Service::Agreed));
        assert_eq!(
            request(r#"{"send":{"group":"ops","data":"aGk=","service":"safe"}}"#),
            multicast(Service::Safe)
        );
        let to = r#"{"send":{"group":"ops","text":"hi","to":"a.1/0"}}"#;
        assert!(
            matches!(request(to), Request::Send { manner: Manner::Unicast(to), .. } if to == "a.1/0")
        );
        assert_eq!(request(r#"{"leave":"ops"}"#), Request::Leave("ops".into()));
        assert_eq!(request(r#"{"refresh":"ops"}"#), Request::Refresh("ops".into()));
        assert_eq!(request(r#"{"flush_ok":"ops"}"#), Request::FlushOk("ops".into()));
        assert_eq!(request(r#"{"status":{}}"#), Request::Status);
        let id = Command::parse(r#"{"id":{"n":1},"join":"ops"}"#).unwrap().id;
        assert_eq!(id, Some(serde_json::json!({"n": 1})));
    }

    #[test]
    fn what_is_wrong_is_named_with_a_way_out() {
        for (line, says) in [
            ("", "not JSON"),
            ("hello", "not JSON"),
            ("[1]", "a JSON object"),
            ("{}", "one command"),
            (r#"{"join":"a","leave":"a"}"#, "one command"),
            (r#"{"sned":{}}"#, "did you mean \"send\"?"),
            (r#"{"x":1}"#, "there are send, join, leave"),
            (r#"{"join":7}"#, "name of a group"),
            (r#"{"status":1}"#, "takes nothing"),
            (r#"{"send":"x"}"#, "takes an object"),
            (r#"{"send":{"text":"x"}}"#, "`group`"),
            (r#"{"send":{"group":"a"}}"#, "`text` or `data`"),
            (r#"{"send":{"group":"a","text":"x","data":""}}"#, "`text` or `data`"),
            (r#"{"send":{"group":"a","data":"?"}}"#, "not base64"),
            (r#"{"send":{"group":"a","text":1}}"#, "quotation marks"),
            (r#"{"send":{"group":"a","txt":"x"}}"#, "did you mean \"text\"?"),
            (r#"{"send":{"group":"a","text":"x","service":"agred"}}"#, "\"agreed\""),
            (r#"{"send":{"group":"a","text":"x","service":"unicast"}}"#, "`to`"),
            (r#"{"send":{"group":"a","text":"x","service":"safe","to":"b"}}"#, "unicast"),
        ] {
            let said = refused(line);
            assert!(said.contains(says), "{line}: {said}");
        }
    }

    #[test]
    fn an_error_stays_short_and_an_id_too() {
        let long = "x".repeat(10_000);
        assert!(refused(&format!("{{\"{long}\":1}}")).len() < 200);
        assert!(refused(&format!("{{\"join\":\"a\",\"id\":\"{long}\"}}")).contains("`id`"));
    }
}
