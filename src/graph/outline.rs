//! A graph in two parts, to be handed on: what it computes, and its constants' elements.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::constant::Constant;
use crate::error::{Error, Result};
use crate::graph::{Graph, Origin, ValueId};

/// A graph without its constants' elements: small, whatever the network. The elements, which are nearly all of
/// it, go beside it as they are, [`Graph::elements`], and are not copied more often than needed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outline(Graph);

impl Graph {
    /// The graph without the elements of its constants, to be handed on.
    pub fn outline(&self) -> Outline {
        Outline(self.clone().without_elements(|_| false))
    }

    /// The same graph, whose constants have no elements any more, but for some: all that is asked of one whose
    /// weights are kept elsewhere.
    pub fn without_elements(mut self, but: impl Fn(ValueId) -> bool) -> Self {
        for (index, value) in self.values.iter_mut().enumerate() {
            if let Origin::Constant(constant) = &mut value.origin
                && !but(ValueId(index as u32))
            {
                *constant = constant.emptied();
            }
        }
        self
    }

    /// The elements of each constant, in the order that an [`Outline`] takes them.
    pub fn elements(&self) -> impl Iterator<Item = &Arc<[f32]>> {
        // A finished graph has none that are not floats.
        self.values.iter().filter_map(|value| match &value.origin {
            Origin::Constant(constant) => constant.floats(),
            _ => None,
        })
    }
}

impl Outline {
    /// How many elements each constant has.
    pub fn lengths(&self) -> impl Iterator<Item = usize> {
        let constants = self.0.values.iter();
        let constants = constants.filter(|value| matches!(value.origin, Origin::Constant(_)));
        constants.map(|value| value.shape.iter().product())
    }

    /// The graph, with the elements of its constants in their order.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if they are more or fewer than it has places for.
    pub fn with_elements(self, elements: impl IntoIterator<Item = Arc<[f32]>>) -> Result<Graph> {
        let Self(mut graph) = self;
        let mut elements = elements.into_iter();
        for value in &mut graph.values {
            if let Origin::Constant(constant) = &mut value.origin {
                *constant = Constant::f32(&value.shape, elements.next().unwrap_or_default())?;
            }
        }
        match elements.count() {
            0 => Ok(graph),
            found => Err(Error::Length {
                what: "constants, those that are left over",
                expected: 0,
                found,
            }),
        }
    }
}
