//! Page and workers: the only place that knows the browser. It draws and hands on; it computes
//! nothing.

#[cfg(feature = "graphs")]
mod listen;
#[cfg(feature = "reader")]
mod reader;
#[cfg(feature = "engine")]
mod worker;

#[cfg(feature = "page")]
mod bench;
#[cfg(feature = "page")]
mod client;
#[cfg(feature = "page")]
mod dom;
#[cfg(feature = "page")]
mod dropped;
#[cfg(feature = "page")]
mod files;
#[cfg(feature = "page")]
mod gpu;
#[cfg(feature = "page")]
mod page;
#[cfg(feature = "page")]
mod parts;
#[cfg(feature = "page")]
mod picture;
#[cfg(feature = "page")]
mod pool;
#[cfg(feature = "page")]
mod reading;
#[cfg(feature = "page")]
mod stage;
#[cfg(feature = "page")]
mod words;

#[cfg(feature = "reader")]
pub use reader::start as start_reader;
#[cfg(feature = "engine")]
pub use worker::start as start_worker;

/// Starts the page that was opened.
#[cfg(feature = "page")]
pub fn start_page() {
    let body = dom::document().body();
    let page = body.and_then(|body| body.get_attribute("data-page"));
    match page.as_deref() {
        Some("bench") => bench::start(),
        _ => page::start(),
    }
}
