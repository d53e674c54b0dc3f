//! What a configuration may ask for, and this version cannot give yet. It is refused rather than
//! left out in silence; each entry goes when its feature comes.

/// Of `[[plugin]]`.
pub(super) const PLUGIN: (&str, &str) = (
    "modules from files cannot be loaded in this version yet",
    "leave this section out; `cenacle plugins` lists the modules that are built in",
);

/// Of `history` other than `none`.
pub(super) const HISTORY: (&str, &str) =
    ("messages cannot be kept in this version yet", "write `history = \"none\"`");
