//! Lag of a group over time, variant over variant: the mean of the runs, and how sure it is.
//!
//! Up to eight variants are lines. Of more, the baseline, the extremes and those least like them are; the grey area
//! holds the lines of all others.

use crate::report::charts::axis::{self, Axis};
use crate::report::charts::canvas::{Canvas, svg};
use crate::report::charts::comparison::{Study, scale, with_names};
use crate::report::charts::frame::{self, FOOT, Plot};
use crate::report::charts::labels::{self, Label};
use crate::report::charts::panel::{Panel, Shown};
use crate::report::charts::style::{self, Colour, DIM, LABEL, RIGHT_MARGIN, SMALL, THIN, TITLE, WIDTH};
use crate::report::charts::{Drawing, nanos, span, text, thin};
use crate::report::comparison::model::LagBand;

/// Variants that are lines.
const LINES_MAX: usize = 8;
/// Lines with large labels.
const LARGE_MAX: usize = 4;
/// The baseline is a thick line below the others, so that those that do not differ from it are seen on it.
const BASELINE: f64 = 3.0;
/// Points of a line, and of an edge of an area: of more looks, the highest of each stretch counts. Lines that jump at
/// every look would hide each other.
const STRETCHES: usize = 180;
const HEIGHT: f64 = 330.0;
/// Widest that labels may grow.
const ROOM_MAX: f64 = 270.0;

/// Draws the lag of one group.
pub fn draw(study: &Study<'_>, group: &str, bands: &[LagBand]) -> Drawing {
    let group = text::fitted(group, TITLE, 240.0);
    let title = format!("Lag of {group} over time");
    let all: Vec<Line<'_>> = bands.iter().filter_map(|band| Line::of(study, band)).collect();
    if all.iter().all(|line| line.points.len() < 2) {
        return study.notice(title, "The runs were too short to look at it twice.");
    }
    if all.iter().all(|line| line.peak <= 0.0) {
        return study.notice(format!("{title} — none"), "Lag was 0 in all runs at every look.");
    }
    let title = with_peaks(study, &title, &all);
    let (lines, others) = chosen(study, all);
    let sheet = Sheet::of(study, &lines, &others);
    let svg = svg(WIDTH, sheet.panel.bottom + FOOT, &title, |canvas| {
        let seeds = study.seeds();
        let mut note = format!(
            "mean over {seeds}; shaded: {} of the mean at each point of time",
            study.interval()
        );
        if !others.is_empty() {
            note = format!(
                "{note}; grey: range of the {} other means",
                text::grouped(others.len() as u64)
            );
        }
        study.heading(canvas, &title, &note);
        sheet.draw(canvas, study, &lines, &others);
    });
    let shown = |(rank, line): (usize, &Line<'_>)| {
        let colour = colour(study, rank, line);
        Shown::new(&study.name(line.at), "messages", colour, &stretches(&line.points))
    };
    let series = lines.iter().enumerate().map(shown).collect();
    Drawing {
        panels: vec![Panel::of(&sheet.panel, series)],
        title,
        svg,
    }
}

type Points = Vec<(f64, f64)>;

/// One variant.
struct Line<'b> {
    /// Position of the variant.
    at: usize,
    band: &'b LagBand,
    points: Points,
    /// Highest mean.
    peak: f64,
    /// Mean over all looks: by this, variants are ordered.
    mean: f64,
}

impl<'b> Line<'b> {
    fn of(study: &Study<'_>, band: &'b LagBand) -> Option<Self> {
        let points = edge(band, &band.mean);
        let sum: f64 = points.iter().map(|point| point.1).sum();
        Some(Self {
            at: study.position(&band.variant)?,
            band,
            peak: points.iter().map(|point| point.1).fold(0.0, f64::max),
            mean: sum / points.len().max(1) as f64,
            points,
        })
    }

    fn remark(&self) -> String {
        format!("max {}", text::compact(self.peak.round() as u64))
    }
}

/// Values over time, without those that are no numbers.
fn edge(band: &LagBand, values: &[f64]) -> Points {
    let points = band.time_seconds.iter().copied().zip(values.iter().copied());
    points
        .filter(|point| point.0.is_finite() && point.1.is_finite())
        .collect()
}

/// The range of the peaks in words, behind `title`.
fn with_peaks(study: &Study<'_>, title: &str, lines: &[Line<'_>]) -> String {
    let count = |line: &Line<'_>| text::compact(line.peak.round() as u64);
    // Of equals the first one is named.
    let lowest = lines.iter().min_by(|a, b| a.peak.total_cmp(&b.peak));
    let highest = lines.iter().rev().max_by(|a, b| a.peak.total_cmp(&b.peak));
    match (lowest, highest) {
        (Some(low), Some(high)) if count(low) != count(high) => {
            let names = [study.name(low.at), study.name(high.at)];
            with_names([&names[0], &names[1]], |least, most| {
                format!(
                    "{title} — max {} ({least}) to {} ({most})",
                    count(low),
                    count(high)
                )
            })
        }
        (Some(low), _) => format!("{title} — max {}", count(low)),
        _ => title.to_owned(),
    }
}

