//! Weights as the page downloads them: safetensors of 16-bit integers, with a scale for each output
//! channel.
//!
//! An array of two dimensions or more, `NAME` \[rows, …\], is I16, and `NAME_scale` \[rows\] in f32
//! stands beside it: a value is its integer times its row's scale. A row's largest value is ±32767,
//! so that what is rounded off is at most 1/65534 of it. Floats of 16 bits keep 11 bits of each
//! value, and moved maps by up to 8 %; these take as many bytes. What has one dimension, a bias for
//! each channel, stays f32, and so does what is small: filters of single channels, and a network's
//! first layers, whose results are many. They take 2 % of a file, and of the detector's map, which
//! was 1.1 % off on one photo with all arrays rounded, they leave 0.2 %.
//!
//! What the classes are called stands among the format's own metadata, under `labels`, one a line.

use std::collections::HashMap;

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::{Result, damaged};

/// The largest integer: as far from zero as the smallest one is.
const LARGEST: f32 = i16::MAX as f32;

/// Arrays of so many values at most are kept as they are.
const SMALL: usize = 5000;

/// What the name of an array's scales ends with.
const SCALE: &str = "_scale";

/// Under what the names of the classes stand among a file's metadata.
const LABELS: &str = "labels";

/// Writes arrays: name, shape, values row by row; and what the classes are called, if that is said.
///
/// # Errors
///
/// [`Error::Damaged`](crate::Error::Damaged) if a value is not finite, or the writer refuses.
pub fn write<'a>(
    arrays: impl Iterator<Item = (&'a str, &'a [usize], &'a [f32])>,
    labels: &[String],
) -> Result<Vec<u8>> {
    let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    for (name, shape, values) in arrays {
        if !values.iter().all(|value| value.is_finite()) {
            return Err(damaged(&format!(
                "the tensor “{name}” holds values that are not finite"
            )));
        }
        let rows = match *shape {
            [rows, _, ..] if values.len() > SMALL => rows,
            _ => {
                let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                tensors.push((name.into(), Dtype::F32, shape.to_vec(), bytes));
                continue;
            }
        };
        let row = (values.len() / rows.max(1)).max(1);
        let (mut integers, mut scales) = (Vec::new(), Vec::new());
        for row in values.chunks(row) {
            let scale = row.iter().fold(0.0f32, |most, v| most.max(v.abs())) / LARGEST;
            scales.extend(scale.to_le_bytes());
            let integer = |&v: &f32| match scale {
                0.0 => 0,
                // Whole numbers, and none beyond i16's by more than rounding.
                scale => (v / scale).round().clamp(-LARGEST, LARGEST) as i16,
            };
            integers.extend(row.iter().map(integer).flat_map(i16::to_le_bytes));
        }
        tensors.push((name.into(), Dtype::I16, shape.to_vec(), integers));
        tensors.push((format!("{name}{SCALE}"), Dtype::F32, vec![rows], scales));
    }
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        let view = TensorView::new(*dtype, shape.clone(), bytes);
        view.map(|view| (name.as_str(), view)).map_err(unreadable)
    });
    let views = views.collect::<Result<Vec<_>>>()?;
    let line = |label: &String| label.replace(['\n', '\r'], " ");
    let lines: Vec<String> = labels.iter().map(line).collect();
    let said = |lines: String| HashMap::from([(LABELS.to_owned(), lines)]);
    let metadata = (!lines.is_empty()).then(|| said(lines.join("\n")));
    safetensors::serialize(views, metadata).map_err(unreadable)
}

/// What a file says that its classes are called; nothing, if it does not.
pub(super) fn labels(bytes: &[u8]) -> Vec<String> {
    let metadata = SafeTensors::read_metadata(bytes).ok();
    let metadata = metadata.and_then(|(_, metadata)| metadata.metadata().clone());
    let lines = metadata.and_then(|mut metadata| metadata.remove(LABELS));
    let lines = lines.unwrap_or_default();
    lines.lines().map(str::to_owned).collect()
}

/// The values of an array of 16-bit integers; nothing, if no scales stand beside it.
///
/// # Errors
///
/// [`Error::Damaged`](crate::Error::Damaged) if its scales are of another number or kind than its rows.
pub(super) fn read(
    file: &SafeTensors<'_>,
    name: &str,
    view: &TensorView<'_>,
) -> Result<Option<Vec<f32>>> {
    let Ok(scales) = file.tensor(&format!("{name}{SCALE}")) else {
        return Ok(None);
    };
    let rows = view.shape().first().copied().unwrap_or(1);
    if scales.dtype() != Dtype::F32 || scales.shape() != [rows] {
        return Err(damaged(&format!(
            "“{name}” has {rows} rows, and its scales are not as many floats"
        )));
    }
    let (scales, _) = scales.data().as_chunks();
    let (integers, _) = view.data().as_chunks();
    let row = (integers.len() / rows.max(1)).max(1);
    let rows = integers.chunks(row).zip(scales);
    let values = rows.flat_map(|(row, &scale)| {
        let scale = f32::from_le_bytes(scale);
        row.iter()
            .map(move |&v| f32::from(i16::from_le_bytes(v)) * scale)
    });
    Ok(Some(values.collect()))
}

