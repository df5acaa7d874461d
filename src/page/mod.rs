//! What is wanted on the page, what is shown, and what follows from the difference: plain data and rules,
//! without a browser. `web` moves the controls and draws; what a change means is decided here, and so is what chapters ask
//! of whoever computes ([`study`]).

mod adapter;
mod amounts;
pub mod answers;
pub mod baselines;
pub mod bench;
mod brought;
mod brush;
pub mod card;
mod chapters;
mod class_cards;
mod classroom;
pub mod controls;
mod covering;
mod download;
mod dropped;
mod explanation;
mod files;
mod forming;
mod fragile;
mod game;
mod guess;
pub mod handout;
mod hands;
mod job;
mod ledger;
mod lesson;
mod live;
mod networks;
mod open_ledger;
mod opened;
mod paint;
mod part;
mod plot;
pub mod pool;
mod qr;
mod quiz;
mod race;
pub mod reading;
pub mod region_list;
mod saved;
mod search;
pub mod sentences;
mod settings;
mod sheet;
mod stage;
pub mod steps;
mod strip;
mod strokes;
pub mod study;
pub mod titles;
mod tour;
pub mod trust;
mod values;
mod viewfinder;
mod viewport;
pub mod walk;
mod whatif;
mod work;
mod workers;

pub use adapter::{Adapter, Found};
pub use amounts::{adding_up, printed_change};
pub use brought::{Awaiting, Brought, Named, numbered};
pub use brush::{Brush, Touch};
pub use chapters::{CHAPTERS, FREE, MadeOf, chapters};
pub use class_cards::{BURST, Cards};
pub use classroom::{
    Class, Classroom, FEWEST_CLASSES, FEWEST_PICTURES, MOST_CLASSES, MOST_PICTURES, Marks,
};
pub use covering::{Covering, covered_by, noise_picture, other_baselines, plain_picture};
pub use download::Download;
pub use dropped::{HEAD, Kind, Sorted};
pub use explanation::{Explanation, Prepared, Progress, Seen, Verdict};
pub use files::{MOST_BYTES, READER, bounded, engine, not_ready, too_large};
pub use forming::Forming;
pub use fragile::{Answer, pixel_range, step_picture, weakest_quarter};
pub use game::{Game, Sight};
pub use guess::Guess;
pub use hands::{Click, Cursor, ENLARGE, Key, Motion, Pressed, wheel};
pub use job::{Board, Job, Jobs, duration};
pub use ledger::{Experiment, Ledger, Undrawn};
pub use lesson::{Lesson, OWN_PHOTO, PARTS, qr};
pub use live::{Live, Sketch, Wanted};
pub use networks::{Networks, OwnModel, Place, missing_weights};
pub use open_ledger::OpenLedger;
pub use opened::Opened;
pub use paint::{Paint, outline, tint};
pub use part::{Change, Panel, Part, Picture, Sign, button, option, part, plate, plated};
pub use plot::{Axis, Line, Plot};
pub use quiz::{
    Asked, Asking, FIRST_SCENE, Fit, Numbered, Question, Quiz, ROUNDS, SEEDS, fit, paste,
};
pub use race::{Devices, PATIENCE_MS, Race, computes, not_on_gpu};
pub use saved::Saved;
pub use search::matching;
pub use settings::{
    Begin, FIELDS, Field, MOST_STEPS, PictureId, Settings, Start, View, differing, first_difference,
};
pub use sheet::{MOST_PIXELS, Sheet};
pub use stage::{CURRENT, Layer, RegionMap, Stage};
pub use strip::{MOST_PHOTOS, Shelf, Shelved, Thumbnail, strip_of};
pub use strokes::{Area, Stroke};
pub use tour::{Facts, STEPS, Step, Tour};
pub use values::Values;
pub use viewfinder::{Viewfinder, buttons};
pub use viewport::{Placement, Viewport};
pub use whatif::WhatIf;
pub use work::{Next, Work};
pub use workers::{fitting, worker_count};
