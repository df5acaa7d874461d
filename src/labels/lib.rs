//! Names of classes, as files have them: one a line, with or without its number, or a list or
//! dictionary of JSON's, Python's or YAML's.

#![forbid(unsafe_code)]

mod literal;
pub mod yaml;

pub use literal::Literal;

/// Names of classes in a file of that name: of YAML those that it calls `names`, as the description of a data set does;
/// of anything else as [`read`] does.
pub fn of_file(name: &str, bytes: &[u8]) -> Option<Vec<String>> {
    match is_yaml(name) {
        true => yaml::parse(&text(bytes)?)?.get("names")?.labels(),
        false => read(bytes),
    }
}

/// Whether a file's name says that it is YAML.
pub fn is_yaml(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".yaml", ".yml"].iter().any(|end| name.ends_with(end))
}

/// Names of classes: one a line, or JSON. A number before a name, as Teachable Machine writes it
/// (`0 cat`), is no part of it, if every line begins with its own. Nothing if it is no text.
pub fn read(bytes: &[u8]) -> Option<Vec<String>> {
    let text = text(bytes)?;
    let trimmed = text.trim();
    if trimmed.starts_with(['[', '{']) {
        let labels = Literal::parse(trimmed)?.labels()?;
        let one_line = |label: &String| label.replace(['\n', '\r'], " ");
        return Some(labels.iter().map(one_line).collect());
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
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    #[test]
    fn a_data_set_s_description_names_its_classes() {
        let yaml = b"path: coco8\nnames:\n  0: cat\n  1: long dog\n";
        assert_eq!(of_file("Data.YAML", yaml).unwrap(), ["cat", "long dog"]);
        assert_eq!(of_file("args.yml", b"task: detect\n"), None);
        assert_eq!(
            of_file("labels.txt", b"cat\nlong dog").unwrap(),
            ["cat", "long dog"]
        );
    }

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
        let weather = b"0 Cloudy\n1 Mostly Cloudy\n";
        assert_eq!(read(weather).unwrap(), ["Cloudy", "Mostly Cloudy"]);
        // One that does not begin with its own: all are names.
        assert_eq!(read(b"0 a\n1 b\n3 c").unwrap(), ["0 a", "1 b", "3 c"]);
        let nested = br#"{"class_to_idx": {"b": 1, "a": 0}}"#;
        assert_eq!(read(nested).unwrap(), ["a", "b"]);
        assert!(read(b"\x00\x01").is_none());
    }
}
