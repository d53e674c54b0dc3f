//! `allowlist`: the peers that the group's configuration names, and nobody else.

use super::{
    peer_id,
    rules::{self, Membership, Ruled},
};
use cenacle_plugin::{
    Claim, Descriptor, Error, JoinRequest, Member, OptionSpec, OptionType, Options, Policy,
    PolicyModule, Properties, Value, Verdict,
};
use std::collections::BTreeSet;

const MEMBERS: &str = "members";

/// The most entries: as many as a view has members ([`cenacle_plugin::MAX_MEMBERS`]).
const MAX_LISTED: u32 = 4096;

/// The most bytes of a peer id as text; 52 are needed, more tell a better error than "too long".
const MAX_PEER_ID: u32 = 128;

/// The module `allowlist`.
pub(super) struct Allowlist {
    descriptor: Descriptor,
}

impl Default for Allowlist {
    fn default() -> Self {
        let members = OptionSpec {
            name: MEMBERS.to_owned(),
            help: "The peer ids of all who may join: Ed25519 keys as libp2p writes them, 12D3KooW…"
                .to_owned(),
            kind: OptionType::List { max_items: MAX_LISTED, max_len: MAX_PEER_ID },
            default: Value::List(Vec::new()),
        };
        let mut options = vec![members];
        options.append(&mut rules::options());
        Self {
            descriptor: Descriptor {
                name: "allowlist".to_owned(),
                version: "1".to_owned(),
                summary: "Only the peers that are listed may join and send".to_owned(),
                properties: Properties::Policy { admits_anyone: false },
                options,
            },
        }
    }
}

impl PolicyModule for Allowlist {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Fails when the list is empty (nobody could join, the founder included), or has an entry that
    /// is no peer id or is there twice.
    fn create(&self, options: &Options) -> Result<Box<dyn Policy>, Error> {
        let list = options
            .list(MEMBERS)
            .ok_or(Error::WrongCall("options that were not checked against the descriptor"))?;
        Ok(Box::new(Ruled::new(Listed::read(list)?, options)?))
    }
}

/// The public keys of those who are listed.
struct Listed(BTreeSet<[u8; 32]>);

impl Listed {
    fn read(list: &[String]) -> Result<Self, Error> {
        let bad = |why| Error::BadOption { name: MEMBERS, why };
        if list.is_empty() {
            return Err(bad("nobody is listed; name the peer ids of all who may join".to_owned()));
        }
        let mut keys = BTreeSet::new();
        for (number, entry) in (1..).zip(list) {
            let key = peer_id::parse(entry)
                .map_err(|why| bad(format!("entry {number}, {entry:?}: {why}")))?;
            if !keys.insert(key) {
                return Err(bad(format!("entry {number}, {entry:?}, is listed before; remove it")));
            }
        }
        Ok(Self(keys))
    }

    fn verdict(&self, member: &Member) -> Verdict {
        if self.0.contains(&member.public_key) {
            return Verdict::Allow;
        }
        let peer = peer_id::show(&member.public_key);
        Verdict::Refuse {
            reason: "not-listed".to_owned(),
            detail: format!(
                "peer {peer} is not among the group's members; whoever configures the group must \
                 add it to the option {MEMBERS:?} of every member"
            ),
        }
    }
}

impl Membership for Listed {
    fn admit(&self, request: &JoinRequest) -> Verdict {
        self.verdict(&request.member)
    }

    fn may_stay(&self, claim: &Claim) -> Verdict {
        self.verdict(&claim.member)
    }

    /// A member of the view was admitted under the same list; asked again because a view may have
    /// come about otherwise, such as by a merge.
    fn may_send(&self, member: &Member) -> Verdict {
        self.verdict(member)
    }
}
