//! The layers in one go against the same layers one after the other.

use violet_kernel_cpu::{
    Activation, Bottleneck, Filter, Function, Gating, Geometry, Keep, Kept, Slopes, Weights,
    activate, backward, forward, map, map_gradient, pack,
};

/// Small numbers in quarters, whose sums of products are exact.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % (most + 1)
    }

    fn between(&mut self, from: usize, to: usize) -> usize {
        from + self.next(to - from)
    }

    fn values(&mut self, count: usize) -> Vec<f32> {
        (0..count)
            .map(|_| self.next(6) as f32 / 4.0 - 0.75)
            .collect()
    }
}

/// The layers, each as the other kernels run it.
struct Layers {
    geometries: [Geometry; 3],
    weights: [Vec<f32>; 3],
    packed: [Vec<f32>; 3],
    biases: [Vec<f32>; 3],
    /// After the first two.
    functions: [Function; 2],
    activation: Activation,
    squeeze: Option<Squeeze>,
    expands: bool,
    residual: bool,
}

/// What makes a gate of each channel.
struct Squeeze {
    weights: [Vec<f32>; 2],
    biases: [Vec<f32>; 2],
    functions: [Function; 2],
}

/// It, as the definition has it: the sums of both layers, and the gates.
struct Gates {
    sums: [Vec<f32>; 2],
    gates: Vec<f32>,
}

impl Squeeze {
    fn of(&self, made: &[f32]) -> Gates {
        let channels = self.biases[1].len();
        let means = made.chunks_exact(made.len() / channels);
        let means: Vec<f32> = means
            .map(|plane| plane.iter().sum::<f32>() / plane.len() as f32)
            .collect();
        let hidden = matrix(&self.weights[0], &means, &self.biases[0]);
        let made = map(&hidden, self.functions[0]);
        let sums = matrix(&self.weights[1], &made, &self.biases[1]);
        Gates {
            gates: map(&sums, self.functions[1]),
            sums: [hidden, sums],
        }
    }

    /// The gradient of what is squeezed, given that of its products with the gates, and both ends.
    fn gradient(&self, gradient: &[f32], ends: [(&[f32], &Gates); 2]) -> Vec<f32> {
        let [(from, before), (to, after)] = ends;
        let channels = self.biases[1].len();
        let pixels = gradient.len() / channels;
        let mut of_gates = vec![0.0; channels];
        for (k, gradient) in gradient.iter().enumerate() {
            of_gates[k / pixels] += gradient * 0.5 * (from[k] + to[k]);
        }
        let slopes = |gradient: &mut [f32], k: usize| {
            let ends = [&before.sums[k][..], &after.sums[k]];
            map_gradient(gradient, ends, self.functions[k]);
        };
        slopes(&mut of_gates, 1);
        let mut hidden = transposed(&self.weights[1], &of_gates);
        slopes(&mut hidden, 0);
        let means = transposed(&self.weights[0], &hidden);
        let each = gradient.iter().enumerate();
        each.map(|(k, gradient)| {
            let channel = k / pixels;
            let gate = 0.5 * (before.gates[channel] + after.gates[channel]);
            gradient * gate + means[channel] / pixels as f32
        })
        .collect()
    }
}

fn matrix(rows: &[f32], vector: &[f32], bias: &[f32]) -> Vec<f32> {
    let rows = rows.chunks_exact(vector.len()).zip(bias);
    rows.map(|(row, bias)| row.iter().zip(vector).map(|(a, b)| a * b).sum::<f32>() + bias)
        .collect()
}

fn transposed(rows: &[f32], vector: &[f32]) -> Vec<f32> {
    let mut sums = vec![0.0; rows.len() / vector.len()];
    for (row, factor) in rows.chunks_exact(sums.len()).zip(vector) {
        let sums = sums.iter_mut().zip(row);
        sums.for_each(|(sum, value)| *sum += factor * value);
    }
    sums
}

