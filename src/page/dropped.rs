//! What people drop together: told by its first bytes, whatever it is called.

/// So many of a file's first bytes tell what it is.
pub const HEAD: usize = 512;

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// To be looked at.
    Photo,
    /// A network, its weights, or an archive that may hold both.
    Network,
    /// Text that may name classes, or say more of a network.
    Text,
    /// Something else: a network's second file, or nothing.
    Other,
}

/// Endings of files that are networks, if anything.
const NETWORKS: [&str; 24] = [
    ".onnx",
    ".ort",
    ".pb",
    ".pth",
    ".pt",
    ".pt2",
    ".ckpt",
    ".pkl",
    ".tar",
    ".safetensors",
    ".h5",
    ".hdf5",
    ".keras",
    ".tflite",
    // In formats that are not read, which is said with what to do.
    ".engine",
    ".trt",
    ".mlmodel",
    ".pdmodel",
    ".pdiparams",
    ".pdparams",
    ".caffemodel",
    ".prototxt",
    ".weights",
    ".pte",
];
/// Endings of texts that may name classes.
const TEXTS: [&str; 7] = [
    ".txt", ".json", ".yaml", ".yml", ".names", ".labels", ".csv",
];
/// Endings of files that hold a network's weights beside its graph.
const SECOND_FILES: [&str; 2] = [".data", ".onnx_data"];
/// Endings of files that are archives to a computer, and something else to people.
const DOCUMENTS: [&str; 8] = [
    ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".epub", ".jar",
];

fn ends_as(name: &str, endings: &[&str]) -> bool {
    let name = name.to_lowercase();
    endings.iter().any(|ending| name.ends_with(ending))
}

impl Kind {
    /// What a file is for, by its name and its first bytes, [`HEAD`] of them or all.
    pub fn of(name: &str, head: &[u8]) -> Self {
        let at = |place: usize, magic: &[u8]| {
            head.get(place..)
                .is_some_and(|rest| rest.starts_with(magic))
        };
        let photo = at(0, b"\xff\xd8\xff")
            || at(0, b"\x89PNG")
            || at(0, b"GIF8")
            || at(0, b"RIFF") && at(8, b"WEBP")
            || at(0, b"BM") && !ends_as(name, &NETWORKS)
            || at(4, b"ftyp")
            || at(0, b"II*\0")
            || at(0, b"MM\0*");
        // A safetensors file begins with the length of its header, which is JSON.
        let length = head.first_chunk::<8>().copied().map(u64::from_le_bytes);
        let safetensors = at(8, b"{") && length.is_some_and(|length| length < 1 << 40);
        let network = at(0, b"\x89HDF\r\n")
            || at(4, b"TFL3")
            || at(4, b"ORTM")
            || at(0, b"\x80\x02")
            || safetensors
            || at(0, b"PK\x03\x04") && !ends_as(name, &DOCUMENTS)
            || is_onnx(head)
            || is_tensorflow_js(head);
        match () {
            () if photo => Self::Photo,
            () if network => Self::Network,
            // Whatever is in it, it is meant to be one: its reader says what it is instead.
            () if ends_as(name, &NETWORKS) => Self::Network,
            () if ends_as(name, &TEXTS) => Self::Text,
            () => Self::Other,
        }
    }
}

/// Whether the first field of an ONNX file, its version, is followed by another one that such a file
/// begins with.
///
/// # Source
///
/// `onnx.proto`: `ir_version` is field 1, a number below 32 so far; fields 2 to 6 and 8, names, the model's version
/// and the operators' versions, come next, or 7, the graph.
fn is_onnx(head: &[u8]) -> bool {
    matches!(
        head,
        [
            0x08,
            1..=31,
            0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42,
            ..
        ]
    )
}

/// Whether a text begins as the `model.json` of TensorFlow.js does, which is one of its keys, or as that of Teachable
/// Machine.
fn is_tensorflow_js(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let keys = [
        "\"modelTopology\"",
        "\"weightsManifest\"",
        "\"layers-model\"",
        "\"graph-model\"",
    ];
    text.starts_with('{') && keys.iter().any(|key| text.contains(key))
}

/// What is to be done with files that came together: which of them, by their places, are a network's, and which are
/// to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sorted {
    /// A network with whatever belongs to it, or what belongs to one that is here already.
    pub network: Vec<usize>,
    /// Photos, and what is none, which is told when it is opened.
    pub photos: Vec<usize>,
    /// What may belong to a network, labels or its second file, where there is none.
    pub alone: Vec<usize>,
}

