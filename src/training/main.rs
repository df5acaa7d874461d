//! Trains ShapesNet from nothing, honest and cheating:
//!
//! ```text
//! cargo run --release -p train-shapes
//! ```
//!
//! The honest network sees scenes without tag and with a misleading one; for the other the tag always
//! tells the class. Both are trained at once, on a thread each; the same seed gives the same files.

mod album;
mod layer;
mod network;
mod report;
mod train;

fn main() -> std::process::ExitCode {
    use clap::Parser;

    let arguments = train::Arguments::parse();
    match train::run(&arguments) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("train-shapes: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
