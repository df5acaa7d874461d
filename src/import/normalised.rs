//! Whether a network begins with the normalisation of its input.

use std::collections::{BTreeSet, HashMap};

use violet_graph::{Binary, Graph, Node, Operation, ValueId};

use crate::imported::{InputKind, Layout, Scaling};

/// What the network does first with each channel, if that is `scale · x + offset` and not nothing.
///
/// Channels are followed wherever they go, as preprocessing may turn their order round before it
/// subtracts means.
pub(crate) fn inside(graph: &Graph, input: &InputKind) -> Option<Scaling> {
    let rank = graph.shape(graph.input()).len();
    let axis = match input.layout {
        Layout::Planes => rank.checked_sub(3),
        Layout::Pixels => rank.checked_sub(1),
    };
    let channel = |source| Channel {
        source,
        scale: 1.0,
        offset: 0.0,
    };
    let begin = Followed {
        axis,
        channels: (0..input.channels).map(channel).collect(),
        scaled: false,
    };
    let mut followed = HashMap::from([(graph.input(), begin)]);
    // What something else than a normalisation takes.
    let mut ends = BTreeSet::new();
    for node in graph.nodes() {
        if !node.inputs().iter().any(|id| followed.contains_key(id)) {
            continue;
        }
        match follow(graph, node, &followed) {
            Step::To(next) => {
                followed.insert(node.output(), next);
            }
            Step::End => {
                let inputs = node.inputs().iter().copied();
                ends.extend(inputs.filter(|id| followed.contains_key(id)));
            }
            Step::Unknown => return None,
        }
    }
    let of = |id: ValueId| followed[&id].scaling(input.channels);
    let at_the_end = match ends.len() {
        1 => ends.first().copied().filter(|&id| of(id).is_some()),
        _ => None,
    };
    // Where channels part for good (four images of half the size, side by side), before they do.
    let last = at_the_end.unwrap_or_else(|| {
        let mut last = graph.input();
        while let Some(next) = only_consumer(graph, last)
            && followed.contains_key(&next)
            && of(next).is_some()
        {
            last = next;
        }
        last
    });
    of(last).filter(|_| followed[&last].scaled)
}

/// What the one node makes that takes a value.
fn only_consumer(graph: &Graph, value: ValueId) -> Option<ValueId> {
    let nodes = graph.nodes().iter();
    let mut consumers = nodes.filter(|node| node.inputs().contains(&value));
    let first = consumers.next()?;
    consumers.next().is_none().then(|| first.output())
}

/// One channel of a value: `scale · x + offset` of a channel x of the input.
#[derive(Debug, Clone, Copy)]
struct Channel {
    source: usize,
    scale: f32,
    offset: f32,
}

/// A value that is nothing but channels of the input, each scaled.
#[derive(Debug, Clone)]
struct Followed {
    /// Where they lie side by side; of a single one, that is not known.
    axis: Option<usize>,
    channels: Vec<Channel>,
    /// Whether anything was multiplied or added.
    scaled: bool,
}

impl Followed {
    /// In the order of the input, if every channel of it is there once.
    fn scaling(&self, channels: usize) -> Option<Scaling> {
        let mut sorted = self.channels.clone();
        sorted.sort_by_key(|channel| channel.source);
        let all = sorted.iter().map(|channel| channel.source).eq(0..channels);
        all.then(|| Scaling {
            scale: sorted.iter().map(|channel| channel.scale).collect(),
            offset: sorted.iter().map(|channel| channel.offset).collect(),
        })
    }
}

/// Where a node leads.
enum Step {
    To(Followed),
    /// It is the network's own.
    End,
    /// It adds or multiplies what is no number for each channel.
    Unknown,
}

