//! What a key agreement module is told of a change of view.

use crate::Error;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The most members a view may have, whatever the module: a bound on every vector below.
pub const MAX_MEMBERS: usize = 4096;

/// The most bytes of a member's name.
pub const MAX_MEMBER_ID: usize = 64;

/// The most bytes of a share that travels ahead of a run.
pub const MAX_SHARE: usize = 1024;

/// A member's name: opaque bytes, the same at every member, 1 to [`MAX_MEMBER_ID`] of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "serde_bytes::ByteBuf", into = "serde_bytes::ByteBuf")]
pub struct MemberId(Arc<[u8]>);

impl MemberId {
    /// Takes 1 to [`MAX_MEMBER_ID`] bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.is_empty() || bytes.len() > MAX_MEMBER_ID {
            return Err(Error::BadLength {
                what: "a member's name",
                got: bytes.len(),
                want: format!("1 to {MAX_MEMBER_ID}"),
            });
        }
        Ok(Self(bytes.into()))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<serde_bytes::ByteBuf> for MemberId {
    type Error = Error;
    fn try_from(bytes: serde_bytes::ByteBuf) -> Result<Self, Error> {
        Self::new(&bytes)
    }
}

impl From<MemberId> for serde_bytes::ByteBuf {
    fn from(id: MemberId) -> Self {
        Self::from(id.0.to_vec())
    }
}

/// A member as a module sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its name.
    pub id: MemberId,
    /// Its Ed25519 public key (RFC 8032). Modules need it only to tell members apart: signatures
    /// are made and checked before a module sees a message.
    #[serde(with = "serde_bytes")]
    pub public_key: [u8; 32],
}

/// Members that share a confirmed epoch, and so the state that their instances confirmed in it.
///
/// A member without a confirmed epoch is a class by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Positions in [`ViewChange::members`], growing.
    pub members: Vec<u32>,
    /// Members of the class's epoch that do not continue with it, by the seniority they had: gone,
    /// or here as members of another class because they never confirmed that epoch.
    pub left: Vec<MemberId>,
}

/// A share made ahead of the run by an instance (see [`crate::Input::Offer`]); it came with the
/// member's join or flush message, so every member of the view has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Position of the member that made it.
    pub member: u32,
    /// The module's own encoding.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

/// A change of view: the same at every member but for `me`.
///
/// The first class is the *base*: the one whose state the protocol builds on. Whoever makes a
/// change orders the classes by size, then by seniority of their first member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ViewChange {
    me: u32,
    members: Arc<[Member]>,
    classes: Vec<Class>,
    joined: Vec<u32>,
    left: Vec<MemberId>,
    afresh: bool,
    refresher: Option<u32>,
    shares: Vec<Share>,
    #[serde(skip_serializing_if = "Option::is_none", with = "run_name")]
    run: Option<[u8; 32]>,
}

impl ViewChange {
    /// A change to a view of `members` (by seniority, oldest first) that continues `classes`; this
    /// instance is the member at position `me`.
    ///
    /// Fails when a name is there twice, or the classes do not hold each member exactly once, or a
    /// departed member is still there.
    pub fn new(me: u32, members: Vec<Member>, classes: Vec<Class>) -> Result<Self, Error> {
        let mut change = Self {
            me,
            members: members.into(),
            classes,
            joined: Vec::new(),
            left: Vec::new(),
            afresh: false,
            refresher: None,
            shares: Vec::new(),
            run: None,
        };
        change.check_members()?;
        change.check_classes()?;
        (change.joined, change.left) = change.derive();
        Ok(change)
    }

    /// A change in which nothing that anyone had confirmed counts: every member is a class by
    /// itself. Should the run not be completed, what was confirmed before it counts again.
    pub fn afresh(me: u32, members: Vec<Member>) -> Result<Self, Error> {
        let classes = (0u32..)
            .take(members.len())
            .map(|position| Class { members: vec![position], left: Vec::new() })
            .collect();
        Ok(Self { afresh: true, ..Self::new(me, members, classes)? })
    }

