//! Which reader files are for: told by their bytes, whatever they are called.

use crate::error::{Error, Result};
use crate::files::File;
use crate::imported::{Imported, Options};
use crate::{
    elsewhere, exported, keras, layouts, onnx, teachable_machine, tfjs, tflite, torchscript,
};

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// ONNX.
    Onnx,
    /// A Keras model in HDF5.
    KerasH5,
    /// A Keras 3 model, a zip archive.
    Keras,
    /// The `model.json` of TensorFlow.js.
    TensorflowJs,
    /// TensorFlow Lite.
    TensorflowLite,
    /// A program that `torch.export` wrote.
    Exported,
    /// Weights by name, without a description: PyTorch's formats and safetensors.
    Weights,
}

impl Format {
    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Onnx => "ONNX",
            Self::KerasH5 | Self::Keras => "Keras",
            Self::TensorflowJs => "TensorFlow.js",
            Self::TensorflowLite => "TensorFlow Lite",
            Self::Exported | Self::Weights => "PyTorch",
        }
    }

    /// What a file is by its bytes; nothing if it is none of these. Of a `.keras` file use
    /// [`open`], which looks into archives.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            bytes if keras::is_hdf5(bytes) => Some(Self::KerasH5),
            bytes if tflite::is_model(bytes) => Some(Self::TensorflowLite),
            bytes if tfjs::is_model(bytes) => Some(Self::TensorflowJs),
            bytes if exported::is_program(bytes) => Some(Self::Exported),
            bytes if violet_weights::is_weights(bytes) => Some(Self::Weights),
            bytes if onnx::is_onnx(bytes) => Some(Self::Onnx),
            _ => None,
        }
    }
}

/// Reads the network among files that were opened together: one file, an archive, a folder's files,
/// or a network with its weights and labels in any order.
///
/// # Errors
///
/// [`Error::NoNetwork`] or [`Error::SeveralNetworks`] if there is not one; else any [`Error`].
pub fn open(files: Vec<File>, options: &Options) -> Result<Imported> {
    Ok(read(files, options)?.1)
}

/// As [`open`], with what the files turned out to be.
///
/// # Errors
///
/// Those of [`open`].
pub fn read(files: Vec<File>, options: &Options) -> Result<(Format, Imported)> {
    let mut beside = Vec::new();
    let mut archives = Vec::new();
    for file in files {
        if exported::is_program(&file.bytes) || violet_weights::is_weights(&file.bytes) {
            beside.push(file);
            continue;
        }
        let name = file.name.clone();
        let unpacked = file.unpacked()?;
        match keras::is_keras(&unpacked) {
            true => archives.push((name, unpacked)),
            false => beside.extend(unpacked),
        }
    }
    let mut beside = of_one_network(beside);
    let formats = beside.iter().enumerate();
    let mut found: Vec<(usize, Format)> = formats
        .filter_map(|(k, file)| Some((k, Format::of(&file.bytes)?)))
        .collect();
    // An export of Teachable Machine stands by itself, whatever lies beside it.
    if archives.len() + found.len() > 1 {
        let names = archives.iter().map(|(name, _)| name.clone());
        let others = found.iter().map(|&(k, _)| beside[k].name.clone());
        return Err(Error::SeveralNetworks {
            names: names.chain(others).collect(),
        });
    }
    if let Some((_, files)) = archives.pop() {
        let imported = keras::import_keras(files, &beside, options)?;
        return Ok((Format::Keras, imported));
    }
    let Some((k, format)) = found.pop() else {
        // Called one and cut off so early that nothing tells: its reader says where.
        let called = |file: &&File| file.base_name().to_ascii_lowercase().ends_with(".onnx");
        if let Some(file) = beside.iter().find(called) {
            onnx::import(&file.bytes, &[], options)?;
        }
        return Err(no_network(&beside));
    };
    let file = beside.swap_remove(k);
    let imported = match format {
        Format::Exported => exported::import(file, &beside, options),
        Format::Weights => of_pytorch(&file, &beside, options),
        Format::Onnx => onnx::import(&file.bytes, &beside, options),
        Format::Keras | Format::KerasH5 => keras::import_h5(file.bytes, &beside, options),
        Format::TensorflowLite => tflite::import(&file.bytes, &beside, options),
        Format::TensorflowJs => match teachable_machine::metadata(&beside) {
            Some(metadata) => teachable_machine::import(&file.bytes, &metadata, &beside, options),
            None => tfjs::import(&file.bytes, &beside, options),
        },
    };
    Ok((format, imported?))
}

/// By its code, where the file holds it; else, or where something in it is not supported, by names and shapes.
fn of_pytorch(file: &File, beside: &[File], options: &Options) -> Result<Imported> {
    let Some(script) = violet_weights::script(&file.bytes)? else {
        return layouts::import(file, beside, options);
    };
    let refused = match torchscript::import(&script, beside, options) {
        Ok(imported) => return Ok(imported),
        Err(error) => error,
    };
    drop(script);
    layouts::import(file, beside, options).map_err(|_unknown| refused)
}

/// Without what Hugging Face's folders hold beside a network: the same weights for other libraries, and of a training its
/// optimiser, its arguments and what it saved on the way, in folders within. Files of any other folder stay.
pub fn of_one_network(mut files: Vec<File>) -> Vec<File> {
    const CONFIG: &str = "config.json";
    const NETWORKS: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];
    let described = files.iter().any(|file| file.is_named(CONFIG));
    let main = NETWORKS.iter().find_map(|name| {
        let named = files.iter().filter(|file| file.is_named(name));
        let outermost = named.min_by_key(|file| file.depth())?;
        Some(outermost.name.clone())
    });
    if let (true, Some(main)) = (described, main) {
        files.retain(|file| file.name == main || Format::of(&file.bytes).is_none());
    }
    files
}

/// What to say of files none of which is a network.
fn no_network(files: &[File]) -> Error {
    let named = |end: &str| files.iter().any(|file| file.base_name().ends_with(end));
    let pointer = |file: &File| file.bytes.starts_with(b"version https://git-lfs");
    if let Some(error) = elsewhere::told(files) {
        return error;
    }
    let (found, advice) = match () {
        () if files.iter().any(pointer) => (
            "a pointer that Git LFS left in place of the file",
            "Run git lfs pull where the repository is, or download the file itself from its web page.",
        ),
        () if teachable_machine::metadata(files).is_some() || named("weights.bin") => (
            "a part of a TensorFlow.js model, without its model.json",
            "Open model.json, metadata.json and weights.bin together, or the archive that holds \
             them.",
        ),
        () if named(".weights.h5") || named("config.json") => {
            ("a part of a Keras model", "Open the whole .keras file.")
        }
        () => (
            "a file that looks like no network",
            "Violet opens ONNX, Keras, TensorFlow.js, TensorFlow Lite and PyTorch files.",
        ),
    };
    Error::NoNetwork { found, advice }
}
