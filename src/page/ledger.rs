//! A ledger that adds up: regions of a picture, what each of them comes to, which are chosen, merged
//! or drawn, and where secants and the experiment disagree.

use std::rc::Rc;

use crate::regions::{Coalitions, Interaction, Partition};

/// Regions that a ledger begins with: what an experiment takes a minute for on a slow machine.
const FIRST: usize = 8;
/// Two amounts that differ by more than this share of the largest disagree, and a pair that comes to
/// more counts.
const APART: f64 = 0.1;
/// Pairs that are told.
const PAIRS: usize = 3;

/// What every region is worth by experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// The Shapley value of each region.
    pub values: Vec<f64>,
    /// What pairs come to together, the largest first.
    pub pairs: Vec<Interaction>,
}

/// Why a drawing became no region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undrawn {
    /// No pixel is painted.
    Nothing,
    /// There would be more regions than [`Ledger::MOST`].
    Full,
}

/// See the [module](self).
#[derive(Debug, Clone)]
pub struct Ledger {
    /// As it was cut.
    first: Partition,
    partition: Partition,
    /// Signed, flat \[3, H, W\].
    attributions: Rc<[f32]>,
    sums: Vec<f64>,
    experiment: Option<Experiment>,
    chosen: Vec<usize>,
}

impl Ledger {
    /// The most regions: as many as an experiment can try every combination of.
    pub const MOST: usize = Coalitions::MOST_PLAYERS;

    /// Of a picture, RGBA, so many pixels a row, cut by colour; and the attributions of its pixels,
    /// flat \[3, H, W\].
    pub fn of(rgba: &[u8], width: usize, attributions: Vec<f32>) -> Self {
        Self::with(Partition::of(rgba, width, FIRST), attributions.into())
    }

    fn with(partition: Partition, attributions: Rc<[f32]>) -> Self {
        Self {
            first: partition.clone(),
            sums: partition.sums(&attributions),
            partition,
            attributions,
            experiment: None,
            chosen: Vec::new(),
        }
    }

    /// Which region each pixel belongs to.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// What the attributions of each region come to.
    pub fn sums(&self) -> &[f64] {
        &self.sums
    }

    /// The regions that are chosen, two at most.
    pub fn chosen(&self) -> &[usize] {
        &self.chosen
    }

    /// What the experiment found, once it was made with these regions.
    pub fn experiment(&self) -> Option<&Experiment> {
        self.experiment.as_ref()
    }

    /// Chooses a region, or lets it go; two at most, the last ones.
    pub fn choose(&mut self, region: usize) {
        match self.chosen.iter().position(|&chosen| chosen == region) {
            Some(at) => {
                self.chosen.remove(at);
            }
            None => {
                self.chosen.push(region);
                let surplus = self.chosen.len().saturating_sub(2);
                self.chosen.drain(..surplus);
            }
        }
    }

    /// Makes the two chosen regions one. Whether two were chosen.
    pub fn merge(&mut self) -> bool {
        let [a, b] = *self.chosen else {
            return false;
        };
        self.take(self.partition.merged(a, b));
        true
    }

    /// Makes painted pixels a region of their own, which is chosen then; the others keep what is left
    /// of them.
    ///
    /// # Errors
    ///
    /// [`Undrawn`]; then everything is as it was.
    pub fn draw(&mut self, painted: &[bool]) -> Result<(), Undrawn> {
        let pixel = painted.iter().position(|&painted| painted);
        let pixel = pixel.ok_or(Undrawn::Nothing)?;
        let drawn = self.partition.with(painted);
        if drawn.count() > Self::MOST {
            return Err(Undrawn::Full);
        }
        let region = drawn.labels().get(pixel).copied().unwrap_or_default();
        self.take(drawn);
        self.chosen.push(region.into());
        Ok(())
    }

    /// The regions that it began with.
    pub fn cut_anew(&mut self) {
        self.take(self.first.clone());
    }

    fn take(&mut self, partition: Partition) {
        self.sums = partition.sums(&self.attributions);
        self.partition = partition;
        self.experiment = None;
        self.chosen.clear();
    }

    /// Takes what an experiment with some regions found, unless they are others by now.
    pub fn note(&mut self, of: &Partition, experiment: Experiment) {
        if self.partition == *of {
            self.experiment = Some(experiment);
        }
    }

    /// The regions in the ledger's order: those first that come to most by secants.
    pub fn order(&self) -> Vec<usize> {
        Partition::ranked(&self.sums)
    }

    /// The largest amount of both columns, without its sign.
    pub fn largest(&self) -> f64 {
        let found = self.experiment.iter().flat_map(|found| &found.values);
        let all = self.sums.iter().chain(found);
        all.fold(0.0, |largest, amount| largest.max(amount.abs()))
    }

    /// Whether secants and experiment disagree on a region; never before an experiment.
    pub fn is_apart(&self, region: usize) -> bool {
        let found = self.experiment.as_ref().and_then(|e| e.values.get(region));
        let apart = |value: &f64| (value - self.sums[region]).abs() > APART * self.largest();
        found.is_some_and(apart)
    }

