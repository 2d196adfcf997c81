//! A sheet to draw on, in pixels with fractions; what comes out is the text of an SVG file.
//!
//! Behind it stands the SVG backend of `plotters`, which knows whole units only: the sheet gives it four
//! units a pixel and scales back by the view box, so that lines are smooth. Of plotters only these primitives
//! are used: its tick finders and its log axes call the platform's maths library, whose last bits differ
//! between systems. Everything here is addition, multiplication and rounding, which do not.
//!
//! Left out: text extents. The reader's machine chooses the font; [`text::width`](crate::report::charts::text::width)
//! estimates.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use plotters::prelude::{DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontStyle, FontTransform, IntoFont, RGBColor, ShapeStyle, TextStyle};

use crate::report::charts::style::{Colour, PAPER};

/// Units of the backend, and of the view box, to one pixel.
pub const UNITS: f64 = 4.0;
/// Coordinates beyond this many pixels are cut: nothing that far off is visible, and it cannot overflow.
const FAR: f64 = 100_000.0;

/// Lines of one hatching at most: enough for the widest sheet.
const HATCH_MAX: f64 = 1_000.0;

/// Where the given point lies in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// At its left end.
    Start,
    /// In its middle.
    Middle,
    /// At its right end.
    End,
}

/// A sheet to draw on. The origin is at the upper left.
pub struct Canvas<'a> {
    backend: SVGBackend<'a>,
    used: BTreeSet<(Paint, Colour)>,
}

/// What a colour is used for, by the name of the attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Paint {
    Fill,
    Stroke,
}

/// The SVG text of what `draw` puts on a sheet of `width` × `height` pixels; `title` is what a screen reader says.
pub fn svg(width: f64, height: f64, title: &str, draw: impl FnOnce(&mut Canvas<'_>)) -> String {
    let mut body = String::new();
    let size = ((width * UNITS) as u32, (height * UNITS) as u32);
    let mut canvas = Canvas {
        backend: SVGBackend::with_string(&mut body, size),
        used: BTreeSet::new(),
    };
    canvas.rect((0.0, 0.0), (width, height), PAPER);
    draw(&mut canvas);
    // Writing to a string cannot fail; the backend has errors only for files.
    let _ = canvas.backend.present();
    let style = style(&canvas.used);
    drop(canvas);

    let drawn = body.split_once('\n').map_or("", |(_header, rest)| rest);
    let mut out = String::with_capacity(drawn.len() + 300);
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"rmqsim\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {} {}\" role=\"img\" stroke-linejoin=\"round\">\n<title>{}</title>\n{style}{drawn}",
        size.0,
        size.1,
        escaped(title),
    );
    out
}

/// What a dark page changes: the colours. A reader that does not know `light-dark` passes over it, and all shows light.
///
/// It also holds within a page, next to other charts: nothing but their own parts is named. Only a drawing that
/// stands alone chooses the scheme itself.
fn style(used: &BTreeSet<(Paint, Colour)>) -> String {
    let mut rules = String::new();
    for (paint, colour) in used {
        let name = match paint {
            Paint::Fill => "fill",
            Paint::Stroke => "stroke",
        };
        let (light, dark) = (colour.light_hex(), colour.dark_hex());
        let _ = write!(
            rules,
            "\n.rmqsim [{name}=\"{light}\"]{{{name}:light-dark({light},{dark})}}"
        );
    }
    format!(
        "<style>@supports (color:light-dark(#000,#fff)){{\nsvg.rmqsim:root{{color-scheme:light dark}}{rules}\n}}</style>\n"
    )
}

