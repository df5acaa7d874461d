//! What a network is, in numbers.

use crate::graph::{Graph, Origin, ValueId};
use crate::operation::Operation;
use crate::plan::{Memory, Plan};
use crate::shape;

/// What a network is, in numbers, for one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Layers with weights: convolutions and linear layers.
    pub layers: usize,
    /// Numbers that the file holds for them and others.
    pub parameters: u64,
    /// Multiplications of a forward pass, in layers with weights and products of matrices.
    pub multiplications: u64,
    /// Every operation by name, the most frequent one first, with how often there is one.
    pub operations: Vec<(&'static str, usize)>,
    /// Elements that are held at once.
    pub memory: Memory,
}

impl Graph {
    /// What the network is, in numbers.
    ///
    /// # Example
    ///
    /// ```
    /// use violet_graph::{Builder, Constant, Sliding};
    ///
    /// let mut b = Builder::new(&[3, 8, 8])?;
    /// let weight = b.constant(Constant::f32(&[4, 3, 3, 3], vec![0.5; 108])?)?;
    /// let x = b.convolution(b.input(), weight, None, &Sliding::default(), 1)?;
    /// b.output("x", x);
    /// let summary = b.finish()?.summary();
    /// assert_eq!((summary.layers, summary.parameters), (1, 112));
    /// assert_eq!(summary.multiplications, 36 * 108);
    /// assert_eq!(summary.operations, [("Convolution", 1)]);
    /// # Ok::<(), violet_graph::Error>(())
    /// ```
    pub fn summary(&self) -> Summary {
        let mut summary = Summary {
            layers: 0,
            parameters: 0,
            multiplications: 0,
            operations: Vec::new(),
            memory: Memory::default(),
        };
        for node in &self.nodes {
            let weighted = matches!(
                node.operation,
                Operation::Convolution(_)
                    | Operation::ConvolutionTranspose(_)
                    | Operation::Linear { .. }
            );
            summary.layers += usize::from(weighted);
            if weighted || node.operation == Operation::MatMul {
                let inputs: Vec<&[usize]> = node.inputs.iter().map(|&id| self.shape(id)).collect();
                let output = self.shape(node.output);
                summary.multiplications += shape::multiplications(&node.operation, &inputs, output);
            }
            let name = node.operation.name();
            match summary
                .operations
                .iter_mut()
                .find(|(known, _)| *known == name)
            {
                Some((_, count)) => *count += 1,
                None => summary.operations.push((name, 1)),
            }
        }
        summary
            .operations
            .sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let constants = self
            .values
            .iter()
            .filter(|value| matches!(value.origin, Origin::Constant(_)));
        summary.parameters = constants.map(|value| value.elements() as u64).sum();
        let outputs: Vec<ValueId> = self.outputs.iter().map(|output| output.value).collect();
        summary.memory = Plan::new(self, &outputs).memory();
        summary
    }
}
