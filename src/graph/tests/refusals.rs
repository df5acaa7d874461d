//! What no graph can be built of is refused in a sentence, before time or memory is spent.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use violet_graph::*;

/// The message of what cannot be built.
fn refusal(
    input: &[usize],
    build: impl FnOnce(&mut Builder, ValueId) -> Result<ValueId>,
) -> String {
    let mut b = Builder::new(input).unwrap();
    b.at("layer1/op");
    let x = b.input();
    build(&mut b, x).unwrap_err().to_string()
}

fn weight(b: &mut Builder, shape: &[usize]) -> ValueId {
    let count = shape.iter().product();
    let constant = Constant::f32(shape, vec![1.0; count]).unwrap();
    b.constant(constant).unwrap()
}

#[test]
fn messages_name_node_operation_and_shapes() {
    let message = refusal(&[1, 3, 8, 8], |b, x| {
        let weight = weight(b, &[16, 4, 3, 3]);
        b.convolution(x, weight, None, &Sliding::default(), 1)
    });
    let expected = "Convolution “layer1/op” with [1, 3, 8, 8] and [16, 4, 3, 3] and [16]: \
                    the weights take 1 × 4 channels, the input has 3";
    assert_eq!(message, expected);
    let message = refusal(&[2, 3], |b, x| b.reshape(x, &[4, -1]));
    assert_eq!(
        message,
        "Reshape “layer1/op” with [2, 3]: it cannot become [4, -1]"
    );
}

/// A word of each message that has to be in it.
#[test]
fn impossible_shapes_and_attributes_are_refused() {
    let image = [3, 8, 8];
    let sliding = |stride, dilation, padding: usize| Sliding {
        stride: [stride; 2],
        dilation: [dilation; 2],
        padding: Padding::Explicit {
            before: [padding; 2],
            after: [padding; 2],
        },
        ceil: false,
    };
    let pool = |sliding: Sliding| refusal(&image, |b, x| b.max_pool(x, [2, 2], &sliding));
    let table = [
        (pool(sliding(0, 1, 0)), "out of bounds"),
        (pool(sliding(1, 0, 0)), "out of bounds"),
        (pool(sliding(1, usize::MAX, 0)), "out of bounds"),
        (pool(sliding(1, 1, usize::MAX)), "out of bounds"),
        (pool(sliding(1, 1, 2)), "not smaller than the kernel"),
        (pool(sliding(1, 9, 0)), "larger than the image"),
        (pool(sliding(1, 9, 9)), "padding only"),
        (
            refusal(&[8], |b, x| b.max_pool(x, [2, 2], &Sliding::default())),
            "no image",
        ),
        (
            refusal(&image, |b, x| b.max_pool(x, [0, 2], &Sliding::default())),
            "out of bounds",
        ),
        (
            refusal(&image, |b, x| b.transpose(x, &[0, 0, 1])),
            "no order",
        ),
        (refusal(&image, |b, x| b.softmax(x, 3)), "no axis 3"),
        (refusal(&image, |b, x| b.softmax(x, i64::MIN)), "no axis"),
        (
            refusal(&image, |b, x| b.reduce(Reduction::Sum, x, &[1, -2], true)),
            "twice",
        ),
        (
            refusal(&image, |b, x| {
                let none = b.slice(x, &[0], &[i64::MIN], &[0], &[1])?;
                b.softmax(none, 1)
            }),
            "nothing to compute with",
        ),
        (
            refusal(&image, |b, x| b.slice(x, &[0], &[1], &[0], &[0])),
            "step is 0",
        ),
        (
            refusal(&image, |b, x| b.gather(x, 0, &[3], &[1])),
            "not in axis",
        ),
        (
            refusal(&image, |b, x| b.gather(x, 0, &[0], &[usize::MAX, 9])),
            "not of their shape",
        ),
        (refusal(&image, |b, x| b.expand(x, &[2, 8, 8])), "broadcast"),
        (
            refusal(&image, |b, x| b.expand(x, &[-1, 8, 8])),
            "broadcast",
        ),
        (
            refusal(&image, |b, x| {
                b.split(x, 0, &[i64::MAX, i64::MAX]).map(|x| x[0])
            }),
            "pieces",
        ),
        (
            refusal(&image, |b, x| b.split(x, 0, &[4, -1]).map(|x| x[0])),
            "pieces",
        ),
        (
            refusal(&image, |b, x| {
                b.pad(x, &[i64::MIN, 0, 0], &[0; 3], PadMode::Edge)
            }),
            "padded",
        ),
        (
            refusal(&image, |b, x| {
                b.pad(x, &[3, 0, 0], &[0; 3], PadMode::Reflect)
            }),
            "too short",
        ),
        (
            refusal(&image, |b, x| {
                b.depth_to_space(x, 2, DepthOrder::ChannelsLast)
            }),
            "blocks",
        ),
        (
            refusal(&image, |b, x| {
                b.depth_to_space(x, 0, DepthOrder::ChannelsLast)
            }),
            "blocks",
        ),
        (refusal(&image, |b, x| b.space_to_depth(x, 0)), "multiple"),
        (
            refusal(&image, |b, x| b.group_norm(x, 0, 2, None, None, 0.1)),
            "groups",
        ),
        (
            refusal(&image, |b, x| b.group_norm(x, 0, 0, None, None, 0.1)),
            "groups",
        ),
        (
            refusal(&image, |b, x| b.normalise(x, &[0], f32::NAN)),
            "ε is NaN",
        ),
        (
            refusal(&image, |b, x| b.local_response_norm(x, 0, 0, [1.0; 3])),
            "size is 0",
        ),
        (refusal(&[2, 3], |b, x| b.matmul(x, x)), "go together"),
        (refusal(&[2, 3], |b, x| b.concat(&[x, x], 2)), "no axis 2"),
        (refusal(&[2, 3], |b, _| b.concat(&[], 0)), "no inputs"),
        (
            refusal(&[2, 3], |b, _| b.push(Operation::MatMul, &[])),
            "no inputs",
        ),
        (
            refusal(&[2, 3], |b, x| b.push(Operation::MatMul, &[x])),
            "1 inputs",
        ),
    ];
    for (message, word) in table {
        assert!(message.contains(word), "“{message}” does not say “{word}”");
        assert!(message.contains("layer1/op"), "{message}");
    }
}

