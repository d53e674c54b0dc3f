//! What can be sent.

use bytes::Bytes;

/// Bytes to send. What is owned is moved, what is borrowed is copied.
pub trait Payload {
    /// The bytes.
    fn into_bytes(self) -> Bytes;
}

impl Payload for Bytes {
    fn into_bytes(self) -> Bytes {
        self
    }
}

impl Payload for Vec<u8> {
    fn into_bytes(self) -> Bytes {
        self.into()
    }
}

impl Payload for String {
    fn into_bytes(self) -> Bytes {
        self.into()
    }
}

impl Payload for &Bytes {
    fn into_bytes(self) -> Bytes {
        self.clone()
    }
}

impl Payload for &[u8] {
    fn into_bytes(self) -> Bytes {
        Bytes::copy_from_slice(self)
    }
}

impl<const N: usize> Payload for &[u8; N] {
    fn into_bytes(self) -> Bytes {
        Bytes::copy_from_slice(self)
    }
}

impl Payload for &str {
    fn into_bytes(self) -> Bytes {
        Bytes::copy_from_slice(self.as_bytes())
    }
}
