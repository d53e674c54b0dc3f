//! What a configuration may ask for, and this version cannot give yet. It is refused rather than
//! left out in silence; each entry goes when its feature comes.

/// Whether groups can agree on keys.
pub(super) const SECURE_GROUPS: bool = false;

/// Of a group with `insecure = false`.
pub(super) const SECURE_GROUP: (&str, &str) = (
    "secure groups are not available in this version yet",
    "write `insecure = true` to join the group without key agreement and encryption of its own, or \
     leave the group out",
);

/// Of `[[plugin]]`.
pub(super) const PLUGIN: (&str, &str) = (
    "modules from files cannot be loaded in this version yet",
    "leave this section out; `cenacle plugins` lists the modules that are built in",
);

/// Of `history` other than `none`.
pub(super) const HISTORY: (&str, &str) =
    ("messages cannot be kept in this version yet", "write `history = \"none\"`");
