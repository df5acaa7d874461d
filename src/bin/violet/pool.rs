//! Threads that share the points of a path out between them, as the page's workers do.

use std::sync::{Mutex, PoisonError};

use violet::Result;
use violet::attribution::{Integration, Rule, Shares};
use violet::explain::{Explainer, Prepared, Walk};
use violet::model::Target;

/// The whole integral by a rule with so many steps, by `threads` threads of `internal_batch_size`
/// gradients at a time. `progress` is told after each pass how many gradients it brought.
pub(crate) fn integrate(
    explainer: &Explainer,
    prepared: &Prepared,
    target: Target,
    (rule, n_steps): (Rule, usize),
    internal_batch_size: usize,
    threads: usize,
    progress: impl Fn(u64) + Sync,
) -> Result<Integration> {
    let (input, baseline) = (&prepared.input, &prepared.baseline);
    let integration = Integration::new(rule, n_steps, input.len())?;
    let threads = threads.max(1);
    let shares = Shares::new(integration.all_gradients(), threads);
    let state = Mutex::new((integration, shares));
    // A panicked thread ends the process' work anyway; what it held is still well formed.
    let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
    let work = |thread: usize| -> Result<()> {
        let mut walk = Walk::default();
        loop {
            let part = {
                let (integration, shares) = &mut *lock();
                integration.part(shares.take(thread, internal_batch_size))
            };
            if part.alphas.is_empty() {
                return Ok(());
            }
            let sum = explainer.partial_sum(input, baseline, target, &part, &mut walk);
            let sum = pollster::block_on(sum)?;
            lock().0.add(&sum)?;
            progress(part.alphas.len() as u64);
        }
    };
    std::thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || work(thread)))
            .collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })?;
    let (integration, _) = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(integration)
}
