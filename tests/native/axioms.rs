//! Integrated Gradients' axioms and closed forms, over plain functions.

use std::ops::ControlFlow;

use burn::tensor::{Device, Tensor, TensorData, activation::relu};
use violet::attribution::{Accumulator, Attributions, Quadrature, Rule, Walk};

use crate::common::Plain;

/// Values as a [1, n, 1, 1] input on the CPU.
fn point(values: &[f32]) -> Tensor<4> {
    let data = TensorData::new(values.to_vec(), [1, values.len(), 1, 1]);
    Tensor::from_data(data, &Device::flex().autodiff())
}

/// Column `k` of a batch: [N, n, 1, 1] → [N].
fn value(x: &Tensor<4>, k: usize) -> Tensor<1> {
    let [n, ..] = x.dims();
    x.clone().slice([0..n, k..k + 1, 0..1, 0..1]).reshape([n])
}

/// Sum of a batch's values: [N, n, 1, 1] → [N].
fn sum(x: Tensor<4>) -> Tensor<1> {
    let [n, ..] = x.dims();
    x.sum_dim(1).reshape([n])
}

/// The one output of `forward` at some point.
fn output(forward: impl Fn(Tensor<4>) -> Tensor<1>, x: &[f32]) -> f32 {
    forward(point(x)).inner().into_scalar()
}

fn accumulate(
    forward: impl Fn(Tensor<4>) -> Tensor<1>,
    x: &[f32],
    baseline: &[f32],
    quadrature: &Quadrature,
    internal_batch_size: usize,
) -> Accumulator {
    let mut walk = Walk::new(Plain(forward), point(x), point(baseline));
    pollster::block_on(walk.integrate(quadrature, internal_batch_size, |_| {
        ControlFlow::Continue(())
    }))
    .unwrap()
    .unwrap()
}

fn attribute(
    forward: impl Fn(Tensor<4>) -> Tensor<1>,
    x: &[f32],
    baseline: &[f32],
    rule: Rule,
    n_steps: usize,
) -> Attributions {
    accumulate(forward, x, baseline, &rule.quadrature(n_steps).unwrap(), 64)
        .attributions(x, baseline)
        .unwrap()
}

/// Checks attributions against a closed form, and completeness with them, by each rule of points: what a
/// plain function has of secants is not its own.
fn check(forward: impl Fn(Tensor<4>) -> Tensor<1>, x: &[f32], baseline: &[f32], expected: &[f32]) {
    let (to, from) = (output(&forward, x), output(&forward, baseline));
    let scale = expected
        .iter()
        .fold(1.0f64, |m, &v| m.max(f64::from(v.abs())));
    for rule in Rule::ALL.into_iter().filter(|&rule| rule != Rule::Secant) {
        // 2520 steps: every kink below lies on a multiple of 1/2520 or costs less than 1e-4 between two
        // midpoints. On a point of another rule it costs a step's share.
        let [near, whole] = match rule {
            Rule::Midpoint => [1e-3, 1e-4 * scale],
            _ => [4.0 * scale / 2520.0; 2],
        };
        let found = attribute(&forward, x, baseline, rule, 2520);
        for (found, expected) in found.values.iter().zip(expected) {
            let off = f64::from((found - expected).abs());
            assert!(off < near, "{rule:?}: {found} for {expected}");
        }
        let delta = found.convergence_delta(to, from).abs();
        assert!(delta < whole, "{rule:?}: {delta}");
    }
}

#[test]
fn nested_relus_get_the_papers_attributions() {
    // Sundararajan et al. 2017, figure 2: two implementations of one function.
    let f = |x: Tensor<4>| relu(relu(value(&x, 0)) - 1.0 - relu(value(&x, 1)));
    let g = |x: Tensor<4>| relu(relu(value(&x, 0) - 1.0) - relu(value(&x, 1)));
    check(f, &[3.0, 1.0], &[0.0, 0.0], &[1.5, -0.5]);
    check(g, &[3.0, 1.0], &[0.0, 0.0], &[1.5, -0.5]);
}

#[test]
fn saturated_relu_is_credited() {
    let f = |x: Tensor<4>| -relu(-value(&x, 0) + 1.0) + 1.0;
    check(f, &[1.0], &[0.0], &[1.0]);
    check(f, &[-1.0], &[0.0], &[-1.0]);
    check(f, &[0.0], &[0.0], &[0.0]);
    // The gradient at the input is zero there; the attribution is not.
    check(f, &[3.0], &[0.0], &[1.0]);
}

#[test]
fn sums_of_relus_share_by_size() {
    let first = |x: Tensor<4>| relu(sum(x) - 10.0);
    let second = |x: Tensor<4>| relu(sum(x) + 1.0);
    let both = move |x: Tensor<4>| first(x.clone()) + second(x) * 3.0 - 1.0;
    let origin = [0.0; 3];
    check(both, &[1.5, 2.0, 1.3], &origin, &[4.5, 6.0, 3.9]);
    check(both, &[0.5, 0.1, 2.3], &origin, &[1.5, 0.3, 6.9]);
    check(both, &[0.0, 100.0, 0.0], &origin, &[0.0, 390.0, 0.0]);
    check(first, &[0.0, 6.0, 14.0], &origin, &[0.0, 3.0, 7.0]);
    check(second, &[0.0, 5.0, 4.0], &origin, &[0.0, 5.0, 4.0]);
}

