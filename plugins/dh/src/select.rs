//! Groups by name, for the factories of modules.

use crate::{DhGroup, Modp512, Modp1024, Modp2048, Modp3072, Ristretto255};

/// The groups that a node accepts; the first is the default.
pub const SAFE_GROUPS: &[&str] = &[Ristretto255::NAME, Modp2048::NAME, Modp3072::NAME];

/// The groups that exist for comparing with the papers' figures and that a node refuses: discrete
/// logarithms modulo 512-bit primes have been computed, and 1024 bits are within reach of a state
/// (Adrian et al., "Imperfect Forward Secrecy", 2015).
pub const BENCH_GROUPS: &[&str] = &[Modp512::NAME, Modp1024::NAME];

/// A group as a value; [`with_group!`](crate::with_group) turns it into a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupId {
    /// [`Ristretto255`].
    Ristretto255,
    /// [`Modp2048`].
    Modp2048,
    /// [`Modp3072`].
    Modp3072,
    /// [`Modp512`], for benchmarks only.
    Modp512,
    /// [`Modp1024`], for benchmarks only.
    Modp1024,
}

impl GroupId {
    /// Every group.
    pub const ALL: [Self; 5] =
        [Self::Ristretto255, Self::Modp2048, Self::Modp3072, Self::Modp512, Self::Modp1024];

    /// The group of that name, if a node accepts it.
    pub fn safe(name: &str) -> Option<Self> {
        Self::any(name).filter(|id| id.is_safe())
    }

    /// The group of that name, those for benchmarks included.
    pub fn any(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|id| id.name() == name)
    }

    /// The name in configurations and charters.
    pub fn name(self) -> &'static str {
        crate::with_group!(self, G => G::NAME)
    }

    /// Whether a node accepts it.
    pub fn is_safe(self) -> bool {
        SAFE_GROUPS.contains(&self.name())
    }
}

impl std::fmt::Display for GroupId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Evaluates an expression with `$G` standing for the type of the group that a [`GroupId`] names.
///
/// The expression is compiled once a group and must have the same type for all of them, such as a
/// boxed trait object:
///
/// ```
/// use cenacle_dh::{DhGroup, GroupId, with_group};
///
/// trait Module { fn group(&self) -> &'static str; }
/// struct Tree<G>(G);
/// impl<G: DhGroup> Module for Tree<G> { fn group(&self) -> &'static str { G::NAME } }
///
/// fn create(id: GroupId) -> Box<dyn Module> {
///     with_group!(id, G => Box::new(Tree(G::default())))
/// }
/// assert_eq!(create(GroupId::Modp3072).group(), "modp-3072");
/// ```
#[macro_export]
macro_rules! with_group {
    ($id:expr, $G:ident => $body:expr) => {
        match $id {
            $crate::GroupId::Ristretto255 => {
                type $G = $crate::Ristretto255;
                $body
            }
            $crate::GroupId::Modp2048 => {
                type $G = $crate::Modp2048;
                $body
            }
            $crate::GroupId::Modp3072 => {
                type $G = $crate::Modp3072;
                $body
            }
            $crate::GroupId::Modp512 => {
                type $G = $crate::Modp512;
                $body
            }
            $crate::GroupId::Modp1024 => {
                type $G = $crate::Modp1024;
                $body
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_their_groups() {
        for id in GroupId::ALL {
            assert_eq!(GroupId::any(id.name()), Some(id));
            assert_eq!(GroupId::safe(id.name()), id.is_safe().then_some(id));
            assert!(SAFE_GROUPS.contains(&id.name()) != BENCH_GROUPS.contains(&id.name()));
        }
        assert_eq!(SAFE_GROUPS.len() + BENCH_GROUPS.len(), GroupId::ALL.len());
        assert_eq!(GroupId::any("modp-1536"), None);
    }
}
