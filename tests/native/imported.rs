//! Networks from files run on the engine as their definition says, and one secant adds up. Which files: those
//! in the folders of the folder that VIOLET_CASES names.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use violet::engine::compare;
use violet::model::{Opened, Wishes};
use violet_import::File;

use crate::common::{noise, skip_optional};

/// Folders that hold files, at any depth.
fn folders(path: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    if entries.iter().any(|entry| entry.is_file()) {
        found.push(path.into());
    }
    for entry in entries.iter().filter(|entry| entry.is_dir()) {
        folders(entry, found);
    }
}

#[test]
fn the_cases_run_as_their_definition_says() {
    let Some(root) = std::env::var_os("VIOLET_CASES") else {
        skip_optional("VIOLET_CASES names no folder of networks");
        return;
    };
    let mut all = Vec::new();
    folders(Path::new(&root), &mut all);
    let mut failed = Vec::new();
    for folder in all {
        let name = folder.display().to_string();
        let files = std::fs::read_dir(&folder).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            File::new(name, std::fs::read(&path).unwrap())
        });
        let opened = match Opened::read(files.collect(), &Wishes::default()) {
            Ok(opened) => opened,
            Err(error) => {
                println!("{name}: refused: {error}");
                continue;
            }
        };
        let length = opened
            .definition
            .graph
            .value(opened.definition.graph.input())
            .elements();
        let to: Vec<f32> = noise("x", length).map(|v| v * 0.5 + 0.5).collect();
        let from = vec![0.0; length];
        let (explained, graph) = (opened.definition.explained().0, &opened.definition.graph);
        let device = Device::flex();
        let found = compare(graph, explained, [&from, &to], &device);
        match pollster::block_on(found) {
            Ok(found) => {
                println!("{name}: {found:?}");
                if !(found.outputs < 1e-4 && found.secant < 1e-3 && found.completeness < 1e-4) {
                    failed.push(format!("{name}: {found:?}"));
                }
            }
            Err(error) => failed.push(format!("{name}: {error}")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
