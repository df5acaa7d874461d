//! Page and workers: the only place that knows the browser. It draws and hands on; it computes
//! nothing.

mod bench;
mod client;
mod dom;
mod dropped;
mod files;
mod gpu;
#[cfg(feature = "graphs")]
mod listen;
mod page;
mod parts;
mod picture;
mod pool;
#[cfg(feature = "reader")]
mod reader;
mod reading;
mod stage;
mod words;

#[cfg(feature = "engine")]
mod worker;

#[cfg(feature = "reader")]
pub use reader::start as start_reader;
#[cfg(feature = "engine")]
pub use worker::start as start_worker;

/// Starts the page that was opened.
pub fn start_page() {
    let body = dom::document().body();
    let page = body.and_then(|body| body.get_attribute("data-page"));
    match page.as_deref() {
        Some("bench") => bench::start(),
        _ => page::start(),
    }
}