    /// Names the member that asked for a new key without a change of members; it makes the new
    /// share where the protocol lets any member do so.
    pub fn refreshed_by(self, position: u32) -> Result<Self, Error> {
        if position as usize >= self.members.len() {
            return Err(Error::BadChange("the refresher is not in the view"));
        }
        Ok(Self { refresher: Some(position), ..self })
    }

    /// Adds the shares that travelled ahead of the run, by growing position.
    pub fn with_shares(self, shares: Vec<Share>) -> Result<Self, Error> {
        let growing = shares.windows(2).all(|pair| matches!(pair, [a, b] if a.member < b.member));
        let inside = shares.last().is_none_or(|s| (s.member as usize) < self.members.len());
        if !growing || !inside {
            return Err(Error::BadChange("shares are not one a member, by growing position"));
        }
        if shares.iter().any(|share| share.body.len() > MAX_SHARE) {
            return Err(Error::BadChange("a share is longer than a share may be"));
        }
        Ok(Self { shares, ..self })
    }

    /// Names the run that the change begins. The name is public, the same at all members, and no
    /// other run of theirs ever has it: what a module seals for this run, and the keys it seals
    /// with, are bound to it.
    #[must_use]
    pub fn named(self, run: [u8; 32]) -> Self {
        Self { run: Some(run), ..self }
    }

    /// The same change as the member at `position` sees it.
    pub fn seen_by(&self, position: u32) -> Result<Self, Error> {
        if position as usize >= self.members.len() {
            return Err(Error::BadChange("no such position in the view"));
        }
        Ok(Self { me: position, ..self.clone() })
    }

    /// This instance's own position.
    pub fn me(&self) -> u32 {
        self.me
    }

    /// All members by seniority, oldest first.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// How many members the view has; at least one.
    pub fn size(&self) -> u32 {
        u32::try_from(self.members.len()).unwrap_or(u32::MAX)
    }

    /// The classes that continue, the base first.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The class whose state the protocol builds on.
    pub fn base(&self) -> &[u32] {
        self.classes.first().map_or(&[], |class| &class.members)
    }

    /// Positions of the members that are not in the base class.
    pub fn joined(&self) -> &[u32] {
        &self.joined
    }

    /// Members of any class's epoch that are gone.
    pub fn left(&self) -> &[MemberId] {
        &self.left
    }

    /// Whether this run must build on nothing that was confirmed before it.
    pub fn is_afresh(&self) -> bool {
        self.afresh
    }

    /// Who asked for a new key, if that is what the change is about.
    pub fn refresher(&self) -> Option<u32> {
        self.refresher
    }

    /// The name of the run, if the host gave it one.
    pub fn run(&self) -> Option<&[u8; 32]> {
        self.run.as_ref()
    }

    /// The share that the member at `position` made ahead of the run.
    pub fn share_of(&self, position: u32) -> Option<&[u8]> {
        let index = self.shares.binary_search_by_key(&position, |share| share.member).ok()?;
        self.shares.get(index).map(|share| share.body.as_slice())
    }

    /// The class that this instance's member belongs to.
    pub fn my_class(&self) -> &[u32] {
        self.classes
            .iter()
            .map(|class| class.members.as_slice())
            .find(|members| members.binary_search(&self.me).is_ok())
            .unwrap_or(&[])
    }

    fn check_members(&self) -> Result<(), Error> {
        let size = self.members.len();
        if size == 0 {
            return Err(Error::BadChange("a view has at least one member"));
        }
        if size > MAX_MEMBERS {
            return Err(Error::TooManyMembers { got: size, max: MAX_MEMBERS });
        }
        if self.me as usize >= size {
            return Err(Error::BadChange("the instance's own position is not in the view"));
        }
        let names: BTreeSet<_> = self.members.iter().map(|member| &member.id).collect();
        if names.len() != size {
            return Err(Error::BadChange("a member is in the view twice"));
        }
        Ok(())
    }