#[test]
fn resizing_to_nothing_or_everything_is_refused() {
    let linear = Resize {
        antialias: true,
        ..Resize::new(Interpolation::Linear, Coordinates::HalfPixel)
    };
    let extents = [
        Extent::Sizes(&[0]),
        Extent::Sizes(&[-3]),
        Extent::Sizes(&[i64::MAX]),
        Extent::Scales(&[f32::NAN]),
        Extent::Scales(&[f32::INFINITY]),
        Extent::Scales(&[-1.0]),
        Extent::Scales(&[1e-30]),
    ];
    for extent in extents {
        let message = refusal(&[1, 8, 8], |b, x| b.resize(x, &[-1], extent, &linear));
        assert!(message.contains("pixels"), "{message}");
    }
}

/// What is too large is refused before it is made.
#[test]
fn nothing_grows_beyond_the_limits() {
    let grow = |operation: fn(&mut Builder, ValueId) -> Result<ValueId>| {
        let mut b = Builder::new(&[1, 64, 64]).unwrap();
        let mut x = b.input();
        loop {
            x = match operation(&mut b, x) {
                Ok(x) => x,
                Err(error) => return error.to_string(),
            };
        }
    };
    let message = grow(|b, x| b.concat(&[x, x], 0));
    assert!(message.contains("elements of its result"), "{message}");
    let message = grow(|b, x| b.unsqueeze(x, &[0]));
    assert!(message.contains("axes of its result"), "{message}");
    let message = grow(|b, x| b.relu(x));
    assert!(message.contains("nodes"), "{message}");
    // A product of matrices again and again.
    let message = {
        let mut b = Builder::new(&[8192, 8192]).unwrap();
        let x = b.input();
        b.at("twice");
        let y = b.matmul(x, x).unwrap();
        let y = b.matmul(y, x).unwrap();
        b.matmul(y, x).unwrap_err().to_string()
    };
    assert!(message.contains("multiplications"), "{message}");
    let mut b = Builder::new(&[1]).unwrap();
    let nothing = Constant::number(0.0);
    let message = b.full(&[1 << 20, 1 << 20], &nothing).unwrap_err();
    assert!(
        message.to_string().contains("elements of its result"),
        "{message}"
    );
    let message = b.full(&[i64::MAX; 8], &nothing).unwrap_err();
    assert!(
        message.to_string().contains("elements of its result"),
        "{message}"
    );
    let message = b.full(&[-1], &nothing).unwrap_err();
    assert!(message.to_string().contains("no array"), "{message}");
    let [start, end, step] = [0.0, 1.0, 1e-30].map(|k| b.number(k).unwrap());
    let message = b.range(start, end, step).unwrap_err();
    assert!(message.to_string().contains("elements"), "{message}");
    let message = b.range(start, end, start).unwrap_err();
    assert!(message.to_string().contains("elements"), "{message}");
    let message = b.range(start, start, start).unwrap_err();
    assert!(message.to_string().contains("no range"), "{message}");
    assert!(Builder::new(&[0]).is_err());
    assert!(Builder::new(&[1 << 15, 1 << 15]).is_err());
    assert!(Builder::new(&[1; 9]).is_err());
}

