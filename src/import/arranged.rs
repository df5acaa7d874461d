//! Building a graph for a file that counts an image's axes as \[N, H, W, C\].
//!
//! Violet's graphs have them as \[N, C, H, W\]. A value here remembers which of the file's axes
//! each of its own is; whoever reads a file names axes as the file does, and axes are moved only
//! where the order of the numbers matters: before a reshape, say. Transposing costs nothing by
//! itself.

mod layers;

use violet_graph::{
    Binary, Builder, Comparison, Constant, ElementType, Graph, PadMode, Reduction, Unary, ValueId,
};

use crate::detector;
use crate::error::{Error, Result};
use crate::imported::Detector;

/// A value: its axis `k` is the file's axis `order[k]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Arranged {
    id: ValueId,
    order: Vec<usize>,
}

/// The order of an image's axes: the file's N, C, H, W.
const PLANES: [usize; 4] = [0, 3, 1, 2];

/// A [`Builder`] that takes axes as the file has them.
#[derive(Debug)]
pub(crate) struct Arranger {
    builder: Builder,
}

impl Arranger {
    /// Begins a graph for images of these channels, height and width, and gives its input, which
    /// the file calls \[1, H, W, C\].
    pub(crate) fn new([channels, height, width]: [usize; 3]) -> Result<(Self, Arranged)> {
        let builder = Builder::new(&[1, channels, height, width])?;
        let id = builder.input();
        let order = PLANES.into();
        Ok((Self { builder }, Arranged { id, order }))
    }

    /// Names the nodes that follow.
    pub(crate) fn at(&mut self, name: &str) {
        self.builder.at(name);
    }

    /// Makes a value an output, with the file's order of axes.
    pub(crate) fn output(&mut self, name: &str, x: &Arranged) -> Result<()> {
        let id = self.plain(x)?;
        self.builder.output(name, id);
        Ok(())
    }

    /// Makes values the outputs, with the file's order of axes; or what a detector has instead of them.
    pub(crate) fn outputs(&mut self, all: &[(String, Arranged)]) -> Result<Option<Detector>> {
        let mut plain = Vec::with_capacity(all.len());
        for (name, x) in all {
            plain.push((name.clone(), self.plain(x)?));
        }
        let detector = detector::find(&mut self.builder, &plain, &[])?;
        if detector.is_none() {
            for (name, id) in &plain {
                self.builder.output(name, *id);
            }
        }
        Ok(detector)
    }

    /// The graph.
    pub(crate) fn finish(self) -> Result<Graph> {
        Ok(self.builder.finish()?)
    }

    /// The shape, as the file has it.
    pub(crate) fn shape(&self, x: &Arranged) -> Vec<usize> {
        let mut shape = vec![0; x.order.len()];
        for (&axis, &length) in x.order.iter().zip(self.builder.shape(x.id)) {
            shape[axis] = length;
        }
        shape
    }

    /// The constant that a value is, in the file's order; nothing if it depends on the image.
    pub(crate) fn known(&mut self, x: &Arranged) -> Result<Option<Constant>> {
        if self.builder.known(x.id).is_none() {
            return Ok(None);
        }
        let id = self.plain(x)?;
        Ok(self.builder.known(id).cloned())
    }

    /// A constant that the operation cannot do without.
    pub(crate) fn require(&mut self, x: &Arranged, what: &'static str) -> Result<Constant> {
        let id = self.plain(x)?;
        Ok(self.builder.require(id, what)?.clone())
    }

    /// The integers of such a constant.
    pub(crate) fn integers(&mut self, x: &Arranged, what: &'static str) -> Result<Vec<i64>> {
        Ok(self.require(x, what)?.to_i64())
    }

    /// A constant.
    pub(crate) fn constant(&mut self, constant: Constant) -> Result<Arranged> {
        let id = self.builder.constant(constant)?;
        Ok(self.of_plain(id))
    }

    /// A number.
    pub(crate) fn number(&mut self, value: f32) -> Result<Arranged> {
        self.constant(Constant::number(value))
    }

    fn of_plain(&self, id: ValueId) -> Arranged {
        let order = (0..self.builder.shape(id).len()).collect();
        Arranged { id, order }
    }

