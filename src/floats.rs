//! Long rows of f32 as bytes in messages, for serde: copied whole instead of one by one.
//!
//! Both ends of a message are the same machine, so the order of the bytes is its own.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

pub(crate) fn serialize<S: Serializer>(values: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytemuck::cast_slice(values))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<f32>, D::Error> {
    let bytes = <&[u8]>::deserialize(deserializer)?;
    let (values, rest) = bytes.as_chunks();
    if !rest.is_empty() {
        return Err(D::Error::custom("the bytes are no whole number of f32"));
    }
    Ok(values.iter().map(|&v| f32::from_ne_bytes(v)).collect())
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        before: u8,
        #[serde(with = "super")]
        values: Vec<f32>,
    }

    #[test]
    fn a_row_comes_back_as_it_was() {
        for values in [vec![], vec![0.0, -0.0, 1.5, f32::MIN, f32::INFINITY]] {
            // One byte before them, so that they do not lie where floats would.
            let row = Row { before: 7, values };
            let bytes = postcard::to_stdvec(&row).unwrap();
            assert_eq!(postcard::from_bytes::<Row>(&bytes).unwrap(), row);
        }
    }

    #[test]
    fn half_a_value_is_refused() {
        let bytes = postcard::to_stdvec(&(7u8, serde_bytes::Bytes::new(&[0; 6]))).unwrap();
        assert!(postcard::from_bytes::<Row>(&bytes).is_err());
    }
}
