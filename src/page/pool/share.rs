//! Numbered pieces of work, shared out among the workers of a pool.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use futures_util::future::try_join_all;

use super::{FORGIVEN, Host, NoAnswer, Pool, Worker, outputs, unexpected};
use crate::attribution::{PartialSum, Perturbation, Quadrature, Round, Shares};
use crate::device::DeviceKind;
use crate::model::Target;
use crate::protocol::{Failure, Request, Response};

/// A pass on the GPU should take about this long: long enough to fill the machine, short enough
/// to cancel, and below what operating systems allow a GPU to be busy.
const PASS_MS: f64 = 300.0;

impl<H: Host> Pool<H> {
    /// Shares a number of gradients out and hands in the partial sums as they come: one for each
    /// pass, which is the `part` of some of them, by their numbers. `wanted` is asked before each
    /// pass; when it says no, the rest is left undone.
    ///
    /// # Errors
    ///
    /// What the first worker that failed says;
    /// [`FailureCode::WorkerLost`](crate::protocol::FailureCode::WorkerLost), where too many died
    /// on the way.
    pub async fn sum(
        &self,
        target: Target,
        gradients: usize,
        part: impl Fn(Range<usize>) -> Quadrature,
        wanted: impl Fn() -> bool,
        take: impl Fn(PartialSum),
    ) -> Result<(), Failure> {
        self.sum_in(gradients, usize::MAX, (target, part), wanted, take)
            .await
    }

    /// As [`sum`](Self::sum), each weighted gradient by itself.
    ///
    /// # Errors
    ///
    /// See [`sum`](Self::sum).
    pub async fn sum_each(
        &self,
        target: Target,
        gradients: usize,
        part: impl Fn(Range<usize>) -> Quadrature,
        wanted: impl Fn() -> bool,
        take: impl Fn(PartialSum),
    ) -> Result<(), Failure> {
        self.sum_in(gradients, 1, (target, part), wanted, take)
            .await
    }

    /// Sums with so many gradients a pass at most.
    async fn sum_in(
        &self,
        gradients: usize,
        most: usize,
        (target, part): (Target, impl Fn(Range<usize>) -> Quadrature),
        wanted: impl Fn() -> bool,
        take: impl Fn(PartialSum),
    ) -> Result<(), Failure> {
        let request = |pieces: Range<usize>| Request::Sum {
            target,
            part: part(pieces),
        };
        let take = |_, response| match response {
            Response::Summed(sum) => {
                take(sum);
                Ok(())
            }
            other => Err(unexpected(&other).failure()),
        };
        self.share(gradients, most, request, wanted, take).await
    }

    /// A round of an integral: sums, or each gradient by itself, as it wants them.
    ///
    /// # Errors
    ///
    /// See [`sum`](Self::sum).
    pub async fn round(
        &self,
        target: Target,
        round: &Round,
        wanted: impl Fn() -> bool,
        take: impl Fn(PartialSum),
    ) -> Result<(), Failure> {
        let nodes = &round.nodes;
        if round.apart {
            return self.each(target, nodes, wanted, take).await;
        }
        let part = |pieces| nodes.slice(pieces);
        self.sum(target, nodes.alphas.len(), part, wanted, take)
            .await
    }

    /// The gradients of nodes in the order in which they serve best, each by itself, with weight 1.
    async fn each(
        &self,
        target: Target,
        nodes: &Quadrature,
        wanted: impl Fn() -> bool,
        take: impl Fn(PartialSum),
    ) -> Result<(), Failure> {
        let request = |pieces: Range<usize>| Request::Gradients {
            target,
            part: nodes.slice(pieces),
        };
        let take = |_, response| match response {
            Response::Gradients(gradients) => {
                gradients.into_iter().for_each(&take);
                Ok(())
            }
            other => Err(unexpected(&other).failure()),
        };
        let gradients = nodes.alphas.len();
        self.share(gradients, usize::MAX, request, wanted, take)
            .await
    }

