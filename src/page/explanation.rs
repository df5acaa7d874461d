//! One explanation: what was asked, of what, and what came of it. It does not change.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::answers::usual;
use super::settings::{PictureId, Settings, differing};
use crate::attribution::{
    Attributions, Completeness, Integration, Method, PathSample, Quadrature, Rule,
};
use crate::model::{Architecture, Detection, ModelSpec, Target, top_predictions};
use crate::preprocessing::{Crop, Preprocessing};
use crate::protocol::Truth;
use crate::regions::{MOST_REGIONS, Partition};
use crate::report::{FoundBox, Report};

/// A photo as a network sees it, and what it says.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    /// The part of the photo that it sees, in pixels of the photo.
    pub crop: Crop,
    /// Normalised, flat \[3, H, W\].
    pub input: Vec<f32>,
    /// Normalised, flat as the input.
    pub baseline: Vec<f32>,
    /// Every output at the input.
    pub logits_input: Vec<f32>,
    /// Every output at the baseline.
    pub logits_baseline: Vec<f32>,
    /// What a detector found, the best first.
    pub detections: Vec<Detection>,
    /// What the input is cut into, once someone has asked.
    pub regions: OnceCell<Rc<Partition>>,
}

/// What a network says of a picture.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The network.
    pub spec: ModelSpec,
    /// What it saw and said.
    pub prepared: Rc<Prepared>,
    /// The output that is explained, or will be.
    pub output: Option<usize>,
}

impl Seen {
    /// The output that is set, as far as the network has it, or else the one that is explained when
    /// nobody has chosen.
    pub fn choose(&mut self, settings: &Settings) -> Option<usize> {
        let outputs = self.prepared.logits_input.len();
        let chosen = settings.output.filter(|&output| output < outputs);
        let usual = || usual(&self.spec, &self.prepared, settings.threshold);
        self.output = chosen.or_else(usual);
        self.output
    }

    /// Whether the network knows drawn shapes and nothing else, and the picture is none: of a photo
    /// it says the name of one all the same.
    pub fn knows_only_shapes(&self, settings: &Settings, painted: bool) -> bool {
        let drawn = matches!(settings.picture, Some(PictureId::Scene { .. }));
        self.spec.architecture == Architecture::ShapesNet && !drawn && !painted
    }
}

/// Whether the attributions add up to the change of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Photo and baseline are one image.
    SameImage,
    /// The output is the same all the way.
    Still,
    /// The output ends where it began.
    NoChange,
    /// To a twentieth.
    AddsUp,
    /// To a fifth.
    Nearly,
    /// No.
    NotYet,
    /// The sum was cancelled on the way.
    Unfinished,
}

/// See the [module](self).
#[derive(Debug, Clone)]
pub struct Explanation {
    /// What it was made with.
    pub settings: Settings,
    /// The network.
    pub spec: ModelSpec,
    /// What it saw and said.
    pub prepared: Rc<Prepared>,
    /// What is known of a drawn scene.
    pub truth: Option<Rc<Truth>>,
    /// Which output is explained.
    pub target: Target,
    /// Signed, flat \[3, H, W\], and their sum.
    pub attributions: Attributions,
    /// F(x') and F(x).
    pub ends: [f32; 2],
    /// Points and weights of the whole rule, or of the secants that count.
    pub quadrature: Quadrature,
    /// F and its slope at the points that are in and count.
    pub samples: Vec<PathSample>,
    /// How far the integral has come.
    pub progress: Progress,
    /// From the first gradient to the last.
    pub elapsed_ms: f64,
    /// Where it was computed: the device's name, and by how many workers.
    pub device: (String, usize),
}

/// How far an integral has come.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Progress {
    /// Whether it is done.
    pub finished: bool,
    /// Gradients that are in, those included whose intervals were split since.
    pub gradients: usize,
    /// How many it takes in all, as far as can be told by now.
    pub expected: usize,
    /// Forward passes besides those of the gradients.
    pub starts: usize,
    /// The estimated relative L2 error of the attributions; nothing, where none can be told.
    pub map_error_estimate: Option<f64>,
    /// Whether the gradients were spent before the map was settled.
    pub cut_short: bool,
}

