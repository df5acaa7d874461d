//! Page and workers: the only place that knows the browser. It draws and hands on; it computes
//! nothing.

mod client;
mod dom;
mod files;
mod gpu;
mod page;
mod pool;
mod sentences;
mod stage;

mod worker;

pub use page::start as start_page;
pub use worker::start as start_worker;
