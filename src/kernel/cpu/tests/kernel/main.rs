//! The kernels from outside: what is compiled for each width of vectors is compiled once, and not again for its tests.

mod batch_norm;
mod bottleneck;
mod concat;
mod convolution;
mod function;
mod linear;
mod matrix;
mod pair;
mod rows;
mod spare;
mod strided;
mod transpose;
