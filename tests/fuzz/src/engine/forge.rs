//! Frames that nobody honest sends.

use super::{HEADER, Room, node, script::Script};
use bytes::Bytes;
use cenacle_core::{Ballot, NodeId};
use ciborium::Value;

/// A frame that is not quite the one that was sent.
pub fn mutate(room: &Room, script: &mut Script<'_>, frame: Bytes) -> Bytes {
    let mut bytes = frame.to_vec();
    let at = script.byte() * 3 % bytes.len().max(1);
    match script.byte() % 12 {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << (script.byte() % 8);
            }
        }
        1 => bytes.truncate(at),
        2 => {
            // The beginning of one and the end of another.
            let other = room.seen.get(script.byte() % room.seen.len().max(1));
            let cut = script.byte() * 2;
            bytes.truncate(at);
            bytes.extend_from_slice(other.and_then(|f| f.get(cut..)).unwrap_or_default());
        }
        3 => {
            if let Some(version) = bytes.first_mut() {
                *version = script.byte() as u8;
            }
        }
        4 => {
            if let Some(kind) = bytes.get_mut(1) {
                *kind = (script.byte() % 12) as u8;
            }
        }
        5 => {
            // The tag of another frame: an old configuration, perhaps.
            let other = room.seen.get(script.byte() % room.seen.len().max(1));
            if let (Some(tag), Some(other)) = (bytes.get_mut(2..HEADER), other) {
                tag.copy_from_slice(&other[2..HEADER]);
            }
        }
        6 => {
            let count = script.byte() % 32;
            bytes.extend(script.bytes(count));
        }
        7 | 8 if bytes.get(1) == Some(&9) => {
            if let Ok(mut value) = ciborium::from_reader::<Value, _>(&bytes[HEADER..]) {
                for _ in 0..=script.byte() % 3 {
                    touch(&mut value, script);
                }
                bytes.truncate(HEADER);
                ciborium::into_writer(&value, &mut bytes).expect("CBOR");
            }
        }
        _ => {
            // Another number at one of the first places.
            let skip = script.byte() % 12;
            let value = script.number();
            let mut at = HEADER.min(bytes.len());
            for _ in 0..skip {
                at += number_at(&bytes, at);
            }
            let mut number = Vec::new();
            put_number(&mut number, value);
            let end = at + number_at(&bytes, at);
            bytes.splice(at..end, number);
        }
    }
    bytes.into()
}

/// How many bytes the number here has.
fn number_at(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let long = rest.iter().take(9).take_while(|&&byte| byte >= 0x80).count();
    (long + 1).min(rest.len())
}

/// As the compact frames spell numbers.
pub fn put_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Changes one place of a value, found by the script.
fn touch(value: &mut Value, script: &mut Script<'_>) {
    let children: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Map(fields) => fields.iter_mut().map(|(_, value)| value).collect(),
        _ => Vec::new(),
    };
    let how = script.byte();
    let count = children.len();
    if count > 0 && how % 8 != 7 {
        let child = children.into_iter().nth(how / 8 % count);
        return touch(child.expect("one of them"), script);
    }
    match value {
        Value::Integer(number) => {
            let by = script.number();
            let old = u64::try_from(*number).unwrap_or(0);
            *number = if how & 8 == 0 { by } else { old.wrapping_add(by % 5) }.into();
        }
        Value::Bytes(bytes) => {
            if let [first, ..] = &mut bytes[..] {
                *first = (script.byte() % 6) as u8;
            }
        }
        Value::Array(items) => match script.byte() % 4 {
            0 => drop(items.pop()),
            1 => items.extend(items.first().cloned()),
            2 => items.reverse(),
            _ => {
                let more = items.first().cloned().unwrap_or(Value::Integer(0.into()));
                items.extend(std::iter::repeat_n(more, script.byte() * 8));
            }
        },
        Value::Text(text) => text.push_str(["", "x", "\u{0}"][script.byte() % 3]),
        _ => *value = Value::Integer(script.number().into()),
    }
}

/// The form of a node in control frames.
pub fn node_value(node: NodeId) -> Value {
    let field = |name: &str, value| (Value::Text(name.into()), value);
    Value::Map(vec![
        field("key", Value::Bytes(node.key.to_vec())),
        field("incarnation", Value::Integer(node.incarnation.into())),
    ])
}

/// The form of a ballot in control frames.
pub fn ballot_value(ballot: Ballot) -> Value {
    let field = |name: &str, value| (Value::Text(name.into()), value);
    Value::Map(vec![
        field("epoch", Value::Integer(ballot.epoch.into())),
        field("proposer", node_value(ballot.proposer)),
    ])
}

/// A control frame of the room's overlay with this body.
pub fn control(room: &Room, body: &Value) -> Option<Bytes> {
    let mut frame = room.latest(|kind| kind == 9)?[..HEADER].to_vec();
    ciborium::into_writer(body, &mut frame).expect("CBOR");
    Some(frame.into())
}

/// A frame that wants to go through another member.
pub fn relay(room: &Room, origin: usize, to: usize, inner: &[u8]) -> Option<Bytes> {
    let field = |name: &str, value| (Value::Text(name.into()), value);
    let fields = vec![
        field("origin", node_value(node(origin))),
        field("to", node_value(node(to))),
        field("inner", Value::Bytes(inner.to_vec())),
    ];
    control(room, &Value::Map(vec![field("Relay", Value::Map(fields))]))
}
