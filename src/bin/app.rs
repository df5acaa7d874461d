//! The page's own module: draws, and asks the workers.

#[cfg(target_family = "wasm")]
fn main() {
    violet::web::start_page();
}

#[cfg(not(target_family = "wasm"))]
fn main() {
    eprintln!("This program is the page; scripts/serve.sh builds and serves it.");
}
