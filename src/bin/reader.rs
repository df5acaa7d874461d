//! The reader of networks in a worker: files in, a graph out.

#[cfg(target_family = "wasm")]
fn main() {
    violet::worker::start_reader();
}

#[cfg(not(target_family = "wasm"))]
fn main() {
    eprintln!("This program is a part of the page; scripts/serve.sh builds and serves it.");
}
