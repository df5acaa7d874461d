//! What is wanted on the page, what is shown, and what follows from the difference: plain data and rules,
//! without a browser. `web` moves the controls and draws; what a change means is decided here.

mod explanation;
mod job;
mod search;
mod settings;
mod strip;
mod work;

pub use explanation::{Explanation, Prepared, Progress, Verdict};
pub use job::{Board, Job, Jobs};
pub use search::matching;
pub use settings::{
    Begin, FIELDS, Field, MOST_STEPS, PictureId, Settings, Start, View, differing, first_difference,
};
pub use strip::{MOST_PHOTOS, Shelf, Shelved};
pub use work::{Next, Work};
