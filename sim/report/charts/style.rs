//! The visual language of all charts: colours, sizes, line widths.
//!
//! One hue means one thing through all charts of a run: a consumer keeps its colour from the consumption
//! chart to the ownership chart. The first six hues are those of Okabe and Ito without yellow and black, which
//! do not show on white or look like text; six more were searched for, so that all twelve stay apart for
//! people with full colour vision and with each of the three common forms of colour blindness (a test
//! measures it). No chart tells by colour alone: every mark is labelled too.
//!
//! Source: M. Okabe and K. Ito, "Color Universal Design", 2008.

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
/// Ground of the part of a run that is not measured.
pub const WARM_UP: Colour = Colour(0xF3, 0xF3, 0xF3);
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
    Colour(0x88, 0x00, 0xFF), // violet
    Colour(0x55, 0x22, 0x00), // brown
    Colour(0x33, 0x33, 0x44), // slate
    Colour(0x99, 0xBB, 0x66), // moss green
    Colour(0xBB, 0x55, 0xFF), // lilac
    Colour(0x33, 0x33, 0xAA), // indigo
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

/// From little to much: ever darker, in steps that look alike (CIE L*a*b*) to every vision.
const RAMP: [Colour; 9] = [
    Colour(0xF7, 0xFB, 0xE6),
    Colour(0xC1, 0xE5, 0xC8),
    Colour(0x86, 0xCF, 0xBC),
    Colour(0x60, 0xBB, 0xC0),
    Colour(0x3C, 0xA5, 0xC2),
    Colour(0x27, 0x8C, 0xBD),
    Colour(0x23, 0x72, 0xB2),
    Colour(0x22, 0x55, 0xA0),
    Colour(0x1D, 0x34, 0x83),
];

/// The colour of a share, 0 … 1, of the way from little to much.
pub fn ramp(share: f64) -> Colour {
    let place = share.clamp(0.0, 1.0) * (RAMP.len() - 1) as f64;
    let below = (place as usize).min(RAMP.len() - 2);
    RAMP[below].mixed(RAMP[below + 1], ((place - below as f64) * 100.0) as u16)
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
    use crate::kernel::math::pow;

    /// What people see of linear red, green and blue: with full colour vision, without the cones for long,
    /// middle or short waves. Source: Machado, Oliveira and Fernandes, IEEE TVCG 15(6), 2009, severity 1.
    const VISIONS: [(&str, [[f64; 3]; 3]); 4] = [
        ("full", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        (
            "protanopia",
            [
                [0.152286, 1.052583, -0.204868],
                [0.114503, 0.786281, 0.099216],
                [-0.003882, -0.048116, 1.051998],
            ],
        ),
        (
            "deuteranopia",
            [
                [0.367322, 0.860646, -0.227968],
                [0.280085, 0.672501, 0.047413],
                [-0.011820, 0.042940, 0.968881],
            ],
        ),
        (
            "tritanopia",
            [
                [1.255528, -0.076749, -0.178779],
                [-0.078411, 0.930809, 0.147602],
                [0.004733, 0.691367, 0.303900],
            ],
        ),
    ];

    /// The colour as seen, in CIE L*a*b* (white of D65).
    fn seen(colour: Colour, vision: &[[f64; 3]; 3]) -> [f64; 3] {
        let linear = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 {
                c / 12.92
            } else {
                pow((c + 0.055) / 1.055, 2.4)
            }
        };
        let light = [colour.0, colour.1, colour.2].map(linear);
        let dot = |row: &[f64; 3], v: &[f64; 3]| row[0] * v[0] + row[1] * v[1] + row[2] * v[2];
        let rgb = [0, 1, 2].map(|i| dot(&vision[i], &light).clamp(0.0, 1.0));
        let [x, y, z] = [
            dot(&[0.4124, 0.3576, 0.1805], &rgb) / 0.9505,
            dot(&[0.2126, 0.7152, 0.0722], &rgb),
            dot(&[0.0193, 0.1192, 0.9505], &rgb) / 1.089,
        ]
        .map(|t| {
            if t > 0.008856 {
                pow(t, 1.0 / 3.0)
            } else {
                7.787 * t + 16.0 / 116.0
            }
        });
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// Two hues side by side differ by at least 15 (ΔE*ab; 2.3 is just noticeable), whoever looks. The closest
    /// pair, sky blue and bluish green under tritanopia, is Okabe and Ito's own.
    #[test]
    fn hues_stay_apart_for_every_vision() {
        for (name, vision) in &VISIONS {
            for (i, &a) in HUES.iter().enumerate() {
                for &b in &HUES[..i] {
                    let (p, q) = (seen(a, vision), seen(b, vision));
                    let squares: f64 = p.iter().zip(q).map(|(p, q)| (p - q) * (p - q)).sum();
                    assert!(
                        squares > 15.0 * 15.0,
                        "{name}: {a:?} and {b:?} differ by {}",
                        squares.sqrt()
                    );
                }
            }
        }
    }

    /// Whoever looks, each step of the ramp is darker, by 5 … 13 of lightness L* where 1 is just noticeable.
    #[test]
    fn the_ramp_falls_evenly_for_every_vision() {
        for (name, vision) in &VISIONS {
            let lightness: Vec<f64> = (0..=8)
                .map(|n| seen(ramp(f64::from(n) / 8.0), vision)[0])
                .collect();
            let steps: Vec<f64> = lightness.windows(2).map(|pair| pair[0] - pair[1]).collect();
            assert!(
                steps.iter().all(|step| (5.0..13.0).contains(step)),
                "{name}: {steps:?}"
            );
        }
        assert_eq!((ramp(-1.0), ramp(2.0)), (RAMP[0], RAMP[8]));
        assert_eq!(ramp(f64::NAN), RAMP[0], "a broken number is no panic");
    }

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
