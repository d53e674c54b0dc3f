//! Why bytes from a peer are not an element or a scalar.

use thiserror::Error;

/// Why an encoding was refused. All of these are bad input from a peer; none is the caller's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// An encoding has one length; a concatenation has a multiple of it.
    #[error("{actual} bytes where encodings of {expected} bytes each were expected")]
    Length {
        /// Bytes of one encoding.
        expected: usize,
        /// Bytes that came.
        actual: usize,
    },
    /// The bytes are not the one encoding of their value: zero, or the modulus and above.
    #[error("the encoding is out of range")]
    OutOfRange,
    /// The bytes do not encode an element of the prime-order group.
    #[error("the encoding is not that of a member of the group")]
    NotMember,
    /// The identity element, where the protocol excludes it.
    #[error("the identity element is not allowed here")]
    Identity,
}
