//! An invitation, and its text.
//!
//! ```text
//! text      "cenacle-invitation-1-" base58(signature (64) ‖ said)
//! said      issuer (32) ‖ id (16) ‖ expires, seconds (8) ‖ part(overlay) ‖ part(group)
//!           ‖ number of holders (1) ‖ holders (32 each)
//! part(x)   length (1) ‖ x
//! signed    "cenacle invitation v1" ‖ said
//! ```
//!
//! Numbers are big-endian; the alphabet of base58 is Bitcoin's. Every field has one form and nothing
//! may follow the last, so that one invitation has one text.

use super::super::peer_id;
use cenacle_plugin::{MAX_PROOF, TOKEN_LEN};

/// The most peers that one invitation may name.
pub const MAX_HOLDERS: usize = 8;

/// What every invitation begins with; the number is that of its form.
const PREFIX: &str = "cenacle-invitation-1-";

/// Keeps these signatures apart from all others that a node's key makes. No other domain string of
/// this project begins so.
const DOMAIN: &[u8] = b"cenacle invitation v1";

const KEY: usize = 32;
const ID: usize = 16;
const SIGNATURE: usize = 64;

/// The most bytes of an overlay's or a group's name.
const MAX_NAME: usize = 64;

/// The most bytes below the text.
const MAX_BYTES: usize =
    SIGNATURE + KEY + ID + size_of::<u64>() + 2 * (1 + MAX_NAME) + 1 + MAX_HOLDERS * KEY;

const _: () = assert!(MAX_BYTES <= MAX_PROOF, "an invitation is the proof of its use");

/// The most characters: base58 makes at most 138 of 100 bytes.
const MAX_TEXT: usize = PREFIX.len() + MAX_BYTES * 138 / 100 + 1;

/// What an invitation says: one place in a group, for whichever of its holders comes first.
///
/// ```
/// use cenacle_builtin::{Draft, Invitation};
///
/// let draft = Draft {
///     overlay: "lab".to_owned(),
///     group: "ops".to_owned(),
///     issuer: [1; 32],
///     holders: vec![[2; 32]],
///     id: [3; 16],
///     expires_s: 1_800_000_000,
/// };
/// // The issuer's node signs `draft.to_be_signed()?` with its key.
/// let invitation = Invitation::new(draft, [4; 64])?;
/// assert_eq!(Invitation::parse(&invitation.to_string())?, invitation);
/// # Ok::<(), cenacle_builtin::InvitationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The overlay in which the group is, 1 to 64 bytes.
    pub overlay: String,
    /// The group's name, 1 to 64 bytes.
    pub group: String,
    /// The public key of whoever invites.
    pub issuer: [u8; KEY],
    /// The public keys of the invited, 1 to [`MAX_HOLDERS`], growing: no two are the same.
    pub holders: Vec<[u8; KEY]>,
    /// Random: tells this invitation from the issuer's others.
    pub id: [u8; ID],
    /// Seconds since 1970 from which on it lets nobody in.
    pub expires_s: u64,
}

/// A [`Draft`] with a signature, which need not be good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    draft: Draft,
    signature: [u8; SIGNATURE],
}

/// Why there is no such invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvitationError {
    /// It does not begin as invitations do.
    #[error("it does not begin with {PREFIX}: is it an invitation, and whole?")]
    Prefix,
    /// It is cut, changed, too long, or in a form of another version.
    #[error("its text is damaged: copy it again, without leaving out or adding a character")]
    Damaged,
    /// A name that no overlay or group can have.
    #[error("overlay and group have names of 1 to {MAX_NAME} bytes")]
    Name,
    /// Nobody is invited, or too many, or one twice.
    #[error("an invitation names 1 to {MAX_HOLDERS} peers, each once, in the order of their keys")]
    Holders,
}

impl Draft {
    /// The bytes that the issuer signs. Fails when names or holders are out of bounds.
    pub fn to_be_signed(&self) -> Result<Vec<u8>, InvitationError> {
        Ok([DOMAIN, &self.said()?].concat())
    }

    /// What it is told by among what has been used: different for every issuer and id.
    pub(super) fn token(&self) -> [u8; TOKEN_LEN] {
        let mut hasher = blake3::Hasher::new_derive_key("cenacle invitation token v1");
        hasher.update(&self.issuer);
        hasher.update(&self.id);
        let mut token = [0; TOKEN_LEN];
        hasher.finalize_xof().fill(&mut token);
        token
    }

    fn said(&self) -> Result<Vec<u8>, InvitationError> {
        let growing = self.holders.windows(2).all(|pair| pair.first() < pair.last());
        let holders = u8::try_from(self.holders.len()).map_err(|_| InvitationError::Holders)?;
        if !growing || !(1..=MAX_HOLDERS).contains(&usize::from(holders)) {
            return Err(InvitationError::Holders);
        }
        let mut said = Vec::with_capacity(MAX_BYTES);
        said.extend_from_slice(&self.issuer);
        said.extend_from_slice(&self.id);
        said.extend_from_slice(&self.expires_s.to_be_bytes());
        for name in [&self.overlay, &self.group] {
            let length = u8::try_from(name.len()).map_err(|_| InvitationError::Name)?;
            if !(1..=MAX_NAME).contains(&name.len()) {
                return Err(InvitationError::Name);
            }
            said.push(length);
            said.extend_from_slice(name.as_bytes());
        }
        said.push(holders);
        said.extend(self.holders.iter().flatten());
        Ok(said)
    }
}

impl Invitation {
    /// The draft with its issuer's signature over [`Draft::to_be_signed`]. Fails when names or
    /// holders are out of bounds.
    pub fn new(draft: Draft, signature: [u8; SIGNATURE]) -> Result<Self, InvitationError> {
        draft.said()?;
        Ok(Self { draft, signature })
    }

