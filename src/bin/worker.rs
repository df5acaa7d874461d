//! The engine in a worker: answers the page's requests.

#[cfg(target_family = "wasm")]
pub(crate) fn main() {
    violet::worker::start_engine();
}

#[cfg(not(target_family = "wasm"))]
pub(crate) fn main() {
    eprintln!("This program is a part of the page; scripts/serve.sh builds and serves it.");
}
