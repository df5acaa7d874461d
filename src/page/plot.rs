//! Small plots: a few lines, two axes, a dot where one is. Drawn as parts of an SVG, in its own pixels.

use super::part::{Part, part};
use crate::words::{Phrase, decimal};

/// Size of a drawing that is not shown yet, in pixels; one that is shown is as wide as its place, so that its words are as
/// large as others.
const SIZE: [f64; 2] = [380.0, 230.0];
/// The narrowest that there is room for numbers in.
const NARROWEST: f64 = 240.0;
/// Room for the numbers: left, right, top, bottom.
const MARGINS: [f64; 4] = [52.0, 14.0, 24.0, 34.0];
/// Room for a line's name.
const NAME_WIDTH: f64 = 150.0;
/// Room for what the left side stands for, beside names.
const TITLE_WIDTH: f64 = 24.0;

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// The last lies above the others.
    pub lines: Vec<Line>,
    /// Whether x runs logarithmically.
    pub logarithmic: bool,
    /// Numbers along the bottom, and what they stand for.
    pub x: Axis,
    /// Numbers along the left side.
    pub y: Axis,
    /// Where one is.
    pub here: Option<[f64; 2]>,
    /// The plot in a sentence, for those who do not see it.
    pub summary: Phrase,
}

/// An axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Numbers that are written.
    pub ticks: Vec<f64>,
    /// With so many decimals.
    pub decimals: usize,
    /// What they stand for.
    pub title: Phrase,
}

/// Points joined by straight lines.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// x and y.
    pub points: Vec<[f64; 2]>,
    /// A class of style.css: `main` or `other`.
    pub style: &'static str,
    /// Whether the area under it is tinted.
    pub area: bool,
    /// Whether each point is a dot.
    pub dots: bool,
    /// Written above the plot, with a piece of the line.
    pub name: Option<Phrase>,
}

impl Line {
    /// The only line of a plot, a dot on each point.
    pub fn dotted(points: Vec<[f64; 2]>) -> Self {
        Self {
            points,
            style: "main",
            area: false,
            dots: true,
            name: None,
        }
    }
}

impl Axis {
    /// From the smallest to the largest of some values, zero among them, with a little room.
    pub fn around(values: impl Iterator<Item = f64>, title: Phrase) -> Self {
        let (mut from, mut to) = (0.0f64, 0.0f64);
        for value in values.filter(|value| value.is_finite()) {
            (from, to) = (from.min(value), to.max(value));
        }
        if from == to {
            to = from + 1.0;
        }
        let step = round_step((to - from) / 4.0);
        from = (from / step).floor() * step;
        to = (to / step).ceil() * step;
        let count = ((to - from) / step).round() as usize;
        Self {
            from,
            to,
            ticks: (0..=count).map(|k| from + k as f64 * step).collect(),
            decimals: (-step.log10().floor()).max(0.0) as usize,
            title,
        }
    }

    /// From 0 to 1, in quarters.
    pub fn unit(title: Phrase) -> Self {
        Self {
            from: 0.0,
            to: 1.0,
            ticks: vec![0.0, 0.25, 0.5, 0.75, 1.0],
            decimals: 2,
            title,
        }
    }

    /// From 0 to 100, in quarters.
    pub fn percent(title: Phrase) -> Self {
        Self {
            from: 0.0,
            to: 100.0,
            ticks: vec![0.0, 25.0, 50.0, 75.0, 100.0],
            decimals: 0,
            title,
        }
    }
}

/// The next of 1, 2, 5 and their powers of ten.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let lead = step / power;
    power
        * match lead {
            l if l <= 1.0 => 1.0,
            l if l <= 2.0 => 2.0,
            l if l <= 5.0 => 5.0,
            _ => 10.0,
        }
}

impl Plot {
    /// Width and height of the drawing whose place is so wide, or not shown (0).
    pub fn size(shown: f64) -> [f64; 2] {
        let width = if shown > 0.0 {
            shown.max(NARROWEST)
        } else {
            SIZE[0]
        };
        [width, SIZE[1].max(0.5 * width)]
    }