impl Explanation {
    /// One of which nothing is summed yet, and the integral that it takes. `output` is what is
    /// explained of what was `seen`; `truth` what is known of a drawn scene; `device` where it will
    /// be computed.
    ///
    /// # Errors
    ///
    /// Those of [`Integration::new`].
    pub fn draft(
        seen: &Seen,
        output: usize,
        settings: Settings,
        truth: Option<Rc<Truth>>,
        device: (String, usize),
    ) -> crate::Result<(Self, Integration)> {
        let Seen { spec, prepared, .. } = seen.clone();
        let outputs = prepared.logits_input.len();
        let detector = spec.architecture.is_detector();
        let against = |&class: &usize| !detector && class != output && class < outputs;
        let target = Target {
            output,
            minus: settings.against.filter(against),
            scale: settings.scale,
        };
        let ends = [&prepared.logits_baseline, &prepared.logits_input];
        let method = settings.method();
        let integration = Integration::new(method, &prepared.input, &prepared.baseline)?;
        let draft = Self {
            target,
            truth,
            attributions: Attributions {
                values: Vec::new(),
                sum: 0.0,
            },
            ends: ends.map(|logits| target.of(logits, spec.independent)),
            quadrature: integration.quadrature(),
            samples: Vec::new(),
            progress: Progress::default(),
            elapsed_ms: 0.0,
            device,
            settings,
            spec,
            prepared,
        };
        Ok((draft, integration))
    }

    /// What the network said of the picture, and what of that is explained.
    pub fn seen(&self) -> Seen {
        Seen {
            spec: self.spec.clone(),
            prepared: Rc::clone(&self.prepared),
            output: Some(self.target.output),
        }
    }

    /// Whether all gradients are in.
    pub fn is_finished(&self) -> bool {
        self.progress.finished
    }

    /// Whether it was made by secants, so that its sum is exact.
    pub fn is_by_secants(&self) -> bool {
        matches!(
            self.settings.method(),
            Method::Auto(_) | Method::Steps(Rule::Secant, _)
        )
    }

    /// Pixels in a row of what the network sees.
    pub fn width(&self) -> usize {
        self.spec.preprocessing.width as usize
    }

    /// What F changes by.
    pub fn change(&self) -> f64 {
        f64::from(self.ends[1]) - f64::from(self.ends[0])
    }

    /// What the sum says of the attributions.
    fn completeness(&self) -> Completeness {
        let Prepared {
            input, baseline, ..
        } = &*self.prepared;
        Completeness::of(&self.attributions, input, baseline, self.ends)
    }

    /// What the sum misses, as a share of what F changes by; nothing, where F does not change.
    pub fn missed(&self) -> Option<f64> {
        self.completeness().share()
    }

    /// Whether the sum adds up.
    pub fn verdict(&self) -> Verdict {
        match self.completeness() {
            Completeness::SameImage => Verdict::SameImage,
            _ if !self.is_finished() => Verdict::Unfinished,
            Completeness::Still => Verdict::Still,
            Completeness::NoChange => Verdict::NoChange,
            Completeness::Share(missed) if missed.abs() <= 0.05 => Verdict::AddsUp,
            Completeness::Share(missed) if missed.abs() <= 0.2 => Verdict::Nearly,
            Completeness::Share(_) => Verdict::NotYet,
        }
    }

    /// The explained class' name.
    pub fn label(&self) -> &str {
        self.name_of(self.target.output)
    }

    /// The name of the class that it is explained against.
    pub fn against(&self) -> Option<&str> {
        self.target.minus.map(|minus| self.name_of(minus))
    }

    /// The name of an output's class.
    pub fn name_of(&self, output: usize) -> &str {
        let labels = self.spec.labels();
        labels
            .get(self.spec.class_of(output))
            .copied()
            .unwrap_or("?")
    }

    /// Softmax of the explained output of a classifier, sigmoid of a detector's, or of an only output.
    pub fn probability(&self) -> f32 {
        self.prepared.probability(&self.spec, self.target.output)
    }

