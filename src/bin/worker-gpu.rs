//! The same engine for the GPU; the page fetches it where there is one.

#[path = "worker.rs"]
mod worker;

fn main() {
    worker::main();
}
