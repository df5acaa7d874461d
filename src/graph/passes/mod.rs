//! What is done to a graph before it runs: each pass leaves the function as it is.

mod affine;
mod fuse;
mod head;
mod identities;
mod norms;
mod pads;
mod recognise;
mod rewrite;
mod transposes;

use crate::error::Result;
use crate::graph::Graph;

impl Graph {
    /// The same function in fewer and faster operations, ready to run: functions that are written
    /// out are recognised, scales become part of weights, transposes cancel, what follows a layer is
    /// fused, and heads are taken off ([`Head`](crate::Head)).
    ///
    /// Weights are rounded to f32 again where they are scaled.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) if the graph is at a limit and would exceed it.
    ///
    /// # Example
    ///
    /// ```
    /// use violet_graph::{Binary, Builder, Constant, Head, Sliding};
    ///
    /// let mut b = Builder::new(&[3, 8, 8])?;
    /// let weight = b.constant(Constant::f32(&[4, 3, 3, 3], vec![0.5; 108])?)?;
    /// let x = b.convolution(b.input(), weight, None, &Sliding::default(), 1)?;
    /// let scale = b.constant(Constant::f32(&[4, 1, 1], vec![2.0; 4])?)?;
    /// let x = b.binary(Binary::Mul, x, scale)?;
    /// let x = b.relu(x)?;
    /// let x = b.reshape(x, &[1, -1])?;
    /// let x = b.softmax(x, 1)?;
    /// b.output("probabilities", x);
    /// let graph = b.finish()?.prepared()?;
    /// let names: Vec<&str> = graph.nodes().iter().map(|node| node.operation().name()).collect();
    /// assert_eq!(names, ["Convolution", "Reshape"]);
    /// assert_eq!(graph.outputs()[0].head, Head::Softmax);
    /// # Ok::<(), violet_graph::Error>(())
    /// ```
    pub fn prepared(self) -> Result<Self> {
        let graph = identities::drop(self)?;
        let graph = norms::recognise(graph)?;
        let graph = recognise::functions(graph)?;
        let graph = head::strip(graph)?;
        let graph = transposes::cancel(graph)?;
        let graph = identities::drop(graph)?;
        let graph = pads::merge(graph)?;
        let graph = affine::fold(graph)?;
        let graph = identities::drop(graph)?;
        fuse::fuse(graph)
    }

    /// The graph with one pass applied, for tests.
    #[doc(hidden)]
    pub fn after(self, pass: &str) -> Result<Self> {
        match pass {
            "identities" => identities::drop(self),
            "norms" => norms::recognise(self),
            "functions" => recognise::functions(self),
            "head" => head::strip(self),
            "transposes" => transposes::cancel(self),
            "pads" => pads::merge(self),
            "affine" => affine::fold(self),
            _ => fuse::fuse(self),
        }
    }
}