    /// The chosen box of a detector, and how much of the attributions lies inside it.
    pub fn found_box(&self) -> Option<FoundBox> {
        let mut found = self.prepared.detections.iter();
        let detection = found.find(|d| d.output == self.target.output)?;
        let size = self.spec.preprocessing.size();
        Some(FoundBox::of(detection, &self.attributions.values, size))
    }

    /// What the network sees, cut into regions: the same for every explanation of one photo.
    pub fn regions(&self) -> Rc<Partition> {
        self.prepared.regions(&self.spec.preprocessing)
    }

    /// The ids of the fields in which two explanations differ.
    pub fn differing(&self, other: &Self) -> Vec<&'static str> {
        let fields = differing(&self.settings, &other.settings);
        let mut ids: Vec<_> = fields
            .filter(|field| field.invalidates != super::Begin::Drawing)
            .map(|field| field.id)
            .collect();
        // Nobody chose the class: it is the likeliest, and another one all the same.
        if self.target.output != other.target.output && !ids.contains(&"predictions") {
            ids.push("predictions");
        }
        ids
    }

    /// What `report.json` says.
    pub fn report(&self) -> Report {
        let method = self.settings.method();
        // Of an unfinished sum, what is in.
        let weights: BTreeMap<u64, f64> = self
            .quadrature
            .alphas
            .iter()
            .zip(&self.quadrature.step_sizes)
            .map(|(alpha, &weight)| (alpha.to_bits(), weight))
            .collect();
        let (alphas, step_sizes) = if self.is_finished() {
            (
                self.quadrature.alphas.clone(),
                self.quadrature.step_sizes.clone(),
            )
        } else {
            let alphas: Vec<f64> = self.samples.iter().map(|sample| sample.alpha).collect();
            let weight = |alpha: &f64| weights.get(&alpha.to_bits()).copied().unwrap_or_default();
            let step_sizes = alphas.iter().map(weight).collect();
            (alphas, step_sizes)
        };
        Report {
            photo: match &self.settings.picture {
                Some(PictureId::Scene { seed, tag }) => {
                    format!("scene {seed}, tag: {}", tag.name())
                }
                Some(PictureId::Sample(name)) => format!("sample: {name}"),
                Some(PictureId::Photo(_)) | None => "a photo".into(),
            },
            model: self.spec.name.to_string(),
            target: self.target.output,
            label: self.label().into(),
            scale: self.target.scale,
            against: self.against().map(Into::into),
            r#box: self.found_box(),
            probability: self.probability(),
            output_input: self.ends[1],
            output_baseline: self.ends[0],
            attribution_sum: self.attributions.sum,
            convergence_delta: self
                .attributions
                .convergence_delta(self.ends[1], self.ends[0]),
            rule: method.name().into(),
            baseline: self.settings.baseline().to_string(),
            n_steps: match method {
                Method::Steps(_, n_steps) => n_steps,
                Method::Auto(_) => self.quadrature.alphas.len(),
            },
            alphas,
            step_sizes,
            map_error_estimate: self.progress.map_error_estimate,
            regions: self.regions().report(&self.attributions.values),
            gradient_evaluations: self.progress.gradients,
            forward_evaluations: 2 + self.progress.starts,
            mask_full_scale: crate::mask::Mask::of(&self.attributions.values).full_scale,
            elapsed_ms: self.elapsed_ms as u64,
            device: self.device.0.clone(),
            threads: self.device.1,
        }
    }
}

impl Prepared {
    /// The input, cut into regions of like colour.
    pub fn regions(&self, preprocessing: &Preprocessing) -> Rc<Partition> {
        let cut = || {
            let rgba = preprocessing.rgba(&self.input);
            Rc::new(Partition::of(
                &rgba,
                preprocessing.width as usize,
                MOST_REGIONS,
            ))
        };
        Rc::clone(self.regions.get_or_init(cut))
    }