impl Canvas<'_> {
    /// A straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: Colour, width: f64) {
        let stroke = self.stroke(colour, width);
        let _ = self.backend.draw_line(units(from), units(to), &stroke);
    }

    /// A line through all points; points that fall on the same spot or on a straight run are left out.
    pub fn path(&mut self, points: impl IntoIterator<Item = (f64, f64)>, colour: Colour, width: f64) {
        let points = straightened(points.into_iter().map(units));
        if points.len() > 1 {
            let stroke = self.stroke(colour, width);
            let _ = self.backend.draw_path(points, &stroke);
        }
    }

    /// A filled area; `percent` says how opaque it is.
    pub fn area(&mut self, outline: impl IntoIterator<Item = (f64, f64)>, colour: Colour, percent: u8) {
        let outline = straightened(outline.into_iter().map(units));
        if outline.len() > 2 {
            let colour = self.fill(colour).mix(f64::from(percent) / 100.0);
            let _ = self.backend.fill_polygon(outline, &colour);
        }
    }

    /// A filled rectangle.
    pub fn rect(&mut self, corner: (f64, f64), opposite: (f64, f64), colour: Colour) {
        let colour = self.fill(colour);
        let _ = self
            .backend
            .draw_rect(units(corner), units(opposite), &colour, true);
    }

    /// The outline of a rectangle.
    pub fn outline(&mut self, corner: (f64, f64), opposite: (f64, f64), colour: Colour, width: f64) {
        let ((x0, y0), (x1, y1)) = (corner, opposite);
        self.path(
            [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0), (x1, y0)],
            colour,
            width,
        );
    }

    /// Lines from lower left to upper right, `step` pixels apart, within a rectangle.
    pub fn hatch(
        &mut self,
        (x0, y0): (f64, f64),
        (x1, y1): (f64, f64),
        step: f64,
        colour: Colour,
        width: f64,
    ) {
        // On a line x + y is constant. Multiples of the step: neighbours join without a seam.
        let (first, last) = (((x0 + y0) / step).ceil(), ((x1 + y1) / step).floor());
        let lines = (last - first).clamp(-1.0, HATCH_MAX) as i64;
        for line in 0..=lines {
            let sum = (first + line as f64) * step;
            let (from, to) = ((sum - y1).max(x0), (sum - y0).min(x1));
            if to > from {
                self.line((from, sum - from), (to, sum - to), colour, width);
            }
        }
    }

    /// A filled disc.
    pub fn disc(&mut self, centre: (f64, f64), radius: f64, colour: Colour) {
        let radius = (radius * UNITS).round() as u32;
        let colour = self.fill(colour);
        let _ = self.backend.draw_circle(units(centre), radius, &colour, true);
    }

    /// A line of text, its middle height at `at`.
    pub fn text(&mut self, text: &str, at: (f64, f64), anchor: Anchor, size: f64, colour: Colour) {
        self.write(
            text,
            at,
            anchor,
            size,
            colour,
            FontStyle::Normal,
            FontTransform::None,
        );
    }

    /// The same in bold.
    pub fn bold(&mut self, text: &str, at: (f64, f64), anchor: Anchor, size: f64, colour: Colour) {
        self.write(
            text,
            at,
            anchor,
            size,
            colour,
            FontStyle::Bold,
            FontTransform::None,
        );
    }

    /// The same, read from below to above.
    pub fn upright(&mut self, text: &str, at: (f64, f64), anchor: Anchor, size: f64, colour: Colour) {
        self.write(
            text,
            at,
            anchor,
            size,
            colour,
            FontStyle::Normal,
            FontTransform::Rotate270,
        );
    }

    fn fill(&mut self, colour: Colour) -> RGBColor {
        self.used.insert((Paint::Fill, colour));
        rgb(colour)
    }

    fn stroke(&mut self, colour: Colour, width: f64) -> ShapeStyle {
        self.used.insert((Paint::Stroke, colour));
        ShapeStyle {
            color: rgb(colour).to_rgba(),
            filled: false,
            stroke_width: (width * UNITS).round() as u32,
        }
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "the one place where all traits of a text meet"
    )]
    fn write(
        &mut self,
        text: &str,
        at: (f64, f64),
        anchor: Anchor,
        size: f64,
        colour: Colour,
        weight: FontStyle,
        transform: FontTransform,
    ) {
        let h_pos = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        // The backend divides by 1.24 on its way to `font-size`.
        let font = ("sans-serif", size * UNITS * 1.24)
            .into_font()
            .style(weight)
            .transform(transform);
        let ink = self.fill(colour);
        let style = TextStyle::from(font)
            .color(&ink)
            .pos(Pos::new(h_pos, VPos::Center));
        let _ = self.backend.draw_text(&printable(text), &style, units(at));
    }
}

