//! What regions are worth by experiment: F with every combination of them covered.

/// Values of every coalition of some players: here, F with some regions shown and the others covered.
///
/// Coalition `k` holds the players whose bits `k` has.
#[derive(Debug, Clone)]
pub struct Coalitions {
    players: usize,
    /// NaN until it is known.
    values: Vec<f64>,
}

/// Two players, and what they are worth together beyond what each is worth without the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interaction {
    /// The two, the lower number first.
    pub pair: [usize; 2],
    /// In the game's unit: positive where they only count together, negative where one will do.
    pub value: f64,
}

impl Coalitions {
    /// The most players: twice as many coalitions for each one more.
    pub const MOST_PLAYERS: usize = 10;

    /// Of so many players, nothing known yet. Beyond the most there are, the last ones do not play.
    pub fn new(players: usize) -> Self {
        let players = players.min(Self::MOST_PLAYERS);
        Self {
            players,
            values: vec![f64::NAN; 1 << players],
        }
    }

    /// How many coalitions there are.
    pub fn count(&self) -> usize {
        self.values.len()
    }

    /// How many of them are known.
    pub fn known(&self) -> usize {
        self.values.iter().filter(|value| !value.is_nan()).count()
    }

    /// The players that a coalition lacks: which regions are covered.
    pub fn covered(&self, coalition: usize) -> Vec<u16> {
        let lacks = |player: &u16| coalition & (1 << player) == 0;
        (0..self.players as u16).filter(lacks).collect()
    }

    /// Notes the value of a coalition.
    pub fn set(&mut self, coalition: usize, value: f64) {
        if let Some(place) = self.values.get_mut(coalition) {
            *place = value;
        }
    }

    /// What each player is worth; nothing before all coalitions are known. Together they are worth what all of
    /// them have beyond none.
    ///
    /// # Source
    ///
    /// Shapley 1953: the only division that is efficient, symmetric, additive and gives nothing to who adds nothing.
    ///
    /// # Example
    ///
    /// ```
    /// use violet::regions::Coalitions;
    ///
    /// let mut game = Coalitions::new(2);
    /// for (k, value) in [1.0, 3.0, 1.0, 5.0].into_iter().enumerate() {
    ///     game.set(k, value); // none; the first; the second; both
    /// }
    /// assert_eq!(game.shapley(), Some(vec![3.0, 1.0]));
    /// assert_eq!(game.interactions().map(|all| all[0].value), Some(2.0));
    /// ```
    pub fn shapley(&self) -> Option<Vec<f64>> {
        (self.known() == self.count()).then_some(())?;
        let worth = |player: usize| -> f64 {
            let bit = 1 << player;
            let without = (0..self.count()).filter(|coalition| coalition & bit == 0);
            without
                .map(|s| {
                    weight(s.count_ones(), self.players - 1)
                        * (self.values[s | bit] - self.values[s])
                })
                .sum()
        };
        Some((0..self.players).map(worth).collect())
    }

    /// What each pair is worth together beyond each alone, the largest first; nothing before all coalitions are known.
    ///
    /// # Source
    ///
    /// The Shapley interaction index of Grabisch and Roubens 1999 (doi 10.1007/s001820050125).
    pub fn interactions(&self) -> Option<Vec<Interaction>> {
        (self.known() == self.count()).then_some(())?;
        let v = &self.values;
        let worth = |[i, j]: [usize; 2]| -> f64 {
            let (i, j) = (1 << i, 1 << j);
            let without = (0..self.count()).filter(|coalition| coalition & (i | j) == 0);
            without
                .map(|s| {
                    let together = v[s | i | j] - v[s | i] - v[s | j] + v[s];
                    weight(s.count_ones(), self.players - 2) * together
                })
                .sum()
        };
        let pairs = (0..self.players).flat_map(|j| (0..j).map(move |i| [i, j]));
        let mut all: Vec<Interaction> = pairs
            .map(|pair| Interaction {
                pair,
                value: worth(pair),
            })
            .collect();
        all.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs()));
        Some(all)
    }
}

