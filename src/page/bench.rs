//! How fast a machine explains, for its visitor to read and to pass on.

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
    use super::*;

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
