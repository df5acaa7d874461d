//! Networks in formats that Violet does not read, told by how files are called, and what to do with each.

use crate::error::Error;
use crate::files::File;

const EXPORT_ORIGINAL: &str = "Export the network that it was made from to ONNX.";

/// How files end, what they are, what to do.
const FORMATS: [(&[&str], &str, &str); 9] = [
    (
        &["saved_model.pb"],
        "a TensorFlow SavedModel",
        "Convert it: to ONNX with tf2onnx, or to TensorFlow Lite with tf.lite.TFLiteConverter.",
    ),
    (
        &[".pb", ".pbtxt"],
        "a frozen graph of TensorFlow",
        "Convert it: python -m tf2onnx.convert --graphdef FILE --inputs NAME:0 --outputs NAME:0 --output model.onnx.",
    ),
    (
        &[".pdmodel", ".pdiparams", ".pdparams"],
        "a PaddlePaddle model",
        "Convert it: paddle2onnx --model_dir DIR --model_filename NAME.pdmodel --params_filename NAME.pdiparams \
         --save_file model.onnx.",
    ),
    (
        &[".mlmodel", ".mlpackage"],
        "a Core ML model",
        EXPORT_ORIGINAL,
    ),
    (
        &[".engine", ".plan", ".trt"],
        "a TensorRT engine, made for one kind of graphics card",
        EXPORT_ORIGINAL,
    ),
    (
        &[".caffemodel", ".prototxt"],
        "a Caffe model",
        EXPORT_ORIGINAL,
    ),
    (
        &[".weights", ".cfg"],
        "a Darknet model",
        "Export it to ONNX, as Darknet's users do with Ultralytics' YOLO or pytorch-YOLOv4.",
    ),
    (
        &["-symbol.json", ".params"],
        "an MXNet model",
        EXPORT_ORIGINAL,
    ),
    (
        &[".pte"],
        "a program of PyTorch's, compiled",
        EXPORT_ORIGINAL,
    ),
];

/// What files are, if they are of another format.
pub(crate) fn told(files: &[File]) -> Option<Error> {
    let openvino = |file: &File| {
        let start = &file.bytes[..file.bytes.len().min(256)];
        file.base_name().ends_with(".xml") && start.windows(5).any(|window| window == b"<net ")
    };
    if files.iter().any(openvino) {
        return Some(Error::NoNetwork {
            found: "an OpenVINO model",
            advice: EXPORT_ORIGINAL,
        });
    }
    FORMATS.iter().find_map(|&(ends, found, advice)| {
        let ends_so = |file: &File| {
            let name = file.base_name().to_ascii_lowercase();
            ends.iter().any(|end| name.ends_with(end))
        };
        files
            .iter()
            .any(ends_so)
            .then_some(Error::NoNetwork { found, advice })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_formats_are_named_with_what_to_do() {
        for (name, content, says) in [
            ("best.engine", "abc", "TensorRT"),
            ("YOLO.mlmodel", "abc", "Core ML"),
            ("a/saved_model.pb", "abc", "SavedModel"),
            ("frozen.pb", "abc", "--graphdef"),
            ("inference.pdmodel", "abc", "paddle2onnx"),
            (
                "model.xml",
                "<?xml version=\"1.0\"?>\n<net name=\"x\">",
                "OpenVINO",
            ),
            ("yolov3.weights", "abc", "Darknet"),
        ] {
            let error = told(&[File::new(name, content)]).map(|error| error.to_string());
            assert!(
                error.as_ref().is_some_and(|error| error.contains(says)),
                "{name}: {error:?}"
            );
        }
        for (name, content) in [
            ("notes.xml", "<html>"),
            ("photo.jpg", "abc"),
            ("x.txt", "<net "),
        ] {
            assert!(told(&[File::new(name, content)]).is_none(), "{name}");
        }
    }
}