    /// The value with the file's order of axes.
    fn plain(&mut self, x: &Arranged) -> Result<ValueId> {
        let order: Vec<usize> = (0..x.order.len()).collect();
        self.arrange(x, &order)
    }

    /// The image \[N, C, H, W\].
    fn planes(&mut self, x: &Arranged) -> Result<ValueId> {
        match x.order.len() {
            4 => self.arrange(x, &PLANES),
            // The builder says what is wrong with it.
            _ => self.plain(x),
        }
    }

    fn of_planes(&self, id: ValueId) -> Arranged {
        match self.builder.shape(id).len() {
            4 => Arranged {
                id,
                order: PLANES.into(),
            },
            _ => self.of_plain(id),
        }
    }

    /// The value with its axes in that order.
    fn arrange(&mut self, x: &Arranged, order: &[usize]) -> Result<ValueId> {
        if x.order == order {
            return Ok(x.id);
        }
        let moves: Vec<usize> = order
            .iter()
            .map(|axis| {
                x.order
                    .iter()
                    .position(|own| own == axis)
                    .unwrap_or_default()
            })
            .collect();
        let shape = self.builder.shape(x.id);
        let long = moves.iter().filter(|&&axis| shape[axis] != 1);
        // Axes of length 1 may go anywhere.
        if long.is_sorted() {
            let shape: Vec<i64> = moves.iter().map(|&axis| shape[axis] as i64).collect();
            return Ok(self.builder.reshape(x.id, &shape)?);
        }
        if let Some(permuted) = self.builder.known(x.id).and_then(|c| permuted(c, &moves)) {
            return Ok(self.builder.constant(permuted)?);
        }
        let moves: Vec<i64> = moves.into_iter().map(|axis| axis as i64).collect();
        Ok(self.builder.transpose(x.id, &moves)?)
    }

    /// Which of the file's axes is meant; negative ones count from the end.
    pub(crate) fn axis(&self, x: &Arranged, axis: i64) -> Result<usize> {
        let rank = x.order.len();
        let from_start = if axis < 0 { axis + rank as i64 } else { axis };
        usize::try_from(from_start)
            .ok()
            .filter(|&axis| axis < rank)
            .ok_or_else(|| Error::Damaged {
                format: "network's",
                detail: format!("it names axis {axis} of a value with {rank} axes"),
            })
    }

    /// Which axis of the value the file's axis is.
    fn own_axis(&self, x: &Arranged, axis: i64) -> Result<i64> {
        let axis = self.axis(x, axis)?;
        let own = x.order.iter().position(|&own| own == axis);
        Ok(own.unwrap_or_default() as i64)
    }

    fn own_axes(&self, x: &Arranged, axes: &[i64]) -> Result<Vec<i64>> {
        axes.iter().map(|&axis| self.own_axis(x, axis)).collect()
    }

    /// Whatever the builder does to each element.
    pub(crate) fn each(
        &mut self,
        x: &Arranged,
        apply: impl FnOnce(&mut Builder, ValueId) -> violet_graph::Result<ValueId>,
    ) -> Result<Arranged> {
        let id = apply(&mut self.builder, x.id)?;
        let order = x.order.clone();
        Ok(Arranged { id, order })
    }

    /// A function of each element.
    pub(crate) fn unary(&mut self, unary: Unary, x: &Arranged) -> Result<Arranged> {
        self.each(x, |builder, x| builder.unary(unary, x))
    }

    /// A function of two elements; shapes are broadcast as the file has them.
    pub(crate) fn binary(
        &mut self,
        binary: Binary,
        a: &Arranged,
        b: &Arranged,
    ) -> Result<Arranged> {
        let ([a, b], order) = self.aligned(a, b)?;
        let id = self.builder.binary(binary, a, b)?;
        Ok(Arranged { id, order })
    }

    /// Two values brought to the same axes in the same order, for broadcasting.
    fn aligned(&mut self, a: &Arranged, b: &Arranged) -> Result<([ValueId; 2], Vec<usize>)> {
        // What depends on the image stays as it is, of two such the larger.
        let weight = |x: &Arranged| {
            let elements: usize = self.builder.shape(x.id).iter().product();
            (x.order.len(), self.builder.known(x.id).is_none(), elements)
        };
        let order = if weight(a) >= weight(b) {
            &a.order
        } else {
            &b.order
        }
        .clone();
        let ids = [self.broadcast(a, &order)?, self.broadcast(b, &order)?];
        Ok((ids, order))
    }

