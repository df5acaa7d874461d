//! Networks that people bring: files as PyTorch and safetensors write them, and files that lie.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::PathBuf;

use burn::tensor::Device;
use violet::model::{Architecture, Checkpoint, ModelSpec, Network, recognise};
use violet::{Error, Result};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::common;

/// The folder that tests/golden/own_checkpoints.py filled.
fn written_by_pytorch() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("VIOLET_CHECKPOINTS")?).join("own_checkpoints");
    folder.join("expected.json").exists().then_some(folder)
}

#[test]
fn files_written_by_pytorch_and_safetensors_compute_what_pytorch_computes() -> Result<()> {
    let Some(folder) = written_by_pytorch() else {
        common::skip("there is no PyTorch here that could have written them");
        return Ok(());
    };
    let expected = std::fs::read(folder.join("expected.json")).unwrap();
    let expected: BTreeMap<String, Vec<f32>> = serde_json::from_slice(&expected).unwrap();
    assert_eq!(expected.len(), 4);
    let input: Vec<f32> = common::noise("x", 3 * 64 * 64).collect();
    for (name, logits) in expected {
        let bytes = std::fs::read(folder.join(&name)).unwrap();
        let recognised = recognise(Checkpoint::from_bytes(&bytes)?)?;
        assert_eq!(recognised.classes, logits.len(), "{name}");
        let network = Network::load_for(
            recognised.architecture,
            recognised.checkpoint,
            [64; 2],
            &Device::flex(),
        )?;
        let found = common::logits_of(&network, &input, 64);
        let error = common::relative_error(&found, &logits);
        println!("{name}: {:?}, error {error:.1e}", recognised.architecture);
        assert!(error < 1e-4, "{name}: {found:?} for {logits:?}");
    }
    Ok(())
}

#[test]
fn a_hostile_pickle_is_not_executed() {
    let Some(folder) = written_by_pytorch() else {
        common::skip("there is no PyTorch here that could have written it");
        return;
    };
    let bytes = std::fs::read(folder.join("hostile.pth")).unwrap();
    // The harmless tensor is read; the call beside it is data.
    let mut checkpoint = Checkpoint::from_bytes(&bytes).unwrap();
    assert_eq!(checkpoint.take("harmless", &[2]).unwrap(), [0.0; 2]);
    assert!(!folder.join("executed").exists());
}

#[test]
fn another_network_is_told_from_the_nearest() {
    let Some(folder) = written_by_pytorch() else {
        common::skip("there is no PyTorch here that could have written it");
        return;
    };
    let bytes = std::fs::read(folder.join("mobilenet.pth")).unwrap();
    let refused = recognise(Checkpoint::from_bytes(&bytes).unwrap()).unwrap_err();
    let sentence = refused.to_string();
    assert!(matches!(refused, Error::UnknownLayout { .. }));
    assert!(
        sentence.contains("nearest is ResNet-18") && sentence.contains("features.0.0.weight"),
        "{sentence}"
    );
}

#[test]
fn layouts_are_told_apart_with_any_prefix_folded_or_not() -> Result<()> {
    for architecture in [
        Architecture::ResNet18,
        Architecture::ResNet34,
        Architecture::ResNet50,
        Architecture::EfficientNetLite0,
    ] {
        for (folded, prefix) in [(true, ""), (false, "module."), (false, "model.backbone.")] {
            let mut checkpoint = Checkpoint::default();
            for (name, shape) in architecture.tensors(11, folded) {
                let values = vec![0.0; shape.iter().product()];
                checkpoint.insert(format!("{prefix}{name}"), shape, values)?;
            }
            let recognised = recognise(checkpoint)?;
            assert_eq!(
                (recognised.architecture, recognised.classes),
                (architecture, 11)
            );
        }
    }
    Ok(())
}

