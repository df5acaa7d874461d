//! What the reader hands to workers is the network that it read, whatever reads it: the small files of
//! `src/import/tests/data`.

use std::sync::Arc;

use violet::Error;
use violet::model::{Definition, Opened, Wishes};
use violet_graph::Outline;
use violet_import::File;

use crate::common;

/// Every network there that is one file.
fn networks() -> Vec<(String, Definition)> {
    let mut waiting = vec![common::root().join("src/import/tests/data")];
    let mut networks = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let file = File::new(&*name, std::fs::read(&path).unwrap());
            if let Ok(opened) = Opened::read(vec![file], &Wishes::default()) {
                networks.push((name, opened.definition));
            }
        }
    }
    networks
}

fn sent(definition: &Definition) -> Definition<Outline> {
    let bytes = postcard::to_stdvec(&definition.outline()).unwrap();
    postcard::from_bytes(&bytes).unwrap()
}

fn elements(definition: &Definition) -> Vec<Arc<[f32]>> {
    // Copies, as the other end has none of these.
    let elements = definition.graph.elements();
    elements.map(|elements| elements.to_vec().into()).collect()
}

#[test]
fn a_network_arrives_as_it_was() {
    let networks = networks();
    assert!(networks.len() >= 10, "{} networks", networks.len());
    for (name, definition) in networks {
        let outline = sent(&definition);
        let elements = elements(&definition);
        let lengths = elements.iter().map(|elements| elements.len());
        assert!(outline.graph.lengths().eq(lengths), "{name}");
        let arrived = outline.with_elements(elements).unwrap();
        assert_eq!(format!("{arrived:?}"), format!("{definition:?}"), "{name}");
    }
}

#[test]
fn weights_that_are_not_its_own_are_refused() {
    let (_, definition) = networks().pop().unwrap();
    let elements = elements(&definition);
    let mut fewer = elements.clone();
    fewer.pop();
    let mut more = elements.clone();
    more.push([1.0].into());
    let mut longer = elements;
    longer[0] = longer[0].iter().copied().chain([0.0]).collect();
    for wrong in [fewer, more, longer] {
        let refused = sent(&definition).with_elements(wrong).unwrap_err();
        assert!(matches!(refused, Error::Graph(_)), "{refused}");
    }
}