    /// The value with as many axes as `order` has, in that order.
    fn broadcast(&mut self, x: &Arranged, order: &[usize]) -> Result<ValueId> {
        let missing = order.len() - x.order.len().min(order.len());
        if missing == 0 {
            return self.arrange(x, order);
        }
        if x.order.is_empty() {
            return Ok(x.id);
        }
        // The file's new axes stand before the others.
        let shape = self.builder.shape(x.id).iter().map(|&length| length as i64);
        let shape: Vec<i64> = std::iter::repeat_n(1, missing).chain(shape).collect();
        let id = self.builder.reshape(x.id, &shape)?;
        let own = x.order.iter().map(|axis| axis + missing);
        let x = Arranged {
            id,
            order: (0..missing).chain(own).collect(),
        };
        self.arrange(&x, order)
    }

    /// Compares constants.
    pub(crate) fn compare(
        &mut self,
        comparison: Comparison,
        a: &Arranged,
        b: &Arranged,
    ) -> Result<Arranged> {
        let ([a, b], order) = self.aligned(a, b)?;
        let id = self.builder.compare(comparison, a, b)?;
        Ok(Arranged { id, order })
    }

    /// `x` where it is positive, `slope · x` elsewhere; the slope is broadcast as the file has it.
    pub(crate) fn prelu(&mut self, x: &Arranged, slope: &Arranged) -> Result<Arranged> {
        let slope = self.broadcast(slope, &x.order)?;
        self.each(x, |builder, x| builder.prelu(x, slope))
    }

    /// The same elements in another shape; one axis may be −1.
    pub(crate) fn reshape(&mut self, x: &Arranged, shape: &[i64]) -> Result<Arranged> {
        if let Some(regrouped) = self.regroup(x, shape)? {
            return Ok(regrouped);
        }
        let id = self.plain(x)?;
        let id = self.builder.reshape(id, shape)?;
        Ok(self.of_plain(id))
    }

    /// A reshape that only adds or takes away axes of length 1: nothing has to move.
    fn regroup(&mut self, x: &Arranged, shape: &[i64]) -> Result<Option<Arranged>> {
        let before = self.shape(x);
        let Some(after) = resolved(&before, shape) else {
            return Ok(None);
        };
        let long = |shape: &[usize]| -> Vec<usize> {
            (0..shape.len()).filter(|&axis| shape[axis] != 1).collect()
        };
        let (from, to) = (long(&before), long(&after));
        let same = from.len() == to.len()
            && from
                .iter()
                .zip(&to)
                .all(|(&from, &to)| before[from] == after[to]);
        if !same {
            return Ok(None);
        }
        // New axes of length 1 first, then the others as they lie.
        let mut order: Vec<usize> = (0..after.len()).filter(|axis| after[*axis] == 1).collect();
        for own in &x.order {
            if let Some(k) = from.iter().position(|from| from == own) {
                order.push(to[k]);
            }
        }
        // An image that has one axis more or less stays an image.
        let planes: Vec<usize> = PLANES.into();
        let sorted = |order: &[usize]| {
            let long = order.iter().filter(|&&axis| after[axis] != 1);
            long.copied().collect::<Vec<_>>()
        };
        if after.len() == 4 && sorted(&planes) == sorted(&order) {
            order = planes;
        } else if sorted(&order).is_sorted() {
            order = (0..after.len()).collect();
        }
        let own: Vec<i64> = order.iter().map(|&axis| after[axis] as i64).collect();
        let id = self.builder.reshape(x.id, &own)?;
        Ok(Some(Arranged { id, order }))
    }

    /// Without these axes, all of length 1; without any such axis, if none is named.
    pub(crate) fn squeeze(&mut self, x: &Arranged, axes: &[i64]) -> Result<Arranged> {
        let shape = self.shape(x);
        let axes = axes
            .iter()
            .map(|&axis| self.axis(x, axis))
            .collect::<Result<Vec<_>>>()?;
        let goes = |axis: usize| match axes.is_empty() {
            true => shape[axis] == 1,
            false => axes.contains(&axis),
        };
        let kept = (0..shape.len()).filter(|&axis| !goes(axis));
        let kept: Vec<i64> = kept.map(|axis| shape[axis] as i64).collect();
        self.reshape(x, &kept)
    }

