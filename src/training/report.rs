//! Weights, and what they are worth, as files.

use std::fmt::Write;

use burn::tensor::Device;
use violet::model::catalog::{Manifest, ManifestEntry};
use violet::model::{Architecture, Checkpoint, Network, checkpoint};
use violet::shapes::{Shape, Tag};

use crate::train::{Arguments, accuracy, confusion};

/// Writes each network's weights, `shapesnet.json` (a manifest) and `shapesnet.txt`: accuracy and
/// confusion of the very files that were written, through the network that the page runs.
pub(crate) fn write(
    arguments: &Arguments,
    checkpoints: Vec<(&str, Checkpoint)>,
) -> Result<(), String> {
    let out = &arguments.out;
    std::fs::create_dir_all(out).map_err(|e| format!("{}: {e}", out.display()))?;
    let save = |name: &str, bytes: &[u8]| {
        let path = out.join(name);
        std::fs::write(&path, bytes).map_err(|e| format!("{}: {e}", path.display()))
    };
    let mut manifest = Manifest::default();
    let mut text = format!(
        "Measured on {} scenes that were not trained on. Rows: the shape; columns: the answer.\n",
        arguments.held_out
    );
    for (name, checkpoint) in checkpoints {
        let bytes = checkpoint.to_safetensors().map_err(|e| e.to_string())?;
        let file = format!("{name}.safetensors");
        save(&file, &bytes)?;
        let read = Checkpoint::from_safetensors(&bytes).map_err(|e| e.to_string())?;
        let network = Network::load(Architecture::ShapesNet, read, &Device::flex());
        let network = network.map_err(|e| e.to_string())?;
        // A thread for each tag.
        let tables = std::thread::scope(|scope| {
            let (network, held_out) = (&network, arguments.held_out);
            Tag::ALL
                .map(|tag| scope.spawn(move || confusion(network, held_out, tag)))
                .map(|table| {
                    table
                        .join()
                        .unwrap_or_else(|p| std::panic::resume_unwind(p))
                })
        });
        for (tag, table) in Tag::ALL.into_iter().zip(tables) {
            let percent = 100.0 * accuracy(&table);
            let title = format!("{name}, tag: {}: {percent:.2} % right", tag.name());
            println!("{title}");
            write!(text, "\n{title}\n\n{}", rows(&table)).map_err(|e| e.to_string())?;
        }
        manifest.models.push(ManifestEntry {
            name: name.into(),
            file,
            bytes: bytes.len(),
            sha256: checkpoint::sha256(&bytes),
        });
    }
    save("shapesnet.txt", text.as_bytes())?;
    let json = serde_json::to_string_pretty(&manifest).map_err(|e| e.to_string())?;
    save("shapesnet.json", (json + "\n").as_bytes())
}

fn rows(table: &[[u64; 8]; 8]) -> String {
    let line = |name: &str, cells: Vec<String>| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>10}")).collect();
        format!("{name:<10}{cells}\n")
    };
    let head = line("", Shape::ALL.map(|shape| shape.name().into()).to_vec());
    let body = Shape::ALL
        .iter()
        .zip(table)
        .map(|(shape, row)| line(shape.name(), row.iter().map(u64::to_string).collect()));
    head + &body.collect::<String>()
}
