//! The layers in one go against the same layers one after the other.

use violet_kernel_cpu::{
    Activation, Bottleneck, Filter, Geometry, Keep, Kept, Slopes, Weights, activate, backward,
    forward, pack, secant_gradient,
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
    activations: [Activation; 3],
    expands: bool,
    residual: bool,
}

impl Layers {
    fn draw(numbers: &mut Numbers, size: [usize; 2], channels: [usize; 3]) -> Self {
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
        Self {
            packed: [0, 1, 2].map(|k| pack(&weights[k], &geometries[k].filter)),
            biases: geometries.map(|g| numbers.values(g.filter.channels_out)),
            activations: [0, 1, 2].map(|_| all[numbers.next(2)]),
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
            activation: self.activations[k],
        };
        let expand = self.expands.then(|| weights(0));
        Bottleneck::new(&self.geometries[1], expand, weights(1), weights(2))
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
            activate(&first, self.activations[0])
        } else {
            first.clone()
        };
        let second = run(1, &activated);
        let third = run(2, &activate(&second, self.activations[1]));
        [first, second, third]
    }

    /// The input's gradient, one image, given both ends of the arguments; at a point, both are the same.
    fn gradient(&self, gradient: &[f32], from: &[Vec<f32>; 3], to: &[Vec<f32>; 3]) -> Vec<f32> {
        let back = |k: usize, x: &[f32]| backward(&self.geometries[k], x, &self.packed[k]);
        let mut gradient = back(2, gradient);
        secant_gradient(&mut gradient, &from[1], &to[1], self.activations[1]);
        let mut gradient = back(1, &gradient);
        if self.expands {
            secant_gradient(&mut gradient, &from[0], &to[0], self.activations[0]);
            gradient = back(0, &gradient);
        }
        gradient
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

    let last = layers.activations[2];
    let (output, kept) = together.forward(input, residual, last, Keep::Gates);
    let mut expected: Vec<f32> = sums[1..].iter().flat_map(|sums| sums[2].clone()).collect();
    if let Some(residual) = residual {
        expected.iter_mut().zip(residual).for_each(|(v, r)| *v += r);
    }
    let name = format!("{:?} {:?}", layers.geometries, layers.activations);
    assert!(output == activate(&expected, last), "forward: {name}");
    let (again, nothing) = together.forward(input, residual, last, Keep::Nothing);
    assert!(again == output && matches!(nothing, Kept::Nothing));

    let Kept::Gates(gates) = &kept else {
        panic!("gates were to be kept")
    };
    let found = together.backward(&gradients, gates.each_ref().map(Slopes::Gates));
    let each = gradients.chunks_exact(made).zip(&sums[1..]);
    let expected: Vec<f32> = each
        .flat_map(|(gradient, sums)| layers.gradient(gradient, sums, sums))
        .collect();
    assert!(found == expected, "backward: {name}");

    let identity = Activation::Identity;
    let (_, first) = together.forward(before, None, identity, Keep::Sums);
    let (_, kept) = together.forward(input, None, identity, Keep::Sums);
    let (Kept::Sums(first), Kept::Sums(kept)) = (&first, &kept) else {
        panic!("sums were to be kept")
    };
    let slopes = [0, 1].map(|k| Slopes::Secants {
        before: &first[k],
        sums: &kept[k],
    });
    let found = together.backward(&gradients, slopes);
    let each = gradients.chunks_exact(made).zip(sums.windows(2));
    let expected: Vec<f32> = each
        .flat_map(|(gradient, ends)| layers.gradient(gradient, &ends[0], &ends[1]))
        .collect();
    let largest = expected.iter().fold(1.0f32, |most, v| most.max(v.abs()));
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-5 * largest, "secants: {name}");
    }
}

#[test]
fn they_are_the_layers_one_after_the_other() {
    for seed in 0..150 {
        let mut numbers = Numbers(seed);
        let size = [0, 1].map(|_| numbers.between(1, 21));
        let channels = [40, 80, 50].map(|most| numbers.between(1, most));
        let layers = Layers::draw(&mut numbers, size, channels);
        let images = numbers.between(1, 3);
        check(&layers, &mut numbers, images);
    }
}

/// As large as they come first: a few rows at a time.
#[test]
fn large_images_are_made_in_strips() {
    for seed in 0..8 {
        let mut numbers = Numbers(seed);
        let layers = Layers::draw(&mut numbers, [90, 117], [5, 70, 9]);
        assert!(layers.together().rows_a_strip() < 40);
        check(&layers, &mut numbers, 1);
    }
}
