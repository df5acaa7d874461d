//! ShapesNet as it is trained: with BatchNorm, and with weights that learn.

use burn::module::{Module, RunningState};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor};
use violet::Result;
use violet::kernel::{Filter, Geometry};
use violet::model::Checkpoint;
use violet::model::layout::shapesnet::{BATCH_NORM_EPSILON, CONVOLUTIONS, FEATURES};
use violet::shapes::Shape;
use violet_kernel_cpu::training::Statistics;

use crate::layer::{convolve, normalise};

#[derive(Module, Debug)]
pub(crate) struct Trainee {
    convolutions: Vec<Conv2d>,
    batch_norms: Vec<BatchNorm>,
    fc: Linear,
}

impl Trainee {
    pub(crate) fn new(device: &Device) -> Self {
        let convolution = |&[input, output, kernel, stride]: &[usize; 4]| {
            let side = kernel / 2;
            Conv2dConfig::new([input, output], [kernel, kernel])
                .with_stride([stride, stride])
                .with_padding(PaddingConfig2d::Explicit(side, side, side, side))
                .with_bias(false) // BatchNorm has one
                .init(device)
        };
        let batch_norm = |&[_, output, _, _]: &[usize; 4]| {
            BatchNormConfig::new(output)
                .with_epsilon(BATCH_NORM_EPSILON)
                .init(device)
        };
        Self {
            convolutions: CONVOLUTIONS.iter().map(convolution).collect(),
            batch_norms: CONVOLUTIONS.iter().map(batch_norm).collect(),
            fc: LinearConfig::new(FEATURES, Shape::ALL.len()).init(device),
        }
    }

    /// \[N, 3, 96, 96\] → \[N, classes\].
    pub(crate) fn forward(&self, mut x: Tensor<4>) -> Tensor<2> {
        let layers = self.convolutions.iter().zip(&self.batch_norms);
        for ((convolution, batch_norm), shape) in layers.zip(&CONVOLUTIONS) {
            let [_, _, height, width] = x.dims();
            let geometry = geometry(shape, [height, width]);
            x = convolve(x, convolution.weight.val(), geometry);
            let (gamma, beta) = (batch_norm.gamma.val(), batch_norm.beta.val());
            let (output, statistics) = normalise(x, gamma, beta, batch_norm.epsilon);
            if let Some(Statistics { mean, variance }) = statistics {
                follow(&batch_norm.running_mean, mean, batch_norm.momentum);
                follow(&batch_norm.running_var, variance, batch_norm.momentum);
            }
            x = output;
        }
        let [n, channels, height, width] = x.dims();
        let x = x.reshape([n, channels, height * width]).max_dim(2);
        self.fc.forward(x.reshape([n, channels]))
    }

    /// Its weights by the names that `Network::load` takes.
    pub(crate) fn checkpoint(&self) -> Result<Checkpoint> {
        fn values<const D: usize>(tensor: Tensor<D>) -> (Vec<usize>, Vec<f32>) {
            let shape = tensor.dims().to_vec();
            let data = tensor.into_data();
            (shape, data.iter::<f32>().collect())
        }
        let mut arrays = Vec::new();
        for (k, (conv, bn)) in self.convolutions.iter().zip(&self.batch_norms).enumerate() {
            let k = k + 1;
            arrays.push((format!("conv{k}.weight"), values(conv.weight.val())));
            arrays.push((format!("bn{k}.weight"), values(bn.gamma.val())));
            arrays.push((format!("bn{k}.bias"), values(bn.beta.val())));
            let mean = bn.running_mean.value();
            arrays.push((format!("bn{k}.running_mean"), values(mean)));
            let variance = bn.running_var.value();
            arrays.push((format!("bn{k}.running_var"), values(variance)));
        }
        // Burn keeps a linear layer's weights [input, output].
        arrays.push(("fc.weight".into(), values(self.fc.weight.val().transpose())));
        if let Some(bias) = &self.fc.bias {
            arrays.push(("fc.bias".into(), values(bias.val())));
        }
        let mut checkpoint = Checkpoint::default();
        for (name, (shape, values)) in arrays {
            checkpoint.insert(name, shape, values)?;
        }
        Ok(checkpoint)
    }
}

/// Lets a running mean follow a batch's.
fn follow(running: &RunningState<Tensor<1>>, seen: Vec<f32>, momentum: f64) {
    let old = running.value_sync();
    let seen = Tensor::<1>::from_floats(seen.as_slice(), &old.device());
    running.update((old * (1.0 - momentum) + seen * momentum).detach());
}

/// What a convolution of that shape does to an image of that height and width.
fn geometry(&[input, output, kernel, stride]: &[usize; 4], size: [usize; 2]) -> Geometry {
    let side = kernel / 2;
    Geometry {
        filter: Filter::dense(input, output, kernel, stride),
        padding_before: [side; 2],
        input: size,
        output: size.map(|size| (size + 2 * side - kernel) / stride + 1),
    }
}
