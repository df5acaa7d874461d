//! A picture cut into regions: which they are, what each of them comes to, how they are drawn, and what covering
//! them says. Plain slices; no network and no browser.

mod coalitions;
mod colour;
mod drawing;
mod greedy;
mod partition;
mod segment;

pub use coalitions::{Coalitions, Interaction};
pub use drawing::{Manner, patches};
pub use greedy::Greedy;
pub use partition::{Partition, RegionReport, cover};

/// The most regions that a picture is cut into: as many as one reads in a list.
pub const MOST_REGIONS: usize = 16;
