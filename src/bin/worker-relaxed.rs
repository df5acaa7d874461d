//! The same engine for browsers with relaxed SIMD; `www/engine.js` chooses.

#[path = "worker.rs"]
mod worker;

fn main() {
    worker::main();
}
