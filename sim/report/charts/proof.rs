//! What tests hold every chart to: sound XML, no broken number, panels that a page can rely on, texts that can be read.

use crate::report::charts::panel::POINTS_MAX;
use crate::report::charts::style::{LINES_MAX, WIDTH};
use crate::report::charts::{Chart, text};

/// What holds for any chart, whatever the data.
#[track_caller]
pub fn sound(chart: &Chart) {
    let Chart {
        file_name,
        title,
        kind,
        svg,
        ..
    } = chart;
    assert!(
        svg.starts_with("<svg ") && svg.ends_with("</svg>\n"),
        "{file_name}"
    );
    let figures = svg
        .split(['"', ' ', ','])
        .filter(|word| ["NaN", "inf", "-inf"].contains(word));
    assert_eq!(figures.count(), 0, "{file_name} has a broken number");
    assert!(
        !svg.chars().any(|c| c.is_control() && c != '\n'),
        "{file_name} is no XML"
    );
    let (open, closed) = (svg.matches('<').count(), svg.matches('>').count());
    assert_eq!(open, closed, "{file_name} is no XML");
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    assert!(
        file_name.chars().all(safe) && file_name.len() < 128,
        "{file_name}"
    );
    assert!(!title.is_empty() && file_name.starts_with(kind), "{file_name}");
    check_panels(chart);
}

/// A page can rely on order and bounds.
#[track_caller]
fn check_panels(chart: &Chart) {
    let name = &chart.file_name;
    for panel in &chart.panels {
        assert!(
            panel.left < panel.right && panel.top < panel.bottom && panel.from < panel.to,
            "{name}: {panel:?}"
        );
        assert!(panel.series.len() <= LINES_MAX, "{name}");
        for shown in &panel.series {
            assert!(shown.points.len() <= POINTS_MAX, "{name}: {}", shown.name);
            let finite = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
            assert!(shown.points.iter().all(finite), "{name}: {}", shown.name);
        }
    }
}

/// No text leaves the sheet or lies on another.
#[track_caller]
pub fn legible(chart: &Chart) {
    let name = &chart.file_name;
    let (words, height) = words(&chart.svg);
    for (at, word) in words.iter().enumerate() {
        let within = word.left >= 0.0 && word.right <= WIDTH + 1.0 && word.y > 0.0 && word.y < height;
        assert!(within, "{name}: `{}` leaves the sheet", word.text);
        let other = words[..at].iter().find(|other| word.covers(other));
        assert!(
            other.is_none(),
            "{name}: `{}` lies on `{}`",
            word.text,
            other.map_or("", |other| &other.text)
        );
    }
}

/// A text of an SVG file: where it stands and what it takes, in pixels.
pub struct Word {
    pub text: String,
    pub left: f64,
    pub right: f64,
    pub y: f64,
    pub size: f64,
}

impl Word {
    fn covers(&self, other: &Self) -> bool {
        let together = self.left < other.right - 1.0 && other.left < self.right - 1.0;
        together && (self.y - other.y).abs() < 0.75 * self.size.min(other.size)
    }
}

/// All texts of a chart, and the height of its sheet. Texts are as narrow as in a usual font, not as wide as in the
/// widest: [`text::width`] is an upper estimate.
pub fn words(svg: &str) -> (Vec<Word>, f64) {
    let attribute = |tag: &str, name: &str| -> String {
        let rest = tag
            .split_once(&format!(" {name}=\""))
            .map_or("", |(_, rest)| rest);
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    let number = |tag: &str, name: &str| attribute(tag, name).parse::<f64>().unwrap_or(0.0) / 4.0;
    let word = |piece: &str| {
        let (tag, rest) = piece.split_once('>')?;
        let tag = format!(" {tag}");
        let plain = rest.split("</text>").next()?.trim();
        let plain = plain
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"");
        let plain = plain
            .replace("&apos;", "'")
            .replace("&#39;", "'")
            .replace("&amp;", "&");
        let (x, size) = (number(&tag, "x"), number(&tag, "font-size"));
        let width = match attribute(&tag, "transform").as_str() {
            "" => 0.88 * text::width(&plain, size),
            // Upright: as wide as it is high.
            _ => 0.7 * size,
        };
        let left = match attribute(&tag, "text-anchor").as_str() {
            "end" => x - width,
            "middle" => x - width / 2.0,
            _ => x,
        };
        Some(Word {
            text: plain,
            left,
            right: left + width,
            y: number(&tag, "y"),
            size,
        })
    };
    let height = attribute(svg, "height").parse().expect("a sheet has a height");
    (svg.split("<text").skip(1).filter_map(word).collect(), height)
}
