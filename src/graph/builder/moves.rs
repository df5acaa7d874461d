//! Parts of values, copies of them, and what is padded, with ranges as files say them.

use super::Builder;
use crate::error::Result;
use crate::graph::ValueId;
use crate::limits;
use crate::operation::Operation;

/// What an image is padded with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PadMode {
    /// A number.
    Constant(f32),
    /// The image mirrored at its outermost elements, which are not repeated.
    Reflect,
    /// The image mirrored at its edge, the outermost elements repeated.
    Symmetric,
    /// Its outermost elements.
    Edge,
    /// Its other side.
    Wrap,
}

impl Builder {
    /// From `starts` to `ends`, `steps` apart, along `axes`: without axes the first ones, without
    /// steps 1. What lies outside is cut off, as NumPy does.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn slice(
        &mut self,
        x: ValueId,
        starts: &[i64],
        ends: &[i64],
        axes: &[i64],
        steps: &[i64],
    ) -> Result<ValueId> {
        let count = starts.len();
        let fits = |list: &[i64]| list.is_empty() || list.len() == count;
        if ends.len() != count || !fits(axes) || !fits(steps) {
            return self.refuse("Slice", x, "its lists have different lengths".into());
        }
        let shape = self.shape(x).to_vec();
        let (mut from, mut by) = (vec![0; shape.len()], vec![1; shape.len()]);
        let mut counts = shape.clone();
        for k in 0..count {
            let axis = self.axis(x, axes.get(k).copied().unwrap_or(k as i64))?;
            let step = steps.get(k).copied().unwrap_or(1);
            let length = shape[axis] as i64;
            let inside = |index: i64, low: i64, high: i64| {
                let index = if index < 0 {
                    index.saturating_add(length)
                } else {
                    index
                };
                index.clamp(low, high)
            };
            let (start, distance) = match step {
                1.. => {
                    let start = inside(starts[k], 0, length);
                    (start, inside(ends[k], 0, length) - start)
                }
                0 => return self.refuse("Slice", x, "its step is 0".into()),
                _ => {
                    let start = inside(starts[k], -1, length - 1);
                    (start, start - inside(ends[k], -1, length - 1))
                }
            };
            counts[axis] = distance.max(0).unsigned_abs().div_ceil(step.unsigned_abs()) as usize;
            from[axis] = if counts[axis] == 0 { 0 } else { start as usize };
            // Of one element the step is of no consequence.
            by[axis] = if counts[axis] < 2 { 1 } else { step as isize };
        }
        if counts == shape && by.iter().all(|&step| step == 1) {
            return Ok(x);
        }
        let slice = Operation::Slice {
            starts: from,
            steps: by,
            counts,
        };
        self.push(slice, &[x])
    }

    /// Elements of one axis by their index, which takes the shape of the indices: none for one
    /// index by itself, \[indices\] for a list.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn gather(
        &mut self,
        x: ValueId,
        axis: i64,
        indices: &[i64],
        index_shape: &[usize],
    ) -> Result<ValueId> {
        let axis = self.axis(x, axis)?;
        let shape = self.shape(x).to_vec();
        if crate::shape::elements(index_shape) != indices.len() as u64 {
            return self.refuse("Gather", x, "the indices are not of their shape".into());
        }
        let index = |&index: &i64| {
            let length = shape[axis] as i64;
            let index = if index < 0 {
                index.saturating_add(length)
            } else {
                index
            };
            (0..length).contains(&index).then_some(index as usize)
        };
        self.check_places("Gather", indices.len() as u64)?;
        let Some(indices) = indices.iter().map(index).collect::<Option<Vec<usize>>>() else {
            return self.refuse("Gather", x, format!("an index is not in axis {axis}"));
        };
        let made = [&shape[..axis], index_shape, &shape[axis + 1..]].concat();
        let first = indices.first().copied().unwrap_or(0);
        // A range is a slice.
        let taken = if indices.iter().copied().eq(first..first + indices.len()) {
            let end = (first + indices.len()) as i64;
            self.slice(x, &[first as i64], &[end], &[axis as i64], &[])?
        } else {
            let indices = indices.into();
            self.push(Operation::Gather { axis, indices }, &[x])?
        };
        self.reshape_to(taken, made)
    }

    /// Broadcast together with a shape: axes of length 1 are repeated, and so are those that the
    /// shape has before x's.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn expand(&mut self, x: ValueId, shape: &[i64]) -> Result<ValueId> {
        let wanted: Option<Vec<usize>> = shape
            .iter()
            .map(|&length| usize::try_from(length).ok())
            .collect();
        let own = self.shape(x).to_vec();
        let made = wanted.and_then(|wanted| crate::shape::broadcast(&own, &wanted).ok());
        let Some(made) = made else {
            return self.refuse("Expand", x, format!("it cannot be broadcast to {shape:?}"));
        };
        let mut aligned = vec![1; made.len() - own.len()];
        aligned.extend(own);
        let x = self.reshape_to(x, aligned)?;
        if self.shape(x) == made {
            return Ok(x);
        }
        self.push(Operation::Expand { shape: made }, &[x])
    }

    /// So many copies side by side, for each axis.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn tile(&mut self, x: ValueId, repeats: &[i64]) -> Result<ValueId> {
        let shape = self.shape(x).to_vec();
        if repeats.len() != shape.len() {
            return self.refuse(
                "Tile",
                x,
                format!("it cannot be repeated {repeats:?} times"),
            );
        }
        let mut x = x;
        for (axis, (&repeat, &length)) in repeats.iter().zip(&shape).enumerate() {
            if repeat == 1 {
                continue;
            }
            let limit = limits::ELEMENTS as i64;
            let count = repeat.checked_mul(length as i64);
            let Some(count) = count.filter(|count| (0..=limit).contains(count)) else {
                return self.refuse("Tile", x, format!("it cannot be repeated {repeat} times"));
            };
            self.check_places("Tile", count as u64)?;
            let indices = (0..count as usize).map(|index| index % length).collect();
            x = self.push(Operation::Gather { axis, indices }, &[x])?;
        }
        Ok(x)
    }

    /// Padded before and after, for each axis; negative padding cuts off.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn pad(
        &mut self,
        x: ValueId,
        before: &[i64],
        after: &[i64],
        mode: PadMode,
    ) -> Result<ValueId> {
        let rank = self.shape(x).len();
        let limit = limits::ELEMENTS as i64;
        let mut amounts = before.iter().chain(after);
        let bounded = amounts.all(|amount| (-limit..=limit).contains(amount));
        if before.len() != rank || after.len() != rank || !bounded {
            let reason = format!("it cannot be padded by {before:?} and {after:?}");
            return self.refuse("Pad", x, reason);
        }
        // What is cut off first.
        let cut = |pads: &[i64]| pads.iter().map(|&pad| (-pad).max(0)).collect::<Vec<_>>();
        let (starts, cut_after) = (cut(before), cut(after));
        let lengths = self.shape(x).iter().zip(&cut_after);
        let ends: Vec<i64> = lengths.map(|(&length, cut)| length as i64 - cut).collect();
        let axes: Vec<i64> = (0..rank as i64).collect();
        let mut x = self.slice(x, &starts, &ends, &axes, &[])?;
        let added = |pads: &[i64]| pads.iter().map(|&pad| pad.max(0) as usize).collect();
        let (before, after): (Vec<usize>, Vec<usize>) = (added(before), added(after));
        if before.iter().chain(&after).all(|&pad| pad == 0) {
            return Ok(x);
        }
        if let PadMode::Constant(value) = mode {
            // Before a max-pool, −∞ is padded with.
            let value = value.clamp(-super::MASKED, super::MASKED);
            let pad = Operation::Pad {
                before,
                after,
                value,
            };
            return self.push(pad, &[x]);
        }
        for axis in 0..rank {
            if before[axis] == 0 && after[axis] == 0 {
                continue;
            }
            let length = self.shape(x)[axis] as i64;
            let most = match mode {
                PadMode::Reflect => length - 1,
                PadMode::Symmetric | PadMode::Wrap => length,
                // Of no elements there is none at the edge.
                PadMode::Edge if length == 0 => 0,
                PadMode::Constant(_) | PadMode::Edge => limit,
            };
            if before[axis].max(after[axis]) as i64 > most {
                let reason = format!("axis {axis} is too short for {mode:?}");
                return self.refuse("Pad", x, reason);
            }
            let total = length as usize + before[axis] + after[axis];
            self.check_places("Pad", total as u64)?;
            let places = -(before[axis] as i64)..length + after[axis] as i64;
            let source = |place: i64| {
                let inside = match mode {
                    PadMode::Reflect if place < 0 => -place,
                    PadMode::Reflect if place >= length => 2 * length - 2 - place,
                    PadMode::Symmetric if place < 0 => -1 - place,
                    PadMode::Symmetric if place >= length => 2 * length - 1 - place,
                    PadMode::Wrap => place.rem_euclid(length),
                    _ => place.clamp(0, length - 1),
                };
                inside as usize
            };
            let indices = places.map(source).collect();
            x = self.push(Operation::Gather { axis, indices }, &[x])?;
        }
        Ok(x)
    }
}
