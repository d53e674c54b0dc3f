//! `invitation`: who was invited by one of those whom the group's configuration names.
//!
//! An invitation is one place in the group, for whichever of its holders comes first. Whoever took
//! the place may come again until the invitation expires, such as after a restart, but not while the
//! member is there that came by it. The issuers need none. `docs/adr/0026-invitations-are-places.md`
//! has the reasons.

mod text;

pub use text::{Draft, Invitation, InvitationError, MAX_HOLDERS, peer_key};

use super::{
    peer_id,
    rules::{self, Membership, Ruled},
};
use cenacle_plugin::{
    Claim, Descriptor, Error, JoinRequest, Member, OptionSpec, OptionType, Options, Policy,
    PolicyModule, Properties, Use, Value, Verdict,
};
use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_zebra::{Signature, VerificationKey};
use std::collections::BTreeMap;

const ISSUERS: &str = "issuers";

/// The most issuers: who may invite is few, and all their keys are decoded at every join.
const MAX_ISSUERS: u32 = 64;

/// The most bytes of a peer id as text; 52 are needed, more tell a better error than "too long".
const MAX_PEER_ID: u32 = 128;

/// The most invitations that one join may show. Each may cost every node a verification.
const MAX_SHOWN: usize = 8;

/// The module `invitation`.
pub(super) struct ByInvitation {
    descriptor: Descriptor,
}

impl Default for ByInvitation {
    fn default() -> Self {
        let issuers = OptionSpec {
            name: ISSUERS.to_owned(),
            help: "The peer ids of all who may invite, as libp2p writes them, 12D3KooW…; they \
                   themselves need no invitation."
                .to_owned(),
            kind: OptionType::List { max_items: MAX_ISSUERS, max_len: MAX_PEER_ID },
            default: Value::List(Vec::new()),
        };
        let mut options = vec![issuers];
        options.append(&mut rules::options());
        Self {
            descriptor: Descriptor {
                name: "invitation".to_owned(),
                version: "1".to_owned(),
                summary: "Only who shows an invitation of an issuer may join: see `cenacle invite`"
                    .to_owned(),
                properties: Properties::Policy { admits_anyone: false },
                options,
            },
        }
    }
}

impl PolicyModule for ByInvitation {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Fails when nobody may invite, or the list has an entry that is no peer id of a usable key or
    /// is there twice.
    fn create(&self, options: &Options) -> Result<Box<dyn Policy>, Error> {
        let list = options
            .list(ISSUERS)
            .ok_or(Error::WrongCall("options that were not checked against the descriptor"))?;
        Ok(Box::new(Ruled::new(Issuers::read(list)?, options)?))
    }
}

/// Who may invite.
struct Issuers(BTreeMap<[u8; 32], VerificationKey>);

/// The use of an invitation, which is its own proof.
fn used(invitation: &Invitation) -> Use {
    let draft = invitation.draft();
    Use { token: draft.token(), until_s: draft.expires_s, proof: invitation.encode() }
}

/// Why an invitation does not let its bearer in. A later one says more: where several were shown, the
/// last of these is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    NoneShown,
    TooMany,
    Unreadable(String),
    OtherOverlay(String),
    OtherGroup(String),
    UnknownIssuer([u8; 32]),
    BadSignature,
    OtherHolder,
    Expired(u64),
    UsedBy([u8; 32]),
    InUse,
}

impl Issuers {
    fn read(list: &[String]) -> Result<Self, Error> {
        let bad = |why| Error::BadOption { name: ISSUERS, why };
        if list.is_empty() {
            return Err(bad("nobody may invite; name the peer ids of those who do".to_owned()));
        }
        let mut keys = BTreeMap::new();
        for (number, entry) in (1..).zip(list) {
            let wrong = |why| bad(format!("entry {number}, {entry:?}: {why}"));
            let key = peer_id::parse(entry).map_err(wrong)?;
            let usable = usable_key(key).ok_or_else(|| wrong("nobody can sign with this key"))?;
            if keys.insert(key, usable).is_some() {
                return Err(bad(format!("entry {number}, {entry:?}, is listed before; remove it")));
            }
        }
        Ok(Self(keys))
    }

    /// The invitation by which the join may be, or why there is none; `None` for an issuer, who needs
    /// none.
    fn judge(&self, request: &JoinRequest) -> Result<Option<Invitation>, Fault> {
        if self.0.contains_key(&request.member.public_key) {
            return Ok(None);
        }
        // What is no UTF-8 is no invitation, and is told as one that cannot be read.
        let shown = String::from_utf8_lossy(&request.evidence);
        let mut fault = Fault::NoneShown;
        for (number, text) in shown.split_ascii_whitespace().enumerate() {
            if number >= MAX_SHOWN {
                return Err(Fault::TooMany);
            }
            match self.one(text, request) {
                Ok(invitation) => return Ok(Some(invitation)),
                Err(why) => fault = fault.max(why),
            }
        }
        Err(fault)
    }

    /// Whether it invites this peer to this group, at whatever time.
    fn invites(
        &self,
        invitation: &Invitation,
        overlay: &str,
        group: &str,
        peer: &[u8; 32],
    ) -> Result<(), Fault> {
        let draft = invitation.draft();
        if draft.overlay != overlay {
            return Err(Fault::OtherOverlay(draft.overlay.clone()));
        }
        if draft.group != group {
            return Err(Fault::OtherGroup(draft.group.clone()));
        }
        let key = self.0.get(&draft.issuer).ok_or(Fault::UnknownIssuer(draft.issuer))?;
        let signed = draft.to_be_signed().map_err(|_| Fault::BadSignature)?;
        // ZIP 215, as all signatures of this project: the same verdict everywhere.
        key.verify(&Signature::from_bytes(invitation.signature()), &signed)
            .map_err(|_| Fault::BadSignature)?;
        if draft.holders.contains(peer) { Ok(()) } else { Err(Fault::OtherHolder) }
    }

