//! Where the members of a class stood in the epoch that they confirmed.

use cenacle_plugin::{MemberId, ViewChange};

/// The place in the epoch, whose members are `names`, of each member of `class`; `None` if one of
/// them was not in it.
pub(super) fn places(names: &[MemberId], change: &ViewChange, class: &[u32]) -> Option<Vec<usize>> {
    // Members keep their order but where groups have merged: the next in line is the likely one.
    let mut next = 0;
    let place = |position: &u32| {
        let id = &change.members().get(*position as usize)?.id;
        let behind = names.get(next..)?.iter().position(|name| name == id).map(|gap| next + gap);
        let place = behind.or_else(|| names.iter().position(|name| name == id))?;
        next = place + 1;
        Some(place)
    };
    class.iter().map(place).collect()
}
