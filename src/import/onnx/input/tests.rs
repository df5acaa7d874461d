//! Shapes as files give them, and what they are taken for.

use super::super::model::ValueInfo;
use super::*;

/// A graph whose only input, of floats, has these dimensions: 0 is an open one.
fn graph(dims: Option<&[u64]>, nodes: Vec<Node<'static>>) -> Graph<'static> {
    let dim = |&length: &u64| match length {
        0 => Dim::Open,
        length => Dim::Fixed(length),
    };
    let shape = dims.map(|dims| dims.iter().map(dim).collect());
    let kind = Kind::Tensor {
        data_type: data_type::FLOAT,
        shape,
    };
    Graph {
        inputs: vec![ValueInfo { name: "x", kind }],
        nodes,
        ..Graph::default()
    }
}

fn read(dims: &[u64]) -> Result<Picture> {
    picture(&graph(Some(dims), Vec::new()), None, &Options::default())
}

/// Layout, channels, height and width, and the shape of the graph's input.
fn found(dims: &[u64]) -> (Layout, [usize; 3], Vec<usize>) {
    let picture = read(dims).unwrap();
    let kind = picture.kind;
    (
        kind.layout,
        [kind.channels, kind.height, kind.width],
        picture.shape,
    )
}

#[test]
fn pictures_in_every_layout() {
    use Layout::{Pixels, Planes};
    assert_eq!(
        found(&[1, 3, 224, 160]),
        (Planes, [3, 224, 160], vec![1, 3, 224, 160])
    );
    assert_eq!(
        found(&[0, 64, 48, 3]),
        (Pixels, [3, 64, 48], vec![1, 64, 48, 3])
    );
    assert_eq!(
        found(&[0, 28, 28, 1]),
        (Pixels, [1, 28, 28], vec![1, 28, 28, 1])
    );
    assert_eq!(
        found(&[0, 3, 0, 0]),
        (Planes, [3, 224, 224], vec![1, 3, 224, 224])
    );
    assert_eq!(
        found(&[0, 0, 0, 3]),
        (Pixels, [3, 224, 224], vec![1, 224, 224, 3])
    );
    assert_eq!(
        found(&[0, 3, 48, 0]),
        (Planes, [3, 48, 48], vec![1, 3, 48, 48])
    );
    assert_eq!(found(&[3, 32, 32]), (Planes, [3, 32, 32], vec![3, 32, 32]));
    assert_eq!(found(&[32, 32, 3]), (Pixels, [3, 32, 32], vec![32, 32, 3]));
    assert_eq!(found(&[0, 28, 28]), (Planes, [1, 28, 28], vec![1, 28, 28]));
    assert_eq!(found(&[28, 28]), (Planes, [1, 28, 28], vec![28, 28]));
    assert_eq!(found(&[0, 784]), (Planes, [1, 28, 28], vec![1, 784]));
    assert_eq!(found(&[3072]), (Planes, [3, 32, 32], vec![3072]));
}

#[test]
fn what_is_no_picture() {
    let shapes: [&[u64]; 11] = [
        &[1, 21, 2],
        &[1, 468, 3],
        &[1, 1, 16000],
        &[1, 16000],
        &[0, 42],
        &[0, 16],
        &[0, 0],
        &[0, 0, 80],
        &[1, 4, 32, 32],
        &[1, 3, 16, 112, 112],
        &[],
    ];
    for dims in shapes {
        let error = read(dims).unwrap_err();
        assert!(
            matches!(error, Error::NotAPicture { .. }),
            "{dims:?}: {error}"
        );
    }
    let sentence = read(&[0, 42]).unwrap_err().to_string();
    assert!(
        sentence.contains("? × 42") && sentence.contains("height and width"),
        "{sentence}"
    );
}

#[test]
fn first_layers_say_what_an_open_shape_does_not() {
    let convolution = Node {
        op_type: "Conv",
        inputs: vec!["x", "w"],
        outputs: vec!["y"],
        ..Node::default()
    };
    for dims in [None, Some(&[0, 0, 0, 0][..])] {
        let mut graph = graph(dims, Vec::from([convolution.clone()]));
        let weight = Tensor {
            name: "w",
            dims: vec![8, 1, 3, 3],
            ..Tensor::default()
        };
        graph.initializers.push(weight);
        let picture = picture(&graph, Some([96, 64]), &Options::default()).unwrap();
        assert_eq!(picture.shape, [1, 1, 96, 64]);
        assert_eq!(picture.notes, []);
    }
}

#[test]
fn a_size_that_is_given_goes_before_the_files() {
    let graph = graph(Some(&[0, 3, 0, 0]), Vec::new());
    let options = Options::default().with_size([32, 48]);
    let given = picture(&graph, Some([96, 64]), &options).unwrap();
    assert_eq!(given.shape, [1, 3, 32, 48]);
    let fixed = self::graph(Some(&[1, 3, 20, 20]), Vec::new());
    assert_eq!(
        picture(&fixed, None, &options).unwrap().shape,
        [1, 3, 20, 20]
    );
    let flat = self::graph(Some(&[1, 600]), Vec::new());
    let options = Options::default().with_size([20, 30]);
    let kind = picture(&flat, None, &options).unwrap().kind;
    assert_eq!([kind.channels, kind.height, kind.width], [1, 20, 30]);
}
