//! Threads that share the points of a path out between them, as the page's workers do.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use violet::Result;
use violet::attribution::{Accumulator, Quadrature};
use violet::explain::{Explainer, Scene};

/// The whole sum, by `threads` threads of `internal_batch_size` gradients at a time. `progress`
/// is told after each pass how many gradients it brought.
pub(crate) fn integrate(
    explainer: &Explainer,
    scene: &Scene,
    target: usize,
    quadrature: &Quadrature,
    internal_batch_size: usize,
    threads: usize,
    progress: impl Fn(u64) + Sync,
) -> Result<Accumulator> {
    let order = quadrature.progressive_order();
    let chunks: Vec<&[usize]> = order.chunks(internal_batch_size.max(1)).collect();
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Accumulator::new(scene.input.len()));
    let work = || -> Result<()> {
        while let Some(nodes) = chunks.get(next.fetch_add(1, Ordering::Relaxed)) {
            let pick = |values: &[f64]| nodes.iter().map(|&k| values[k]).collect::<Vec<f64>>();
            let partial = pollster::block_on(explainer.partial_sum(
                &scene.input,
                &scene.baseline,
                target,
                &pick(&quadrature.alphas),
                &pick(&quadrature.step_sizes),
            ))?;
            // A panicked thread ends the process' work anyway; its sum is still well formed.
            total
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .add(&partial)?;
            progress(nodes.len() as u64);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })?;
    Ok(total
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner))
}