    /// The invitation whose text this is. Its signature is not looked at.
    pub fn parse(text: &str) -> Result<Self, InvitationError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvitationError::Prefix)?;
        let mut bytes = [0; MAX_BYTES];
        // Decoding takes time that grows with the square of the length.
        let length = match text.len() <= MAX_TEXT {
            true => bs58::decode(encoded).onto(&mut bytes[..]).ok(),
            false => None,
        };
        let bytes =
            length.and_then(|length| bytes.get(..length)).ok_or(InvitationError::Damaged)?;
        let invitation = Self::read(bytes).ok_or(InvitationError::Damaged)?;
        invitation.draft.said()?;
        Ok(invitation)
    }

    /// The bytes below the text.
    pub(super) fn encode(&self) -> Vec<u8> {
        // Nothing that cannot be said becomes an invitation.
        let said = self.draft.said().unwrap_or_default();
        [self.signature.as_slice(), &said].concat()
    }

    /// The invitation of which [`encode`](Self::encode) made these bytes.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        Self::read(bytes).filter(|invitation| invitation.draft.said().is_ok())
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (signature, rest) = bytes.split_first_chunk()?;
        let (issuer, rest) = rest.split_first_chunk()?;
        let (id, rest) = rest.split_first_chunk()?;
        let (expires, rest) = rest.split_first_chunk()?;
        let (overlay, rest) = part(rest)?;
        let (group, rest) = part(rest)?;
        let (count, rest) = rest.split_first()?;
        let (holders, rest) = rest.as_chunks();
        if !rest.is_empty() || holders.len() != usize::from(*count) {
            return None;
        }
        let draft = Draft {
            overlay: overlay.to_owned(),
            group: group.to_owned(),
            issuer: *issuer,
            holders: holders.to_vec(),
            id: *id,
            expires_s: u64::from_be_bytes(*expires),
        };
        Some(Self { draft, signature: *signature })
    }

    /// What it says.
    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    /// The signature, which need not be good.
    pub(super) fn signature(&self) -> &[u8; SIGNATURE] {
        &self.signature
    }
}

/// A name and what follows it.
fn part(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((std::str::from_utf8(name).ok()?, rest))
}

impl std::fmt::Display for Invitation {
    /// The text that its holder shows.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{PREFIX}{}", bs58::encode(self.encode()).into_string())
    }
}

/// The public key in a peer id such as `12D3KooW…`; in words why the text is none.
pub fn peer_key(peer_id: &str) -> Result<[u8; KEY], &'static str> {
    peer_id::parse(peer_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft {
            overlay: "lab".to_owned(),
            group: "ops".to_owned(),
            issuer: [1; 32],
            holders: vec![[2; 32], [3; 32]],
            id: [4; 16],
            expires_s: 1_800_000_000,
        }
    }

    #[test]
    fn an_invitation_has_one_text() {
        let full = Draft {
            overlay: "o".repeat(64),
            group: "g".repeat(64),
            holders: (0..8).map(|n| [0xf8 + n; 32]).collect(),
            ..draft()
        };
        for draft in [draft(), full] {
            let invitation = Invitation::new(draft, [0xff; 64]).unwrap();
            let text = invitation.to_string();
            assert!(text.len() <= MAX_TEXT && text.is_ascii(), "{text}");
            assert_eq!(Invitation::parse(&text), Ok(invitation));
            for other in [format!("{text}1"), format!(" {text}"), text.replacen('1', "2", 1)] {
                assert!(Invitation::parse(&other).is_err(), "{other}");
            }
            for cut in 0..text.len() {
                assert!(Invitation::parse(&text[..cut]).is_err(), "{cut}");
            }
        }
    }

    #[test]
    fn everything_that_is_said_is_signed() {
        let one = draft().to_be_signed().unwrap();
        let others = [
            Draft { overlay: "la".to_owned(), group: "bops".to_owned(), ..draft() },
            Draft { issuer: [9; 32], ..draft() },
            Draft { holders: vec![[2; 32]], ..draft() },
            Draft { id: [5; 16], ..draft() },
            Draft { expires_s: 1, ..draft() },
        ];
        for other in others {
            assert_ne!(other.to_be_signed().unwrap(), one);
        }
        assert_ne!(draft().token(), Draft { id: [5; 16], ..draft() }.token());
        assert_ne!(draft().token(), Draft { issuer: [5; 32], ..draft() }.token());
    }

    #[test]
    fn what_is_out_of_bounds_is_no_invitation() {
        let of = |holders| Draft { holders, ..draft() }.to_be_signed();
        assert_eq!(of(vec![]), Err(InvitationError::Holders));
        assert_eq!(of(vec![[2; 32], [2; 32]]), Err(InvitationError::Holders), "twice");
        assert_eq!(of(vec![[3; 32], [2; 32]]), Err(InvitationError::Holders), "another text");
        assert_eq!(of((0..9).map(|n| [n; 32]).collect()), Err(InvitationError::Holders));
        for name in [String::new(), "x".repeat(65), "x".repeat(300)] {
            let named = Draft { group: name, ..draft() };
            assert_eq!(named.to_be_signed(), Err(InvitationError::Name));
        }
    }

    #[test]
    fn garbage_is_told_from_what_is_damaged() {
        for text in ["", "hello", "cenacle-invitation-2-abc"] {
            assert_eq!(Invitation::parse(text), Err(InvitationError::Prefix), "{text}");
        }
        for tail in ["", "0", "\u{e9}", &"z".repeat(100), &"z".repeat(100_000)] {
            let text = format!("{PREFIX}{tail}");
            assert_eq!(Invitation::parse(&text), Err(InvitationError::Damaged));
        }
    }
}