    fn check_classes(&self) -> Result<(), Error> {
        let mut seen = vec![false; self.members.len()];
        for class in &self.classes {
            if class.members.is_empty() {
                return Err(Error::BadChange("a class is empty"));
            }
            if !class.members.windows(2).all(|pair| matches!(pair, [a, b] if a < b)) {
                return Err(Error::BadChange("a class is not by growing position"));
            }
            for &position in &class.members {
                match seen.get_mut(position as usize) {
                    Some(seen) if !*seen => *seen = true,
                    _ => return Err(Error::BadChange("classes do not hold each member once")),
                }
            }
        }
        if seen.contains(&false) {
            return Err(Error::BadChange("classes do not hold each member once"));
        }
        self.check_departed()
    }

    fn check_departed(&self) -> Result<(), Error> {
        let departed: usize = self.classes.iter().map(|class| class.left.len()).sum();
        if departed > MAX_MEMBERS {
            return Err(Error::TooManyMembers { got: departed, max: MAX_MEMBERS });
        }
        for class in &self.classes {
            let names: BTreeSet<_> = class.left.iter().collect();
            let inside =
                |p: &u32| self.members.get(*p as usize).is_some_and(|m| names.contains(&m.id));
            if names.len() != class.left.len() || class.members.iter().any(inside) {
                return Err(Error::BadChange("a departed member is there twice"));
            }
        }
        Ok(())
    }

    fn derive(&self) -> (Vec<u32>, Vec<MemberId>) {
        let mut joined: Vec<u32> =
            self.classes.iter().skip(1).flat_map(|class| class.members.iter().copied()).collect();
        joined.sort_unstable();
        let present: BTreeSet<_> = self.members.iter().map(|member| &member.id).collect();
        let mut told = BTreeSet::new();
        let departed = self.classes.iter().flat_map(|class| &class.left);
        let left = departed.filter(|id| !present.contains(id) && told.insert(*id)).cloned();
        (joined, left.collect())
    }
}

/// The CBOR form names `joined` and `left` for the convenience of its readers; what arrives must
/// agree with what follows from the classes.
impl<'de> Deserialize<'de> for ViewChange {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, rename = "ViewChange")]
        struct Wire {
            me: u32,
            members: Vec<Member>,
            classes: Vec<Class>,
            joined: Vec<u32>,
            left: Vec<MemberId>,
            afresh: bool,
            refresher: Option<u32>,
            shares: Vec<Share>,
            #[serde(default, with = "run_name")]
            run: Option<[u8; 32]>,
        }
        let wire = Wire::deserialize(deserializer)?;
        let build = || -> Result<Self, Error> {
            let mut change = Self::new(wire.me, wire.members, wire.classes)?;
            change.afresh = wire.afresh;
            change.run = wire.run;
            if let Some(position) = wire.refresher {
                change = change.refreshed_by(position)?;
            }
            change = change.with_shares(wire.shares)?;
            if change.joined != wire.joined || change.left != wire.left {
                return Err(Error::BadChange("joined or left contradict the classes"));
            }
            let single = change.classes.iter().all(|class| class.members.len() == 1);
            if change.afresh && !single {
                return Err(Error::BadChange("afresh, and yet a class continues"));
            }
            Ok(change)
        };
        build().map_err(D::Error::custom)
    }
}

/// A run's name as a byte string; left out where there is none, as it was before runs had names.
mod run_name {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(
        run: &Option<[u8; 32]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match run {
            Some(run) => serializer.serialize_bytes(run),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<[u8; 32]>, D::Error> {
        let bytes = serde_bytes::ByteBuf::deserialize(deserializer)?;
        let run = <[u8; 32]>::try_from(bytes.as_slice());
        run.map(Some).map_err(|_| D::Error::custom("the name of a run has 32 bytes"))
    }
}
