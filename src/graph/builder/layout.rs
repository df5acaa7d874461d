//! Axes and shapes as files say them: negative axes count from the end.

use super::Builder;
use crate::constant::Constant;
use crate::error::Result;
use crate::graph::ValueId;
use crate::operation::Operation;

/// In which order the depth of [`Builder::depth_to_space`] holds a block's pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DepthOrder {
    /// Block rows, block columns, channels.
    ChannelsLast,
    /// Channels, block rows, block columns.
    ChannelsFirst,
}

impl Builder {
    /// The axis that a number means, from −rank to rank − 1.
    ///
    /// # Errors
    ///
    /// [`Impossible`](crate::Error::Impossible) if there is none.
    pub fn axis(&self, x: ValueId, axis: i64) -> Result<usize> {
        axis_of(self.shape(x).len(), axis).map_or_else(
            || self.refuse("Axis", x, format!("it has no axis {axis}")),
            Ok,
        )
    }

    /// The axes that numbers mean, ascending; all if none are named.
    ///
    /// # Errors
    ///
    /// [`Impossible`](crate::Error::Impossible) if there is no such axis, or one is named twice.
    pub fn axes(&self, x: ValueId, axes: &[i64]) -> Result<Vec<usize>> {
        if axes.is_empty() {
            return Ok((0..self.shape(x).len()).collect());
        }
        let named: Result<Vec<usize>> = axes.iter().map(|&axis| self.axis(x, axis)).collect();
        let mut named = named?;
        named.sort_unstable();
        if named.is_sorted_by(|a, b| a < b) {
            Ok(named)
        } else {
            self.refuse("Axes", x, format!("{axes:?} names an axis twice"))
        }
    }

