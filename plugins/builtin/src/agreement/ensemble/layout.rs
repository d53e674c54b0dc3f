//! Members in the shape of a tree with one of them at the root.

/// The members of a view with `root` before all others, which keep their seniority; read as a heap,
/// they are a tree of any degree, of the least height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    root: u32,
    size: u32,
}

impl Layout {
    /// A layout of the positions below `size`.
    pub(super) fn new(root: u32, size: u32) -> Self {
        Self { root, size }
    }

    /// Who is above `position` in the tree of that degree.
    pub(super) fn parent(self, position: u32, degree: u32) -> Option<u32> {
        let above = self.place(position).checked_sub(1)? / degree.max(1);
        Some(self.at(above))
    }

    /// Who is below `position`, in order.
    pub(super) fn children(self, position: u32, degree: u32) -> Vec<u32> {
        let first = self.place(position).saturating_mul(degree).saturating_add(1);
        let end = first.saturating_add(degree).min(self.size);
        (first..end).map(|place| self.at(place)).collect()
    }

    fn place(self, position: u32) -> u32 {
        match position.cmp(&self.root) {
            std::cmp::Ordering::Less => position.saturating_add(1),
            std::cmp::Ordering::Equal => 0,
            std::cmp::Ordering::Greater => position,
        }
    }

    fn at(self, place: u32) -> u32 {
        match place.checked_sub(1) {
            None => self.root,
            Some(before) if before < self.root => before,
            Some(_) => place,
        }
    }
}

/// How many links lie between the root of a tree of `size` members and the one farthest from it.
pub(super) fn depth(size: u32, degree: u32) -> u32 {
    let layout = Layout::new(0, size);
    let mut at = size.saturating_sub(1);
    let mut depth = 0;
    while let Some(parent) = layout.parent(at, degree) {
        (at, depth) = (parent, depth + 1);
    }
    depth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_below_the_root_once() {
        for (size, degree) in (1..40).flat_map(|size| (1..9).map(move |degree| (size, degree))) {
            for root in 0..size {
                let layout = Layout::new(root, size);
                let mut reached = vec![root];
                let mut next = 0;
                while let Some(&at) = reached.get(next) {
                    for child in layout.children(at, degree) {
                        assert_eq!(layout.parent(child, degree), Some(at));
                        reached.push(child);
                    }
                    next += 1;
                }
                assert_eq!(layout.parent(root, degree), None);
                reached.sort_unstable();
                assert_eq!(reached, (0..size).collect::<Vec<_>>(), "{root} of {size}, {degree}");
            }
        }
    }

    #[test]
    fn depths() {
        let of = |degree| [1, 2, 7, 8, 43, 44, 100].map(|size| depth(size, degree));
        assert_eq!(of(6), [0, 1, 1, 2, 2, 3, 3]);
        assert_eq!(of(2), [0, 1, 2, 3, 5, 5, 6]);
        assert_eq!(depth(100, 99), 1);
    }
}