    /// With a new axis of length 1.
    pub(crate) fn unsqueeze(&mut self, x: &Arranged, axis: i64) -> Result<Arranged> {
        let mut shape: Vec<i64> = self.shape(x).into_iter().map(|axis| axis as i64).collect();
        let rank = shape.len() as i64;
        let axis = if axis < 0 { axis + rank + 1 } else { axis };
        let place = axis.clamp(0, rank) as usize;
        shape.insert(place, 1);
        self.reshape(x, &shape)
    }

    /// Axis `k` of the result is axis `order[k]` of `x`.
    pub(crate) fn transpose(&mut self, x: &Arranged, order: &[i64]) -> Result<Arranged> {
        let order = order
            .iter()
            .map(|&axis| self.axis(x, axis))
            .collect::<Result<Vec<_>>>()?;
        let place = |axis: &usize| order.iter().position(|from| from == axis);
        let places: Option<Vec<usize>> = x.order.iter().map(place).collect();
        match places {
            Some(places) if order.len() == x.order.len() => Ok(Arranged {
                id: x.id,
                order: places,
            }),
            _ => Err(Error::Damaged {
                format: "network's",
                detail: format!("{order:?} is no order of {} axes", x.order.len()),
            }),
        }
    }

    /// One number of all along the axes; all axes if none is named.
    pub(crate) fn reduce(
        &mut self,
        reduction: Reduction,
        x: &Arranged,
        axes: &[i64],
        keep: bool,
    ) -> Result<Arranged> {
        let all: Vec<i64> = (0..x.order.len() as i64).collect();
        let axes = if axes.is_empty() { &all } else { axes };
        let own = self.own_axes(x, axes)?;
        let kept = self.each(x, |builder, x| builder.reduce(reduction, x, &own, true))?;
        if keep {
            return Ok(kept);
        }
        self.squeeze(&kept, axes)
    }

    /// Softmax along one axis.
    pub(crate) fn softmax(&mut self, x: &Arranged, axis: i64) -> Result<Arranged> {
        let axis = self.own_axis(x, axis)?;
        self.each(x, |builder, x| builder.softmax(x, axis))
    }

    /// The logarithm of softmax along one axis.
    pub(crate) fn log_softmax(&mut self, x: &Arranged, axis: i64) -> Result<Arranged> {
        let axis = self.own_axis(x, axis)?;
        self.each(x, |builder, x| builder.log_softmax(x, axis))
    }

    /// The index of the largest along one axis.
    pub(crate) fn arg_max(&mut self, x: &Arranged, axis: i64) -> Result<Arranged> {
        let own = self.own_axis(x, axis)?;
        let kept = self.each(x, |builder, x| builder.arg_max(x, own, true))?;
        self.squeeze(&kept, &[axis])
    }

    /// `(x − mean) / √(variance + ε)` over some axes.
    pub(crate) fn normalise(
        &mut self,
        x: &Arranged,
        axes: &[i64],
        epsilon: f32,
    ) -> Result<Arranged> {
        let axes = self.own_axes(x, axes)?;
        self.each(x, |builder, x| builder.normalise(x, &axes, epsilon))
    }

    /// Values side by side along one axis.
    pub(crate) fn concat(&mut self, all: &[Arranged], axis: i64) -> Result<Arranged> {
        let known = |x: &&Arranged| self.builder.known(x.id).is_none();
        let Some(first) = all.iter().find(known).or(all.first()) else {
            return Err(Error::Damaged {
                format: "network's",
                detail: "it puts nothing side by side".into(),
            });
        };
        let (order, own) = (first.order.clone(), self.own_axis(first, axis)?);
        let mut ids = Vec::with_capacity(all.len());
        for x in all {
            ids.push(match x.order.len() == order.len() {
                true => self.arrange(x, &order)?,
                false => x.id,
            });
        }
        let id = self.builder.concat(&ids, own)?;
        Ok(Arranged { id, order })
    }

