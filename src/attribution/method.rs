//! How the integral is taken: by a rule with a number of steps, or by secants until the map is
//! settled.

use super::quadrature::{MAX_STEPS, Rule, Slopes};
use crate::error::{Error, Result};

/// See the [module](self).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// A rule with so many steps.
    Steps(Rule, usize),
    /// Secants, shorter where the map needs it, until its estimated error is within a tolerance:
    /// see [`Settling`](super::Settling).
    Auto(Settle),
}

/// When a map is settled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settle {
    /// The relative L2 error of the map that is good enough, 0..=1.
    pub tolerance: f64,
    /// Gradients that may be spent, at most.
    pub budget: usize,
}

impl Settle {
    /// The fewest gradients from which an error can be estimated: two secants and their thirds.
    pub const LEAST: usize = 8;
}

impl Default for Settle {
    /// 5 %, which is hardly to be seen, for at most 200 gradients.
    fn default() -> Self {
        Self {
            tolerance: 0.05,
            budget: 200,
        }
    }
}

impl Default for Method {
    fn default() -> Self {
        Method::Auto(Settle::default())
    }
}

impl Method {
    /// What [`Rule::name`] is to a rule; `auto` for what settles by itself.
    pub fn name(self) -> &'static str {
        match self {
            Method::Steps(rule, _) => rule.name(),
            Method::Auto(_) => "auto",
        }
    }

    /// The gradients that it takes.
    pub fn slopes(self) -> Slopes {
        match self {
            Method::Steps(rule, _) => rule.slopes(),
            Method::Auto(_) => Slopes::Secant,
        }
    }

    /// Whether it can be done at all.
    ///
    /// # Errors
    ///
    /// [`Error::StepCount`] if the number of steps or the budget is too small or too large,
    /// [`Error::Tolerance`].
    pub fn check(self) -> Result<()> {
        match self {
            Method::Steps(rule, n_steps) => rule.quadrature(n_steps).map(|_| ()),
            Method::Auto(Settle { tolerance, budget }) => {
                if !(tolerance > 0.0 && tolerance <= 1.0) {
                    return Err(Error::Tolerance { found: tolerance });
                }
                if !(Settle::LEAST..=MAX_STEPS).contains(&budget) {
                    return Err(Error::Budget {
                        found: budget,
                        least: Settle::LEAST,
                        limit: MAX_STEPS,
                    });
                }
                Ok(())
            }
        }
    }
}
