//! Threads that share the points of a path out between them, as the page's workers do.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use violet::Result;
use violet::attribution::{Integration, Method, PartialSum, Round, Shares};
use violet::explain::{Explainer, Prepared, Walk};
use violet::model::Target;

/// The whole integral by a method, by `threads` threads of `internal_batch_size` gradients at a
/// time. `progress` is told after each pass how many gradients are in, and of how many.
pub(crate) fn integrate(
    explainer: &Explainer,
    prepared: &Prepared,
    target: Target,
    method: Method,
    internal_batch_size: usize,
    threads: usize,
    progress: impl Fn(usize, usize) + Sync,
) -> Result<Integration> {
    let (input, baseline) = (&prepared.input, &prepared.baseline);
    let mut integration = Integration::new(method, input, baseline)?;
    let walks = (0..threads.max(1)).map(|_| explainer.walk(input, baseline, target));
    let mut walks = walks.collect::<Result<Vec<Walk>>>()?;
    while let Some(round) = integration.next_round()? {
        let shares = Shares::new(round.nodes.alphas.len(), walks.len());
        let state = Mutex::new((&mut integration, shares));
        // A panicked thread ends the process' work anyway; what it held is still well formed.
        let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
        let work = |thread: usize, walk: &mut Walk| -> Result<()> {
            loop {
                let places = lock().1.take(thread, internal_batch_size);
                if places.is_empty() {
                    return Ok(());
                }
                let sums = gradients(walk, &round, places)?;
                let integration = &mut lock().0;
                for sum in sums {
                    integration.add(&sum)?;
                }
                progress(integration.gradients(), integration.expected_gradients());
            }
        };
        std::thread::scope(|scope| {
            let work = &work;
            let workers: Vec<_> = walks
                .iter_mut()
                .enumerate()
                .map(|(thread, walk)| scope.spawn(move || work(thread, walk)))
                .collect();
            workers.into_iter().try_for_each(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })?;
    }
    Ok(integration)
}

/// Some gradients of a round, as they are wanted.
fn gradients(walk: &mut Walk, round: &Round, places: Range<usize>) -> Result<Vec<PartialSum>> {
    let part = round.nodes.slice(places);
    pollster::block_on(async {
        if round.apart {
            walk.each(&part).await
        } else {
            Ok(vec![walk.sum(&part).await?])
        }
    })
}
