//! The network: directed links with latency, loss, duplication and reordering, which can be cut.

use crate::random::{Random, scaled};

/// How the links of a run behave when nothing is wrong.
#[derive(Clone, Copy, Debug)]
pub struct Links {
    /// The shortest way from node to node, in microseconds.
    pub latency: u64,
    /// What may come on top. Most frames need little of it: the share is cubed.
    pub spread: u64,
    /// What a link may have of its own on top, for life: some nodes are far away.
    pub distance: u64,
    /// The probability that a frame is lost.
    pub loss: f64,
    /// The probability that a frame arrives twice.
    pub duplicate: f64,
    /// The probability that a frame is overtaken by later ones, if frames keep their order else.
    pub reorder: f64,
    /// Frames of a link keep their order, but for those that `reorder` picks.
    pub in_order: bool,
    /// The probability that a frame sent into a cut waits there, as in a transport that repeats, and
    /// comes late if the cut has been mended by then.
    pub held: f64,
}

impl Default for Links {
    fn default() -> Self {
        Self {
            latency: 200,
            spread: 800,
            distance: 0,
            loss: 0.0,
            duplicate: 0.0,
            reorder: 0.0,
            in_order: true,
            held: 0.0,
        }
    }
}

/// When copies of a frame arrive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// Never.
    Lost,
    /// Then; perhaps once more.
    Arrives(u64, Option<u64>),
    /// Then, if the link is open by then.
    Held(u64),
}

/// All links between the places of a run. A place keeps its links when its node restarts.
#[derive(Debug)]
pub struct Network {
    size: usize,
    links: Links,
    /// How many faults cut each link.
    cuts: Vec<u16>,
    /// When the last frame of each link arrives.
    last: Vec<u64>,
    distance: Vec<u64>,
    /// Added to the loss of every link.
    storm: f64,
    /// Multiplies latency.
    stretch: u64,
    random: Random,
}

impl Network {
    /// The links between so many places.
    pub fn new(size: usize, links: Links, mut random: Random) -> Self {
        let count = size * size;
        let distance = (0..count).map(|_| random.below(links.distance + 1)).collect();
        let (cuts, last) = (vec![0; count], vec![0; count]);
        Self { size, links, cuts, last, distance, storm: 0.0, stretch: 1, random }
    }

    /// How many places there are.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether frames get from one place to the other at all.
    pub fn is_open(&self, from: usize, to: usize) -> bool {
        self.cuts.get(from * self.size + to).is_some_and(|cuts| *cuts == 0)
    }

    /// Cuts a link, once more if it is cut.
    pub fn cut(&mut self, from: usize, to: usize) {
        if let Some(cuts) = self.cuts.get_mut(from * self.size + to) {
            *cuts = cuts.saturating_add(1);
        }
    }

    /// Takes one cut back.
    pub fn mend(&mut self, from: usize, to: usize) {
        if let Some(cuts) = self.cuts.get_mut(from * self.size + to) {
            *cuts = cuts.saturating_sub(1);
        }
    }

    /// More loss for a while.
    pub fn set_storm(&mut self, loss: f64) {
        self.storm = loss;
    }

    /// Longer ways for a while.
    pub fn set_stretch(&mut self, factor: u64) {
        self.stretch = factor.max(1);
    }

    /// Mends every link; nothing is lost any more.
    pub fn heal(&mut self) {
        self.cuts.fill(0);
        (self.storm, self.stretch) = (0.0, 1);
        (self.links.loss, self.links.held) = (0.0, 0.0);
    }

    /// The longest way a frame may have when nothing is wrong.
    pub fn longest(&self) -> u64 {
        let overtaken = if self.links.reorder > 0.0 { self.overtaking() } else { 0 };
        self.links.latency + self.links.spread + self.links.distance + overtaken
    }

    /// What becomes of a frame that leaves now.
    pub fn send(&mut self, now: u64, from: usize, to: usize) -> Fate {
        let link = from * self.size + to;
        if !self.is_open(from, to) {
            if self.random.chance(self.links.held) {
                return Fate::Held(now + self.random.between(50_000, 2_000_000));
            }
            return Fate::Lost;
        }
        if self.random.chance((self.links.loss + self.storm).min(1.0)) {
            return Fate::Lost;
        }
        let first = self.arrival(now, link);
        let second = self.random.chance(self.links.duplicate).then(|| self.arrival(now, link));
        Fate::Arrives(first, second)
    }

    fn arrival(&mut self, now: u64, link: usize) -> u64 {
        let share = self.random.unit();
        let spread = scaled(self.links.spread, share * share * share);
        let distance = self.distance.get(link).copied().unwrap_or(0);
        let arrival = now + (self.links.latency + spread + distance) * self.stretch;
        if self.random.chance(self.links.reorder) {
            return arrival + self.random.below(self.overtaking());
        }
        match self.last.get_mut(link) {
            Some(last) if self.links.in_order => {
                *last = arrival.max(*last);
                *last
            }
            _ => arrival,
        }
    }

    /// How far a frame may fall behind.
    fn overtaking(&self) -> u64 {
        (self.links.latency + self.links.spread) * 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(links: Links) -> Network {
        Network::new(4, links, Random::new(3))
    }

    #[test]
    fn frames_arrive_in_order_and_in_time() {
        let mut network = network(Links { distance: 500, ..Links::default() });
        let mut last = 0;
        for now in 0..1000 {
            let Fate::Arrives(at, None) = network.send(now * 10, 0, 1) else {
                panic!("lost or twice")
            };
            assert!(at >= last && at >= now * 10 + 200);
            assert!(at <= now * 10 + network.longest());
            last = at;
        }
    }

    #[test]
    fn cuts_count_and_have_a_direction() {
        let mut network = network(Links::default());
        network.cut(0, 1);
        network.cut(0, 1);
        assert_eq!(network.send(0, 0, 1), Fate::Lost);
        assert!(matches!(network.send(0, 1, 0), Fate::Arrives(..)));
        network.mend(0, 1);
        assert!(!network.is_open(0, 1));
        network.mend(0, 1);
        assert!(network.is_open(0, 1));
        network.cut(2, 3);
        network.heal();
        assert!(network.is_open(2, 3));
    }

    #[test]
    fn loss_duplication_reordering_and_holding_occur() {
        let links =
            Links { loss: 0.2, duplicate: 0.2, reorder: 0.2, held: 0.5, ..Links::default() };
        let mut network = network(links);
        let (mut lost, mut twice, mut overtaken, mut last) = (0, 0, 0, 0);
        for now in 0..2000 {
            match network.send(now, 0, 1) {
                Fate::Lost => lost += 1,
                Fate::Arrives(at, second) => {
                    twice += u32::from(second.is_some());
                    overtaken += u32::from(at < last);
                    last = at;
                }
                Fate::Held(_) => panic!("the link is open"),
            }
        }
        assert!((300..500).contains(&lost) && (200..450).contains(&twice) && overtaken > 100);
        network.cut(0, 1);
        let held = (0..1000).filter(|now| matches!(network.send(*now, 0, 1), Fate::Held(_)));
        assert!((400..600).contains(&held.count()));
        network.heal();
        assert!((0..1000).all(|now| network.send(now, 0, 1) != Fate::Lost));
    }
}