/// Those that are lines, in the order of the study, and those that are not.
///
/// One after the other, the one is chosen whose mean is farthest from all that are chosen; none whose mean is there
/// already, unless all have room.
fn chosen<'b>(study: &Study<'_>, all: Vec<Line<'b>>) -> (Vec<Line<'b>>, Vec<Line<'b>>) {
    if all.len() <= LINES_MAX {
        return (all, Vec::new());
    }
    let by_mean = |a: &&Line<'_>, b: &&Line<'_>| a.mean.total_cmp(&b.mean);
    let ends = [all.iter().min_by(by_mean), all.iter().rev().max_by(by_mean)];
    let baseline = all.iter().find(|line| line.at == study.baseline);
    let mut chosen: Vec<(usize, f64)> = Vec::new();
    for line in ends.into_iter().chain([baseline]).flatten() {
        if !chosen.contains(&(line.at, line.mean)) {
            chosen.push((line.at, line.mean));
        }
    }
    while chosen.len() < LINES_MAX {
        let distance = |line: &Line<'_>| {
            let gaps = chosen.iter().map(|(_, mean)| (line.mean - mean).abs());
            gaps.fold(f64::INFINITY, f64::min)
        };
        // Of equals the first one.
        let farthest = all
            .iter()
            .rev()
            .max_by(|a, b| distance(a).total_cmp(&distance(b)));
        match farthest.filter(|line| distance(line) > 0.0) {
            Some(line) => chosen.push((line.at, line.mean)),
            None => break,
        }
    }
    all.into_iter()
        .partition(|line| chosen.iter().any(|(at, _)| *at == line.at))
}

struct Sheet {
    /// What the vertical axis counts.
    unit: String,
    panel: Plot,
    room: f64,
}

impl Sheet {
    fn of(study: &Study<'_>, lines: &[Line<'_>], others: &[Line<'_>]) -> Self {
        let drawn = lines
            .iter()
            .flat_map(|line| [&line.band.mean, &line.band.high])
            .flatten();
        let rest = others.iter().map(|line| &line.peak);
        let values: Vec<f64> = drawn.chain(rest).copied().collect();
        let times: Vec<f64> = lines
            .iter()
            .filter_map(|line| Some(line.points.last()?.0))
            .collect();
        let end = |values: &[f64]| scale::extremes(values).map_or(0.0, |ends| ends.1);
        let y = axis::whole(end(&values) as u64);
        let x: Axis = axis::time(nanos(end(&times)), 9);
        let names = lines.iter().map(|line| (study.name(line.at), line.remark()));
        let room =
            names.map(|(name, remark)| labels::room([(name.as_str(), remark.as_str())], LABEL, ROOM_MAX));
        let room = room.fold(RIGHT_MARGIN, f64::max);
        let top = study.heading_height() + 22.0;
        let looks = lines.iter().map(|line| line.points.len()).max().unwrap_or(0);
        let mut unit = "messages not committed, all queues".to_owned();
        if looks > STRETCHES {
            let stretch = end(&times) / looks as f64 * looks.div_ceil(STRETCHES) as f64;
            unit = format!("{unit} (highest in each {})", span(stretch));
        }
        Self {
            unit,
            panel: Plot {
                left: frame::left_room(&y),
                right: WIDTH - room,
                top,
                bottom: top + HEIGHT,
                x,
                y,
            },
            room,
        }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, study: &Study<'_>, lines: &[Line<'_>], others: &[Line<'_>]) {
        let panel = &self.panel;
        panel.grid(canvas, &self.unit, panel.top - 14.0);
        if !others.is_empty() {
            let (low, high) = range(others);
            self.area(canvas, &low, &high, DIM, 45);
        }
        let colour = |rank: usize, line: &Line<'_>| colour(study, rank, line);
        for (rank, line) in lines.iter().enumerate() {
            let (low, high) = (edge(line.band, &line.band.low), edge(line.band, &line.band.high));
            self.area(canvas, &low, &high, colour(rank, line), 18);
        }
        let mut order: Vec<(usize, &Line<'_>)> = lines.iter().enumerate().rev().collect();
        order.sort_by_key(|(_, line)| line.at != study.baseline);
        for (rank, line) in order {
            let width = if line.at == study.baseline { BASELINE } else { THIN };
            let points = stretches(&line.points);
            canvas.path(
                points.iter().map(|&point| panel.at(point)),
                colour(rank, line),
                width,
            );
        }
        let label = |(rank, line): (usize, &Line<'_>)| Label {
            y: panel.py(line.points.last().map_or(0.0, |point| point.1)),
            colour: colour(rank, line),
            name: study.name(line.at),
            remark: line.remark(),
        };
        let names = lines.iter().enumerate().map(label).collect();
        let size = if lines.len() > LARGE_MAX { SMALL } else { LABEL };
        labels::beside(canvas, names, panel, self.room, size);
        panel.foot(canvas, frame::TIME);
    }

    fn area(&self, canvas: &mut Canvas<'_>, low: &Points, high: &Points, colour: Colour, percent: u8) {
        let (low, high) = (stretches(low), stretches(high));
        let outline = high.iter().chain(low.iter().rev());
        canvas.area(outline.map(|&point| self.panel.at(point)), colour, percent);
    }
}

/// The colour of the `rank`-th line: that of its variant, unless there are too many for each to have one.
fn colour(study: &Study<'_>, rank: usize, line: &Line<'_>) -> Colour {
    match study.count() > super::COLOURS {
        true => style::hue(rank),
        false => study.colour(line.at),
    }
}

/// The highest of each stretch of looks.
fn stretches(points: &Points) -> Points {
    let (at, values): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    thin::peaks(&at, &values, STRETCHES)
}

/// Lowest and highest mean of `lines` at each look of the first.
fn range(lines: &[Line<'_>]) -> (Points, Points) {
    let Some(first) = lines.first() else {
        return (Points::new(), Points::new());
    };
    let at = |look: usize| {
        lines
            .iter()
            .filter_map(move |line| Some(line.points.get(look)?.1))
    };
    let edge = |pick: fn(f64, f64) -> f64| {
        let looks = first.points.iter().enumerate();
        looks
            .filter_map(|(look, point)| Some((point.0, at(look).reduce(pick)?)))
            .collect()
    };
    (edge(f64::min), edge(f64::max))
}
