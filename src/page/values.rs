//! What is made of a pixel's values, as people call it.

use crate::preprocessing::Preprocessing;

/// A usual way of making numbers of a pixel's values, 0 to 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// 0 to 1.
    Shares,
    /// −1 to 1.
    Signed,
    /// 1 to 0: black is 1, as where bright strokes on black were learnt and photos have ink on paper.
    Inverted,
    /// 0 to 255, as they are.
    Bytes,
    /// By ImageNet's mean and standard deviation, as torchvision's networks have it.
    ImageNet,
    /// By other numbers.
    Other,
}

impl Values {
    /// Every way, in the order in which they are offered.
    pub const ALL: [Values; 6] = [
        Values::Shares,
        Values::Signed,
        Values::Bytes,
        Values::Inverted,
        Values::ImageNet,
        Values::Other,
    ];

    /// Name of its option.
    pub fn name(self) -> &'static str {
        match self {
            Values::Shares => "shares",
            Values::Signed => "signed",
            Values::Bytes => "bytes",
            Values::Inverted => "inverted",
            Values::ImageNet => "imagenet",
            Values::Other => "numbers",
        }
    }

    /// The way of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|values| values.name() == name)
    }

    /// Mean and standard deviation on the scale 0..=255, red, green and blue; nothing of other numbers.
    pub fn numbers(self) -> Option<[[f32; 3]; 2]> {
        match self {
            Values::Shares => Some([[0.0; 3], [255.0; 3]]),
            Values::Signed => Some([[127.5; 3]; 2]),
            Values::Bytes => Some([[0.0; 3], [1.0; 3]]),
            Values::Inverted => Some([[255.0; 3], [-255.0; 3]]),
            Values::ImageNet => {
                let usual = crate::model::Architecture::ResNet18.preprocessing();
                Some([usual.mean, usual.std])
            }
            Values::Other => None,
        }
    }

    /// What a network is given; numbers that differ by half a step of a pixel are the same.
    pub fn of(preprocessing: &Preprocessing) -> Self {
        let given = [preprocessing.mean, preprocessing.std];
        let near = |numbers: [[f32; 3]; 2]| {
            let pairs = numbers.as_flattened().iter().zip(given.as_flattened());
            pairs
                .into_iter()
                .all(|(a, b)| (a - b).abs() <= 0.5 * a.abs().clamp(0.01, 1.0))
        };
        let known = Self::ALL.into_iter();
        let mut known = known.filter(|values| values.numbers().is_some_and(near));
        known.next().unwrap_or(Values::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Architecture;

    #[test]
    fn every_way_is_known_by_its_numbers() {
        for values in Values::ALL {
            let mut preprocessing = Architecture::ShapesNet.preprocessing();
            [preprocessing.mean, preprocessing.std] = values.numbers().unwrap_or([[9.0; 3]; 2]);
            assert_eq!(Values::of(&preprocessing), values);
            assert_eq!(Values::from_name(values.name()), Some(values));
        }
        // Teachable Machine's own, value / 127 − 1, and EfficientNet-Lite's.
        let lite = Architecture::EfficientNetLite0.preprocessing();
        assert_eq!(Values::of(&lite), Values::Signed);
        assert_eq!(Values::from_name("plaid"), None);
    }
}