impl Layers {
    /// With `curves`, functions that bend, and gates.
    fn draw(numbers: &mut Numbers, size: [usize; 2], channels: [usize; 3], curves: bool) -> Self {
        let kernel = numbers.between(1, 7);
        let size = size.map(|side| side.max(kernel));
        let stride = numbers.between(1, 2);
        let padding_before = [0, 1].map(|_| numbers.between(0, kernel - 1));
        let output = [0, 1].map(|axis| {
            let behind = numbers.between(0, kernel - 1);
            (size[axis] + padding_before[axis] + behind - kernel) / stride + 1
        });
        let expands = numbers.next(3) > 0;
        let [given, middle, made] = channels;
        let given = if expands { given } else { middle };
        let point = |given, made, size| Geometry {
            filter: Filter::dense(given, made, 1, 1),
            padding_before: [0; 2],
            input: size,
            output: size,
        };
        let depthwise = Geometry {
            filter: Filter::depthwise(middle, kernel, stride),
            padding_before,
            input: size,
            output,
        };
        let geometries = [
            point(given, middle, size),
            depthwise,
            point(middle, made, output),
        ];
        let weights = geometries.map(|g| {
            let count = g.filter.weight_dims().iter().product();
            numbers.values(count)
        });
        let all = [Activation::Identity, Activation::Relu, Activation::Relu6];
        let mut functions = all.map(Function::from).to_vec();
        let mut squeeze = None;
        if curves {
            let hard = [1.0 / 6.0, 0.5];
            functions.extend([
                Function::Gated(Gating::Sigmoid),
                Function::Gated(Gating::HardSigmoid(hard[0], hard[1])),
            ]);
            let hidden = numbers.between(1, 9);
            let gates = [Function::Sigmoid, Function::HardSigmoid(hard[0], hard[1])];
            squeeze = (numbers.next(3) > 0).then(|| Squeeze {
                weights: [0, 1].map(|_| numbers.values(hidden * middle)),
                biases: [hidden, middle].map(|count| numbers.values(count)),
                functions: [
                    functions[numbers.between(1, functions.len() - 1)],
                    gates[numbers.next(1)],
                ],
            });
        }
        Self {
            packed: [0, 1, 2].map(|k| pack(&weights[k], &geometries[k].filter)),
            biases: geometries.map(|g| numbers.values(g.filter.channels_out)),
            functions: [0, 1].map(|_| functions[numbers.next(functions.len() - 1)]),
            activation: all[numbers.next(2)],
            squeeze,
            residual: numbers.next(1) == 0,
            geometries,
            weights,
            expands,
        }
    }

    fn together(&self) -> Bottleneck {
        let weights = |k: usize| Weights {
            weight: &self.weights[k],
            bias: &self.biases[k],
            function: self.functions.get(k).copied().unwrap_or(Function::Neg),
        };
        let expand = self.expands.then(|| weights(0));
        let squeeze = self.squeeze.as_ref().map(|squeeze| {
            [0, 1].map(|k| Weights {
                weight: &squeeze.weights[k],
                bias: &squeeze.biases[k],
                function: squeeze.functions[k],
            })
        });
        Bottleneck::new(&self.geometries[1], expand, weights(1), squeeze, weights(2))
    }

    /// The arguments of both activations within, and the projection's sums.
    fn sums(&self, input: &[f32]) -> [Vec<f32>; 3] {
        let run = |k: usize, x: &[f32]| {
            let (g, identity) = (&self.geometries[k], Activation::Identity);
            forward(g, x, &self.packed[k], &self.biases[k], None, identity)
        };
        let first = if self.expands {
            run(0, input)
        } else {
            input.to_vec()
        };
        let activated = if self.expands {
            map(&first, self.functions[0])
        } else {
            first.clone()
        };
        let second = run(1, &activated);
        let mut made = map(&second, self.functions[1]);
        if let Some(squeeze) = &self.squeeze {
            let gates = squeeze.of(&made).gates;
            let pixels = made.len() / gates.len();
            for (plane, gate) in made.chunks_exact_mut(pixels).zip(gates) {
                plane.iter_mut().for_each(|value| *value *= gate);
            }
        }
        let third = run(2, &made);
        [first, second, third]
    }

    /// The input's gradient, one image, given both ends of the arguments; at a point, both are the same.
    fn gradient(&self, gradient: &[f32], from: &[Vec<f32>; 3], to: &[Vec<f32>; 3]) -> Vec<f32> {
        let back = |k: usize, x: &[f32]| backward(&self.geometries[k], x, &self.packed[k], None);
        let slopes = |gradient: &mut [f32], k: usize| {
            map_gradient(gradient, [&from[k], &to[k]], self.functions[k]);
        };
        let mut gradient = back(2, gradient);
        if let Some(squeeze) = &self.squeeze {
            let ends = [from, to].map(|sums| map(&sums[1], self.functions[1]));
            let gates = ends.each_ref().map(|made| squeeze.of(made));
            let ends = [(&ends[0][..], &gates[0]), (&ends[1][..], &gates[1])];
            gradient = squeeze.gradient(&gradient, ends);
        }
        slopes(&mut gradient, 1);
        let mut gradient = back(1, &gradient);
        if self.expands {
            slopes(&mut gradient, 0);
            gradient = back(0, &gradient);
        }
        gradient
    }

