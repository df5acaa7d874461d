//! Threads that share the points of a path out between them, as the page's workers do.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use violet::Result;
use violet::attribution::{Integration, Method, PartialSum, Round};
use violet::explain::{Explainer, Prepared};
use violet::model::Target;

/// The whole integral, by `threads` threads of `internal_batch_size` gradients at a time.
/// `progress` is told after each pass how many gradients it brought.
pub(crate) fn integrate(
    explainer: &Explainer,
    prepared: &Prepared,
    target: Target,
    method: Method,
    internal_batch_size: usize,
    threads: usize,
    progress: impl Fn(u64) + Sync,
) -> Result<Integration> {
    let mut integration = Integration::new(method, prepared.input.len())?;
    let ends = explainer.ends(prepared, target);
    while let Some(round) = integration.next_round(&ends) {
        let run = |from: usize, to: usize| gradients(explainer, prepared, target, &round, from, to);
        let count = round.alphas.len();
        let size = internal_batch_size.max(1);
        let next = AtomicUsize::new(0);
        let total = Mutex::new(&mut integration);
        let work = || -> Result<()> {
            loop {
                let from = next.fetch_add(size, Ordering::Relaxed);
                if from >= count {
                    return Ok(());
                }
                let to = (from + size).min(count);
                let partials = run(from, to)?;
                // A panicked thread ends the process' work anyway; its sum is still well formed.
                let mut total = total
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                for partial in partials {
                    total.add(partial)?;
                }
                progress((to - from) as u64);
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })?;
    }
    Ok(integration)
}

/// A part of a round in one pass.
fn gradients(
    explainer: &Explainer,
    prepared: &Prepared,
    target: Target,
    round: &Round,
    from: usize,
    to: usize,
) -> Result<Vec<PartialSum>> {
    let (input, baseline, alphas) = (&prepared.input, &prepared.baseline, &round.alphas[from..to]);
    pollster::block_on(async {
        match &round.step_sizes {
            None => explainer.gradients(input, baseline, target, alphas).await,
            Some(step_sizes) => {
                let step_sizes = &step_sizes[from..to];
                let sum = explainer.partial_sum(input, baseline, target, alphas, step_sizes);
                Ok(vec![sum.await?])
            }
        }
    })
}
