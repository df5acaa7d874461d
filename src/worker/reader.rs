//! The reader, a worker of its own: it reads the network among someone's files, and hands it over.

use js_sys::{ArrayBuffer, Float32Array};
use violet_graph::Graph;
use violet_import::File;

use super::listen::{Message, Reply, bytes, listen};
use crate::model::{Opened, Wishes, published};
use crate::protocol::{Failure, Request, Response};

/// Starts answering messages.
pub fn start() {
    listen(async move |Message { request, bodies }| match request {
        Request::Read { files, wishes } => read(together(files, &bodies), &wishes),
        _ => Err(Failure::internal(
            "the reader reads files, and nothing else",
        )),
    });
}

fn read(files: Vec<File>, wishes: &Wishes) -> Result<Reply, Failure> {
    let published = published(&files);
    let opened = Opened::read(files, wishes)?;
    let mut card = opened.card();
    let whole = wishes.classes.is_none() && wishes.labels.is_none();
    let published = published.filter(|_| whole);
    card.published = published.map(|spec| spec.name.to_string());
    let definition = opened.definition;
    let outline = postcard::to_stdvec(&definition.outline());
    let response = Response::Read {
        card: Box::new(card),
        definition: outline.map_err(|error| Failure::internal(&error.to_string()))?,
    };
    let body = Some(elements(&definition.graph));
    Ok(Reply { response, body })
}

/// Files by their names and their bytes.
fn together(names: Vec<String>, bodies: &[ArrayBuffer]) -> Vec<File> {
    let files = names.into_iter().zip(bodies);
    files
        .map(|(name, body)| File::new(name, bytes(body)))
        .collect()
}

/// The weights one after the other, in the browser's own memory.
fn elements(graph: &Graph) -> ArrayBuffer {
    let length: usize = graph.elements().map(|elements| elements.len()).sum();
    let all = Float32Array::new_with_length(length as u32);
    let mut written = 0;
    for elements in graph.elements() {
        let length = elements.len() as u32;
        all.subarray(written, written + length).copy_from(elements);
        written += length;
    }
    all.buffer()
}