#[test]
fn the_first_classes_alone_answer_as_they_did_among_all() -> Result<()> {
    let mut checkpoint = Checkpoint::default();
    for (name, shape) in Architecture::EfficientNetLite0.tensors(5, true) {
        let values = common::noise(&name, shape.iter().product());
        checkpoint.insert(name, shape, values.map(|v| 0.1 * v).collect())?;
    }
    let input: Vec<f32> = common::noise("x", 3 * 64 * 64).collect();
    let logits = |checkpoint| {
        let network = Network::load_for(
            Architecture::EfficientNetLite0,
            checkpoint,
            [64; 2],
            &Device::flex(),
        )?;
        Ok::<_, Error>(common::logits_of(&network, &input, 64))
    };
    let keep = |classes| {
        let mut kept = checkpoint.clone();
        Architecture::EfficientNetLite0.keep_classes(&mut kept, classes)?;
        Ok::<_, Error>(kept)
    };
    let all = logits(checkpoint.clone())?;
    assert_eq!(all.len(), 5);
    assert_eq!(logits(keep(2)?)?, all[..2]);
    assert_eq!(logits(keep(5)?)?, all);
    for asked in [0, 6] {
        let refused = keep(asked).unwrap_err();
        assert!(
            matches!(refused, Error::ClassCount { found: 5, asked: a } if a == asked),
            "{refused}"
        );
    }
    Ok(())
}

#[test]
fn what_is_missing_or_of_another_shape_is_named() -> Result<()> {
    let mut checkpoint = Checkpoint::default();
    for (name, mut shape) in Architecture::ResNet18.tensors(10, false) {
        match &*name {
            "layer1.0.bn1.bias" => continue,
            "layer2.0.conv1.weight" => shape[2] = 5,
            _ => {}
        }
        let values = vec![0.0; shape.iter().product()];
        checkpoint.insert(name, shape, values)?;
    }
    checkpoint.insert("head.bias", vec![1], vec![0.0])?;
    let refused = recognise(checkpoint).unwrap_err().to_string();
    for part in [
        "nearest is ResNet-18",
        "missing: layer1.0.bn1.bias",
        "too much: head.bias",
        "layer2.0.conv1.weight [128, 64, 5, 3] ≠ [128, 64, 3, 3]",
    ] {
        assert!(refused.contains(part), "{refused}");
    }
    Ok(())
}

