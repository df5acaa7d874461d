//! One number that answers a question with yes or no becomes two outputs, so that either side can be explained.

use crate::constant::Constant;
use crate::error::Result;
use crate::graph::{Graph, Head, Node, Origin, Value, ValueId};
use crate::operation::{Clamp, Operation};

impl Graph {
    /// Makes two elements, −z and z, of an output that is one number z: the logits of no and yes, each with a
    /// sigmoid after it, as σ(−z) = 1 − σ(z). An output of more elements, or that is not there, stays as it is.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) if a constant cannot be made.
    ///
    /// # Example
    ///
    /// ```
    /// use violet_graph::{Builder, Constant, Head, Reference};
    ///
    /// let mut b = Builder::new(&[3])?;
    /// let weight = b.constant(Constant::f32(&[1, 3], vec![1.0, 2.0, -4.0])?)?;
    /// let z = b.linear(b.input(), weight, None)?;
    /// b.output("dog", z);
    /// let graph = b.finish()?.with_both_sides("dog")?;
    /// let output = &graph.outputs()[0];
    /// assert_eq!((graph.shape(output.value), output.head), (&[2][..], Head::Sigmoid));
    /// let run = Reference::new(&graph).run(&[1.0, 1.0, 0.5])?;
    /// assert_eq!(run.value(output.value), [-1.0, 1.0]);
    /// # Ok::<(), violet_graph::Error>(())
    /// ```
    pub fn with_both_sides(mut self, output: &str) -> Result<Self> {
        let Some(index) = self.outputs.iter().position(|one| one.name == output) else {
            return Ok(self);
        };
        let z = self.outputs[index].value;
        if self.value(z).elements() != 1 {
            return Ok(self);
        }
        let weight = self.kept(Constant::f32(&[2, 1], vec![-1.0, 1.0])?);
        let bias = self.kept(Constant::f32(&[2], vec![0.0; 2])?);
        let row = self.made(
            output,
            Operation::Reshape { shape: vec![1] },
            vec![z],
            vec![1],
        );
        let clamp = Clamp::NONE;
        let inputs = vec![row, weight, bias];
        let sides = self.made(output, Operation::Linear { clamp }, inputs, vec![2]);
        self.outputs[index].value = sides;
        self.outputs[index].head = Head::Sigmoid;
        Ok(self)
    }

    fn kept(&mut self, constant: Constant) -> ValueId {
        let value = ValueId(self.values.len() as u32);
        self.values.push(Value {
            shape: constant.shape().to_vec(),
            origin: Origin::Constant(constant),
        });
        value
    }

    /// What a new node makes at the graph's end.
    fn made(
        &mut self,
        name: &str,
        operation: Operation,
        inputs: Vec<ValueId>,
        shape: Vec<usize>,
    ) -> ValueId {
        let output = ValueId(self.values.len() as u32);
        let origin = Origin::Node(self.nodes.len());
        self.values.push(Value { shape, origin });
        self.nodes.push(Node {
            name: name.into(),
            operation,
            inputs,
            output,
        });
        output
    }
}
