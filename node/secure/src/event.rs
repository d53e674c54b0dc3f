//! What a member of a secure group is told.

use cenacle_core::{Event as Plain, View};
use std::sync::Arc;

/// Something that happened to a member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// What needs no key, or was opened: messages, signals, flush requests, the end. The views of
    /// groups without keys are among these.
    Plain(Plain),
    /// A secure view: its key is agreed, and every member of it has proved that it holds it.
    Secure(Box<SecureView>),
    /// How the member stands has changed.
    Standing(Standing),
    /// Something that whoever runs the node should know.
    Warning {
        /// A word for programs.
        reason: &'static str,
        /// A sentence for people. It may quote what others sent.
        detail: String,
    },
}

impl Event {
    /// What it counts for while the application has not read it, in bytes.
    pub fn weight(&self) -> usize {
        match self {
            Self::Plain(event) => event.weight(),
            Self::Secure(secure) => size_of::<Self>() + secure.view.weight(),
            Self::Standing(_) => size_of::<Self>(),
            Self::Warning { detail, .. } => size_of::<Self>() + detail.len(),
        }
    }
}

/// A view whose members share a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecureView {
    /// The view. Its transitional set are the members that came with this one from the previous
    /// *secure* view, through all views between that never became secure; its blobs are those of
    /// the layer above.
    pub view: View,
    /// The fingerprint of its key.
    pub fingerprint: [u8; 8],
    /// The digest of members and charter of which safety numbers are made.
    pub safety: [u8; 32],
    /// The runs of this view that were aborted before one was confirmed.
    pub aborted: u64,
}

/// How a member of a secure group stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In a view whose key is being agreed: what is sent waits.
    Agreeing,
    /// In a secure view: it may send.
    Secure,
    /// In a secure view in which it may only listen.
    ReadOnly {
        /// Why, for people.
        detail: Arc<str>,
    },
}
