//! The handshake's messages: a kind, then fixed fields.

use crate::wire::{Reader, put_short};

/// What greetings begin with, so that strangers are told at the first byte.
const MAGIC: &[u8; 8] = b"cenacle\0";

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Message {
    Greeting(Greeting),
    Proof([u8; 32]),
    Introduction(Introduction),
    Welcome,
    Refused(u8),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Greeting {
    pub(crate) versions: (u8, u8),
    pub(crate) kind: u8,
    pub(crate) tag: [u8; 32],
    pub(crate) nonce: [u8; 32],
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Introduction {
    pub(crate) incarnation: u64,
    pub(crate) instance: [u8; 16],
    pub(crate) mac: [u8; 32],
    pub(crate) record: Vec<u8>,
}

impl Message {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        match self {
            Self::Greeting(greeting) => {
                out.push(1);
                out.extend_from_slice(MAGIC);
                out.extend_from_slice(&[greeting.versions.0, greeting.versions.1, greeting.kind]);
                out.extend_from_slice(&greeting.tag);
                out.extend_from_slice(&greeting.nonce);
            }
            Self::Proof(mac) => {
                out.push(2);
                out.extend_from_slice(mac);
            }
            Self::Introduction(introduction) => {
                out.push(3);
                out.extend_from_slice(&introduction.incarnation.to_be_bytes());
                out.extend_from_slice(&introduction.instance);
                out.extend_from_slice(&introduction.mac);
                // Records are bounded far below the length's range; an empty one says nothing.
                if put_short(&mut out, &introduction.record).is_none() {
                    out.extend_from_slice(&[0, 0]);
                }
            }
            Self::Welcome => out.push(4),
            Self::Refused(code) => out.extend_from_slice(&[255, *code]),
        }
        out
    }

    /// A greeting may be longer than ours: a later version's has more to say to its like.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let message = match reader.u8()? {
            1 => {
                if reader.bytes(MAGIC.len())? != MAGIC {
                    return None;
                }
                let versions = (reader.u8()?, reader.u8()?);
                let (kind, tag, nonce) = (reader.u8()?, reader.array()?, reader.array()?);
                return Some(Self::Greeting(Greeting { versions, kind, tag, nonce }));
            }
            2 => Self::Proof(reader.array()?),
            3 => Self::Introduction(Introduction {
                incarnation: reader.u64()?,
                instance: reader.array()?,
                mac: reader.array()?,
                record: reader.short()?.to_vec(),
            }),
            4 => Self::Welcome,
            255 => return Some(Self::Refused(reader.u8()?)),
            _ => return None,
        };
        reader.end()?;
        Some(message)
    }
}
