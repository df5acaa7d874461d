//! Names of classes in a file of their own.

use crate::files::File;
use crate::literal::Literal;

/// The names in the first of these files that looks as if it named classes.
pub fn beside(files: &[File]) -> Option<Vec<String>> {
    let is_text = |file: &&File| {
        let name = file.base_name().to_ascii_lowercase();
        let text = [".txt", ".names", ".labels", ".csv"]
            .iter()
            .any(|end| name.ends_with(end));
        let json = name.ends_with(".json")
            && ["label", "class", "index", "categor"]
                .iter()
                .any(|part| name.contains(part));
        text || json
    };
    let mut texts: Vec<&File> = files.iter().filter(is_text).collect();
    // Of several, the one that says what it is.
    texts.sort_by_key(|file| {
        let name = file.base_name().to_ascii_lowercase();
        !(name.contains("label") || name.contains("class"))
    });
    texts.into_iter().find_map(|file| read(&file.bytes))
}

/// Names of classes: one a line, as Teachable Machine writes them (`0 cat`), or JSON. Nothing if it
/// is no text.
pub fn read(bytes: &[u8]) -> Option<Vec<String>> {
    let text = text(bytes)?;
    let trimmed = text.trim();
    if trimmed.starts_with(['[', '{']) {
        return Literal::parse(trimmed)?.labels();
    }
    let lines: Vec<&str> = trimmed
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let numbered: Option<Vec<&str>> = lines
        .iter()
        .enumerate()
        .map(|(k, line)| {
            let (number, name) = line.split_once(|c: char| c.is_whitespace() || c == ':')?;
            (number.parse() == Ok(k)).then(|| name.trim_start_matches(':').trim())
        })
        .collect();
    let names = numbered.unwrap_or(lines);
    (!names.is_empty()).then(|| names.into_iter().map(str::to_owned).collect())
}

/// UTF-8 or UTF-16, with or without a mark at its beginning.
fn text(bytes: &[u8]) -> Option<String> {
    let wide = |from: fn([u8; 2]) -> u16| {
        let (units, _) = bytes[2..].as_chunks::<2>();
        String::from_utf16(&units.iter().map(|&unit| from(unit)).collect::<Vec<_>>()).ok()
    };
    match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => {
            let text = String::from_utf8(bytes.to_vec()).ok()?;
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            (!text.contains('\0')).then(|| text.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_names_the_same_classes() {
        let wide = |text: &str| -> Vec<u8> {
            "\u{feff}"
                .encode_utf16()
                .chain(text.encode_utf16())
                .flat_map(u16::to_le_bytes)
                .collect()
        };
        for bytes in [
            b"cat\nlong dog\n".to_vec(),
            b"0 cat\r\n1 long dog\r\n".to_vec(),
            b"\xef\xbb\xbf0 cat\n\n1: long dog".to_vec(),
            br#"["cat", "long dog"]"#.to_vec(),
            br#"{"1": "long dog", "0": "cat"}"#.to_vec(),
            br#"{"long dog": 1, "cat": 0}"#.to_vec(),
            wide("cat\nlong dog"),
        ] {
            assert_eq!(read(&bytes).unwrap(), ["cat", "long dog"]);
        }
        assert_eq!(read(b"7 up\n1 dog").unwrap(), ["7 up", "1 dog"]);
        assert!(read(b"\x00\x01").is_none());
    }

    #[test]
    fn the_file_that_says_so_is_taken() {
        let files = [
            File::new("requirements.txt", "numpy"),
            File::new("folder/Labels.txt", "0 a\n1 b"),
            File::new("model.json", "[]"),
        ];
        assert_eq!(beside(&files).unwrap(), ["a", "b"]);
        assert!(beside(&files[2..]).is_none());
    }
}
