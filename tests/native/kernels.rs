//! The CPU's convolutions against the definition, in both directions.

use burn::tensor::{Device, Tensor, TensorData};
use violet::Result;
use violet::attribution::read;
use violet::device::{DeviceKind, open};
use violet::kernel::{Activation, Filter, Geometry, Used, convolve, pack};

use crate::common::noise;

/// A convolution with everything that it works on, drawn from a seed.
pub(crate) struct Case {
    geometry: Geometry,
    images: usize,
    activation: Activation,
    input: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    residual: Option<Vec<f32>>,
    /// The gradient of the output.
    gradient: Vec<f32>,
}

impl Case {
    /// Odd sizes from a single pixel on, every stride up to 3, kernels up to 7, whole or only parts of them, any padding
    /// below the kernel's side, channels on both sides of every block size, depthwise or not.
    pub(crate) fn draw(seed: usize) -> Self {
        let mut numbers = noise(&format!("case {seed}"), 24);
        let mut pick = |from: usize, to: usize| {
            let unit = f64::from(numbers.next().unwrap()).mul_add(0.5, 0.5);
            from + ((unit * (to - from + 1) as f64) as usize).min(to - from)
        };
        let depthwise = pick(0, 2) == 0;
        let channels_in = pick(1, 40);
        let channels_out = if depthwise { channels_in } else { pick(1, 80) };
        let mut filter = Filter {
            depthwise,
            ..Filter::dense(channels_in, channels_out, pick(1, 7), pick(1, 3))
        };
        if pick(0, 2) == 0 {
            let mut axes = || [0, 1].map(|_| pick(1, filter.kernel));
            filter.used = Used {
                extent: axes(),
                every: axes().map(|every| every.min(2)),
            };
        }
        let input = [0, 1].map(|_| filter.kernel.max(pick(1, 21)));
        let padding_before = [pick(0, filter.kernel - 1), pick(0, filter.kernel - 1)];
        let padding_after = [pick(0, filter.kernel - 1), pick(0, filter.kernel - 1)];
        let output = [0, 1].map(|axis| {
            let padded = input[axis] + padding_before[axis] + padding_after[axis];
            (padded - filter.kernel) / filter.stride + 1
        });
        let geometry = Geometry {
            filter,
            padding_before,
            input,
            output,
        };
        let images = pick(1, 3);
        let activation = [Activation::Identity, Activation::Relu, Activation::Relu6][pick(0, 2)];
        let residual = pick(0, 1) == 0;
        Self::fill(seed, geometry, images, activation, residual)
    }

    /// As [`draw`](Self::draw), with other filters over a larger image.
    fn with_filter(self, seed: usize, filter: Filter, larger: [usize; 2]) -> Self {
        let Geometry {
            input,
            padding_before,
            ..
        } = self.geometry;
        let input = [0, 1].map(|axis| input[axis].max(filter.kernel) + larger[axis]);
        let padding_before = padding_before.map(|padding| padding.min(filter.kernel - 1));
        // As much behind as before, and a part of the last stride left over.
        let output = [0, 1].map(|axis| {
            (input[axis] + 2 * padding_before[axis] - filter.kernel) / filter.stride + 1
        });
        let geometry = Geometry {
            filter,
            padding_before,
            input,
            output,
        };
        let residual = self.residual.is_some();
        Self::fill(seed, geometry, self.images, self.activation, residual)
    }

    pub(crate) fn fill(
        seed: usize,
        geometry: Geometry,
        images: usize,
        activation: Activation,
        residual: bool,
    ) -> Self {
        let Geometry {
            filter,
            input,
            output,
            ..
        } = geometry;
        let made = images * filter.channels_out * output[0] * output[1];
        let values =
            |name: &str, count| noise(&format!("{name} {seed}"), count).collect::<Vec<_>>();
        Self {
            geometry,
            images,
            activation,
            input: values("input", images * filter.channels_in * input[0] * input[1]),
            weight: {
                let mut weight = values("weight", filter.weight_dims().iter().product());
                let used: Vec<usize> = filter.used().collect();
                let taps = filter.kernel * filter.kernel;
                for (place, weight) in weight.iter_mut().enumerate() {
                    if !used.contains(&(place % taps)) {
                        *weight = 0.0;
                    }
                }
                weight
            },
            bias: values("bias", filter.channels_out),
            residual: residual.then(|| values("residual", made)),
            gradient: values("gradient", made),
        }
    }

