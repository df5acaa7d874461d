//! Which of several outputs says what is in a picture.

use violet_graph::{Graph, Head};

/// Parts of the names of outputs that are scores.
const SCORES: [&str; 9] = [
    "score", "class", "cls", "prob", "logit", "label", "conf", "pred", "softmax",
];
/// Parts of the names of outputs that say where something is, or how it looks.
const OTHERS: [&str; 11] = [
    "box", "bbox", "loc", "landm", "keypoint", "kps", "mask", "proto", "anchor", "feature", "embed",
];

/// The output that is explained unless another is asked for: one that ends in probabilities or is called as
/// scores are, rather than one that is called as places are; of these the largest, and of equal ones
/// the first. Of a graph without outputs, nothing.
///
/// # Example
///
/// ```
/// use violet_graph::Builder;
///
/// let mut b = Builder::new(&[3, 8, 8])?;
/// let input = b.input();
/// let boxes = b.reshape(input, &[48, 4])?;
/// let scores = b.slice(boxes, &[0], &[2], &[1], &[])?;
/// b.output("boxes", boxes);
/// b.output("cls", scores);
/// assert_eq!(violet_import::main_output(&b.finish()?), Some("cls"));
/// # Ok::<(), violet_graph::Error>(())
/// ```
pub fn main_output(graph: &Graph) -> Option<&str> {
    let rank = |index: &usize| {
        let output = &graph.outputs()[*index];
        let name = output.name.to_ascii_lowercase();
        let called = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        let likely = match () {
            () if output.head != Head::None || called(&SCORES) => 2,
            () if called(&OTHERS) => 0,
            () => 1,
        };
        (likely, graph.value(output.value).elements())
    };
    let all = (0..graph.outputs().len()).rev();
    let index = all.max_by_key(rank)?;
    Some(&graph.outputs()[index].name)
}
