//! Page and workers: the only place that knows the browser. It draws and hands on; it computes
//! nothing.

mod client;
mod dom;
mod dropped;
mod files;
#[cfg(feature = "engine")]
mod gpu;
mod page;
mod picture;
mod plot;
mod pool;
mod sentences;
mod stage;
mod words;

#[cfg(feature = "engine")]
mod worker;

pub use page::start as start_page;
#[cfg(feature = "engine")]
pub use worker::start as start_worker;
