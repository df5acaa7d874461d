//! Violet on the command line: the page's engine, for scripts, tests and comparisons.

#[cfg(not(target_family = "wasm"))]
mod detect;
#[cfg(not(target_family = "wasm"))]
mod evaluate;
#[cfg(not(target_family = "wasm"))]
mod explain;
#[cfg(not(target_family = "wasm"))]
mod memory;
#[cfg(not(target_family = "wasm"))]
mod model;
#[cfg(not(target_family = "wasm"))]
mod pool;
#[cfg(not(target_family = "wasm"))]
mod weights;

#[cfg(not(target_family = "wasm"))]
fn main() -> std::process::ExitCode {
    use clap::{Parser, Subcommand};

    /// Shows which pixels a neural network used, by Integrated Gradients.
    #[derive(Parser)]
    #[command(version, about, after_help = EXAMPLES)]
    struct Arguments {
        #[command(subcommand)]
        command: Command,
    }

    #[derive(Subcommand)]
    enum Command {
        /// Explain photos: attributions, mask, overlay and a report for each
        Explain(explain::Arguments),
        /// List what a detector finds in photos
        Detect(detect::Arguments),
        /// Score masks on drawn scenes, where the truth is known, for every rule and baseline
        Evaluate(evaluate::Arguments),
        /// Convert original weights to the page's compact form
        Convert(weights::Arguments),
    }

    const EXAMPLES: &str = "\
Examples:
  violet explain cat.jpg --out cat
      The likeliest class, 50 steps of the trapezoid rule from a black baseline.
  violet explain cat.jpg --target \"Egyptian cat\" --steps 200 --out cat
      Another class, more steps: the convergence delta in cat/report.json shrinks.
  violet explain cat.jpg --target \"Egyptian cat\" --against tabby --out cat
      Why this class and not that one.
  violet explain street.jpg --model ssd-mobilenet-v2 --target person --out person
      The best box with a person in it; `violet detect street.jpg` lists them all.
  violet explain *.jpg --weights mine.pth --labels mine.txt --out masks
      A network of your own. Many photos, one folder each; a broken one does not stop the others.";

    memory::keep();
    let result = match Arguments::parse().command {
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Detect(arguments) => detect::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Convert(arguments) => weights::run(&arguments),
    };
    result.unwrap_or_else(|message| {
        eprintln!("violet: {message}");
        std::process::ExitCode::FAILURE
    })
}

#[cfg(target_family = "wasm")]
fn main() {}