    /// The pairs that count only together, or for one another, by their numbers in the ledger's order
    /// from 1, the lower one first.
    pub fn pairs(&self) -> Vec<Interaction> {
        let order = self.order();
        let number = |region: usize| order.iter().position(|&r| r == region).map_or(0, |k| k + 1);
        let counts = |pair: &&Interaction| pair.value.abs() > APART * self.largest();
        let pairs = self.experiment.iter().flat_map(|found| &found.pairs);
        let told = pairs.filter(counts).take(PAIRS).map(|found| {
            let [a, b] = found.pair.map(number);
            Interaction {
                pair: [a.min(b), a.max(b)],
                value: found.value,
            }
        });
        told.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 8;

    /// Four columns of two pixels' width, and attributions that tell every value from every other.
    fn ledger() -> Ledger {
        let labels = (0..SIDE * SIDE).map(|k| (k % SIDE / 2) as u32);
        let value = |k: usize| ((k * 37 % 101) as f32 - 50.0) / 8.0;
        let attributions: Vec<f32> = (0..3 * SIDE * SIDE).map(value).collect();
        Ledger::with(Partition::of_labels(labels, SIDE), attributions.into())
    }

    fn painted(inside: impl Fn(usize, usize) -> bool) -> Vec<bool> {
        let at = |k: usize| inside(k % SIDE, k / SIDE);
        (0..SIDE * SIDE).map(at).collect()
    }

    fn total(ledger: &Ledger) -> f64 {
        ledger.sums().iter().sum()
    }

    #[test]
    fn whatever_is_drawn_and_merged_the_amounts_come_to_the_whole() {
        let mut ledger = ledger();
        let all: f64 = ledger.attributions.iter().map(|&v| f64::from(v)).sum();
        assert_eq!(total(&ledger), all);
        let square = painted(|x, y| (1..5).contains(&x) && (2..4).contains(&y));
        let inside: f64 = (0..3 * SIDE * SIDE)
            .filter(|k| square[k % (SIDE * SIDE)])
            .map(|k| f64::from(ledger.attributions[k]))
            .sum();
        assert_eq!(ledger.draw(&square), Ok(()));
        // It is the chosen one, and comes to what its pixels come to.
        let &[drawn] = ledger.chosen() else {
            panic!("one region is chosen");
        };
        assert_eq!(
            (ledger.partition().count(), ledger.sums()[drawn]),
            (5, inside)
        );
        assert_eq!(total(&ledger), all);
        let other = (drawn + 1) % 5;
        let both = ledger.sums()[drawn] + ledger.sums()[other];
        ledger.choose(other);
        assert!(ledger.merge());
        assert_eq!((ledger.partition().count(), total(&ledger)), (4, all));
        assert!(ledger.sums().contains(&both));
        assert!(!ledger.merge(), "nothing is chosen any more");
        ledger.cut_anew();
        assert_eq!(ledger.partition(), &ledger.first);
    }

    #[test]
    fn there_are_ten_regions_at_most_and_what_is_drawn_over_makes_room() {
        let mut ledger = ledger();
        assert_eq!(ledger.draw(&painted(|_, _| false)), Err(Undrawn::Nothing));
        for row in 0..6 {
            assert_eq!(ledger.draw(&painted(|x, y| x < 7 && y == row)), Ok(()));
        }
        assert_eq!(ledger.partition().count(), Ledger::MOST);
        let before = ledger.partition().clone();
        assert_eq!(
            ledger.draw(&painted(|x, y| x == 1 && y == 7)),
            Err(Undrawn::Full)
        );
        assert_eq!(ledger.partition(), &before);
        // A row that another one was: the old one is gone.
        assert_eq!(ledger.draw(&painted(|_, y| y == 5)), Ok(()));
        assert_eq!(ledger.partition().count(), Ledger::MOST);
        // All of it is one region.
        assert_eq!(ledger.draw(&painted(|_, _| true)), Ok(()));
        assert_eq!(ledger.partition().count(), 1);
    }

    #[test]
    fn the_last_two_are_chosen_and_a_second_time_lets_go() {
        let mut ledger = ledger();
        (0..3).for_each(|region| ledger.choose(region));
        assert_eq!(ledger.chosen(), [1, 2]);
        ledger.choose(1);
        assert_eq!(ledger.chosen(), [2]);
    }

    #[test]
    fn an_experiment_tells_where_the_two_disagree_and_is_of_its_regions_alone() {
        let mut ledger = ledger();
        let mut values = ledger.sums().to_vec();
        let largest = ledger.largest();
        values[2] += 0.2 * largest;
        values[3] += 0.05 * largest;
        let pair = |pair, share: f64| Interaction {
            pair,
            value: share * largest,
        };
        let pairs = vec![pair([0, 3], -0.5), pair([1, 2], 0.01)];
        let experiment = Experiment { values, pairs };
        assert!(ledger.pairs().is_empty() && !ledger.is_apart(2));
        let of = ledger.partition().clone();
        ledger.note(&of, experiment.clone());
        let apart: Vec<usize> = (0..4).filter(|&region| ledger.is_apart(region)).collect();
        assert_eq!(apart, [2]);
        let order = ledger.order();
        let told = ledger.pairs();
        assert_eq!(told.len(), 1, "the other one is next to nothing");
        let [low, high] = told[0].pair;
        assert!(low < high);
        let mut named = [order[low - 1], order[high - 1]];
        named.sort_unstable();
        assert_eq!(named, [0, 3]);
        // Other regions: what was found is of no use, and comes too late.
        assert_eq!(ledger.draw(&painted(|x, y| x == y)), Ok(()));
        ledger.note(&of, experiment);
        assert!(ledger.experiment().is_none() && ledger.pairs().is_empty());
    }
}