#[test]
fn labels_must_be_as_many_as_classes() {
    let own = |labels| ModelSpec::own("mine", Architecture::ResNet18, 2, labels);
    assert_eq!(own(Some("cat\ndog\n")).unwrap().labels(), ["cat", "dog"]);
    assert_eq!(
        own(Some(r#"["cat", "big\ndog"]"#)).unwrap().labels(),
        ["cat", "big dog"]
    );
    assert_eq!(own(None).unwrap().labels(), ["class 0", "class 1"]);
    let refused = own(Some("cat"));
    assert!(matches!(
        refused,
        Err(Error::LabelCount {
            expected: 2,
            found: 1
        })
    ));
}

// ---- Files that lie -------------------------------------------------------------------------

/// A pickle of a dictionary with one tensor.
fn pickle(shape: &[i32], strides: &[i32], offset: i32) -> Vec<u8> {
    fn text(out: &mut Vec<u8>, text: &str) {
        out.push(b'X');
        out.extend((text.len() as u32).to_le_bytes());
        out.extend(text.as_bytes());
    }
    fn numbers(out: &mut Vec<u8>, numbers: &[i32]) {
        out.push(b'(');
        for number in numbers {
            out.push(b'J');
            out.extend(number.to_le_bytes());
        }
        out.push(b't');
    }
    let mut out = vec![0x80, 2, b'}'];
    text(&mut out, "w");
    out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
    text(&mut out, "storage");
    out.extend(b"ctorch\nFloatStorage\n");
    text(&mut out, "0");
    text(&mut out, "cpu");
    out.extend([b'K', 4, b't', b'Q', b'J']);
    out.extend(offset.to_le_bytes());
    numbers(&mut out, shape);
    numbers(&mut out, strides);
    out.extend([0x89, b'}', b't', b'R', b's', b'.']);
    out
}

/// A zip archive as PyTorch writes it, with four numbers in its one storage.
fn archive(pickle: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in [
        ("m/data.pkl", pickle),
        (
            "m/data/0",
            &[1.0f32, 2.0, 3.0, 4.0].map(f32::to_le_bytes).concat(),
        ),
    ] {
        zip.start_file(name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn windows_into_a_storage_are_read_as_pytorch_reads_them() -> Result<()> {
    let read = |shape: &[i32], strides: &[i32], offset| -> Result<Vec<f32>> {
        let mut checkpoint = Checkpoint::from_bytes(&archive(&pickle(shape, strides, offset)))?;
        let shape: Vec<usize> = shape.iter().map(|&size| size as usize).collect();
        checkpoint.take("w", &shape)
    };
    assert_eq!(read(&[2, 2], &[2, 1], 0)?, [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(
        read(&[2, 2], &[1, 2], 0)?,
        [1.0, 3.0, 2.0, 4.0],
        "transposed"
    );
    assert_eq!(read(&[2], &[1], 2)?, [3.0, 4.0], "from an offset");
    assert_eq!(read(&[3], &[0], 1)?, [2.0; 3], "expanded");
    Ok(())
}

#[test]
fn sizes_that_lie_are_refused_before_memory_is_taken() {
    let most = i32::MAX;
    for (shape, strides, offset) in [
        (vec![5], vec![1], 0),
        (vec![2, 2], vec![2, 1], 1),
        (vec![2], vec![most], 0),
        (vec![most, most, most], vec![1, 1, 1], 0),
        (vec![most], vec![0], 0),
        (vec![2, 2], vec![1], 0),
        (vec![-1], vec![1], 0),
        (vec![1], vec![1], -1),
        (vec![1], vec![1], most),
    ] {
        let refused = Checkpoint::from_bytes(&archive(&pickle(&shape, &strides, offset)));
        assert!(
            matches!(refused, Err(Error::UnreadableCheckpoint { .. })),
            "{shape:?} {strides:?} {offset}"
        );
    }
}

#[test]
fn damaged_files_are_refused_wherever_they_are_cut() {
    let whole = archive(&pickle(&[4], &[1], 0));
    assert!(Checkpoint::from_bytes(&whole).is_ok());
    for end in 0..whole.len() {
        assert!(
            Checkpoint::from_bytes(&whole[..end]).is_err(),
            "cut at {end}"
        );
    }
    let pickle = pickle(&[4], &[1], 0);
    for end in 0..pickle.len() {
        let refused = Checkpoint::from_bytes(&archive(&pickle[..end]));
        assert!(refused.is_err(), "pickle cut at {end}");
    }
    // Any one byte wrong: refused or read, but never a panic.
    for k in 0..pickle.len() {
        for byte in [0, b'.', b'(', b't', b'R', b'h', b'r', 0xff] {
            let mut wrong = pickle.clone();
            wrong[k] = byte;
            let _either_way = Checkpoint::from_bytes(&archive(&wrong));
        }
    }
}

#[test]
fn nesting_without_end_is_no_harm() {
    // A million tuples, one inside the other, and a list that holds itself.
    let mut deep = vec![0x80, 2, b')'];
    deep.extend(vec![0x85; 1_000_000]);
    deep.push(b'.');
    let mut circle = vec![0x80, 2, b']', b'q', 0, b'h', 0, b'a', b'.'];
    for pickle in [&mut deep, &mut circle] {
        let refused = Checkpoint::from_bytes(&archive(pickle));
        assert!(
            matches!(refused, Err(Error::UnreadableCheckpoint { reason }) if reason.contains("no weights"))
        );
    }
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    for (bytes, said) in [
        (&b""[..], ""),
        (b"PK\x03\x04 but no archive", ""),
        (b"\x89PNG\r\n\x1a\n", ""),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f{", ""),
    ] {
        let refused = Checkpoint::from_bytes(bytes);
        assert!(
            matches!(refused, Err(Error::UnreadableCheckpoint { reason }) if reason.contains(said))
        );
    }
}
