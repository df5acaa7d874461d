//! The page in a browser. It draws and hands on; it computes nothing.

mod bench;
mod client;
mod dom;
mod dropped;
mod files;
mod gpu;
mod page;
mod parts;
mod picture;
mod pool;
mod reading;
mod stage;
mod words;

/// Starts the page that was opened.
pub fn start_page() {
    let body = dom::document().body();
    let page = body.and_then(|body| body.get_attribute("data-page"));
    match page.as_deref() {
        Some("bench") => bench::start(),
        _ => page::start(),
    }
}