fn units((x, y): (f64, f64)) -> (i32, i32) {
    // A cast of NaN gives 0: a broken number moves a mark, it never breaks the file.
    let unit = |v: f64| (v.clamp(-FAR, FAR) * UNITS).round() as i32;
    (unit(x), unit(y))
}

fn rgb(colour: Colour) -> RGBColor {
    let [r, g, b] = colour.light();
    RGBColor(r, g, b)
}

/// Leaves out points that repeat their predecessor or lie inside a horizontal or vertical run.
fn straightened(points: impl Iterator<Item = (i32, i32)>) -> Vec<(i32, i32)> {
    let between = |a: i32, b: i32, c: i32| (a <= b && b <= c) || (c <= b && b <= a);
    let mut kept: Vec<(i32, i32)> = Vec::new();
    for p in points {
        if kept.last() == Some(&p) {
            continue;
        }
        if let [.., a, b] = kept[..] {
            let flat = a.1 == b.1 && b.1 == p.1 && between(a.0, b.0, p.0);
            let steep = a.0 == b.0 && b.0 == p.0 && between(a.1, b.1, p.1);
            if flat || steep {
                kept.pop();
            }
        }
        kept.push(p);
    }
    kept
}

/// XML has no place for control characters, not even escaped.
fn printable(text: &str) -> String {
    let allowed = |c: char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    text.chars().map(|c| if allowed(c) { c } else { ' ' }).collect()
}

fn escaped(text: &str) -> String {
    printable(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::charts::style::{ALARM, INK, LABEL};

    #[test]
    fn a_sheet_has_its_size_in_pixels_and_its_units_in_the_view_box() {
        let text = svg(100.0, 50.0, "a < b", |c| c.line((0.0, 0.0), (1.0, 2.5), INK, 1.0));
        assert!(text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"rmqsim\" width=\"100\" height=\"50\" viewBox=\"0 0 400 200\""), "{text}");
        assert!(text.contains("<title>a &lt; b</title>"), "{text}");
        assert!(text.contains("x2=\"4\" y2=\"10\""), "{text}");
        assert!(text.ends_with("</svg>\n"), "{text}");
    }

    /// Every colour that is drawn has its place on a dark page, and no other.
    #[test]
    fn a_dark_page_changes_every_colour() {
        let text = svg(10.0, 10.0, "", |c| {
            c.line((0.0, 0.0), (1.0, 2.5), INK, 1.0);
            c.disc((1.0, 1.0), 2.0, ALARM);
        });
        let style = text
            .split_once("<style>")
            .and_then(|(_, rest)| rest.split_once("</style>"));
        let (style, drawn) = style.expect("a style");
        for rule in [
            "[fill=\"#FFFFFF\"]{fill:light-dark(#FFFFFF,#16181D)}",
            "[stroke=\"#222222\"]{stroke:light-dark(#222222,#E8E8EB)}",
            "[fill=\"#C4161C\"]{fill:light-dark(#C4161C,#FF6B66)}",
        ] {
            assert!(style.contains(rule), "{style}");
        }
        assert_eq!(style.matches(".rmqsim [").count(), 3);
        assert_eq!(drawn.matches("#FFFFFF").count(), 1, "{drawn}");
    }

    #[test]
    fn text_is_escaped_and_its_size_is_a_short_number() {
        let text = svg(10.0, 10.0, "", |c| {
            c.text("<&>", (1.0, 1.0), Anchor::Start, LABEL, INK)
        });
        assert!(text.contains("&lt;&amp;&gt;"), "{text}");
        assert!(text.contains("font-size=\"48\""), "{text}");
    }

    #[test]
    fn broken_numbers_never_reach_the_file() {
        let text = svg(10.0, 10.0, "", |c| {
            c.path(
                [(f64::NAN, 0.0), (f64::INFINITY, f64::NEG_INFINITY), (1.0, 1.0)],
                INK,
                1.0,
            );
            c.line((0.0, f64::NAN), (5.0, 0.0), INK, 1.0);
        });
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }

    #[test]
    fn straight_runs_keep_their_ends_and_turns() {
        let points = [(0, 0), (0, 0), (1, 0), (2, 0), (2, 5), (2, 9), (2, 3)];
        assert_eq!(straightened(points.into_iter()), [(0, 0), (2, 0), (2, 9), (2, 3)]);
    }
}
