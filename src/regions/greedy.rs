//! The fewest regions that decide, found one after the other.

/// Regions that are chosen one by one, each the best of those that are left.
#[derive(Debug, Clone)]
pub struct Greedy {
    count: usize,
    chosen: Vec<u16>,
    /// Whether the chosen ones are covered; otherwise all others are.
    covers: bool,
}

impl Greedy {
    /// None of so many is chosen. `covers`: those that are chosen are covered, and the rest is shown; otherwise the
    /// chosen ones are shown, and the rest is covered.
    pub fn new(count: usize, covers: bool) -> Self {
        Self {
            count,
            chosen: Vec::new(),
            covers,
        }
    }

    /// The chosen ones, the first first.
    pub fn chosen(&self) -> &[u16] {
        &self.chosen
    }

    /// The regions that are covered now.
    pub fn covered(&self) -> Vec<u16> {
        self.covered_with(None)
    }

    /// Those that could come next.
    fn left(&self) -> Vec<u16> {
        let all = 0..self.count as u16;
        all.filter(|region| !self.chosen.contains(region)).collect()
    }

    /// What would be covered with each of those that could come next.
    pub fn candidates(&self) -> Vec<Vec<u16>> {
        self.left()
            .into_iter()
            .map(|region| self.covered_with(Some(region)))
            .collect()
    }

    fn covered_with(&self, next: Option<u16>) -> Vec<u16> {
        let chosen = |region: &u16| self.chosen.contains(region) || next == Some(*region);
        (0..self.count as u16)
            .filter(|region| chosen(region) == self.covers)
            .collect()
    }

    /// Chooses the candidate of the highest score: its index among them. Nothing, if none is left.
    pub fn choose(&mut self, scores: &[f64]) -> Option<usize> {
        let left = self.left();
        let pairs = left.iter().zip(scores).enumerate();
        let (best, (&region, _)) =
            pairs.max_by(|(a, (_, x)), (b, (_, y))| x.total_cmp(y).then(b.cmp(a)))?;
        self.chosen.push(region);
        Some(best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_comes_first_and_none_twice() {
        let worth = [1.0, 5.0, -2.0, 5.0];
        let mut greedy = Greedy::new(4, true);
        while !greedy.candidates().is_empty() {
            let score = |covered: &Vec<u16>| covered.iter().map(|&r| worth[usize::from(r)]).sum();
            let scores: Vec<f64> = greedy.candidates().iter().map(score).collect();
            greedy.choose(&scores);
        }
        assert_eq!(greedy.chosen(), [1, 3, 0, 2]);
        assert_eq!(greedy.choose(&[]), None);
    }

    #[test]
    fn what_is_chosen_is_covered_or_all_the_rest_is() {
        let mut covering = Greedy::new(3, true);
        let mut showing = Greedy::new(3, false);
        assert_eq!(
            (covering.covered(), showing.covered()),
            (vec![], vec![0, 1, 2])
        );
        assert_eq!(covering.candidates(), [[0], [1], [2]]);
        assert_eq!(showing.candidates(), [[1, 2], [0, 2], [0, 1]]);
        for greedy in [&mut covering, &mut showing] {
            assert_eq!(greedy.choose(&[0.0, 9.0, 3.0]), Some(1));
        }
        assert_eq!(
            (covering.covered(), showing.covered()),
            (vec![1], vec![0, 2])
        );
        assert_eq!(covering.candidates(), [[0, 1], [1, 2]]);
    }
}
