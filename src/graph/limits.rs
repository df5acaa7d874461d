//! What no file may exceed, however it came to be: time and memory stay bounded.
//!
//! The largest networks that people bring have some 150 million parameters and 2³⁷ multiplications.

/// Axes of a value.
pub const RANK: usize = 8;

/// Elements of one value.
pub const ELEMENTS: usize = 1 << 28;

/// Elements of a constant that is computed: that takes some forty bytes each while it lasts. Weights
/// are only turned over as a rule, which takes no more than themselves.
pub const COMPUTED: usize = 1 << 25;

/// Multiplications by which constants are computed while a graph is built, by definition and in double precision.
pub const FOLDED: u64 = 1 << 31;

/// Elements of all constants that are made while a graph is built.
pub const CONSTANTS: usize = 1 << 29;

/// Places in its input that an operation names one by one, along one axis: those that are gathered,
/// and those that a resized image mixes. A file asks for any number of them in a few bytes.
pub const PLACES: usize = 1 << 22;

/// Such places of all nodes of a graph: half a gigabyte.
pub const ALL_PLACES: usize = 1 << 25;

/// Multiplications of one forward pass of one image.
pub const MULTIPLICATIONS: u64 = 1 << 40;

/// Nodes of a graph.
pub const NODES: usize = 100_000;

/// Elements of all values that the nodes of a graph make of one image.
pub const ACTIVATIONS: usize = 1 << 31;

/// Elements of all values of one image that the executor in double precision holds: 2 GiB.
pub const REFERENCE: u64 = 1 << 28;

/// Taps of a window along one axis, its stride and its dilation.
pub const WINDOW: usize = 1 << 14;