/// Constants are made again and again as well.
#[test]
fn constants_in_all_are_bounded() {
    let mut b = Builder::new(&[1]).unwrap();
    let constant = Constant::f32(&[1 << 22], vec![0.0; 1 << 22]).unwrap();
    let mut made = 0;
    let error = loop {
        match b.constant(constant.clone()) {
            Ok(_) => made += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(made, limits::CONSTANTS >> 22);
    assert!(
        error.to_string().contains("elements of all constants"),
        "{error}"
    );
}

/// Constants are computed while a graph is built: a window of which most lies outside asks for any number of taps.
#[test]
fn computing_constants_is_bounded() {
    let with_image = || {
        let mut b = Builder::new(&[1]).unwrap();
        let image = Constant::f32(&[1, 64, 64], vec![1.0; 64 * 64]).unwrap();
        let image = b.constant(image).unwrap();
        (b, image)
    };
    let (mut b, image) = with_image();
    let side = limits::WINDOW / 4;
    let sliding = Sliding {
        padding: Padding::Explicit {
            before: [side / 2; 2],
            after: [side / 2; 2],
        },
        ..Sliding::default()
    };
    let kernel = [side; 2];
    let refused = b.average_pool(image, kernel, &sliding, true).unwrap_err();
    let sentence = refused.to_string();
    assert!(
        sentence.contains("multiplications of constants"),
        "{sentence}"
    );
    // The mean of all of it, however much lies outside.
    let strided = Sliding {
        stride: [side; 2],
        ..sliding
    };
    let (mut b, image) = with_image();
    let mean = b.average_pool(image, kernel, &strided, false).unwrap();
    assert_eq!(b.known(mean).unwrap().to_f64(), [1.0]);
}

/// What a file asks for in a few bytes takes a number for each place: once, or again and again.
#[test]
fn places_that_are_named_are_bounded() {
    const MANY: i64 = 1 << 23;
    let linear = Resize::new(Interpolation::Linear, Coordinates::HalfPixel);
    let nearest = Resize::new(
        Interpolation::Nearest(Rounding::Floor),
        Coordinates::Asymmetric,
    );
    let messages = [
        refusal(&[1, 1, 2], |b, x| {
            b.resize(x, &[2], Extent::Sizes(&[MANY]), &linear)
        }),
        refusal(&[1, 1, 2], |b, x| {
            b.resize(x, &[2], Extent::Sizes(&[MANY]), &nearest)
        }),
        refusal(&[1, 2], |b, x| b.tile(x, &[1, MANY])),
        refusal(&[1, 2], |b, x| b.pad(x, &[0, 0], &[0, MANY], PadMode::Edge)),
        refusal(&[1, 2], |b, x| {
            let indices: Vec<i64> = (0..MANY).map(|k| k % 2).collect();
            b.gather(x, 1, &indices, &[indices.len()])
        }),
    ];
    for message in messages {
        assert!(message.contains("places along an axis"), "{message}");
    }
    let message = refusal(&[1, 1, 2], |b, x| {
        (0..100).try_fold(x, |_, _| {
            b.resize(x, &[2], Extent::Sizes(&[1 << 20]), &linear)
        })
    });
    assert!(message.contains("of all nodes"), "{message}");
}

/// Weights larger than what may be computed are turned over all the same.
#[test]
fn matrices_are_transposed_whatever_their_size() {
    let values: Vec<f32> = (0..35 * 70).map(|k| k as f32).collect();
    let mut b = Builder::new(&[1]).unwrap();
    let matrix = b
        .constant(Constant::f32(&[35, 70], values).unwrap())
        .unwrap();
    let turned = b.transpose(matrix, &[]).unwrap();
    assert_eq!(b.shape(turned), [70, 35]);
    let turned = b.known(turned).unwrap().to_f64();
    for (k, value) in turned.iter().enumerate() {
        assert_eq!(*value, (k % 35 * 70 + k / 35) as f64);
    }
    let number = Constant::number(0.0);
    let error = b.full(&[1 << 26], &number).unwrap_err().to_string();
    assert!(error.contains("elements of a constant"), "{error}");
    let one = b.number(1.0).unwrap();
    let error = b.expand(one, &[1 << 26]).unwrap_err().to_string();
    assert!(error.contains("elements of a constant"), "{error}");
}

#[test]
fn what_has_no_slope_or_is_no_number_is_refused() {
    let message = refusal(&[4], |b, x| b.map_constant("Round", x, f64::round));
    assert_eq!(
        message,
        "Round “layer1/op” has no slope, so that nothing can be explained through it"
    );
    let message = refusal(&[4], |b, x| b.cast(x, ElementType::I64));
    assert!(
        message.contains("Cast “layer1/op” has no slope"),
        "{message}"
    );
    let message = refusal(&[4], |b, x| b.compare(Comparison::Less, x, x));
    assert!(
        message.contains("Less “layer1/op” has no slope"),
        "{message}"
    );
    let message = refusal(&[4], |b, x| b.select(x, x, x));
    assert!(
        message.contains("its condition depends on the image"),
        "{message}"
    );
    let message = refusal(&[4, 4], |b, x| b.linear(x, x, None));
    assert!(
        message.contains("its weight depends on the image"),
        "{message}"
    );
    let message = refusal(&[2], |b, x| b.power(x, x));
    assert!(
        message.contains("its exponent depends on the image"),
        "{message}"
    );
    let message = refusal(&[2], |b, x| {
        let list = b.constant(Constant::integers([1, 2]))?;
        b.binary(Binary::Add, x, list)
    });
    assert!(message.contains("takes floats, not integers"), "{message}");
    for damaged in [f32::NAN, f32::INFINITY] {
        let message = refusal(&[1, 1], |b, x| {
            let weight = b.constant(Constant::f32(&[1, 1], [damaged])?)?;
            b.linear(x, weight, None)
        });
        assert!(message.contains("not finite"), "{message}");
    }
    assert!(Constant::f32(&[2, 2], [1.0]).is_err());
    assert!(Constant::f32(&[usize::MAX, 2], [1.0]).is_err());
}

#[test]
fn outputs_depend_on_the_image() {
    let mut b = Builder::new(&[1]).unwrap();
    let one = b.number(1.0).unwrap();
    b.output("constant", one);
    assert_eq!(b.finish().unwrap_err(), Error::NoOutput);
    assert_eq!(
        Builder::new(&[1]).unwrap().finish().unwrap_err(),
        Error::NoOutput
    );
}

/// Empty lists are constants that files have; nothing is computed with them.
#[test]
fn empty_constants_are_moved_but_not_computed_with() {
    let mut b = Builder::new(&[1]).unwrap();
    let none = b.constant(Constant::integers([])).unwrap();
    let one = b.constant(Constant::integers([7])).unwrap();
    let both = b.concat(&[none, one], 0).unwrap();
    assert_eq!(b.integers(both, "list").unwrap(), [7]);
    assert_eq!(
        b.concat(&[none, none], 0).map(|id| b.shape(id).to_vec()),
        Ok(vec![0])
    );
    let slice = b.slice(one, &[5], &[9], &[], &[]).unwrap();
    assert_eq!(b.shape(slice), [0]);
    assert!(b.reduce(Reduction::Max, none, &[0], false).is_err());
    assert!(b.softmax(none, 0).is_err());
    assert!(b.arg_max(none, 0, false).is_err());
    let empty = b.constant(Constant::f32(&[0, 3], []).unwrap()).unwrap();
    assert!(b.matmul(empty, empty).is_err());
    for interpolation in [
        Interpolation::Nearest(Rounding::Floor),
        Interpolation::Linear,
    ] {
        let resize = Resize::new(interpolation, Coordinates::HalfPixel);
        let refused = b
            .resize(empty, &[0], Extent::Sizes(&[2]), &resize)
            .unwrap_err();
        assert!(
            refused.to_string().contains("axis 0 has no pixels"),
            "{refused}"
        );
    }
    // What has no elements does not depend on the image either.
    let image = b.input();
    let nothing = b.slice(image, &[1], &[1], &[0], &[]).unwrap();
    assert_eq!(b.shape(nothing), [0]);
    assert!(b.known(nothing).is_some());
    let all = b.concat(&[image, nothing], 0).unwrap();
    assert_eq!(all, image);
    let scalar = b.integers(one, "x").map(|list| list[0]);
    assert_eq!(scalar, Ok(7));
}

/// Division of integers by nothing, and rounding, do not stop the builder.
#[test]
fn integers_are_computed_as_files_mean_it() {
    let mut b = Builder::new(&[1]).unwrap();
    let [seven, two, zero] =
        [7, -2, 0].map(|k| b.constant(Constant::i64(&[], [k]).unwrap()).unwrap());
    let quotient = b.binary(Binary::Div, seven, two).unwrap();
    assert_eq!(b.integers(quotient, "x"), Ok(vec![-3]));
    let huge = b.binary(Binary::Div, seven, zero).unwrap();
    assert_eq!(b.integers(huge, "x"), Ok(vec![i64::MAX]));
    let product = b.binary(Binary::Mul, huge, huge).unwrap();
    assert_eq!(b.integers(product, "x"), Ok(vec![i64::MAX]));
}
