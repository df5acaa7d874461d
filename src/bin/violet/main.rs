//! Violet on the command line: the page's engine, for scripts, tests and comparisons.
//!
//! Without the feature `engine` there is only `convert`, which builds in seconds:
//! `scripts/weights.sh` asks for nothing else.

#[cfg(all(feature = "engine", not(target_family = "wasm")))]
mod check;
#[cfg(all(feature = "engine", not(target_family = "wasm")))]
mod detect;
#[cfg(all(feature = "engine", not(target_family = "wasm")))]
mod evaluate;
#[cfg(all(feature = "engine", not(target_family = "wasm")))]
mod explain;
#[cfg(all(feature = "engine", not(target_family = "wasm")))]
mod files;
#[cfg(all(feature = "engine", not(target_family = "wasm")))]
mod measure;
#[cfg(all(feature = "engine", not(target_family = "wasm")))]
mod memory;
#[cfg(all(feature = "engine", not(target_family = "wasm")))]
mod model;
#[cfg(all(feature = "engine", not(target_family = "wasm")))]
mod pool;
#[cfg(not(target_family = "wasm"))]
mod weights;

/// How it ends when nobody reads what it says: 128 and the signal's number, as shells count.
#[cfg(not(target_family = "wasm"))]
const UNREAD: i32 = 128 + 13;

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
        #[cfg(feature = "engine")]
        /// Explain photos: attributions, mask, overlay and a report for each
        Explain(explain::Arguments),
        #[cfg(feature = "engine")]
        /// List what a detector finds in photos
        Detect(detect::Arguments),
        #[cfg(feature = "engine")]
        /// Score masks on drawn scenes, where the truth is known, for every rule and baseline
        Evaluate(evaluate::Arguments),
        #[cfg(feature = "engine")]
        /// Say what a network's file holds, and whether it is computed rightly
        Check(check::Arguments),
        #[cfg(feature = "engine")]
        /// Print what a network computes with one image, as JSON, to compare with other run times
        Measure(measure::Arguments),
        /// Convert original weights to the page's compact form
        Convert(weights::Arguments),
    }

    const EXAMPLES: &str = "\
Examples:
  violet explain cat.jpg --out cat
      The likeliest class from a black baseline, by as many secants as its mask needs to be settled to 5 %.
  violet explain cat.jpg --target \"Egyptian cat\" --tolerance 0.02 --out cat
      Another class, settled to 2 %: map_error_estimate in cat/report.json.
  violet explain cat.jpg --rule trapezoid --steps 50 --out cat
      The paper's way: 51 gradients, whose sum may be far from the change of the output.
  violet explain cat.jpg --target \"Egyptian cat\" --against tabby --out cat
      Why this class and not that one.
  violet explain street.jpg --model ssd-mobilenet-v2 --target person --out person
      The best box with a person in it; `violet detect street.jpg` lists them all.
  violet explain *.jpg --weights mine.pth --labels mine.txt --out masks
      A network of your own, or --weights model.onnx, a Teachable Machine .zip, keras_model.h5,
      model.tflite; `violet check` says what such a file holds. Many photos, one folder each; a broken one does not stop the others.";

    // Whoever reads may stop, as `head` does: that is no fault of ours.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload_as_str().unwrap_or_default();
        if said.starts_with("failed printing to stdout") {
            std::process::exit(UNREAD);
        }
        usual(panic);
    }));
    #[cfg(feature = "engine")]
    memory::keep();
    let result = match Arguments::parse().command {
        #[cfg(feature = "engine")]
        Command::Explain(arguments) => explain::run(&arguments),
        #[cfg(feature = "engine")]
        Command::Detect(arguments) => detect::run(&arguments),
        #[cfg(feature = "engine")]
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        #[cfg(feature = "engine")]
        Command::Check(arguments) => check::run(&arguments),
        #[cfg(feature = "engine")]
        Command::Measure(arguments) => measure::run(&arguments),
        Command::Convert(arguments) => weights::run(&arguments),
    };
    result.unwrap_or_else(|message| {
        eprintln!("violet: {message}");
        std::process::ExitCode::FAILURE
    })
}

#[cfg(target_family = "wasm")]
fn main() {}