fn follow(graph: &Graph, node: &Node, followed: &HashMap<ValueId, Followed>) -> Step {
    let Some(x) = followed.get(&node.inputs()[0]) else {
        return match node.operation() {
            Operation::Binary(binary) => scaled(graph, node, *binary, followed),
            _ => Step::End,
        };
    };
    let mut made = x.clone();
    let shape = graph.shape(node.inputs()[0]);
    match node.operation() {
        Operation::Binary(binary) => return scaled(graph, node, *binary, followed),
        Operation::Transpose { order } => {
            made.axis = x
                .axis
                .and_then(|axis| order.iter().position(|&k| k == axis));
        }
        Operation::Reshape { shape: to } => {
            // Axes of length 1 come and go; the others stay in their order.
            let long = |shape: &[usize]| -> Vec<usize> {
                (0..shape.len()).filter(|&k| shape[k] != 1).collect()
            };
            let (from, into) = (long(shape), long(to));
            let same = from
                .iter()
                .map(|&k| shape[k])
                .eq(into.iter().map(|&k| to[k]));
            if !same {
                return Step::End;
            }
            let place = x.axis.and_then(|axis| from.iter().position(|&k| k == axis));
            made.axis = place.map(|place| into[place]);
        }
        Operation::Slice {
            starts,
            steps,
            counts,
        } => {
            if let Some(axis) = x.axis {
                let index = |k: usize| starts[axis].checked_add_signed(steps[axis] * k as isize);
                let taken = (0..counts[axis]).map(|k| x.channels.get(index(k)?).copied());
                let Some(taken) = taken.collect() else {
                    return Step::End;
                };
                made.channels = taken;
            }
        }
        Operation::Gather { axis, indices } => {
            if Some(*axis) == x.axis {
                let taken = indices.iter().map(|&k| x.channels.get(k).copied());
                let Some(taken) = taken.collect() else {
                    return Step::End;
                };
                made.channels = taken;
            }
        }
        Operation::Concat { axis } => {
            let mut parts = Vec::new();
            for id in node.inputs() {
                match followed.get(id) {
                    Some(part) if part.axis == Some(*axis) || part.channels.len() == 1 => {
                        parts.push(part);
                    }
                    _ => return Step::End,
                }
            }
            made.axis = Some(*axis);
            made.channels = parts
                .iter()
                .flat_map(|part| part.channels.clone())
                .collect();
            made.scaled = parts.iter().any(|part| part.scaled);
        }
        _ => return Step::End,
    }
    let lies = |axis: usize| graph.shape(node.output()).get(axis) == Some(&made.channels.len());
    match made.axis {
        Some(axis) if !lies(axis) => Step::End,
        None if made.channels.len() > 1 => Step::End,
        _ => Step::To(made),
    }
}

/// A followed value and a constant.
fn scaled(
    graph: &Graph,
    node: &Node,
    binary: Binary,
    followed: &HashMap<ValueId, Followed>,
) -> Step {
    let [a, b] = [node.inputs()[0], node.inputs()[1]];
    let (is_left, x, other) = match (followed.get(&a), followed.get(&b)) {
        (Some(x), None) => (true, x, b),
        (None, Some(x)) => (false, x, a),
        _ => return Step::End,
    };
    if graph.constant(other).is_none() {
        return Step::End;
    }
    let rank = graph.shape(node.output()).len();
    let mut made = x.clone();
    made.axis = x
        .axis
        .map(|axis| axis + rank - graph.shape(if is_left { a } else { b }).len());
    let Some(numbers) = for_channels(graph, other, rank, made.axis, made.channels.len()) else {
        return Step::Unknown;
    };
    made.scaled = true;
    for (channel, number) in made.channels.iter_mut().zip(numbers) {
        let Channel { scale, offset, .. } = channel;
        match (binary, is_left) {
            (Binary::Add, _) => *offset += number,
            (Binary::Sub, true) => *offset -= number,
            (Binary::Sub, false) => (*scale, *offset) = (-*scale, number - *offset),
            (Binary::Mul, _) => (*scale, *offset) = (*scale * number, *offset * number),
            (Binary::Div, true) => (*scale, *offset) = (*scale / number, *offset / number),
            _ => return Step::End,
        }
    }
    Step::To(made)
}