    /// Whether all sums of products are exact.
    fn exact(&self) -> bool {
        let clamps = |function: &Function| matches!(function, Function::Clamp(..));
        self.squeeze.is_none() && self.functions.iter().all(clamps)
    }
}

/// Equal, or as near as rounding lets them be.
fn agree(found: &[f32], expected: &[f32], exact: bool, name: &str) {
    assert!(!exact || found == expected, "{name}");
    let largest = expected.iter().fold(1.0f32, |most, v| most.max(v.abs()));
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-5 * largest, "{name}");
    }
}

fn check(layers: &Layers, numbers: &mut Numbers, images: usize) {
    let together = layers.together();
    let [given, made] = together
        .shapes()
        .map(|shape| shape.iter().product::<usize>());
    let input = numbers.values((images + 1) * given);
    let residual = numbers.values(images * made);
    let residual = layers.residual.then_some(&residual[..]);
    let gradients = numbers.values(images * made);
    let sums: Vec<_> = input.chunks_exact(given).map(|x| layers.sums(x)).collect();
    let (before, input) = input.split_at(given);
    let exact = layers.exact();

    let last = layers.activation;
    let (output, kept) = together.forward(input, residual, last, Keep::Derivatives);
    let mut expected: Vec<f32> = sums[1..].iter().flat_map(|sums| sums[2].clone()).collect();
    if let Some(residual) = residual {
        expected.iter_mut().zip(residual).for_each(|(v, r)| *v += r);
    }
    let name = format!(
        "{:?} {:?} {last:?} {}",
        layers.geometries,
        layers.functions,
        layers.squeeze.is_some()
    );
    agree(
        &output,
        &activate(&expected, last),
        exact,
        &format!("forward: {name}"),
    );
    let (again, nothing) = together.forward(input, residual, last, Keep::Nothing);
    assert!(matches!(nothing, Kept::Nothing));
    agree(&again, &output, exact, &name);

    let slopes = kept.slopes().expect("derivatives were to be kept");
    let found = together.backward(&gradients, slopes);
    let each = gradients.chunks_exact(made).zip(&sums[1..]);
    let expected: Vec<f32> = each
        .flat_map(|(gradient, sums)| layers.gradient(gradient, sums, sums))
        .collect();
    agree(&found, &expected, exact, &format!("backward: {name}"));

    let identity = Activation::Identity;
    let (_, first) = together.forward(before, None, identity, Keep::Sums);
    let (_, kept) = together.forward(input, None, identity, Keep::Sums);
    let (Kept::Sums(first), Kept::Sums(kept)) = (&first, &kept) else {
        panic!("sums were to be kept")
    };
    let slopes = Slopes::Secants([0, 1].map(|k| [&first[k][..], &kept[k]]));
    let found = together.backward(&gradients, slopes);
    let each = gradients.chunks_exact(made).zip(sums.windows(2));
    let expected: Vec<f32> = each
        .flat_map(|(gradient, ends)| layers.gradient(gradient, &ends[0], &ends[1]))
        .collect();
    agree(&found, &expected, false, &format!("secants: {name}"));

    // However many images go at once, each is what it is by itself.
    if images > 1 {
        let one = &input[..given];
        let of_one = residual.map(|residual| &residual[..made]);
        let (alone, _) = together.forward(one, of_one, last, Keep::Nothing);
        assert!(alone == again[..made], "alone: {name}");
    }
}

#[test]
fn they_are_the_layers_one_after_the_other() {
    for seed in 0..150 {
        let mut numbers = Numbers(seed);
        let size = [0, 1].map(|_| numbers.between(1, 21));
        let channels = [40, 80, 50].map(|most| numbers.between(1, most));
        let layers = Layers::draw(&mut numbers, size, channels, false);
        let images = numbers.between(1, 3);
        check(&layers, &mut numbers, images);
    }
}

#[test]
fn what_bends_and_what_is_squeezed_agrees_with_the_layers_too() {
    for seed in 0..150 {
        let mut numbers = Numbers(seed);
        let size = [0, 1].map(|_| numbers.between(1, 21));
        let channels = [40, 80, 50].map(|most| numbers.between(1, most));
        let layers = Layers::draw(&mut numbers, size, channels, true);
        let images = numbers.between(1, 3);
        check(&layers, &mut numbers, images);
    }
}

/// As large as they come first: a few rows at a time.
#[test]
fn large_images_are_made_in_strips() {
    for seed in 0..16 {
        let mut numbers = Numbers(seed);
        let layers = Layers::draw(&mut numbers, [90, 117], [5, 70, 9], seed % 2 == 1);
        assert!(layers.together().rows_a_strip() < 40);
        check(&layers, &mut numbers, 1);
    }
}
