//! The visual language of all charts: colours, sizes, line widths.
//!
//! One hue means one thing through all charts of a run: a consumer keeps its colour from the consumption
//! chart to the ownership chart. The first seven hues are those of Okabe and Ito without their yellow, which
//! does not show on white; five darker ones follow for charts with many lines. All of them stay apart under
//! the common forms of colour blindness, and no chart tells by colour alone: every mark is labelled too.
//!
//! Source: M. Okabe and K. Ito, "Color Universal Design", 2008; P. Tol, "Colour Schemes", 2021.

/// An opaque colour: red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

impl Colour {
    /// This colour mixed with `other`; `percent` of the result is `other`'s.
    pub fn mixed(self, other: Self, percent: u16) -> Self {
        let mix = |a: u8, b: u8| ((u16::from(a) * (100 - percent) + u16::from(b) * percent) / 100) as u8;
        Self(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }

    /// Black or white, whichever reads better on this colour.
    pub fn ink(self) -> Self {
        // 150 is where white text on these hues starts to fade.
        if self.luma() > 150 { INK } else { PAPER }
    }

    /// This colour, darkened until small text in it can be read on paper.
    pub fn readable(self) -> Self {
        let darker = (0..=9).map(|tenths| self.mixed(INK, 10 * tenths));
        darker
            .into_iter()
            .find(|colour| colour.luma() <= 120)
            .unwrap_or(INK)
    }

    /// Brightness by the weights of Rec. 601, 0 … 255.
    fn luma(self) -> u32 {
        (299 * u32::from(self.0) + 587 * u32::from(self.1) + 114 * u32::from(self.2)) / 1000
    }
}

/// Background.
pub const PAPER: Colour = Colour(0xFF, 0xFF, 0xFF);
/// Titles and numbers.
pub const INK: Colour = Colour(0x22, 0x22, 0x22);
/// Axis labels and whatever explains.
pub const QUIET: Colour = Colour(0x59, 0x59, 0x59);
/// Grid lines.
pub const GRID: Colour = Colour(0xE6, 0xE6, 0xE6);
/// Axis lines and ticks.
pub const AXIS: Colour = Colour(0x99, 0x99, 0x99);
/// Whatever is there without being talked about: the many queues behind the twelve.
pub const DIM: Colour = Colour(0xC8, 0xC8, 0xC8);
/// What should not be: two owners, a kill, a dead letter.
pub const ALARM: Colour = Colour(0xC4, 0x16, 0x1C);
/// The one series of a chart that has only one.
pub const MAIN: Colour = HUES[0];
/// The second of two series.
pub const SECOND: Colour = HUES[1];

const HUES: [Colour; 12] = [
    Colour(0x00, 0x72, 0xB2), // blue
    Colour(0xD5, 0x5E, 0x00), // vermilion
    Colour(0x00, 0x9E, 0x73), // bluish green
    Colour(0xCC, 0x79, 0xA7), // reddish purple
    Colour(0x56, 0xB4, 0xE9), // sky blue
    Colour(0xE6, 0x9F, 0x00), // orange
    Colour(0x33, 0x22, 0x88), // indigo
    Colour(0x88, 0x22, 0x55), // wine
    Colour(0x99, 0x99, 0x33), // olive
    Colour(0x44, 0xAA, 0x99), // teal
    Colour(0x66, 0x33, 0x00), // brown
    Colour(0x77, 0x77, 0x77), // grey
];

/// Lines that one panel may hold before they stop being readable one by one.
pub const LINES_MAX: usize = HUES.len();

/// The colour of the `n`-th of many: twelve hues, then the same ones lighter, then darker, then again.
pub fn hue(n: usize) -> Colour {
    let base = HUES[n % HUES.len()];
    match n / HUES.len() % 3 {
        0 => base,
        1 => base.mixed(PAPER, 45),
        _ => base.mixed(INK, 45),
    }
}

/// Width of every chart, in pixels.
pub const WIDTH: f64 = 960.0;
/// Least space between the plot and the right edge, so that the last tick label is not cut.
pub const RIGHT_MARGIN: f64 = 36.0;
/// Distance of titles from the left edge.
pub const INDENT: f64 = 16.0;

/// Font size of titles.
pub const TITLE: f64 = 17.0;
/// Font size of subtitles and panel captions.
pub const CAPTION: f64 = 12.5;
/// Font size of labels and ticks.
pub const LABEL: f64 = 12.0;
/// Font size where room is scarce.
pub const SMALL: f64 = 10.5;

/// Width of a grid line.
pub const HAIRLINE: f64 = 0.75;
/// Width of a line among many.
pub const THIN: f64 = 1.25;
/// Width of a line that is the subject.
pub const THICK: f64 = 2.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// 36 consumers can be told apart before a colour comes again.
    #[test]
    fn hues_differ_for_three_rounds() {
        for a in 0..36 {
            for b in 0..a {
                assert_ne!(hue(a), hue(b), "{a} {b}");
            }
        }
        assert_eq!(hue(36), hue(0));
    }

    #[test]
    fn text_in_any_hue_is_dark_enough() {
        assert!((0..36).all(|n| hue(n).readable().luma() <= 120));
        assert_eq!(MAIN.readable(), MAIN, "what is dark stays as it is");
    }

    #[test]
    fn ink_is_light_on_dark_and_dark_on_light() {
        assert_eq!(Colour(0x00, 0x72, 0xB2).ink(), PAPER);
        assert_eq!(Colour(0xE6, 0x9F, 0x00).ink(), INK);
        assert_eq!(PAPER.ink(), INK);
    }
}