/// Whether an array holds another one's scales.
pub(super) fn is_scale(file: &SafeTensors<'_>, name: &str) -> bool {
    let of = name.strip_suffix(SCALE).and_then(|of| file.tensor(of).ok());
    of.is_some_and(|of| of.dtype() == Dtype::I16)
}

fn unreadable(error: safetensors::SafeTensorError) -> crate::Error {
    damaged(&error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;
    use crate::{Error, StateDict};

    const BIAS: [f32; 3] = [0.1, -2.5e-7, 3e4];

    fn written(values: &[f32]) -> Result<Vec<u8>> {
        let shape = [3, values.len() / 6, 1, 2];
        let arrays = [
            ("conv.weight", &shape[..], values),
            ("conv.bias", &[3], &BIAS),
        ];
        write(arrays.into_iter(), &[])
    }

    fn read_back(bytes: &[u8]) -> Result<StateDict> {
        crate::read(bytes, |_| Ok(0))
    }

    #[test]
    fn a_file_gives_back_its_values_to_a_part_in_65534_of_each_rows_largest() {
        // Rows of very different size, one of them zero: a scale for each.
        let values = [
            3e-7, -1e-7, 2.9e-7, 1e-9, 1e5, -7e4, 12.0, 0.5, 0.0, 0.0, 0.0, 0.0,
        ];
        let rows = values.chunks(4);
        let values: Vec<f32> = rows.flat_map(|row| row.repeat(500)).collect();
        let found = read_back(&written(&values).unwrap()).unwrap();
        assert_eq!(found.tensors.len(), 2);
        assert_eq!(found.tensors["conv.bias"].values, BIAS);
        let weight = &found.tensors["conv.weight"].values;
        assert_ne!(weight, &values);
        for (row, found) in values.chunks(2000).zip(weight.chunks(2000)) {
            let most = row.iter().fold(0.0f32, |most, v| most.max(v.abs()));
            for (value, found) in row.iter().zip(found) {
                assert!(
                    (value - found).abs() <= most / 65_534.0 * 1.001,
                    "{found} for {value}"
                );
            }
        }
        // Once rounded, they stay as they are.
        let again = read_back(&written(weight).unwrap()).unwrap();
        assert_eq!(&again.tensors["conv.weight"].values, weight);
    }

    #[test]
    fn a_file_says_what_its_classes_are_called_one_a_line() {
        let bias: &[f32] = &BIAS;
        let arrays = || [("bias", &[3usize][..], bias)].into_iter();
        let labels = ["cup", "red\nwall", "Stift ü"].map(String::from);
        let found = read_back(&write(arrays(), &labels).unwrap()).unwrap();
        assert_eq!(found.labels, ["cup", "red wall", "Stift ü"]);
        assert_eq!(found.tensors["bias"].values, BIAS);
        let silent = read_back(&write(arrays(), &[]).unwrap()).unwrap();
        assert!(silent.labels.is_empty());
    }

    #[test]
    fn what_is_small_stays_as_it_is() {
        let values: Vec<f32> = (0..4998).map(|k| (k as f32).sin() * 1e-3).collect();
        let found = read_back(&written(&values).unwrap()).unwrap();
        assert_eq!(found.tensors["conv.weight"].values, values);
    }

    #[test]
    fn what_is_no_number_is_refused_by_name() {
        for bad in [f32::NAN, f32::INFINITY] {
            let mut values = vec![1.0; 12];
            values[5] = bad;
            let refused = written(&values).unwrap_err();
            assert!(refused.to_string().contains("conv.weight"), "{refused}");
        }
    }

    #[test]
    fn scales_that_do_not_fit_are_refused_and_plain_integers_left_out() {
        use safetensors::{Dtype, serialize, tensor::TensorView};
        let (integers, scales) = ([0u8; 8], [0u8; 12]);
        let weight = TensorView::new(Dtype::I16, vec![2, 2], &integers).unwrap();
        let scale = TensorView::new(Dtype::F32, vec![3], &scales).unwrap();
        let bytes = serialize([("w", weight.clone()), ("w_scale", scale)], None).unwrap();
        let refused = read_back(&bytes).unwrap_err();
        assert!(
            matches!(&refused, Error::Damaged { reason } if reason.contains("2 rows")),
            "{refused}"
        );
        let bytes = serialize([("w", weight)], None).unwrap();
        assert!(read_back(&bytes).unwrap().tensors.is_empty());
    }
}
