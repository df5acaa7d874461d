//! Programs that `torch.export.save` writes: a list of PyTorch's operations, and their weights beside it.
//!
//! `code` tells the list as the TorchScript that it would be, `weights` reads the numbers; from there on both are one.
//!
//! # Source
//!
//! `docs/source/export/pt2_archive.md` and `torch/_export/serde/schema.py` of PyTorch 2.9.

mod code;
mod weights;

use std::collections::BTreeMap;
use std::io::Cursor;

use serde_json::Value as Json;
use violet_weights::{Object, Script};

use self::code::Program;
use crate::error::{Error, Result};
use crate::files::File;
use crate::imported::{Imported, Options};
use crate::torchscript;

/// Where the list is.
const MODEL: &str = "models/model.json";
/// Where PyTorch before 2.8 had it.
const OLD_MODEL: &str = "serialized_exported_program.json";

fn damaged(detail: impl Into<String>) -> Error {
    Error::Damaged {
        format: "PyTorch",
        detail: detail.into(),
    }
}

/// Whether a file is such a program, by the list of what is in the archive.
pub(crate) fn is_program(bytes: &[u8]) -> bool {
    if !bytes.starts_with(b"PK\x03\x04") {
        return false;
    }
    let Ok(archive) = zip::ZipArchive::new(Cursor::new(bytes)) else {
        return false;
    };
    let names = archive.file_names().filter_map(|name| name.ok());
    let mut names = names.map(|name| name.into_owned());
    names.any(|name| within(&name) == Some(MODEL) || name == OLD_MODEL)
}

/// A name without the folder that everything is in.
fn within(name: &str) -> Option<&str> {
    Some(name.split_once('/')?.1)
}

