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

    /// All of them, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u16> {
        let mut from = Some(0);
        std::iter::from_fn(move || {
            let rank = self.at_or_after(from?)?;
            from = rank.checked_add(1);
            Some(rank)
        })
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
        assert_eq!(ranks.iter().collect::<Vec<_>>(), [0, 63, 64, 129]);
        assert_eq!(Ranks::new(0).iter().next(), None);
    }
}