    /// Runs the model on the kept path's input or baseline with so many pixels of an order
    /// exchanged, and hands in F for each of the counts, by its index, as it comes.
    ///
    /// # Errors
    ///
    /// See [`sum`](Self::sum).
    pub async fn perturb(
        &self,
        target: Target,
        perturbation: Perturbation,
        order: &[u32],
        counts: &[usize],
        wanted: impl Fn() -> bool,
        take: impl Fn(usize, f32),
    ) -> Result<(), Failure> {
        let request = |images: Range<usize>| Request::Perturb {
            target,
            perturbation,
            order: order.to_vec(),
            counts: counts[images].iter().map(|&count| count as u32).collect(),
        };
        let take = |images: Range<usize>, response| {
            let outputs = outputs(response)?;
            images.zip(outputs).for_each(|(k, f)| take(k, f));
            Ok(())
        };
        self.share(counts.len(), usize::MAX, request, wanted, take)
            .await
    }

    /// As [`share`](Self::share), where each piece is answered by as many values, which `take` gets
    /// by its number.
    pub(super) async fn share_rows(
        &self,
        pieces: usize,
        request: impl Fn(Range<usize>) -> Request,
        wanted: impl Fn() -> bool,
        take: impl Fn(usize, &[f32]),
    ) -> Result<(), Failure> {
        let take = |some: Range<usize>, response| {
            let values = outputs(response)?;
            let each = (values.len() / some.len().max(1)).max(1);
            let rows = some.zip(values.chunks_exact(each));
            rows.for_each(|(k, row)| take(k, row));
            Ok(())
        };
        self.share(pieces, usize::MAX, request, wanted, take).await
    }

    /// Shares numbered pieces of work out: `request` asks for some of them, `most` at a time,
    /// `take` gets the answer.
    pub(super) async fn share(
        &self,
        pieces: usize,
        most: usize,
        request: impl Fn(Range<usize>) -> Request,
        wanted: impl Fn() -> bool,
        take: impl Fn(Range<usize>, Response) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let shares = RefCell::new(Shares::new(pieces, self.size()));
        let deaths = Cell::new(0);
        let work = |k: usize| {
            let (shares, deaths, wanted, take, request) =
                (&shares, &deaths, &wanted, &take, &request);
            async move {
                loop {
                    let pieces = shares.borrow_mut().take(k, self.pass.get().min(most));
                    if pieces.is_empty() || !wanted() {
                        return Ok(());
                    }
                    let start = self.host.now();
                    match self.worker(k).ask(&request(pieces.clone()), &[]).await {
                        Ok(response) => {
                            self.adapt(pieces.len(), self.host.now() - start);
                            take(pieces, response)?;
                        }
                        Err(NoAnswer::Failed(failure)) => return Err(failure),
                        Err(NoAnswer::Lost(detail)) => {
                            deaths.set(deaths.get() + 1);
                            if deaths.get() > FORGIVEN {
                                return Err(NoAnswer::Lost(detail).failure());
                            }
                            shares.borrow_mut().put_back(pieces);
                            self.replace(k).await?;
                        }
                    }
                }
            }
        };
        // The first failure ends them all.
        try_join_all((0..self.size()).map(work)).await.map(|_| ())
    }

    /// Makes the next pass longer or shorter, on the GPU only: a CPU worker gains nothing by
    /// batches, and one gradient a pass shares best.
    pub(super) fn adapt(&self, gradients: usize, elapsed_ms: f64) {
        if self.device == DeviceKind::Gpu && gradients == self.pass.get() {
            if elapsed_ms < PASS_MS / 2.0 {
                self.pass.set((gradients * 2).min(self.largest_pass.get()));
            } else if elapsed_ms > PASS_MS * 2.0 {
                self.pass.set((gradients / 2).max(1));
            }
        }
    }
}