    /// What is in an `<svg>` of that size.
    pub fn parts(&self, size: [f64; 2]) -> Vec<Part> {
        let [width, height] = size;
        let [left, right, _, bottom] = MARGINS;
        let (x_end, y_end) = (width - right, height - bottom);
        let mut parts = Vec::new();
        for &tick in &self.y.ticks {
            let y = self.y_of(tick, size);
            let style = if tick == 0.0 { "zero" } else { "axis" };
            parts.push(line(style, [left, y], [x_end, y]));
            parts.push(number([left - 6.0, y + 4.0], "end", tick, self.y.decimals));
        }
        for &tick in &self.x.ticks {
            let at = [self.x_of(tick, size), y_end + 16.0];
            parts.push(number(at, "middle", tick, self.x.decimals));
        }
        parts.push(title([x_end, height - 3.0], "end", self.x.title.clone()));
        parts.push(title([2.0, 12.0], "start", self.y.title.clone()));
        for line in &self.lines {
            parts.extend(self.line(line, size));
        }
        let named = self.lines.iter();
        let named = named.filter_map(|line| Some((line.style, line.name.clone()?)));
        let named: Vec<_> = named.collect();
        let count = named.len() as f64;
        // Where there is little room, names begin beside what the left side stands for.
        let (first, each) = match left + 60.0 + count * NAME_WIDTH <= width {
            true => (left + 60.0, NAME_WIDTH),
            false => (TITLE_WIDTH, (x_end - TITLE_WIDTH) / count),
        };
        for (k, (style, name)) in named.into_iter().enumerate() {
            let at = first + k as f64 * each;
            parts.push(line(style, [at, 8.0], [at + 24.0, 8.0]));
            parts.push(title([at + 30.0, 12.0], "start", name));
        }
        let here = self
            .here
            .map(|here| circle("here", self.place(here, size), 6.0));
        parts.extend(here);
        parts
    }

    fn line(&self, line: &Line, size: [f64; 2]) -> Vec<Part> {
        let places: Vec<[f64; 2]> = line.points.iter().map(|&at| self.place(at, size)).collect();
        let (Some(first), Some(last)) = (places.first(), places.last()) else {
            return Vec::new();
        };
        let points = places.iter().map(|[x, y]| format!("{x:.1},{y:.1} "));
        let path: String = points.collect();
        let zero = self.y_of(0.0, size);
        let ends = format!("{:.1},{zero:.1} {path}{:.1},{zero:.1}", first[0], last[0]);
        let area = part("polygon").class("area").set("points", ends);
        let drawn = part("polyline").class(line.style).set("points", path);
        let dots = places.iter().map(|&at| circle("dot", at, 3.5));
        let area = line.area.then_some(area).into_iter();
        area.chain([drawn])
            .chain(dots.filter(|_| line.dots))
            .collect()
    }

    fn place(&self, [x, y]: [f64; 2], size: [f64; 2]) -> [f64; 2] {
        [self.x_of(x, size), self.y_of(y, size)]
    }

    fn x_of(&self, x: f64, [width, _]: [f64; 2]) -> f64 {
        let scale = |v: f64| {
            if self.logarithmic {
                v.max(1e-9).ln()
            } else {
                v
            }
        };
        let (from, to) = (scale(self.x.from), scale(self.x.to));
        let [left, right, ..] = MARGINS;
        left + (scale(x) - from) / (to - from) * (width - left - right)
    }

    fn y_of(&self, y: f64, [_, height]: [f64; 2]) -> f64 {
        let [_, _, top, bottom] = MARGINS;
        let share = (y - self.y.from) / (self.y.to - self.y.from);
        height - bottom - share * (height - top - bottom)
    }
}

fn line(class: &str, from: [f64; 2], to: [f64; 2]) -> Part {
    let ends = ["x1", "y1", "x2", "y2"]
        .into_iter()
        .zip([from, to].concat());
    ends.fold(part("line").class(class), |line, (name, value)| {
        line.set(name, format!("{value:.1}"))
    })
}

fn circle(class: &str, [x, y]: [f64; 2], radius: f64) -> Part {
    let sizes = ["cx", "cy", "r"].into_iter().zip([x, y, radius]);
    sizes.fold(part("circle").class(class), |circle, (name, value)| {
        circle.set(name, format!("{value:.1}"))
    })
}

fn number(at: [f64; 2], anchor: &str, value: f64, decimals: usize) -> Part {
    title(at, anchor, Phrase::of(decimal(value, decimals)))
}