#[test]
fn smooth_functions_from_other_baselines() {
    let f = |x: Tensor<4>| value(&x, 0) * 5.0 + value(&x, 1).powi_scalar(2) + value(&x, 2).sin();
    let exact = (3.0f32).sin() - (1.0f32).sin();
    check(f, &[1.0, 2.0, 3.0], &[0.5, 1.0, 1.0], &[2.5, 3.0, exact]);
    let square = |x: Tensor<4>| (value(&x, 0) * 2.0 + value(&x, 1)).powi_scalar(2);
    check(square, &[3.0, 3.0], &[0.0, 0.0], &[54.0, 27.0]);
}

#[test]
fn linear_functions_are_exact_at_any_number_of_steps() {
    let weights = [0.5f32, -2.0, 3.25];
    let f = move |x: Tensor<4>| {
        value(&x, 0) * weights[0] + value(&x, 1) * weights[1] + value(&x, 2) * weights[2]
    };
    let (x, baseline) = ([1.0, 2.0, -3.0], [0.25, -1.0, 0.5]);
    for rule in Rule::ALL {
        for n_steps in [1, 2, 5, 50] {
            let found = attribute(f, &x, &baseline, rule, n_steps);
            for k in 0..3 {
                let exact = weights[k] * (x[k] - baseline[k]);
                assert!((found.values[k] - exact).abs() < 1e-5, "{rule:?} {n_steps}");
            }
        }
    }
}

#[test]
fn attributions_are_linear_in_the_function() {
    let f = |x: Tensor<4>| value(&x, 0).powi_scalar(2) * value(&x, 1);
    let g = |x: Tensor<4>| relu(value(&x, 1) - value(&x, 0));
    let mixed = move |x: Tensor<4>| f(x.clone()) * 2.0 - g(x) * 0.5;
    let (x, baseline) = ([1.5, 2.5], [0.0, -1.0]);
    for rule in Rule::ALL {
        let [a, b, c] = [
            attribute(f, &x, &baseline, rule, 40),
            attribute(g, &x, &baseline, rule, 40),
            attribute(mixed, &x, &baseline, rule, 40),
        ];
        for k in 0..2 {
            let expected = 2.0 * a.values[k] - 0.5 * b.values[k];
            assert!((c.values[k] - expected).abs() < 1e-4, "{rule:?}");
        }
    }
}

#[test]
fn what_does_not_matter_or_does_not_change_gets_nothing() {
    let f = |x: Tensor<4>| value(&x, 0).powi_scalar(3) + value(&x, 1) * 0.0;
    for rule in Rule::ALL {
        // Sums of one end of each step take longer to come near 8.
        let steps = match rule {
            Rule::Left | Rule::Secant => 200,
            _ => 20,
        };
        let found = attribute(f, &[2.0, 5.0, 7.0], &[0.0, 0.0, 7.0], rule, steps);
        assert_eq!(found.values[1..], [0.0, 0.0], "{rule:?}");
        assert!(found.values[0] > 7.9, "{rule:?}");
    }
}

#[test]
fn chunk_size_does_not_change_the_result() {
    let f = |x: Tensor<4>| (value(&x, 0) * value(&x, 1)).sin() + value(&x, 2).powi_scalar(3);
    let (x, baseline) = ([1.0, 2.0, 1.5], [0.0, 0.1, -0.2]);
    for rule in Rule::ALL {
        let quadrature = rule.quadrature(20).unwrap();
        let run = |size| accumulate(f, &x, &baseline, &quadrature, size);
        let reference = run(1).attributions(&x, &baseline).unwrap();
        for size in [7, 16, 21, 100] {
            let found = run(size);
            assert_eq!(found.samples().len(), quadrature.alphas.len());
            let found = found.attributions(&x, &baseline).unwrap();
            for (a, b) in found.values.iter().zip(&reference.values) {
                assert!((a - b).abs() < 1e-6, "{rule:?}, {size}: {a} and {b}");
            }
        }
    }
}

#[test]
fn samples_tell_output_and_slope_along_the_path() {
    // F(x) = x², from 1 to 3: F(α) = (1 + 2α)², dF/dα = 4 (1 + 2α).
    let f = |x: Tensor<4>| value(&x, 0).powi_scalar(2);
    let sum = accumulate(
        f,
        &[3.0],
        &[1.0],
        &Rule::Trapezoid.quadrature(4).unwrap(),
        3,
    );
    for sample in sum.samples() {
        let at = 1.0 + 2.0 * sample.alpha as f32;
        assert!((sample.output - at * at).abs() < 1e-5);
        assert!((sample.slope - 4.0 * at).abs() < 1e-4);
    }
}

#[test]
fn progress_is_told_after_each_chunk_and_can_cancel() {
    let f = |x: Tensor<4>| value(&x, 0);
    let quadrature = Rule::Trapezoid.quadrature(20).unwrap();
    let mut told = Vec::new();
    let mut walk = Walk::new(Plain(f), point(&[1.0]), point(&[0.0]));
    let result = pollster::block_on(walk.integrate(&quadrature, 4, |sum| {
        told.push(sum.samples().len());
        if told.len() == 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }))
    .unwrap();
    assert!(result.is_none());
    assert_eq!(told, [4, 8, 12]);
}
