//! Memory that is used again: what it held before is never seen.

use violet_kernel_cpu::{
    Activation, Bottleneck, Filter, Geometry, Keep, Kept, Weights, activate, backward, forward,
    give_back, pack,
};

/// Small numbers of all kinds.
fn values(count: usize) -> Vec<f32> {
    (0..count).map(|k| (k * 7 % 13) as f32 - 6.0).collect()
}

/// What is made is the same in memory that held something else, and lies there.
fn same_again(made: impl Fn() -> Vec<f32>) {
    let first = made();
    let old = vec![f32::NAN; first.len()];
    let place = old.as_ptr();
    give_back(old);
    let again = made();
    assert_eq!(again, first);
    assert_eq!(again.as_ptr(), place, "the memory is used again");
}

fn geometry(filter: Filter, input: usize) -> Geometry {
    let padding = filter.kernel / 2;
    let output = (input + 2 * padding - filter.kernel) / filter.stride + 1;
    Geometry {
        filter,
        padding_before: [padding; 2],
        input: [input; 2],
        output: [output; 2],
    }
}

#[test]
fn convolutions_write_every_value() {
    for (filter, side) in [
        (Filter::dense(5, 6, 3, 1), 40),
        (Filter::dense(5, 6, 3, 1), 7),
        (Filter::dense(5, 6, 3, 2), 9),
        (Filter::dense(5, 6, 1, 1), 9),
        (Filter::dense(3, 9, 7, 2), 30),
        (Filter::dense(3, 9, 7, 2), 101),
        (Filter::dense(20, 24, 3, 2), 32),
        (Filter::dense(3, 9, 4, 4), 70),
        (Filter::depthwise(6, 5, 1), 9),
        (Filter::depthwise(6, 3, 2), 9),
        (Filter::depthwise(6, 5, 2), 12),
    ] {
        let g = geometry(filter, side);
        let [given, made] = g.values();
        let packed = pack(&values(filter.weight_dims().iter().product()), &filter);
        let bias = values(filter.channels_out);
        let rectified = Activation::Relu;
        same_again(|| forward(&g, &values(given), &packed, &bias, None, rectified));
        same_again(|| backward(&g, &values(made), &packed, None));
    }
    same_again(|| activate(&values(100), Activation::Relu));
}

/// Pixels that a filter steps over have no gradient, whatever lay there.
#[test]
fn what_a_stride_steps_over_stays_zero() {
    let g = geometry(Filter::dense(4, 4, 1, 2), 9);
    let packed = pack(&values(16), &g.filter);
    let [given, made] = g.values();
    give_back(vec![f32::NAN; given]);
    let gradient = backward(&g, &values(made), &packed, None);
    let stepped_over = |(k, value): (usize, &f32)| (k % 9 % 2 == 1).then_some(*value);
    let nothing: Vec<f32> = gradient
        .iter()
        .enumerate()
        .filter_map(stepped_over)
        .collect();
    assert_eq!(nothing, vec![0.0; nothing.len()]);
}

#[test]
fn bottlenecks_write_every_value_and_every_sum_that_they_keep() {
    for (kernel, stride) in [(3, 1), (5, 2), (1, 2)] {
        let depthwise = geometry(Filter::depthwise(40, kernel, stride), 11);
        let of = |weight: &'static [f32], bias: &'static [f32]| Weights {
            weight,
            bias,
            function: Activation::Relu.into(),
        };
        let leak = |count| -> &'static [f32] { values(count).leak() };
        let layers = Bottleneck::new(
            &depthwise,
            Some(of(leak(40 * 8), leak(40))),
            of(leak(40 * kernel * kernel), leak(40)),
            None,
            of(leak(8 * 40), leak(8)),
        );
        let input = values(8 * 11 * 11);
        let run = || layers.forward(&input, None, Activation::Identity, Keep::Sums);
        same_again(|| run().0);
        for which in 0..2 {
            let sums = || match run().1 {
                Kept::Sums(sums) => sums,
                _ => unreachable!("sums were to be kept"),
            };
            let first = sums();
            give_back(vec![f32::NAN; first[which].len()]);
            assert_eq!(sums(), first, "{kernel}×{kernel}/{stride}");
        }
    }
}

/// Beside what is too large to be held, what was there stays.
#[test]
fn no_more_is_held_than_a_pass_needs() {
    let small = vec![0.0; 1000];
    let place = small.as_ptr();
    give_back(small);
    give_back(vec![0.0; (16 << 20) + 1]);
    let made = activate(&[1.0; 1000], Activation::Relu);
    assert_eq!((made.as_ptr(), made), (place, vec![1.0; 1000]));
}