    /// From `starts` to `ends`, `steps` apart, along some axes.
    pub(crate) fn slice(
        &mut self,
        x: &Arranged,
        starts: &[i64],
        ends: &[i64],
        axes: &[i64],
        steps: &[i64],
    ) -> Result<Arranged> {
        let axes = self.own_axes(x, axes)?;
        self.each(x, |builder, x| builder.slice(x, starts, ends, &axes, steps))
    }

    /// So many elements before and after, for each of the file's axes.
    pub(crate) fn pad(
        &mut self,
        x: &Arranged,
        pads: &[[i64; 2]],
        mode: PadMode,
    ) -> Result<Arranged> {
        if pads.len() != x.order.len() {
            return Err(Error::Damaged {
                format: "network's",
                detail: format!("it pads {} axes of {}", pads.len(), x.order.len()),
            });
        }
        let own = |k: usize| -> Vec<i64> { x.order.iter().map(|&axis| pads[axis][k]).collect() };
        let (before, after) = (own(0), own(1));
        self.each(x, |builder, x| builder.pad(x, &before, &after, mode))
    }

    /// Repeated so many times along each of the file's axes.
    pub(crate) fn tile(&mut self, x: &Arranged, repeats: &[i64]) -> Result<Arranged> {
        let mut own = Vec::with_capacity(repeats.len());
        for &axis in &x.order {
            own.push(repeats.get(axis).copied().unwrap_or(1));
        }
        self.each(x, |builder, x| builder.tile(x, &own))
    }

    /// Broadcast to a shape.
    pub(crate) fn expand(&mut self, x: &Arranged, shape: &[i64]) -> Result<Arranged> {
        let id = self.plain(x)?;
        let id = self.builder.expand(id, shape)?;
        Ok(self.of_plain(id))
    }

    /// Elements of one axis by constant indices, an array of that shape.
    pub(crate) fn gather(
        &mut self,
        x: &Arranged,
        axis: i64,
        indices: &[i64],
        index_shape: &[usize],
    ) -> Result<Arranged> {
        if index_shape.len() == 1 {
            let axis = self.own_axis(x, axis)?;
            return self.each(x, |builder, x| {
                builder.gather(x, axis, indices, index_shape)
            });
        }
        let id = self.plain(x)?;
        let id = self.builder.gather(id, axis, indices, index_shape)?;
        Ok(self.of_plain(id))
    }

    /// A constant's elements in another type; a value's stay what they are.
    pub(crate) fn cast(&mut self, x: &Arranged, element_type: ElementType) -> Result<Arranged> {
        self.each(x, |builder, x| builder.cast(x, element_type))
    }
}

/// A shape whose −1 is filled in; nothing if it has another number of elements.
fn resolved(before: &[usize], shape: &[i64]) -> Option<Vec<usize>> {
    let elements = before.iter().product::<usize>();
    let mut known = 1usize;
    let mut open = 0;
    for &length in shape {
        match length {
            -1 => open += 1,
            _ => known = known.checked_mul(usize::try_from(length).ok()?)?,
        }
    }
    if open > 1 || known == 0 || elements % known != 0 || (open == 0 && known != elements) {
        return None;
    }
    let length = |&length: &i64| match length {
        -1 => elements / known,
        length => length as usize,
    };
    Some(shape.iter().map(length).collect())
}

/// A constant of floats whose axis `k` is axis `order[k]` of another; nothing of integers, of
/// another number of axes, or of an empty one.
pub(crate) fn permuted(constant: &Constant, order: &[usize]) -> Option<Constant> {
    let (floats, shape) = (constant.floats()?, constant.shape());
    if order.len() != shape.len() || floats.is_empty() {
        return None;
    }
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    let new: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
    let steps: Vec<usize> = order.iter().map(|&axis| strides[axis]).collect();
    let mut index = vec![0; new.len()];
    let mut place = 0;
    let mut values = Vec::with_capacity(floats.len());
    for _ in 0..floats.len() {
        values.push(floats[place]);
        for axis in (0..new.len()).rev() {
            index[axis] += 1;
            place += steps[axis];
            if index[axis] < new[axis] {
                break;
            }
            place -= steps[axis] * new[axis];
            index[axis] = 0;
        }
    }
    Constant::f32(&new, values).ok()
}
