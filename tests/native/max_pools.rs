//! Violet's max-pools against the definition, in both directions, at points and along a path.

use burn::tensor::{Device, Tensor, TensorData};
use violet::Result;
use violet::attribution::read;
use violet::device::{DeviceKind, open};
use violet::kernel::{Filter, Geometry, max_pool};

use crate::common::{self, noise};

/// Some images, the one before them, and the gradient of the output.
struct Case {
    windows: Geometry,
    images: usize,
    input: Vec<f32>,
    before: Vec<f32>,
    gradient: Vec<f32>,
}

impl Case {
    /// Windows of up to 5 × 5, strides up to 3, any padding that leaves each window a pixel; values in
    /// eighths, so that many are equal.
    fn draw(seed: usize) -> Self {
        let mut numbers = noise(&format!("pool {seed}"), 16);
        let mut pick = |from: usize, to: usize| {
            let unit = f64::from(numbers.next().unwrap()).mul_add(0.5, 0.5);
            from + ((unit * (to - from + 1) as f64) as usize).min(to - from)
        };
        let (kernel, stride) = (pick(1, 5), pick(1, 3));
        let filter = Filter::depthwise(pick(1, 9), kernel, stride);
        let input = [0, 1].map(|_| kernel.max(pick(1, 21)));
        let padding_before = [pick(0, kernel / 2), pick(0, kernel / 2)];
        let output =
            [0, 1].map(|axis| (input[axis] + 2 * padding_before[axis] - kernel) / stride + 1);
        let images = pick(1, 3);
        let windows = Geometry {
            filter,
            padding_before,
            input,
            output,
        };
        let [given, made] = windows.values();
        let values = |name: &str, count| {
            let noise = noise(&format!("{name} {seed}"), count);
            noise.map(|v| (v * 8.0).round() / 8.0).collect::<Vec<_>>()
        };
        Self {
            windows,
            images,
            input: values("input", images * given),
            before: values("before", given),
            gradient: values("gradient", images * made),
        }
    }

    /// Index of an output, and those of the inputs that its window covers.
    fn windows(&self) -> Vec<(usize, Vec<usize>)> {
        let Geometry {
            filter,
            padding_before: [top, left],
            input: [height, width],
            output: [rows, columns],
        } = self.windows;
        let covered = |position: usize, padding: usize, size: usize| {
            let window = position * filter.stride..position * filter.stride + filter.kernel;
            window.filter_map(move |at| at.checked_sub(padding).filter(|&at| at < size))
        };
        let planes = self.images * filter.channels_in;
        let outputs = 0..planes * rows * columns;
        let inputs = outputs.clone().map(|output| {
            let plane = output / (rows * columns);
            let (row, column) = (output / columns % rows, output % columns);
            covered(row, top, height)
                .flat_map(|y| covered(column, left, width).map(move |x| (y, x)))
                .map(|(y, x)| (plane * height + y) * width + x)
                .collect()
        });
        outputs.zip(inputs).collect()
    }

    /// Every image's predecessor.
    fn befores(&self) -> Vec<f32> {
        let all = [&self.before[..], &self.input[..]].concat();
        all[..self.input.len()].to_vec()
    }

    /// Output and gradient of the input by the definition, in f64.
    fn by_definition(&self, along: bool) -> [Vec<f64>; 2] {
        let (input, before) = (&self.input, &self.befores());
        let mut output = vec![0.0; self.gradient.len()];
        let mut gradient = vec![0.0; input.len()];
        for (at, window) in self.windows() {
            let first_largest = |values: &[f32]| {
                let rest = window.iter().copied();
                rest.reduce(|a, b| if values[b] > values[a] { b } else { a })
                    .unwrap()
            };
            let new = first_largest(input);
            output[at] = f64::from(input[new]);
            let g = f64::from(self.gradient[at]);
            if !along {
                gradient[new] += g;
                continue;
            }
            // Two straight lines over 0..=1: where the new one overtakes the old one.
            let old = first_largest(before);
            let lead = f64::from(before[old]) - f64::from(before[new]);
            let fall = lead - (f64::from(input[old]) - f64::from(input[new]));
            let overtaken = if lead > 0.0 { lead / fall } else { 0.0 };
            gradient[old] += g * overtaken;
            gradient[new] += g * (1.0 - overtaken);
        }
        [output, gradient]
    }

    /// The same two, by the kernels of a device.
    fn by_kernel(&self, along: bool, device: &Device) -> [Vec<f32>; 2] {
        let device = device.clone().autodiff();
        let image = |values: &[f32], [height, width]: [usize; 2]| {
            let channels = self.windows.filter.channels_in;
            let images = values.len() / (channels * height * width);
            let data = TensorData::new(values.to_vec(), [images, channels, height, width]);
            Tensor::<4>::from_data(data, &device)
        };
        let input = image(&self.input, self.windows.input).require_grad();
        let before = along.then(|| image(&self.before, self.windows.input));
        let output = max_pool(input.clone(), before, self.windows);
        let weights = image(&self.gradient, self.windows.output);
        let gradients = (output.clone() * weights).sum().backward();
        let values = |tensor: Tensor<4>| pollster::block_on(read(tensor)).unwrap();
        [
            values(output.inner()),
            values(input.grad(&gradients).unwrap()),
        ]
    }

    fn check(&self, device: &Device) {
        for along in [false, true] {
            let expected = self.by_definition(along);
            let found = self.by_kernel(along, device);
            for ((what, expected), found) in
                ["output", "gradient"].iter().zip(&expected).zip(&found)
            {
                assert_eq!(expected.len(), found.len());
                for (at, (e, &f)) in expected.iter().zip(found).enumerate() {
                    assert!(
                        (e - f64::from(f)).abs() < 1e-5,
                        "{what} at {at}, along a path: {along}: {f} for {e}\n{:?}",
                        self.windows
                    );
                }
            }
            let [output, gradient] = &found;
            if along {
                self.check_completeness(output, gradient);
            }
        }
    }

    /// Gradient times step is the change of the weighted output.
    fn check_completeness(&self, output: &[f32], gradient: &[f32]) {
        let befores = self.befores();
        let steps = self.input.iter().zip(&befores);
        let products = gradient.iter().zip(steps);
        let sum: f64 = products
            .map(|(g, (to, from))| f64::from(*g) * f64::from(to - from))
            .sum();
        let change: f64 = self
            .windows()
            .iter()
            .map(|(at, window)| {
                let values = window.iter().map(|&k| befores[k]);
                let old = values.fold(f32::NEG_INFINITY, f32::max);
                f64::from(self.gradient[*at]) * f64::from(output[*at] - old)
            })
            .sum();
        assert!((sum - change).abs() < 1e-3, "{sum} for {change}");
    }
}

#[test]
fn the_cpu_finds_what_the_definition_says() -> Result<()> {
    let device = pollster::block_on(open(DeviceKind::Cpu))?;
    (0..150).for_each(|seed| Case::draw(seed).check(&device));
    Ok(())
}

#[test]
fn the_gpu_finds_what_the_definition_says() -> Result<()> {
    if let Some(device) = common::gpu() {
        (0..60).for_each(|seed| Case::draw(seed).check(&device));
    }
    Ok(())
}