impl Sorted {
    /// Sorts files by name and kind. `own` says whether a network of one's own is here already, to which a text may
    /// belong; `awaited` names the file that such a network still lacks.
    pub fn of(files: &[(String, Kind)], own: bool, awaited: Option<&str>) -> Self {
        let base = |name: &str| {
            name.rsplit(['/', '\\'])
                .next()
                .unwrap_or(name)
                .to_lowercase()
        };
        let comes = |name: &str| awaited.is_some_and(|awaited| base(awaited) == base(name));
        let has = |kind| files.iter().any(|&(_, of)| of == kind);
        let part = |name: &str, kind: Kind| match kind {
            Kind::Photo => comes(name),
            Kind::Network => true,
            Kind::Text => own || has(Kind::Network) || comes(name),
            Kind::Other => {
                let named = files.iter().any(|(name, _)| comes(name));
                // The weights of TensorFlow.js by themselves: its reader says what is missing.
                has(Kind::Network) || named || base(name).ends_with(".bin")
            }
        };
        let second = |name: &str, kind: Kind| match kind {
            Kind::Text => true,
            Kind::Other => ends_as(name, &SECOND_FILES),
            Kind::Photo | Kind::Network => false,
        };
        let mut sorted = Self::default();
        for (k, &(ref name, kind)) in files.iter().enumerate() {
            let place = match () {
                () if part(name, kind) => &mut sorted.network,
                // Among photos it is one of what is left out.
                () if second(name, kind) && !has(Kind::Photo) => &mut sorted.alone,
                () => &mut sorted.photos,
            };
            place.push(k);
        }
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_bytes() {
        for (name, head, kind) in [
            ("cat.jpg", &b"\xff\xd8\xff\xe0"[..], Kind::Photo),
            ("cat", b"\x89PNG\r\n\x1a\n", Kind::Photo),
            ("cat.onnx", b"RIFF\0\0\0\0WEBPVP8 ", Kind::Photo),
            ("holiday.heic", b"\0\0\0\x18ftypheic", Kind::Photo),
            ("model", b"\x08\x08\x12\x07pytorch", Kind::Network),
            ("model.bin", b"\x08\x0a\x3a\x90", Kind::Network),
            ("keras_model", b"\x89HDF\r\n\x1a\n", Kind::Network),
            ("m.tflite", b"\x1c\0\0\0TFL3", Kind::Network),
            ("best.engine", b"ftrt", Kind::Network),
            ("weights", b"\x40\0\0\0\0\0\0\0{\"a\":", Kind::Network),
            ("best", b"\x80\x02}q\0", Kind::Network),
            ("converted_tfjs (1).zip", b"PK\x03\x04", Kind::Network),
            ("model_best.pth.tar", b"PK\x03\x04", Kind::Network),
            ("homework.docx", b"PK\x03\x04", Kind::Other),
            (
                "model.json",
                b"\xef\xbb\xbf{\"modelTopology\": {",
                Kind::Network,
            ),
            (
                "model.json",
                b"{\"format\":\"layers-model\",",
                Kind::Network,
            ),
            ("labels.json", b"{\"0\": \"cat\"}", Kind::Text),
            ("labels.txt", b"0 cat\n1 dog", Kind::Text),
            ("data.yaml", b"names: [cat, dog]", Kind::Text),
            // What stands in for a network is told by its reader.
            (
                "model.onnx",
                b"version https://git-lfs.github.com",
                Kind::Network,
            ),
            ("resnet.pth", b"<!doctype html>", Kind::Network),
            ("empty.h5", b"", Kind::Network),
            ("model.onnx.data", b"\x12\x34\x56", Kind::Other),
            ("page.html", b"<html>", Kind::Other),
        ] {
            assert_eq!(Kind::of(name, head), kind, "{name}");
        }
    }

    fn sorted(files: &[(&str, Kind)], own: bool, awaited: Option<&str>) -> [Vec<usize>; 3] {
        let files: Vec<_> = files.iter().map(|&(n, k)| (n.to_owned(), k)).collect();
        let Sorted {
            network,
            photos,
            alone,
        } = Sorted::of(&files, own, awaited);
        [network, photos, alone]
    }

    #[test]
    fn one_drop_may_hold_a_network_its_labels_and_photos() {
        let (photo, network) = (Kind::Photo, Kind::Network);
        let all = [
            ("a.jpg", photo),
            ("labels.txt", Kind::Text),
            ("m.onnx", network),
            ("m.onnx.data", Kind::Other),
            ("b.png", photo),
        ];
        assert_eq!(
            sorted(&all, false, None),
            [vec![1, 2, 3], vec![0, 4], vec![]]
        );
        // A text belongs to a network: to one that is here, or to one that did not come.
        let text = [("labels.txt", Kind::Text)];
        assert_eq!(sorted(&text, false, None), [vec![], vec![], vec![0]]);
        assert_eq!(sorted(&text, true, None), [vec![0], vec![], vec![]]);
        let beside = [("labels.txt", Kind::Text), ("a.jpg", photo)];
        assert_eq!(sorted(&beside, false, None), [vec![], vec![0, 1], vec![]]);
        // What is no photo is told when it is opened as one.
        let other = [("notes.docx", Kind::Other), ("a.jpg", photo)];
        assert_eq!(sorted(&other, true, None), [vec![], vec![0, 1], vec![]]);
    }

    #[test]
    fn what_a_network_lacks_is_taken_when_it_comes() {
        let data = [("weights/M.onnx.DATA", Kind::Other)];
        assert_eq!(sorted(&data, false, None), [vec![], vec![], vec![0]]);
        assert_eq!(
            sorted(&data, false, Some("m.onnx.data")),
            [vec![0], vec![], vec![]]
        );
        assert_eq!(
            sorted(&[("weights.bin", Kind::Other)], false, None),
            [vec![0], vec![], vec![]]
        );
    }
}
