//! Files as people drop them: one, several that belong together, or an archive of them.

use std::io::Read;

use crate::error::{Error, Result};

/// A file: its name, perhaps with folders before it, and its bytes.
#[derive(Debug, Clone)]
pub struct File {
    /// As the user, the folder or the archive names it.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Files that an archive may hold.
const MAX_FILES: usize = 4096;

/// Bytes that an archive may unpack to.
const MAX_BYTES: u64 = 1 << 30;

impl File {
    /// A file of that name.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            bytes: bytes.into(),
        }
    }

    /// Its name without the folders.
    pub fn base_name(&self) -> &str {
        base_name(&self.name)
    }

    /// In how many folders it is.
    pub(crate) fn depth(&self) -> usize {
        self.name.matches(['/', '\\']).count()
    }

    /// Whether another file means this one by that name. Folders do not count: they are lost when
    /// files are dropped one by one.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.base_name().eq_ignore_ascii_case(base_name(name))
    }

    /// The files in it, if it is a zip archive; else only itself.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] if the archive is, or if it holds more than any network.
    pub fn unpacked(self) -> Result<Vec<File>> {
        match self.bytes.starts_with(b"PK\x03\x04") {
            true => unzipped(&self.bytes),
            false => Ok(vec![self]),
        }
    }

    /// The files of a zip archive that is appended to something else; nothing if there is none that
    /// can be read.
    pub(crate) fn archived(bytes: &[u8]) -> Option<Vec<File>> {
        /// The last record of an archive, and the longest comment after it.
        const TAIL: usize = 22 + 0xffff;
        let tail = &bytes[bytes.len().saturating_sub(TAIL)..];
        let has_end = tail.windows(4).any(|window| window == b"PK\x05\x06");
        has_end.then(|| unzipped(bytes).ok()).flatten()
    }
}

fn unzipped(bytes: &[u8]) -> Result<Vec<File>> {
    let damaged = |detail: String| Error::Damaged {
        format: "zip",
        detail,
    };
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes))
        .map_err(|error| damaged(error.to_string()))?;
    if archive.len() > MAX_FILES {
        return Err(damaged(format!("it holds {} files", archive.len())));
    }
    let mut left = MAX_BYTES;
    let mut files = Vec::new();
    for k in 0..archive.len() {
        let file = archive
            .by_index(k)
            .map_err(|error| damaged(error.to_string()))?;
        let name = file
            .name()
            .map_err(|error| damaged(error.to_string()))?
            .into_owned();
        // What macOS adds.
        if !file.is_file() || name.starts_with("__MACOSX/") {
            continue;
        }
        let mut bytes = Vec::new();
        // The size that an archive states need not be true.
        file.take(left + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| damaged(format!("“{name}”: {error}")))?;
        left = left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| damaged(format!("it unpacks to more than {MAX_BYTES} bytes")))?;
        files.push(File { name, bytes });
    }
    Ok(files)
}

fn base_name(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn archive(files: &[(&str, &[u8])]) -> File {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in files {
            let options = zip::write::SimpleFileOptions::default();
            let options = options.compression_method(match bytes.len() % 2 {
                0 => zip::CompressionMethod::Stored,
                _ => zip::CompressionMethod::Deflated,
            });
            zip.start_file(*name, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        File::new("model.zip", zip.finish().unwrap().into_inner())
    }

    #[test]
    fn archives_stored_and_deflated() {
        let zeros = vec![0; 100_001];
        let files: [(&str, &[u8]); 3] = [
            ("my model/model.json", b"{}"),
            ("my model/weights.bin", &zeros),
            ("__MACOSX/._model.json", b"x"),
        ];
        let unpacked = archive(&files).unpacked().unwrap();
        let names: Vec<_> = unpacked.iter().map(File::base_name).collect();
        assert_eq!(names, ["model.json", "weights.bin"]);
        assert_eq!(unpacked[1].bytes, zeros);
        assert!(unpacked[1].is_named("Weights.bin"));
        assert_eq!(File::new("a", b"b").unpacked().unwrap().len(), 1);
    }

    #[test]
    fn damaged_archives_are_refused() {
        let whole = archive(&[("a", &[7; 999])]);
        for length in 4..whole.bytes.len() - 1 {
            let cut = File::new("a.zip", &whole.bytes[..length]);
            assert!(cut.unpacked().is_err());
        }
    }
}
