//! A classifier's graph by Burn's own operations, differentiated by Burn: what Violet would be without kernels of its
//! own.

use burn::tensor::module::{conv2d, linear, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData};
use violet_graph::{Binary, Clamp, Graph, Operation, Reduction, Unary, ValueId};

/// See the [module](self).
pub(crate) struct Plain {
    graph: Graph,
    device: Device,
    /// By node: weight and bias.
    weights: Vec<Option<(Value, Tensor<1>)>>,
}

/// Of an image, or of a layer's features.
#[derive(Clone)]
enum Value {
    Image(Tensor<4>),
    Features(Tensor<2>),
}

impl Value {
    fn image(&self) -> Tensor<4> {
        match self {
            Value::Image(image) => image.clone(),
            Value::Features(_) => panic!("features are no image"),
        }
    }
}

impl Plain {
    /// Weights are untracked, as Violet's.
    pub(crate) fn new(graph: Graph, device: &Device) -> Self {
        let mut plain = Self {
            graph,
            device: device.clone(),
            weights: Vec::new(),
        };
        let nodes = plain.graph.nodes().iter();
        let weights = nodes.map(|node| {
            let layer = matches!(
                node.operation(),
                Operation::Convolution(_) | Operation::Linear { .. }
            );
            layer.then(|| {
                let [weight, bias] = [node.inputs()[1], node.inputs()[2]];
                let flat = plain.constant(weight);
                let weight = match *plain.graph.shape(weight) {
                    [o, i, h, w] => Value::Image(flat.reshape([o, i, h, w])),
                    [o, k] => Value::Features(flat.reshape([o, k]).transpose()),
                    _ => panic!("a layer of another kind"),
                };
                (weight, plain.constant(bias))
            })
        });
        plain.weights = weights.collect();
        plain
    }

    fn constant(&self, id: ValueId) -> Tensor<1> {
        let values = self
            .graph
            .constant(id)
            .expect("weights are constants")
            .to_vec();
        let count = values.len();
        Tensor::from_data(TensorData::new(values, [count]), &self.device)
    }

    /// \[1, 3, H, W\] → \[1, classes\].
    pub(crate) fn logits(&self, x: Tensor<4>) -> Tensor<2> {
        let mut values: Vec<Option<Value>> = vec![None; self.graph.values().len()];
        values[self.graph.input().index()] = Some(Value::Image(x));
        for (node, weights) in self.graph.nodes().iter().zip(&self.weights) {
            let input = |k: usize| {
                let value = &values[node.inputs()[k].index()];
                value.clone().expect("nodes stand in order")
            };
            let made = match (node.operation(), weights) {
                (Operation::Convolution(convolution), Some((weight, bias))) => {
                    let window = convolution.window;
                    let options = ConvOptions {
                        stride: window.stride,
                        padding: [0, 1]
                            .map(|k| (window.padding_before[k], window.padding_after[k])),
                        dilation: window.dilation,
                        groups: convolution.groups,
                    };
                    let x = input(0).image();
                    let mut sums = conv2d(x, weight.image(), Some(bias.clone()), options);
                    if node.inputs().len() > 3 {
                        sums = sums + input(3).image();
                    }
                    Value::Image(clamped(sums, convolution.clamp))
                }
                (Operation::Linear { .. }, Some((Value::Features(weight), bias))) => {
                    let Value::Features(x) = input(0) else {
                        panic!("an image has no features yet")
                    };
                    Value::Features(linear(x, weight.clone(), Some(bias.clone())))
                }
                (Operation::MaxPool(window), _) => {
                    let options = MaxPoolOptions {
                        kernel_size: window.kernel,
                        stride: window.stride,
                        padding: [0, 1]
                            .map(|k| (window.padding_before[k], window.padding_after[k])),
                        dilation: window.dilation,
                        ceil_mode: false,
                    };
                    Value::Image(max_pool2d(input(0).image(), options))
                }
                (Operation::Unary(Unary::Clip(clamp)), _) => {
                    Value::Image(clamped(input(0).image(), *clamp))
                }
                (Operation::Binary(Binary::Add), _) => {
                    Value::Image(input(0).image() + input(1).image())
                }
                (
                    Operation::Reduce {
                        reduction: Reduction::Mean,
                        ..
                    },
                    _,
                ) => Value::Image(input(0).image().mean_dim(3).mean_dim(2)),
                (Operation::Reshape { .. }, _) => {
                    let x = input(0).image();
                    let features = x.shape().num_elements();
                    Value::Features(x.reshape([1, features]))
                }
                (other, _) => panic!("no plain {other:?}"),
            };
            values[node.output().index()] = Some(made);
        }
        match values[self.graph.outputs()[0].value.index()].take() {
            Some(Value::Features(logits)) => logits,
            _ => panic!("the network has no logits"),
        }
    }
}

fn clamped(x: Tensor<4>, clamp: Clamp) -> Tensor<4> {
    match clamp {
        Clamp::NONE => x,
        Clamp::RELU => burn::tensor::activation::relu(x),
        Clamp { min, max } => x.clamp(min, max),
    }
}