/// Reads a program. `beside` are the files that were opened with it.
///
/// # Errors
///
/// Those of TorchScript.
pub(crate) fn import(file: File, beside: &[File], options: &Options) -> Result<Imported> {
    let files = file.unpacked()?;
    let named = |name: &str| files.iter().find(|file| within(&file.name) == Some(name));
    let Some(model) = named(MODEL) else {
        return Err(Error::NoNetwork {
            found: "a program that PyTorch before 2.8 exported",
            advice: "Export it again with a newer one, or save the network with torch.jit.save.",
        });
    };
    let model: Json =
        serde_json::from_slice(&model.bytes).map_err(|error| damaged(error.to_string()))?;
    let program = Program::read(&model)?;
    let mut attributes = BTreeMap::new();
    let mut weights = weights::Weights::new(&files)?;
    for (attribute, name) in &program.weights {
        attributes.insert(attribute.clone(), weights.read(name)?);
    }
    drop(files);
    let script = Script {
        code: BTreeMap::from([(code::FILE.into(), program.code)]),
        objects: vec![Object {
            class: code::CLASS.into(),
            attributes,
        }],
        root: 0,
        constants: Vec::new(),
        extra: BTreeMap::new(),
    };
    let mut options = options.clone();
    if let Some(size) = program.size
        && (program.fixed || options.size.is_none())
    {
        options.size = Some(size);
    }
    let imported = torchscript::import(&script, beside, &options);
    let mut imported = imported.map_err(|error| match error {
        // Where shapes of all of them are not those of one, as where they are folded into other axes.
        Error::Graph(_) | Error::NoSize { .. } if program.pictures > 1 => Error::NoNetwork {
            found: "a program for several pictures at once",
            advice: "Export it again for one, or for any number of them.",
        },
        error => error,
    })?;
    imported.input.fixed_size = program.fixed;
    imported.producer = "torch.export".into();
    Ok(imported)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde_json::json;

    use super::*;
    use crate::open;

    /// A program of those operations of a picture [1, 1, 2, 2] and a weight [2, 4], whose file has so many bytes.
    fn program(nodes: &Json, output: &str, bytes: usize) -> File {
        let length = |n: usize| json!({ "as_int": n });
        let meta = json!({
            "dtype": 7,
            "sizes": [length(2), length(4)],
            "strides": [length(4), length(1)],
            "storage_offset": length(0)
        });
        let model = json!({"graph_module": {
            "graph": {
                "nodes": nodes,
                "tensor_values": {"x": {"sizes": [length(1), length(1), length(2), length(2)]}}
            },
            "signature": {
                "input_specs": [
                    {"parameter": {"arg": {"name": "p_w"}, "parameter_name": "w"}},
                    {"user_input": {"arg": {"as_tensor": {"name": "x"}}}}
                ],
                "output_specs": [{"user_output": {"arg": {"as_tensor": {"name": output}}}}]
            }
        }});
        let config = json!({"config": {"w": {"path_name": "weight_0", "tensor_meta": meta}}});
        archive(&[
            ("a/models/model.json", model.to_string().as_bytes()),
            (
                "a/data/weights/model_weights_config.json",
                config.to_string().as_bytes(),
            ),
            ("a/data/weights/weight_0", &vec![0x3f; bytes]),
        ])
    }

    fn archive(files: &[(&str, &[u8])]) -> File {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            let options = zip::write::SimpleFileOptions::default();
            zip.start_file(*name, options).expect("an entry");
            zip.write_all(bytes).expect("its bytes");
        }
        let bytes = zip.finish().expect("an archive").into_inner();
        File::new("net.pt2", bytes)
    }

    fn call(target: &str, inputs: &Json, output: &str) -> Json {
        let inputs = inputs.as_array().expect("inputs").iter();
        let inputs: Vec<Json> = inputs.map(|arg| json!({ "arg": arg })).collect();
        json!({"target": target, "inputs": inputs, "outputs": [{"as_tensor": {"name": output}}]})
    }

    fn linear(flat: &str) -> Json {
        let tensor = |name: &str| json!({"as_tensor": {"name": name}});
        json!([
            call(
                "torch.ops.aten.flatten.using_ints",
                &json!([tensor("x"), {"as_int": 1}]),
                "f"
            ),
            call(
                "torch.ops.aten.linear.default",
                &json!([tensor(flat), tensor("p_w")]),
                "y"
            ),
        ])
    }

    fn refused(file: File) -> String {
        let error = open(vec![file], &Options::default()).expect_err("it is refused");
        error.to_string()
    }

    #[test]
    fn a_list_of_operations_is_a_network() {
        let imported = open(vec![program(&linear("f"), "y", 32)], &Options::default());
        let imported = imported.expect("a network");
        let input = &imported.input;
        assert_eq!([input.channels, input.height, input.width], [1, 2, 2]);
        assert!(input.fixed_size);
        let operations: Vec<&str> = imported.operations.iter().map(|o| &*o.name).collect();
        assert_eq!(operations, ["flatten", "linear"]);
    }

    #[test]
    fn what_is_missing_or_not_understood_is_said() {
        let mystery = json!([call(
            "torch.ops.my_library.mystery.default",
            &json!([{"as_tensor": {"name": "x"}}, {"as_graph": {}}]),
            "y"
        )]);
        for (file, says) in [
            (program(&mystery, "y", 32), "my_library::mystery"),
            (program(&linear("f"), "y", 28), "cut short"),
            (program(&linear("f"), "nothing", 32), "nowhere"),
            (program(&linear("f; import os"), "y", 32), "no name"),
            (program(&json!({}), "y", 32), "nodes"),
            (archive(&[("a/models/model.json", b"{}")]), "graph_module"),
            (archive(&[("a/models/model.json", b"{")]), "damaged"),
            (
                archive(&[("serialized_exported_program.json", b"{}")]),
                "before 2.8",
            ),
        ] {
            let said = refused(file);
            assert!(said.contains(says), "{says}: {said}");
        }
        let whole = program(&linear("f"), "y", 32).bytes;
        for length in (4..whole.len()).step_by(31) {
            refused(File::new("net.pt2", &whole[..length]));
        }
    }
}