    /// Softmax of a classifier's output, or sigmoid of a detector's or of an only one.
    pub fn probability(&self, spec: &ModelSpec, output: usize) -> f32 {
        if spec.architecture.is_detector() {
            let detection = self.detections.iter().find(|d| d.output == output);
            return detection.map_or(0.0, |d| d.score);
        }
        let logits = &self.logits_input;
        if spec.independent || logits.len() == 1 {
            let logit = logits.get(output).copied().unwrap_or(f32::NEG_INFINITY);
            return 1.0 / (1.0 + (-logit).exp());
        }
        let all = top_predictions(logits, logits.len());
        let same = all.iter().find(|p| p.target == output);
        same.map_or(0.0, |p| p.probability)
    }
}

#[cfg(test)]
impl Explanation {
    /// One whose sum took 51 gradients, of which some are in.
    pub(super) fn for_tests(settings: Settings, gradients: usize) -> Self {
        let quadrature = crate::attribution::Rule::Trapezoid
            .quadrature(50)
            .expect("51 points");
        let sample = |&alpha: &f64| PathSample {
            alpha,
            output: alpha as f32,
            slope: 1.0,
        };
        let mut spec = crate::model::catalog::CATALOG[0].clone();
        (spec.preprocessing.height, spec.preprocessing.width) = (1, 1);
        Self {
            spec,
            prepared: Rc::new(Prepared {
                input: vec![1.0; 3],
                baseline: vec![0.0; 3],
                ..Prepared::default()
            }),
            truth: None,
            target: Target {
                output: settings.output.unwrap_or(1),
                minus: None,
                scale: settings.scale,
            },
            attributions: Attributions {
                values: vec![1.0 / 3.0; 3],
                sum: 1.0,
            },
            ends: [0.0, 1.0],
            samples: quadrature
                .alphas
                .iter()
                .take(gradients)
                .map(sample)
                .collect(),
            progress: Progress {
                finished: gradients == quadrature.alphas.len(),
                gradients,
                expected: quadrature.alphas.len(),
                ..Progress::default()
            },
            quadrature,
            elapsed_ms: 1.0,
            device: ("cpu".into(), 1),
            settings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explanation() -> Explanation {
        Explanation::for_tests(Settings::default(), 51)
    }

    #[test]
    fn the_output_that_is_set_is_explained_as_far_as_the_network_has_it() {
        let mut seen = explanation().seen();
        seen.prepared = Rc::new(Prepared {
            logits_input: vec![1.0, 3.0, 2.0],
            logits_baseline: vec![0.0; 3],
            input: vec![1.0; 3],
            baseline: vec![0.0; 3],
            ..Prepared::default()
        });
        let mut settings = Settings::default();
        assert_eq!(seen.choose(&settings), Some(1), "the likeliest");
        settings.output = Some(2);
        assert_eq!(seen.choose(&settings), Some(2));
        settings.output = Some(3);
        assert_eq!(seen.choose(&settings), Some(1), "another network's");
        settings.against = Some(0);
        let draft = |settings: &Settings, output| {
            let drafted =
                Explanation::draft(&seen, output, settings.clone(), None, Default::default());
            drafted.expect("a path").0
        };
        assert_eq!(draft(&settings, 1).target.minus, Some(0));
        assert_eq!(draft(&settings, 1).ends, [0.0, 2.0]);
        // A class is not held against itself, nor against one that there is not.
        assert_eq!(draft(&settings, 0).target.minus, None);
        settings.against = Some(3);
        assert_eq!(draft(&settings, 1).target.minus, None);
    }

    #[test]
    fn a_photo_before_a_network_that_knows_shapes_gets_a_word() {
        let mut seen = explanation().seen();
        let mut settings = Settings::default();
        assert!(!seen.knows_only_shapes(&settings, false));
        seen.spec.architecture = Architecture::ShapesNet;
        assert!(seen.knows_only_shapes(&settings, false));
        assert!(!seen.knows_only_shapes(&settings, true), "painted here");
        let tag = Default::default();
        settings.set_picture(Some(PictureId::Scene { seed: 5, tag }));
        assert!(!seen.knows_only_shapes(&settings, false));
    }

    #[test]
    fn a_sum_adds_up_nearly_or_not_yet() {
        let with = |sum: f64| {
            let mut explanation = explanation();
            explanation.attributions.sum = sum;
            explanation.verdict()
        };
        assert_eq!(with(1.0), Verdict::AddsUp);
        assert_eq!(with(0.9), Verdict::Nearly);
        assert_eq!(with(1.5), Verdict::NotYet);
        let unfinished = Explanation::for_tests(Settings::default(), 7);
        assert_eq!(unfinished.verdict(), Verdict::Unfinished);
    }

    #[test]
    fn where_there_is_nothing_to_add_up_is_told_why() {
        let none = Attributions {
            values: vec![0.0; 3],
            sum: 0.0,
        };
        let still = Explanation {
            ends: [4.2, 4.2],
            attributions: none.clone(),
            ..explanation()
        };
        assert_eq!((still.verdict(), still.missed()), (Verdict::Still, None));
        let mut back = Explanation {
            attributions: none,
            ..still
        };
        back.attributions.values = vec![1.0, -1.0, 0.0];
        assert_eq!((back.verdict(), back.missed()), (Verdict::NoChange, None));
        // A black photo on the black baseline.
        let same = Explanation {
            prepared: Rc::default(),
            ..explanation()
        };
        assert_eq!((same.verdict(), same.missed()), (Verdict::SameImage, None));
    }

    #[test]
    fn a_report_of_auto_says_what_it_took_and_how_far_it_is_settled() {
        let mut settled = explanation();
        settled.progress.map_error_estimate = Some(0.04);
        settled.progress.gradients = 77;
        settled.progress.starts = 3;
        let report = settled.report();
        assert_eq!((&*report.rule, report.n_steps), ("auto", 51));
        assert_eq!(report.map_error_estimate, Some(0.04));
        assert_eq!(
            (report.gradient_evaluations, report.forward_evaluations),
            (77, 5)
        );
    }

    #[test]
    fn a_report_has_regions_that_add_up_to_the_sum() {
        let mut explanation = explanation();
        let (side, area) = (24, 24 * 24);
        let preprocessing = &mut explanation.spec.preprocessing;
        (preprocessing.height, preprocessing.width) = (side, side);
        let value = |k: usize| ((k * 31 % 17) as f32 - 8.0) / 8.0;
        explanation.prepared = Rc::new(Prepared {
            input: (0..3 * area)
                .map(|k| if k % 24 < 9 { -1.0 } else { 1.0 })
                .collect(),
            baseline: vec![0.0; 3 * area],
            ..Prepared::default()
        });
        explanation.attributions.values = (0..3 * area).map(value).collect();
        explanation.attributions.sum = explanation
            .attributions
            .values
            .iter()
            .map(|&v| f64::from(v))
            .sum();
        let report = explanation.report();
        assert!((2..=MOST_REGIONS).contains(&report.regions.len()));
        let sum: f64 = report
            .regions
            .iter()
            .map(|region| region.attribution_sum)
            .sum();
        assert!((sum - report.attribution_sum).abs() < 1e-9);
        assert!(
            Rc::ptr_eq(&explanation.regions(), &explanation.clone().regions()),
            "cut once"
        );
    }

    #[test]
    fn an_only_output_is_read_by_its_sigmoid() {
        let prepared = Prepared {
            logits_input: vec![-1.0],
            ..Prepared::default()
        };
        let spec = &crate::model::catalog::CATALOG[0];
        assert!((prepared.probability(spec, 0) - 0.268_94).abs() < 1e-4);
    }

    #[test]
    fn explanations_name_what_differs() {
        let a = explanation();
        let mut b = explanation();
        assert!(a.differing(&b).is_empty());
        b.settings.scale = crate::model::Scale::Probability;
        b.settings.view = super::super::View::Mask;
        assert_eq!(a.differing(&b), ["scale"]);
        b.target.output = 5;
        assert_eq!(a.differing(&b), ["scale", "predictions"]);
    }

    #[test]
    fn a_report_of_an_unfinished_sum_names_the_points_that_are_in() {
        let report = Explanation::for_tests(Settings::default(), 7).report();
        assert_eq!((report.gradient_evaluations, report.alphas.len()), (7, 7));
        assert_eq!(report.step_sizes[..2], [0.01, 0.02]);
    }
}
