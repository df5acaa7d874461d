//! How fast a machine explains, for its visitor to read and to pass on.

use super::pool::{BytesOf, Host, Pool, Weights};
use crate::attribution::Rule;
use crate::device::DeviceKind;
use crate::model::{ModelSpec, Target};
use crate::protocol::Failure;
use crate::words::{Phrase, decimal, name, phrase};

/// Gradients of a mask: how many secants “Auto” begins with.
const GRADIENTS: usize = 24;
/// Masks of each network on each device, of which the fastest counts; the first one warms up.
const RUNS: usize = 3;
/// Milliseconds in a second.
const SECOND: f64 = 1000.0;

/// Each network is measured with one worker, with as many as the page takes, and on the GPU.
pub const SETTINGS: [(DeviceKind, Option<usize>); 3] = [
    (DeviceKind::Cpu, Some(1)),
    (DeviceKind::Cpu, None),
    (DeviceKind::Gpu, None),
];

/// One network on one device.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The network's title.
    pub network: String,
    /// “CPU”, or the GPU's name.
    pub device: String,
    /// Workers that shared the gradients.
    pub workers: usize,
    /// Of one gradient, the least of several runs; nothing, if it failed.
    pub seconds: Option<f64>,
}

/// Measures one network in a pool, or says why there is none; what fails is a row too. `running` is
/// asked before every gradient: nothing, if it was stopped. `told` of what there is so far.
pub async fn measure<H: Host>(
    pool: Result<Pool<H>, Failure>,
    spec: &ModelSpec,
    weights: &Weights<BytesOf<H>>,
    running: impl Fn() -> bool,
    told: impl Fn(Phrase),
) -> Option<Measured> {
    let (device, workers, seconds) = match pool {
        Err(failure) => (format!("GPU: {}", failure.detail), 0, None),
        Ok(pool) => {
            let device = match pool.device {
                DeviceKind::Cpu => "CPU".into(),
                DeviceKind::Gpu => format!("GPU ({})", pool.adapter),
            };
            let seconds = masks(&pool, spec, weights, &running, told).await;
            (device, pool.size(), seconds.ok().flatten())
        }
    };
    running().then(|| Measured {
        network: spec.title.to_string(),
        device,
        workers,
        seconds,
    })
}

/// Seconds a gradient of a few masks, at least; nothing, if it was stopped.
async fn masks<H: Host>(
    pool: &Pool<H>,
    spec: &ModelSpec,
    weights: &Weights<BytesOf<H>>,
    running: impl Fn() -> bool,
    told: impl Fn(Phrase),
) -> Result<Option<f64>, Failure> {
    pool.load(weights).await?;
    let zeros = vec![0.0; spec.preprocessing.input_len()];
    let quadrature = Rule::Secant.quadrature(GRADIENTS)?;
    let gradients = quadrature.alphas.len();
    let mut least = None;
    for run in 0..RUNS {
        // A path of its own each time, and none that all activations are zero on.
        let input = vec![1.0 + run as f32; zeros.len()];
        pool.keep(&input, &zeros).await?;
        let start = pool.now();
        let part = |pieces| quadrature.slice(pieces);
        pool.sum(Target::output(0), gradients, part, &running, |_| {})
            .await?;
        if !running() {
            return Ok(None);
        }
        let seconds = (pool.now() - start) / SECOND / gradients as f64;
        if run > 0 {
            least = Some(least.map_or(seconds, |least: f64| least.min(seconds)));
            told(phrase!(
                "{network}: {seconds} s a gradient",
                network = name(&*spec.title),
                seconds = decimal(seconds, 4),
            ));
        }
    }
    Ok(least)
}

/// All of them as a table in Markdown, under what is said of the machine: what an issue or a mail takes as it is.
pub fn report(machine: &[String], measured: &[Measured]) -> String {
    let lines = machine.iter().map(|line| format!("{line}\n"));
    let rows = measured.iter().map(|row| {
        let seconds = match row.seconds {
            Some(seconds) => format!("{seconds:.4}"),
            None => "failed".into(),
        };
        // A bar would end the cell.
        let device = row.device.replace('|', "/");
        format!(
            "| {} | {device} | {} | {seconds} |\n",
            row.network, row.workers
        )
    });
    let head = "\n| network | device | workers | seconds a gradient |\n|---|---|---:|---:|\n";
    lines.chain([head.into()]).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use pollster::block_on;

    use super::super::pool::tests::{Stand, timed, weights};
    use super::*;
    use crate::model::catalog::CATALOG;

    #[test]
    fn the_fastest_of_several_masks_counts_and_what_was_stopped_is_no_row() {
        let spec = &CATALOG[0];
        let measured = |running: bool| {
            let pool = Ok(timed(40.0));
            block_on(measure(pool, spec, &weights(0), || running, |_| {}))
        };
        // 24 gradients, one after the other.
        let row = measured(true).expect("a row");
        assert_eq!((&*row.device, row.workers), ("CPU", 1));
        assert!(
            row.seconds
                .is_some_and(|seconds| (seconds - 0.04).abs() < 1e-9)
        );
        assert_eq!(measured(false), None);
        let no_pool: Result<Pool<Rc<Stand>>, _> = Err(Failure::internal("none here"));
        let row = block_on(measure(no_pool, spec, &weights(0), || true, |_| {}));
        let row = row.expect("a row too");
        assert_eq!((&*row.device, row.seconds), ("GPU: none here", None));
    }

    #[test]
    fn a_report_is_a_table() {
        let row = |device: &str, seconds| Measured {
            network: "ShapesNet".into(),
            device: device.into(),
            workers: 1,
            seconds,
        };
        let rows = [row("CPU", Some(0.004_04)), row("GPU (a|b)", None)];
        assert_eq!(
            report(&["A browser".into()], &rows),
            "A browser\n\n\
             | network | device | workers | seconds a gradient |\n\
             |---|---|---:|---:|\n\
             | ShapesNet | CPU | 1 | 0.0040 |\n\
             | ShapesNet | GPU (a/b) | 1 | failed |\n"
        );
    }
}