    fn one(&self, text: &str, request: &JoinRequest) -> Result<Invitation, Fault> {
        let invitation =
            Invitation::parse(text).map_err(|error| Fault::Unreadable(error.to_string()))?;
        let me = request.member.public_key;
        self.invites(&invitation, &request.overlay, &request.group, &me)?;
        let draft = invitation.draft();
        if request.time_s >= draft.expires_s {
            return Err(Fault::Expired(request.time_s.saturating_sub(draft.expires_s)));
        }
        let token = draft.token();
        match request.used.iter().find(|used| used.token == token) {
            Some(used) if used.by != me => Err(Fault::UsedBy(used.by)),
            Some(used) if used.present => Err(Fault::InUse),
            _ => Ok(invitation),
        }
    }
}

impl Membership for Issuers {
    fn admit(&self, request: &JoinRequest) -> Verdict {
        match self.judge(request) {
            Ok(_) => Verdict::Allow,
            Err(fault) => fault.verdict(request),
        }
    }

    fn uses(&self, request: &JoinRequest) -> Vec<Use> {
        self.judge(request).ok().flatten().iter().map(used).collect()
    }

    /// The uses are those of the invitations that are their proofs.
    fn proven(&self, claim: &Claim) -> Vec<Use> {
        let Claim { overlay, group, member, uses } = claim;
        let proves = |one: &&Use| {
            let invitation = Invitation::decode(&one.proof).filter(|it| used(it) == **one);
            invitation
                .is_some_and(|it| self.invites(&it, overlay, group, &member.public_key).is_ok())
        };
        uses.iter().filter(proves).cloned().collect()
    }

    /// An issuer may; whoever else came in by an invitation.
    fn may_stay(&self, claim: &Claim) -> Verdict {
        let peer = claim.member.public_key;
        if self.0.contains_key(&peer) || !self.proven(claim).is_empty() {
            return Verdict::Allow;
        }
        Verdict::Refuse {
            reason: "invitation-missing".to_owned(),
            detail: format!(
                "no invitation is known by which peer {} came into its part of the group; have one \
                 made with `cenacle invite`",
                peer_id::show(&peer)
            ),
        }
    }

    /// A member of a view has been admitted, by its join or when its part came.
    fn may_send(&self, _member: &Member) -> Verdict {
        Verdict::Allow
    }
}

impl Fault {
    fn verdict(self, request: &JoinRequest) -> Verdict {
        let reason = match &self {
            Self::NoneShown => "invitation-missing",
            Self::TooMany | Self::Unreadable(_) => "invitation-unreadable",
            Self::OtherOverlay(_) | Self::OtherGroup(_) => "invitation-other-group",
            Self::UnknownIssuer(_) => "invitation-unknown-issuer",
            Self::BadSignature => "invitation-bad-signature",
            Self::OtherHolder => "invitation-other-holder",
            Self::Expired(_) => "invitation-expired",
            Self::UsedBy(_) | Self::InUse => "invitation-used",
        };
        Verdict::Refuse { reason: reason.to_owned(), detail: self.detail(request) }
    }

    fn detail(&self, request: &JoinRequest) -> String {
        let me = peer_id::show(&request.member.public_key);
        // Names of an invitation that nobody has verified: without what commands a terminal.
        let (overlay, group) = (&request.overlay, &request.group);
        match self {
            Self::NoneShown => format!(
                "peer {me} shows no invitation: one of the group's issuers makes it with \
                 `cenacle invite {group:?} --for {me}`, and the file with it is named as \
                 `evidence_file` of the group"
            ),
            Self::TooMany => format!("more than {MAX_SHOWN} invitations are shown: show fewer"),
            Self::Unreadable(why) => format!("the invitation cannot be read: {why}"),
            Self::OtherOverlay(other) => format!(
                "the invitation is for the overlay {other:?}, and this is {overlay:?}: ask for one \
                 for this overlay"
            ),
            Self::OtherGroup(other) => format!(
                "the invitation is for the group {other:?}, and this is {group:?}: ask for one for \
                 this group"
            ),
            Self::UnknownIssuer(key) => format!(
                "the invitation is of peer {}, who is not among the group's issuers: ask one of \
                 them",
                peer_id::show(key)
            ),
            Self::BadSignature => {
                "the invitation is not signed by the issuer whom it names: it was \
                                   changed, or forged; ask for another"
                    .to_owned()
            }
            Self::OtherHolder => {
                format!("the invitation is not for peer {me}: ask for one with `--for {me}`")
            }
            Self::Expired(ago) => format!(
                "the invitation expired {ago} s before the leader stamped the join: ask for another"
            ),
            Self::UsedBy(key) => format!(
                "the invitation has been used by peer {}: ask for one of your own",
                peer_id::show(key)
            ),
            Self::InUse => {
                "the invitation has been used by another member of this peer, which is in \
                            the group: have it leave, or ask for another"
                    .to_owned()
            }
        }
    }
}

/// The key, if somebody can sign with it. Under a key of small order one signature fits everything,
/// and ed25519-zebra leaves the refusal to its users.
fn usable_key(bytes: [u8; 32]) -> Option<VerificationKey> {
    let point = CompressedEdwardsY(bytes).decompress()?;
    (!point.is_small_order()).then(|| VerificationKey::try_from(bytes).ok())?
}
