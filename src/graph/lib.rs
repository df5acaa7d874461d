//! Networks as graphs: what every reader builds and every executor runs.
//!
//! A [`Graph`] is a list of [`Node`]s in an order in which they can run. Each node has one
//! [`Operation`] and makes one value; all shapes are known when the graph is built.
//!
//! **The batch is not in the graph.** Shapes are those of one image. A reader may keep a leading
//! axis of 1 where its file has one: spatial operations take the last three axes as \[C, H, W\] and
//! keep all axes before them. An executor runs N images side by side with one more axis outside of
//! everything, which no operation sees.
//!
//! **Constants** are values too. While a graph is being built they may be floats, integers or
//! booleans ([`Constant`]), and an operation on constants alone is computed at once, so that a
//! reader can pass a file's shape arithmetic through the same calls as everything else and ask
//! [`Builder::known`] for the result. A finished graph holds f32 constants only, and no node of a
//! finished graph has constants for all of its inputs.
//!
//! **Operations are few.** What can be said by others is: [`Builder`] has a method for each thing
//! that files contain and takes it apart. For each operation there is a derivative and a secant
//! (the mean gradient between two points whose products with the step sum to the change of the
//! output); `Operation`'s documentation names the rule.
//!
//! # From a file to a mask
//!
//! 1. A reader calls [`Builder`] for each node of its file, with the attributes that stand there.
//! 2. [`Graph::prepared`] recognises functions that are written out, folds scales into weights,
//!    cancels transposes, fuses what follows a layer, and takes the head off.
//! 3. [`Plan`] says what runs for the values that are wanted, and what has to be kept;
//!    [`Graph::source_of`] and [`Graph::logit_of`] say which value and element one output is.
//! 4. An executor runs it. [`Reference`] does by definition, in double precision; [`Graph::summary`]
//!    says beforehand what it takes.
//!
//! # Why so?
//!
//! **Why are functions recognised by what they compute?** Exporters write GELU, SiLU and hard-swish
//! in a dozen ways. What a few nodes make of one value is computed at 135 points and compared with
//! the functions that are known: one rule in place of a pattern for each exporter and each order of
//! factors. What is not recognised still runs, and its secants still sum.
//!
//! **Why is there no separate backward pass for derivatives?** Every secant's formula becomes the
//! derivative where its two points are equal. So the tests of derivatives against central differences
//! are tests of the same code that secants run through.
//!
//! **Why are quotients kept?** x · (1 / s), with the exact rule for each, is complete, but wild where
//! the baseline's s is small: products with a reciprocal are written as quotients, and normalisation
//! is one operation.
//!
//! **Why is there no operation for resizing, tiling, mirrored padding, local response norm?** They
//! are gathers and sparse sums along one axis (`Gather`, `Resample`), whose adjoints exist already.

#![forbid(unsafe_code)]

mod both_sides;
mod builder;
mod constant;
mod error;
mod fold;
mod graph;
pub mod limits;
mod operation;
mod outline;
mod passes;
mod plan;
mod reference;
mod shape;
mod shared;
mod summary;

pub use builder::{
    Builder, Coordinates, DepthOrder, Extent, Interpolation, PadMode, Padding, Resize, Rounding,
    Sliding,
};
pub use constant::{Comparison, Constant, Data, ElementType};
pub use error::{Error, Result};
pub use graph::{Graph, Head, Node, Origin, Output, Value, ValueId};
pub use operation::{
    AveragePool, Binary, Clamp, Convolution, ConvolutionTranspose, Gating, Operation, Reduction,
    Taps, Unary, Window,
};
pub use outline::Outline;
pub use plan::{Memory, Needs, Plan, Step};
pub use reference::{Point, Reference};
pub use summary::Summary;