    /// Calls back with what the definition sums over: indices of an output, of an input and of a weight.
    fn each_term(&self, mut take: impl FnMut(usize, usize, usize)) {
        let Geometry {
            filter,
            padding_before: [top, left],
            input: [height, width],
            output: [rows, columns],
        } = self.geometry;
        let group = filter.group_channels();
        let side = filter.kernel;
        // The pixels beneath row or column `at` of the output, and the filter's row or column over each.
        let beneath = |at: usize, before: usize, length: usize| {
            (0..side).filter_map(move |k| {
                let pixel = (at * filter.stride + k).checked_sub(before)?;
                (pixel < length).then_some((pixel, k))
            })
        };
        for image in 0..self.images {
            for o in 0..filter.channels_out {
                for c in 0..group {
                    let channel = if filter.depthwise { o } else { c };
                    let plane = image * filter.channels_in + channel;
                    for y in 0..rows {
                        for (sy, i) in beneath(y, top, height) {
                            for x in 0..columns {
                                let at =
                                    ((image * filter.channels_out + o) * rows + y) * columns + x;
                                for (sx, j) in beneath(x, left, width) {
                                    let from = (plane * height + sy) * width + sx;
                                    take(at, from, ((o * group + c) * side + i) * side + j);
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Output, gradient of the input and gradient of the residual, by the definition, in f64.
    fn by_definition(&self) -> [Vec<f64>; 3] {
        let Geometry { filter, output, .. } = self.geometry;
        let area = output[0] * output[1];
        let mut sums: Vec<f64> = (0..self.gradient.len())
            .map(|at| f64::from(self.bias[at / area % filter.channels_out]))
            .collect();
        self.each_term(|at, from, weight| {
            sums[at] += f64::from(self.input[from]) * f64::from(self.weight[weight]);
        });
        if let Some(residual) = &self.residual {
            sums.iter_mut()
                .zip(residual)
                .for_each(|(s, &r)| *s += f64::from(r));
        }
        let (low, high) = match self.activation {
            Activation::Identity => (f64::NEG_INFINITY, f64::INFINITY),
            Activation::Relu => (0.0, f64::INFINITY),
            Activation::Relu6 => (0.0, 6.0),
        };
        let masked: Vec<f64> = sums
            .iter()
            .zip(&self.gradient)
            .map(|(&s, &g)| {
                if s > low && s < high {
                    f64::from(g)
                } else {
                    0.0
                }
            })
            .collect();
        let mut input = vec![0.0; self.input.len()];
        self.each_term(|at, from, weight| {
            input[from] += masked[at] * f64::from(self.weight[weight]);
        });
        let output = sums.iter().map(|s| s.clamp(low, high)).collect();
        [output, input, masked]
    }

    /// The same three, by the kernels of a device.
    pub(crate) fn by_kernel(&self, device: &Device) -> [Vec<f32>; 3] {
        let device = device.clone().autodiff();
        let g = &self.geometry;
        let image = |values: &[f32], channels: usize, [height, width]: [usize; 2]| {
            let data = TensorData::new(values.to_vec(), [self.images, channels, height, width]);
            Tensor::<4>::from_data(data, &device)
        };
        let input = image(&self.input, g.filter.channels_in, g.input).require_grad();
        let outputs = |values: &[f32]| image(values, g.filter.channels_out, g.output);
        let residual = self.residual.as_ref().map(|r| outputs(r).require_grad());
        let weight = TensorData::new(self.weight.clone(), g.filter.weight_dims());
        let weight = pack(Tensor::from_data(weight, &device), g.filter);
        let bias = TensorData::new(self.bias.clone(), [self.bias.len()]);
        let bias = Tensor::from_data(bias, &device);
        let output = convolve(
            input.clone(),
            residual.clone(),
            weight,
            bias,
            *g,
            self.activation,
        );
        let gradients = (output.clone() * outputs(&self.gradient)).sum().backward();
        let values = |tensor: Tensor<4>| pollster::block_on(read(tensor)).unwrap();
        let residual = residual.map_or_else(Vec::new, |r| values(r.grad(&gradients).unwrap()));
        [
            values(output.inner()),
            values(input.grad(&gradients).unwrap()),
            residual,
        ]
    }

    pub(crate) fn check(&self, device: &Device) {
        let expected = self.by_definition();
        let found = self.by_kernel(device);
        for ((what, expected), found) in ["output", "input gradient", "residual gradient"]
            .iter()
            .zip(&expected)
            .zip(&found)
        {
            if found.is_empty() && self.residual.is_none() {
                continue;
            }
            assert_eq!(expected.len(), found.len());
            let scale = expected.iter().fold(1e-3f64, |m, v| m.max(v.abs()));
            for (e, f) in expected.iter().zip(found) {
                let error = (e - f64::from(*f)).abs() / scale;
                assert!(error < 1e-4, "{what}: {error:e}\n{:?}", self.geometry);
            }
        }
    }
}

#[test]
fn the_cpu_computes_what_the_definition_says() -> Result<()> {
    let device = pollster::block_on(open(DeviceKind::Cpu))?;
    (0..150).for_each(|seed| Case::draw(seed).check(&device));
    Ok(())
}

/// With enough channels, 3×3 filters at stride 1 are computed in a way of their own.
#[test]
fn transformed_filters_compute_what_the_definition_says() -> Result<()> {
    let device = pollster::block_on(open(DeviceKind::Cpu))?;
    for seed in 0..60 {
        let filter = Filter::dense(16 + seed % 23, 16 + seed % 37, 3, 1);
        // Tiles of both sizes: small images, wide ones, and large ones.
        let larger = [seed % 2 * 14, seed % 3 * 20];
        let case = Case::draw(seed).with_filter(seed, filter, larger);
        case.check(&device);
    }
    Ok(())
}

/// With very many, in another one.
#[test]
fn transformed_filters_of_many_channels_compute_what_the_definition_says() -> Result<()> {
    let device = pollster::block_on(open(DeviceKind::Cpu))?;
    for seed in 0..16 {
        let [few, many] = [16 + seed % 5, 257 + seed];
        let filter = match seed % 2 {
            0 => Filter::dense(few, many, 3, 1),
            _ => Filter::dense(many, few, 3, 1),
        };
        let size = [3 + seed % 4, 1 + seed % 9];
        let geometry = Geometry {
            filter,
            padding_before: [seed % 3, 1],
            input: size.map(|side| side.max(3)),
            output: size,
        };
        let activation = [Activation::Identity, Activation::Relu6][seed / 2 % 2];
        Case::fill(seed, geometry, 2, activation, seed % 4 < 2).check(&device);
    }
    Ok(())
}

/// So are few channels of wide images, on the way forward and on the way back.
#[test]
fn few_channels_compute_what_the_definition_says() -> Result<()> {
    let device = pollster::block_on(open(DeviceKind::Cpu))?;
    for seed in 0..60 {
        let [few, many] = [1 + seed % 8, 9 + seed % 11];
        let [from, to] = if seed % 2 == 0 {
            [few, many]
        } else {
            [many, few]
        };
        let filter = Filter::dense(from, to, 1 + seed % 7, 1 + seed % 3);
        let case = Case::draw(seed).with_filter(seed, filter, [0, 90]);
        case.check(&device);
    }
    Ok(())
}

/// What training adds; dense filters only.
#[test]
fn the_gradient_of_the_weights_is_what_the_definition_says() {
    let cases = (0..150).map(Case::draw);
    let dense: Vec<_> = cases
        .filter(|case| !case.geometry.filter.depthwise)
        .collect();
    assert!(dense.len() > 75);
    for case in dense {
        let mut expected = vec![0.0; case.weight.len()];
        case.each_term(|at, from, weight| {
            expected[weight] += f64::from(case.gradient[at]) * f64::from(case.input[from]);
        });
        let found = violet_kernel_cpu::training::weight_gradient(
            &case.geometry,
            &case.input,
            &case.gradient,
        );
        assert_eq!(expected.len(), found.len());
        let scale = expected.iter().fold(1e-3f64, |m, v| m.max(v.abs()));
        for (e, f) in expected.iter().zip(found) {
            let error = (e - f64::from(f)).abs() / scale;
            assert!(error < 1e-4, "{error:e}\n{:?}", case.geometry);
        }
    }
}