fn title([x, y]: [f64; 2], anchor: &str, words: Phrase) -> Part {
    part("text")
        .set("x", format!("{x:.1}"))
        .set("y", format!("{y:.1}"))
        .set("text-anchor", anchor)
        .says(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::phrase;

    fn axis(values: &[f64]) -> Axis {
        Axis::around(values.iter().copied(), Phrase::nothing())
    }

    #[test]
    fn axes_have_round_numbers_around_all_values_and_zero() {
        assert_eq!(axis(&[0.3, 9.7]).ticks, [0.0, 5.0, 10.0]);
        assert_eq!(axis(&[-0.12, 0.31]).ticks.first(), Some(&-0.2));
        assert_eq!(axis(&[-0.12, 0.31]).decimals, 1);
        assert_eq!(axis(&[3000.0]).decimals, 0);
        // Nothing, and what is no number, still have an axis.
        for odd in [axis(&[]), axis(&[f64::NAN, f64::INFINITY])] {
            assert!(odd.to > odd.from && odd.ticks.len() > 1);
        }
        for values in [[1e-6, 2e-6], [-7.0, -2.0], [0.0, 12345.0]] {
            let axis = axis(&values);
            assert!(axis.from <= values[0].min(0.0) && axis.to >= values[1].max(0.0));
            assert!((2..=8).contains(&axis.ticks.len()), "{:?}", axis.ticks);
        }
    }

    #[test]
    fn points_lie_between_the_axes() {
        let points = vec![[1.0, 0.0], [10.0, 40.0], [100.0, 100.0]];
        let plot = Plot {
            lines: vec![Line {
                area: true,
                name: Some(phrase!("at random")),
                ..Line::dotted(points)
            }],
            logarithmic: true,
            x: Axis {
                from: 1.0,
                to: 100.0,
                ticks: vec![1.0, 10.0, 100.0],
                decimals: 0,
                title: phrase!("steps"),
            },
            y: Axis::percent(phrase!("missed, %")),
            here: Some([10.0, 40.0]),
            summary: Phrase::nothing(),
        };
        let size = Plot::size(600.0);
        assert_eq!(size, [600.0, 300.0]);
        assert_eq!(Plot::size(0.0), [380.0, 230.0]);
        assert_eq!(Plot::size(100.0)[0], 240.0, "numbers need room");
        let parts = plot.parts(size);
        let of = |tag: &str| {
            parts
                .iter()
                .filter(|part| part.tag == tag)
                .collect::<Vec<_>>()
        };
        // A third of the way on a logarithmic axis, 40 % of the way up.
        let here = of("circle")
            .into_iter()
            .rfind(|c| c.attribute("class") == Some("here"));
        let here = here.map(|here| [here.attribute("cx"), here.attribute("cy")]);
        assert_eq!(here, Some([Some("319.0"), Some("169.2")]));
        assert_eq!(of("circle").len(), 4);
        assert_eq!(of("polygon").len(), 1);
        let text: Vec<String> = of("text").iter().map(|text| text.text()).collect();
        assert_eq!(text[..5], ["0", "25", "50", "75", "100"]);
        for said in ["1", "10", "steps", "missed, %", "at random"] {
            assert!(text.iter().any(|text| text == said), "{said}: {text:?}");
        }
        // Two names have as much room each on a phone, and end where the plot does.
        let named = |name: Phrase| Line {
            name: Some(name),
            ..Line::dotted(vec![[1.0, 0.0]])
        };
        let two = Plot {
            lines: vec![named(phrase!("by the mask")), named(phrase!("at random"))],
            ..plot.clone()
        };
        for (width, starts) in [(314.0, [54.0, 192.0]), (600.0, [142.0, 292.0])] {
            let parts = two.parts(Plot::size(width));
            let at = |words: &str| {
                let text = parts.iter().find(|part| part.text() == words);
                text.and_then(|text| text.attribute("x")?.parse::<f64>().ok())
            };
            let found = ["by the mask", "at random"].map(at);
            assert_eq!(found, starts.map(Some));
        }
        let none = Plot {
            lines: vec![Line::dotted(Vec::new())],
            here: None,
            ..plot
        };
        assert!(none.parts(size).iter().all(|part| part.tag != "polyline"));
    }
}
