//! Small plots as SVG: a few lines, two axes, a dot where one is.

use web_sys::Element;

use super::dom::document;
use super::words::{Phrase, decimal, say_as, say_in};

/// Size of a drawing that is not shown yet, in pixels; one that is shown is as wide as its place, so that its words are as
/// large as others.
const SIZE: [f64; 2] = [380.0, 230.0];
/// The narrowest that there is room for numbers in.
const NARROWEST: f64 = 240.0;
/// Room for the numbers: left, right, top, bottom.
const MARGINS: [f64; 4] = [52.0, 14.0, 24.0, 34.0];

/// Room for a line's name.
const NAME_WIDTH: f64 = 150.0;

/// What is drawn.
pub(super) struct Plot<'a> {
    pub(super) lines: Vec<Line<'a>>,
    /// Whether x runs logarithmically.
    pub(super) logarithmic: bool,
    /// Numbers on the axes, and what they stand for.
    pub(super) x: Axis,
    pub(super) y: Axis,
    /// Where one is.
    pub(super) here: Option<[f64; 2]>,
    /// The plot in a sentence, for those who do not see it.
    pub(super) summary: Phrase,
}

/// An axis.
pub(super) struct Axis {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) ticks: Vec<f64>,
    pub(super) decimals: usize,
    pub(super) title: Phrase,
}

/// Points joined by straight lines.
pub(super) struct Line<'a> {
    pub(super) points: &'a [[f64; 2]],
    /// A class of style.css: `main` or `other`.
    pub(super) style: &'static str,
    /// Whether the area under it is tinted, and whether each point is a dot.
    pub(super) area: bool,
    pub(super) dots: bool,
    /// Written above the plot, with a piece of the line.
    pub(super) name: Option<Phrase>,
}

impl<'a> Line<'a> {
    /// The only line of a plot, a dot on each point.
    pub(super) fn dotted(points: &'a [[f64; 2]]) -> Self {
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
    pub(super) fn around(values: impl Iterator<Item = f64>, title: Phrase) -> Self {
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
    pub(super) fn unit(title: Phrase) -> Self {
        Self {
            from: 0.0,
            to: 1.0,
            ticks: vec![0.0, 0.25, 0.5, 0.75, 1.0],
            decimals: 2,
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

impl Plot<'_> {
    /// Draws it into an `<svg>` of the page, in place of what was there.
    pub(super) fn draw(&self, svg: &Element) {
        let shown = svg.get_bounding_client_rect().width();
        let width = if shown > 0.0 {
            shown.max(NARROWEST)
        } else {
            SIZE[0]
        };
        let size = [width, SIZE[1].max(0.5 * width)];
        self.draw_in(svg, size);
    }

    fn draw_in(&self, svg: &Element, size: [f64; 2]) {
        svg.set_inner_html("");
        let [width, height] = size;
        set(svg, "viewBox", &format!("0 0 {width:.0} {height:.0}"));
        say_as(svg, "aria-label", self.summary.clone());
        let [left, right, _, bottom] = MARGINS;
        let (x_end, y_end) = (width - right, height - bottom);
        for &tick in &self.y.ticks {
            let y = self.y_of(tick, size);
            let style = if tick == 0.0 { "zero" } else { "axis" };
            line(svg, style, [left, y], [x_end, y]);
            label(svg, [left - 6.0, y + 4.0], "end", tick, self.y.decimals);
        }
        for &tick in &self.x.ticks {
            label(
                svg,
                [self.x_of(tick, size), y_end + 16.0],
                "middle",
                tick,
                self.x.decimals,
            );
        }
        title(svg, [x_end, height - 3.0], "end", &self.x.title);
        title(svg, [2.0, 12.0], "start", &self.y.title);
        for Line {
            points,
            style,
            area,
            dots,
            ..
        } in &self.lines
        {
            let places: Vec<[f64; 2]> = points.iter().map(|&at| self.place(at, size)).collect();
            let (Some(first), Some(last)) = (places.first(), places.last()) else {
                continue;
            };
            let path: String = places
                .iter()
                .map(|[x, y]| format!("{x:.1},{y:.1} "))
                .collect();
            if *area {
                let zero = self.y_of(0.0, size);
                let shape = child(svg, "polygon", "area");
                let ends = format!("{:.1},{zero:.1} {path}{:.1},{zero:.1}", first[0], last[0]);
                set(&shape, "points", &ends);
            }
            set(&child(svg, "polyline", style), "points", &path);
            if *dots {
                places.iter().for_each(|&at| circle(svg, "dot", at, 3.5));
            }
        }
        let named = self
            .lines
            .iter()
            .filter_map(|line| Some((line.style, line.name.as_ref()?)));
        for (k, (style, name)) in named.enumerate() {
            let at = left + 60.0 + k as f64 * NAME_WIDTH;
            line(svg, style, [at, 8.0], [at + 24.0, 8.0]);
            title(svg, [at + 30.0, 12.0], "start", name);
        }
        if let Some(here) = self.here {
            circle(svg, "here", self.place(here, size), 6.0);
        }
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

fn child(parent: &Element, name: &str, class: &str) -> Element {
    const SVG: &str = "http://www.w3.org/2000/svg";
    let element = document()
        .create_element_ns(Some(SVG), name)
        .unwrap_or_else(|_| unreachable!("SVG has <{name}>"));
    set(&element, "class", class);
    // Only a cycle could make this fail.
    let _same = parent.append_child(&element);
    element
}

fn set(element: &Element, name: &str, value: &str) {
    element.set_attribute(name, value).unwrap_or(());
}

fn line(svg: &Element, class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
    let line = child(svg, "line", class);
    for (name, value) in [("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2)] {
        set(&line, name, &format!("{value:.1}"));
    }
}

fn circle(svg: &Element, class: &str, [x, y]: [f64; 2], radius: f64) {
    let circle = child(svg, "circle", class);
    for (name, value) in [("cx", x), ("cy", y), ("r", radius)] {
        set(&circle, name, &format!("{value:.1}"));
    }
}

fn label(svg: &Element, at: [f64; 2], anchor: &str, value: f64, decimals: usize) {
    title(svg, at, anchor, &Phrase::of(decimal(value, decimals)));
}

fn title(svg: &Element, [x, y]: [f64; 2], anchor: &str, phrase: &Phrase) {
    let text = child(svg, "text", "");
    set(&text, "x", &format!("{x:.1}"));
    set(&text, "y", &format!("{y:.1}"));
    set(&text, "text-anchor", anchor);
    say_in(&text, phrase.clone());
}
