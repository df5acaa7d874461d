//! What chapters compute: one question after the other, and what is shown of the answers as they
//! come. Workers answer, in tests a function whose gradient is known; where it is shown is a
//! [`Desk`]'s affair.

mod baselines;
mod fragile;
mod ledger;
mod methods;
mod quiz;
mod rivals;
mod steps;
mod trust;
mod walk;
mod whatif;

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

pub use self::baselines::try_baselines;
pub use self::fragile::shake;
pub use self::ledger::{attributions_by_secants, experiment};
pub use self::methods::compare_methods;
pub use self::quiz::masks;
pub use self::steps::compare_steps;
pub use self::trust::put_to_the_test;
pub use self::walk::take_walk;
pub use self::whatif::{decide, mask_covered};
use super::explanation::{Explanation, Prepared};
use super::part::Panel;
use super::pool::{Host, Pool};
use crate::attribution::{
    Accumulator, Attributions, Baseline, PartialSum, Perturbation, Quadrature, Rule,
};
use crate::model::{Randomised, Target};
use crate::protocol::Failure;
use crate::words::{Phrase, phrase};

/// Where a study is done: a pool of workers that answers, and a page that shows what comes. What is
/// kept or loaded is lent: whoever studied gives back what was there.
pub trait Desk {
    /// Where the workers are.
    type Host: Host;
    /// The workers. They hold a network and a path from a baseline to an input.
    fn pool(&self) -> &Pool<Self::Host>;
    /// Whether the study is still wanted.
    fn is_wanted(&self) -> bool;
    /// Changes the page.
    fn put(&self, panel: &Panel);
    /// A chapter shows the results of that explanation from now on.
    fn open(&self, chapter: &str, of: &Rc<Explanation>);
    /// What is being done, where nobody knows how far it has come.
    fn wait(&self, what: Phrase);
    /// From now on progress is told of something else.
    fn start_clock(&self);
    /// How far it has come: so many of all.
    fn progress(&self, done: usize, all: usize, what: Phrase);
    /// From now on the workers hold another path than anyone believes.
    fn lend_path(&self);
    /// Has the workers load the network of that name, with layers that forgot.
    fn load(
        &self,
        network: &str,
        forgot: Option<Randomised>,
    ) -> impl Future<Output = Result<(), Failure>>;
    /// Gives the workers the network and the path of an explanation, unless they hold them.
    fn take_back(&self, of: &Explanation) -> impl Future<Output = Result<(), Failure>>;
    /// What is looked at, with another baseline.
    fn prepare(&self, baseline: Baseline) -> impl Future<Output = Result<Prepared, Failure>>;
}