    /// The same elements in another shape: 0 leaves an axis as it is, −1 takes what is left.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn reshape(&mut self, x: ValueId, dims: &[i64]) -> Result<ValueId> {
        let from = self.shape(x);
        let mut shape = Vec::new();
        for (axis, &dim) in dims.iter().enumerate() {
            shape.push(match (dim, from.get(axis)) {
                (0, Some(&length)) => length,
                (-1, _) => 1,
                (1.., _) => usize::try_from(dim).unwrap_or(usize::MAX),
                _ => return self.refuse("Reshape", x, format!("it cannot become {dims:?}")),
            });
        }
        let mut open = (0..dims.len()).filter(|&axis| dims[axis] == -1);
        if let Some(axis) = open.next() {
            let known = crate::shape::elements(&shape);
            let all = crate::shape::elements(from);
            if open.next().is_some() || known == 0 || !all.is_multiple_of(known) {
                return self.refuse("Reshape", x, format!("it cannot become {dims:?}"));
            }
            shape[axis] = (all / known) as usize;
        }
        self.reshape_to(x, shape)
    }

    /// The same elements in exactly that shape.
    pub(crate) fn reshape_to(&mut self, x: ValueId, shape: Vec<usize>) -> Result<ValueId> {
        if self.shape(x) == shape {
            return Ok(x);
        }
        self.push(Operation::Reshape { shape }, &[x])
    }

    /// Two axes: all before one, and all from it on.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn flatten(&mut self, x: ValueId, axis: i64) -> Result<ValueId> {
        let shape = self.shape(x);
        let rank = shape.len();
        let Some(axis) = (axis == rank as i64)
            .then_some(rank)
            .or(axis_of(rank, axis))
        else {
            return self.refuse("Flatten", x, format!("it has no axis {axis}"));
        };
        let length = |axes: &[usize]| axes.iter().product::<usize>();
        let flat = vec![length(&shape[..axis]), length(&shape[axis..])];
        self.reshape_to(x, flat)
    }

    /// Without axes of length 1: those named, or all of them.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn squeeze(&mut self, x: ValueId, axes: &[i64]) -> Result<ValueId> {
        let named = self.axes(x, axes)?;
        let shape = self.shape(x);
        let long = named.iter().find(|&&axis| shape[axis] != 1);
        if let (Some(axis), false) = (long, axes.is_empty()) {
            return self.refuse("Squeeze", x, format!("axis {axis} is not of length 1"));
        }
        let kept = |&axis: &usize| shape[axis] != 1 || !named.contains(&axis);
        let shape = (0..shape.len()).filter(kept).map(|axis| shape[axis]);
        let shape = shape.collect();
        self.reshape_to(x, shape)
    }

    /// With new axes of length 1, at these places of the result.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn unsqueeze(&mut self, x: ValueId, axes: &[i64]) -> Result<ValueId> {
        let shape = self.shape(x);
        let rank = shape.len() + axes.len();
        let new: Option<Vec<usize>> = axes.iter().map(|&axis| axis_of(rank, axis)).collect();
        let mut lengths = shape.iter();
        let made: Option<Vec<usize>> = new.and_then(|new| {
            let length = |axis| {
                if new.contains(&axis) {
                    Some(1)
                } else {
                    lengths.next().copied()
                }
            };
            (0..rank).map(length).collect()
        });
        match made {
            Some(made) if made.len() == rank && lengths.next().is_none() => {
                self.reshape_to(x, made)
            }
            _ => self.refuse("Unsqueeze", x, format!("it cannot have new axes {axes:?}")),
        }
    }

    /// Axis `k` of the result is axis `order[k]` of x; without an order, they are reversed.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn transpose(&mut self, x: ValueId, order: &[i64]) -> Result<ValueId> {
        let rank = self.shape(x).len();
        let order: Vec<usize> = if order.is_empty() {
            (0..rank).rev().collect()
        } else {
            let axes: Result<_> = order.iter().map(|&axis| self.axis(x, axis)).collect();
            axes?
        };
        if order.iter().copied().eq(0..rank) {
            return Ok(x);
        }
        self.push(Operation::Transpose { order }, &[x])
    }

    /// All side by side along an axis. What is empty is left out.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn concat(&mut self, inputs: &[ValueId], axis: i64) -> Result<ValueId> {
        let full = |id: &&ValueId| !self.shape(**id).contains(&0);
        let full: Vec<ValueId> = inputs.iter().filter(full).copied().collect();
        match (full.as_slice(), inputs) {
            (&[only], _) => Ok(only),
            ([], &[first, ..]) => Ok(first),
            ([], []) => Err(self.impossible("Concat", &[], "it has no inputs".into())),
            (&[first, ..], _) => {
                let axis = self.axis(first, axis)?;
                self.push(Operation::Concat { axis }, &full)
            }
        }
    }

    /// Pieces of these lengths along an axis.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn split(&mut self, x: ValueId, axis: i64, lengths: &[i64]) -> Result<Vec<ValueId>> {
        let axis = self.axis(x, axis)?;
        let whole = self.shape(x)[axis] as i64;
        let sum = lengths
            .iter()
            .try_fold(0, |sum: i64, &length| sum.checked_add(length));
        if sum != Some(whole) || lengths.iter().any(|&length| length < 0) {
            return self.refuse(
                "Split",
                x,
                format!("its pieces {lengths:?} are not the whole"),
            );
        }
        let mut start = 0;
        let mut pieces = Vec::new();
        for &length in lengths {
            let (starts, ends) = ([start], [start + length]);
            pieces.push(self.slice(x, &starts, &ends, &[axis as i64], &[])?);
            start += length;
        }
        Ok(pieces)
    }

    /// So many pieces along an axis, of the same length but perhaps the last.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn split_evenly(&mut self, x: ValueId, axis: i64, pieces: usize) -> Result<Vec<ValueId>> {
        let whole = self.shape(x)[self.axis(x, axis)?];
        let each = whole.div_ceil(pieces.max(1)).max(1);
        if pieces == 0 || pieces > whole || whole.div_ceil(each) != pieces {
            return self.refuse("Split", x, format!("it cannot be split into {pieces}"));
        }
        let length = |piece| each.min(whole - piece * each) as i64;
        let lengths: Vec<i64> = (0..pieces).map(length).collect();
        self.split(x, axis, &lengths)
    }

    /// Channels become pixels: x \[…, C · block², H, W\] to \[…, C, H · block, W · block\].
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn depth_to_space(
        &mut self,
        x: ValueId,
        block: usize,
        order: DepthOrder,
    ) -> Result<ValueId> {
        let shape = self.shape(x).to_vec();
        let area = block.saturating_mul(block);
        let [outer @ .., channels, height, width] = shape.as_slice() else {
            return self.refuse("DepthToSpace", x, "the input is no image".into());
        };
        if area == 0 || !channels.is_multiple_of(area) {
            let reason = format!("its channels are no blocks of {block} × {block}");
            return self.refuse("DepthToSpace", x, reason);
        }
        let each = channels / area;
        let n: usize = outer.iter().product();
        // [n, …, H, W] -> [n, C, H, row in block, W, column in block]
        let (split, axes) = match order {
            DepthOrder::ChannelsLast => ([block, block, each], [0, 3, 4, 1, 5, 2]),
            DepthOrder::ChannelsFirst => ([each, block, block], [0, 1, 4, 2, 5, 3]),
        };
        let apart = [&[n], split.as_slice(), &[*height, *width]].concat();
        let x = self.reshape_to(x, apart)?;
        let x = self.transpose(x, &axes)?;
        self.reshape_to(x, [outer, &[each, height * block, width * block]].concat())
    }

    /// Pixels become channels: x \[…, C, H, W\] to \[…, block² · C, H / block, W / block\], in the
    /// order block rows, block columns, channels.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn space_to_depth(&mut self, x: ValueId, block: usize) -> Result<ValueId> {
        let shape = self.shape(x).to_vec();
        let [outer @ .., channels, height, width] = shape.as_slice() else {
            return self.refuse("SpaceToDepth", x, "the input is no image".into());
        };
        if block == 0 || !height.is_multiple_of(block) || !width.is_multiple_of(block) {
            return self.refuse("SpaceToDepth", x, format!("it is no multiple of {block}"));
        }
        let n: usize = outer.iter().product();
        let [rows, columns] = [height / block, width / block];
        let apart = vec![n, *channels, rows, block, columns, block];
        let x = self.reshape_to(x, apart)?;
        let x = self.transpose(x, &[0, 3, 5, 1, 2, 4])?;
        let deep = [channels.saturating_mul(block * block), rows, columns];
        self.reshape_to(x, [outer, deep.as_slice()].concat())
    }

    /// The shape of a value, as a list of integers.
    ///
    /// # Errors
    ///
    /// [`TooLarge`](crate::Error::TooLarge).
    pub fn shape_of(&mut self, x: ValueId) -> Result<ValueId> {
        let dims: Vec<i64> = self.shape(x).iter().map(|&length| length as i64).collect();
        self.constant(Constant::integers(dims))
    }
}

/// The axis that a number from −rank to rank − 1 means.
fn axis_of(rank: usize, axis: i64) -> Option<usize> {
    let from_start = if axis < 0 {
        axis.checked_add(rank as i64)?
    } else {
        axis
    };
    usize::try_from(from_start).ok().filter(|&axis| axis < rank)
}
