//! Which numbers of an origin have been seen: a window that slides.

/// How far back of the highest number seen others may still come; what is older counts as seen.
/// A thousand messages of one origin are never on the way at once.
const WIDTH: u64 = 1024;
const WORDS: usize = 16;

/// The numbers seen of one origin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    /// The highest number seen; 0 for none.
    highest: u64,
    /// Bit `n mod WIDTH` tells of number n within the window.
    seen: [u64; WORDS],
}

impl Window {
    /// Whether this number is new. Numbers start at 1.
    pub(crate) fn is_new(&self, number: u64) -> bool {
        if number == 0 || number.saturating_add(WIDTH) <= self.highest {
            return false;
        }
        let (word, bit) = place(number);
        number > self.highest || self.seen.get(word).is_some_and(|word| word & bit == 0)
    }

    /// Whether this number is new; it is not any more afterwards.
    pub(crate) fn take(&mut self, number: u64) -> bool {
        if !self.is_new(number) {
            return false;
        }
        if number > self.highest {
            if number - self.highest >= WIDTH {
                self.seen = [0; WORDS];
            } else {
                for between in self.highest + 1..number {
                    self.set(between, false);
                }
            }
            self.highest = number;
        }
        self.set(number, true);
        true
    }

    fn set(&mut self, number: u64, seen: bool) {
        let (word, bit) = place(number);
        if let Some(word) = self.seen.get_mut(word) {
            if seen { *word |= bit } else { *word &= !bit }
        }
    }
}

fn place(number: u64) -> (usize, u64) {
    let at = number % WIDTH;
    (usize::try_from(at / 64).unwrap_or(0), 1 << (at % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_number_is_new_once() {
        let mut window = Window::default();
        let mut model = BTreeSet::new();
        let (mut highest, mut random) = (0_u64, 1_u64);
        for _ in 0..200_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let step = random >> 33;
            let number = match step % 16 {
                0 => highest + 1 + step % 3000,
                1..6 => highest + 1,
                _ => highest.saturating_sub(step % 1500),
            };
            let expected = number > 0 && number + WIDTH > highest && model.insert(number);
            assert_eq!(window.take(number), expected, "number {number} below {highest}");
            highest = highest.max(number);
        }
    }

    #[test]
    fn the_last_number_does_not_overflow() {
        let mut window = Window::default();
        assert!(window.take(u64::MAX) && !window.take(u64::MAX) && window.take(u64::MAX - 5));
        assert!(!window.take(1));
    }
}