/// Of all orders in which `others` players can come, the share in which just some `before` of them have come.
fn weight(before: u32, others: usize) -> f64 {
    // 1 / ((others + 1) · C(others, before))
    let chosen = (0..u64::from(before)).fold(1u64, |c, k| c * (others as u64 - k) / (k + 1));
    1.0 / ((others as u64 + 1) * chosen) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn game(players: usize, value: impl Fn(usize) -> f64) -> Coalitions {
        let mut game = Coalitions::new(players);
        for k in 0..game.count() {
            game.set(k, value(k));
        }
        game
    }

    fn near(a: &[f64], b: &[f64]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12)
    }

    #[test]
    fn where_players_only_add_up_each_gets_what_it_adds() {
        let own = [2.0, -1.0, 0.0, 0.5];
        let sum = |k: usize| {
            own.iter()
                .enumerate()
                .filter(|(i, _)| k & (1 << i) != 0)
                .map(|(_, v)| v)
                .sum::<f64>()
                + 7.0
        };
        let game = game(4, sum);
        assert!(near(&game.shapley().unwrap(), &own));
        assert!(
            game.interactions()
                .unwrap()
                .iter()
                .all(|pair| pair.value.abs() < 1e-12)
        );
    }

    #[test]
    fn who_only_counts_together_shares_and_interacts() {
        // Worth 1 if both 0 and 2 are there: AND.
        let and = game(3, |k| f64::from(k & 0b101 == 0b101));
        assert!(near(&and.shapley().unwrap(), &[0.5, 0.0, 0.5]));
        let first = and.interactions().unwrap()[0];
        assert_eq!((first.pair, first.value), ([0, 2], 1.0));
        // One of both will do: OR.
        let or = game(3, |k| f64::from(k & 0b101 != 0));
        assert!(near(&or.shapley().unwrap(), &[0.5, 0.0, 0.5]));
        assert_eq!(or.interactions().unwrap()[0].value, -1.0);
    }

    #[test]
    fn the_values_are_the_mean_over_all_orders() {
        // Any game: the definition, by every permutation of five.
        let value = |k: usize| ((k * 2_654_435_761) % 1009) as f64;
        let game = game(5, value);
        let mut total = [0.0; 5];
        let mut orders = 0;
        let mut visit = vec![(0usize, Vec::<usize>::new())];
        while let Some((there, order)) = visit.pop() {
            if order.len() == 5 {
                orders += 1;
                let mut before = 0;
                for player in order {
                    total[player] += value(before | 1 << player) - value(before);
                    before |= 1 << player;
                }
                continue;
            }
            for player in (0..5).filter(|p| there & (1 << p) == 0) {
                let mut order = order.clone();
                order.push(player);
                visit.push((there | 1 << player, order));
            }
        }
        let mean = total.map(|sum| sum / f64::from(orders));
        let shapley = game.shapley().unwrap();
        assert!(
            shapley.iter().zip(mean).all(|(a, b)| (a - b).abs() < 1e-9),
            "{shapley:?} {mean:?}"
        );
        let sum: f64 = shapley.iter().sum();
        assert!((sum - (value(31) - value(0))).abs() < 1e-9, "efficient");
    }

    #[test]
    fn nothing_is_said_before_all_is_known() {
        let mut game = Coalitions::new(2);
        game.set(1, 3.0);
        assert_eq!((game.known(), game.count()), (1, 4));
        assert!(game.shapley().is_none() && game.interactions().is_none());
        assert_eq!(game.covered(1), [1]);
        assert_eq!((game.covered(0), game.covered(3)), (vec![0, 1], vec![]));
        assert_eq!(Coalitions::new(30).count(), 1024, "bounded");
        let alone = super::tests::game(1, |k| k as f64);
        assert_eq!(alone.shapley(), Some(vec![1.0]));
        assert_eq!(alone.interactions(), Some(vec![]));
    }
}