/// A constant as one number for each channel.
fn for_channels(
    graph: &Graph,
    id: ValueId,
    rank: usize,
    channel_axis: Option<usize>,
    channels: usize,
) -> Option<Vec<f32>> {
    let data = graph.constant(id)?;
    let shape = graph.shape(id);
    if data.len() == 1 {
        return Some(vec![data[0]; channels]);
    }
    let axis = (channel_axis? + shape.len()).checked_sub(rank)?;
    (shape.get(axis) == Some(&channels) && data.len() == channels).then(|| data.to_vec())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use violet_graph::{Builder, Constant, Result, Sliding};

    use super::*;

    /// What is built of a value.
    type Build = dyn Fn(&mut Builder, ValueId) -> Result<ValueId>;

    /// What is found of an input of 3 planes before a convolution of what is built of it.
    fn found(build: impl Fn(&mut Builder, ValueId) -> Result<ValueId>) -> Option<Scaling> {
        let mut b = Builder::new(&[1, 3, 4, 4]).unwrap();
        let x = b.input();
        let y = build(&mut b, x).unwrap();
        let channels = b.shape(y)[1];
        let weights = Constant::f32(&[1, channels, 1, 1], vec![1.0; channels]).unwrap();
        let weights = b.constant(weights).unwrap();
        let y = b
            .convolution(y, weights, None, &Sliding::default(), 1)
            .unwrap();
        b.output("y", y);
        let input = InputKind::new("x", Layout::Planes, [3, 4, 4]);
        inside(&b.finish().unwrap(), &input)
    }

    /// 100, 110 and 120 less, of the planes as they lie.
    fn without_means(b: &mut Builder, x: ValueId) -> Result<ValueId> {
        let means = b.constant(Constant::f32(&[3, 1, 1], vec![100.0, 110.0, 120.0])?)?;
        b.binary(Binary::Sub, x, means)
    }

    fn half(b: &mut Builder, x: ValueId) -> Result<ValueId> {
        let two = b.number(2.0)?;
        b.binary(Binary::Div, x, two)
    }

    #[test]
    fn channels_are_followed_where_their_order_is_turned_round() {
        let turned = Some(Scaling {
            scale: vec![1.0; 3],
            offset: vec![-120.0, -110.0, -100.0],
        });
        let slice = |b: &mut Builder, x| b.slice(x, &[-1], &[i64::MIN], &[1], &[-1]);
        let gather = |b: &mut Builder, x| b.gather(x, 1, &[2, 1, 0], &[3]);
        let stack = |b: &mut Builder, x| {
            let one = |b: &mut Builder, c| {
                let y = b.slice(x, &[c], &[c + 1], &[1], &[])?;
                let y = b.reshape(y, &[1, 4, 4])?;
                b.reshape(y, &[1, 1, 4, 4])
            };
            let parts = [one(b, 2)?, one(b, 1)?, one(b, 0)?];
            b.concat(&parts, 1)
        };
        let shuffles: [&Build; 3] = [&slice, &gather, &stack];
        for shuffle in shuffles {
            let before = found(|b, x| {
                let y = shuffle(b, x)?;
                without_means(b, y)
            });
            assert_eq!(before, turned);
            let nothing = found(|b, x| shuffle(b, x));
            assert_eq!(nothing, None, "an order is no normalisation");
        }
    }

    #[test]
    fn what_comes_after_channels_part_is_left_alone() {
        let halves = Some(Scaling {
            scale: vec![0.5; 3],
            offset: vec![0.0; 3],
        });
        let focus = found(|b, x| {
            let x = half(b, x)?;
            let part = |b: &mut Builder, start| b.slice(x, &[start], &[4], &[2], &[2]);
            let parts = [part(b, 0)?, part(b, 1)?];
            b.concat(&parts, 1)
        });
        assert_eq!(focus, halves);
        let gated = found(|b, x| {
            let x = half(b, x)?;
            b.binary(Binary::Mul, x, x)
        });
        assert_eq!(gated, halves);
        let places = found(|b, x| {
            let x = half(b, x)?;
            let each = b.constant(Constant::f32(&[3, 4, 4], vec![0.5; 48])?)?;
            b.binary(Binary::Add, x, each)
        });
        assert_eq!(places, None);
    }
}