/// Why a study came to no end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Nobody wants it any more: something newer has begun, or it was cancelled.
    Superseded,
    /// Something went wrong.
    Failed(Failure),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<crate::Error> for Ended {
    fn from(error: crate::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// What came of a study, or why nothing did.
pub type Studied<T = ()> = Result<T, Ended>;

/// Questions, each of which ends the study as soon as nobody wants it any more.
pub struct Study<D> {
    /// Who answers, and shows what comes.
    pub desk: D,
}

impl<D: Desk> Study<D> {
    fn wanted(&self) -> Studied {
        match self.desk.is_wanted() {
            true => Ok(()),
            false => Err(Ended::Superseded),
        }
    }

    /// An answer, if it is wanted before and after.
    async fn asked<T>(&self, answer: impl Future<Output = Result<T, Failure>>) -> Studied<T> {
        self.wanted()?;
        let answer = answer.await?;
        self.wanted()?;
        Ok(answer)
    }

    async fn load(&self, network: &str, forgot: Option<Randomised>) -> Studied {
        self.asked(self.desk.load(network, forgot)).await
    }

    /// Has the workers keep a path; the input comes first.
    async fn keep(&self, [input, baseline]: [&[f32]; 2]) -> Studied {
        self.wanted()?;
        self.desk.lend_path();
        self.asked(self.desk.pool().keep(input, baseline)).await
    }

    async fn look(&self, input: &[f32]) -> Studied<Vec<f32>> {
        self.asked(self.desk.pool().look(input)).await
    }

    /// Hands on the weighted gradients at points of the kept path, as long as they are wanted.
    async fn gradients(
        &self,
        target: Target,
        nodes: &Quadrature,
        take: impl Fn(PartialSum) -> crate::Result<()>,
    ) -> Studied {
        let failed = RefCell::new(None);
        let take = |partial: PartialSum| {
            if self.desk.is_wanted()
                && let Err(error) = take(partial)
            {
                failed.replace(Some(error));
            }
        };
        let order = nodes.order();
        let part = |places: Range<usize>| nodes.pick(&order[places]);
        let wanted = || self.desk.is_wanted();
        let pool = self.desk.pool();
        let summed = pool.sum_each(target, order.len(), part, wanted, take);
        self.asked(summed).await?;
        failed.take().map_or(Ok(()), |error| Err(error.into()))
    }

    /// The weighted sum of gradients at points of the kept path, flat \[3, H, W\]; `counted` is
    /// told of how many, as they come.
    async fn sum(
        &self,
        target: Target,
        nodes: &Quadrature,
        counted: impl Fn(usize),
    ) -> Studied<Vec<f64>> {
        let sum = RefCell::new(Vec::new());
        let take = |partial: PartialSum| {
            let mut sum = sum.borrow_mut();
            sum.resize(partial.gradient_sum.len(), 0.0f64);
            let pairs = sum.iter_mut().zip(&partial.gradient_sum);
            pairs.for_each(|(sum, &gradient)| *sum += f64::from(gradient));
            counted(partial.samples.len());
            Ok(())
        };
        self.gradients(target, nodes, take).await?;
        Ok(sum.into_inner())
    }

    /// The attributions of a path, which is kept then, by a few steps of the usual rule. `what` is
    /// said of the progress.
    async fn attributions(
        &self,
        target: Target,
        ends: [&[f32]; 2],
        n_steps: usize,
        what: &Phrase,
    ) -> Studied<Attributions> {
        self.keep(ends).await?;
        let quadrature = Rule::default().quadrature(n_steps)?;
        let sum = RefCell::new(Accumulator::new(ends[0].len()));
        let take = |partial| {
            sum.borrow_mut().add(&partial)?;
            let (done, all) = (sum.borrow().samples().len(), quadrature.alphas.len());
            let sentence = phrase!(
                "{what}: {done} of {all}",
                what = what.clone(),
                done = done,
                all = all,
            );
            self.desk.progress(done, all, sentence);
            Ok(())
        };
        self.desk.start_clock();
        self.gradients(target, &quadrature, take).await?;
        Ok(sum.into_inner().attributions(ends[0], ends[1])?)
    }

    /// F, or every output, for each list of covered regions of the kept input; `counted` is told of
    /// each, as it comes.
    async fn cover(
        &self,
        target: Option<Target>,
        regions: &[u16],
        covered: &[Vec<u16>],
        counted: impl Fn(),
    ) -> Studied<Vec<Vec<f32>>> {
        let found = RefCell::new(vec![Vec::new(); covered.len()]);
        let take = |k: usize, outputs: &[f32]| {
            found.borrow_mut()[k] = outputs.to_vec();
            counted();
        };
        let wanted = || self.desk.is_wanted();
        let pool = self.desk.pool();
        let answers = pool.cover(target, regions, covered, wanted, take);
        self.asked(answers).await?;
        Ok(found.into_inner())
    }

    /// F with so many pixels of an order exchanged between the kept input and its baseline, for
    /// each of the counts, by its place.
    async fn perturb(
        &self,
        target: Target,
        way: Perturbation,
        order: &[u32],
        counts: &[usize],
        take: impl Fn(usize, f32),
    ) -> Studied {
        let wanted = || self.desk.is_wanted();
        let pool = self.desk.pool();
        self.asked(pool.perturb(target, way, order, counts, wanted, take))
            .await
    }
}

#[cfg(test)]
pub(super) mod tests;
