//! A set of ranks, small enough to look through at every batch.

/// Ranks as bits.
#[derive(Clone, Debug)]
pub(crate) struct Ranks(Vec<u64>);

impl Ranks {
    /// Room for `size` ranks, none of them in it.
    pub(crate) fn new(size: usize) -> Self {
        Self(vec![0; size.div_ceil(64)])
    }

    /// Puts a rank in or takes it out.
    #[inline]
    pub(crate) fn set(&mut self, rank: u16, is_in: bool) {
        if let Some(word) = self.0.get_mut(usize::from(rank / 64)) {
            let bit = 1 << (rank % 64);
            *word = if is_in { *word | bit } else { *word & !bit };
        }
    }

    /// Whether this rank is in it.
    #[inline]
    pub(crate) fn has(&self, rank: u16) -> bool {
        self.0.get(usize::from(rank / 64)).is_some_and(|word| word & (1 << (rank % 64)) != 0)
    }

    /// Whether there is none.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    /// Takes all out.
    pub(crate) fn clear(&mut self) {
        self.0.fill(0);
    }

    /// The least rank that is in it, from `rank` on.
    #[inline]
    pub(crate) fn at_or_after(&self, rank: u16) -> Option<u16> {
        let begin = usize::from(rank / 64);
        let mut mask = u64::MAX << (rank % 64);
        for (at, word) in (rank / 64..).zip(self.0.get(begin..)?) {
            let left = word & mask;
            if left != 0 {
                return u16::try_from(left.trailing_zeros()).ok().map(|bit| at * 64 + bit);
            }
            mask = u64::MAX;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Ranks;

    #[test]
    fn ranks_come_out_in_order() {
        let mut ranks = Ranks::new(130);
        for rank in [129, 0, 63, 64, 5, 200] {
            ranks.set(rank, true);
        }
        ranks.set(5, false);
        ranks.set(7, false);
        let from = [0, 1, 64, 65, 130].map(|rank| ranks.at_or_after(rank));
        assert_eq!(from, [Some(0), Some(63), Some(64), Some(129), None]);
        ranks.clear();
        assert!(ranks.is_empty() && ranks.at_or_after(0).is_none());
        assert_eq!(Ranks::new(0).at_or_after(0), None);
    }
}
