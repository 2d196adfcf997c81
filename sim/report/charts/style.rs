//! The visual language of all charts: colours, sizes, line widths.
//!
//! One hue means one thing through all charts of a run: a consumer keeps its colour from the consumption
//! chart to the ownership chart. The hues are those of Okabe and Ito, darkened until a line of them can be seen on white
//! paper, and six more; on a dark page each has a lighter twin. All twelve stay apart for people with full colour
//! vision and with each of the three common forms of colour blindness, on either page (tests measure it). No chart tells
//! by colour alone: every mark is labelled too.
//!
//! Source: M. Okabe and K. Ito, "Color Universal Design", 2008.

use crate::kernel::math::pow;

/// Red, green, blue.
type Rgb = [u8; 3];

/// An opaque colour, and the one that takes its place on a dark page.
///
/// A drawing names light colours only and looks the dark ones up by them: no two colours of one drawing may be the
/// same on light and differ on dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Colour {
    light: Rgb,
    dark: Rgb,
}

/// A colour by its two forms, `0xRRGGBB`.
const fn twin(light: u32, dark: u32) -> Colour {
    const fn rgb(code: u32) -> Rgb {
        let [_, r, g, b] = code.to_be_bytes();
        [r, g, b]
    }
    Colour {
        light: rgb(light),
        dark: rgb(dark),
    }
}

impl Colour {
    /// What is drawn.
    pub fn light(self) -> Rgb {
        self.light
    }

    /// What is drawn, as `#RRGGBB`.
    pub fn light_hex(self) -> String {
        hex(self.light)
    }

    /// What takes its place on a dark page, as `#RRGGBB`.
    pub fn dark_hex(self) -> String {
        hex(self.dark)
    }

    /// This colour mixed with `other`; `percent` of the result is `other`'s.
    pub fn mixed(self, other: Self, percent: u16) -> Self {
        let mix = |a: u8, b: u8| ((u16::from(a) * (100 - percent) + u16::from(b) * percent) / 100) as u8;
        let blend = |a: Rgb, b: Rgb| [0, 1, 2].map(|i| mix(a[i], b[i]));
        Self {
            light: blend(self.light, other.light),
            dark: blend(self.dark, other.dark),
        }
    }

    /// Black or white, whichever reads better on this colour: on a light page and on a dark one for itself.
    pub fn ink(self) -> Self {
        let is_black = |ground: Rgb| contrast(ground, BLACK) >= contrast(ground, WHITE);
        match (is_black(self.light), is_black(self.dark)) {
            (true, true) => twin(0x000000, 0x000000),
            (true, false) => twin(0x010101, 0xFFFFFF),
            (false, true) => twin(0xFEFEFE, 0x000000),
            (false, false) => twin(0xFDFDFD, 0xFFFFFF),
        }
    }

    /// This colour, nearer to the ink until small text in it can be read on paper.
    pub fn readable(self) -> Self {
        let nearer = |of: fn(Self) -> Rgb| {
            let mut steps = (0..=9).map(|tenths| of(self.mixed(INK, 10 * tenths)));
            let reads = |colour: &Rgb| contrast(*colour, of(PAPER)) >= READABLE;
            steps.find(reads).unwrap_or(of(INK))
        };
        let (mut light, dark) = (nearer(|colour| colour.light), nearer(|colour| colour.dark));
        if light == self.light && dark != self.dark {
            // Text is lighter than lines on a dark page: so it needs a light form of its own.
            light[2] ^= 1;
        }
        Self { light, dark }
    }
}

const BLACK: Rgb = [0; 3];
const WHITE: Rgb = [255; 3];
/// Contrast from which small text can be read. Source: WCAG 2.2, 1.4.3.
const READABLE: f64 = 4.5;

fn hex([r, g, b]: Rgb) -> String {
    format!("#{r:02X}{g:02X}{b:02X}")
}

/// How two colours stand out from each other, 1 … 21. Source: WCAG 2.2, "contrast ratio".
fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance(colour: Rgb) -> f64 {
    let [r, g, b] = colour.map(linear);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// The light that one of red, green, blue stands for, 0 … 1.
fn linear(channel: u8) -> f64 {
    let c = f64::from(channel) / 255.0;
    if c <= 0.04045 {
        c / 12.92
    } else {
        pow((c + 0.055) / 1.055, 2.4)
    }
}

/// Background.
pub const PAPER: Colour = twin(0xFFFFFF, 0x16181D);
/// Titles and numbers.
pub const INK: Colour = twin(0x222222, 0xE8E8EB);
/// Axis labels and whatever explains.
pub const QUIET: Colour = twin(0x595959, 0xA9AEB8);
/// Grid lines.
pub const GRID: Colour = twin(0xE6E6E6, 0x2C3038);
/// Ground of the part of a run that is not measured.
pub const WARM_UP: Colour = twin(0xF3F3F3, 0x1F2229);
/// Axis lines and ticks.
pub const AXIS: Colour = twin(0x999999, 0x717884);
/// Whatever is there without being talked about: the many queues behind the twelve.
pub const DIM: Colour = twin(0xC8C8C8, 0x454A54);
/// What should not be: two owners, a kill, a dead letter.
pub const ALARM: Colour = twin(0xC4161C, 0xFF6B66);
/// The one series of a chart that has only one.
pub const MAIN: Colour = HUES[0];
/// The second of two series.
pub const SECOND: Colour = HUES[1];
/// The third of three series.
pub const THIRD: Colour = HUES[2];

const HUES: [Colour; 12] = [
    twin(0x085D9C, 0x6194D1), // blue
    twin(0xE47417, 0xE2753B), // vermilion
    twin(0x13926E, 0x57D49F), // bluish green
    twin(0xBC73A6, 0xC18EAE), // reddish purple
    twin(0x838CE5, 0xA9E8E4), // periwinkle; pale cyan on dark
    twin(0xA04A06, 0xFFAA2B), // rust; orange on dark
    twin(0x6510FF, 0xA67BFF), // violet
    twin(0x5F2F0D, 0x9E5340), // brown
    twin(0x412541, 0x75606E), // aubergine
    twin(0x85894A, 0xE7DF78), // olive; straw on dark
    twin(0xA047EC, 0xC5C8FF), // lilac
    twin(0x281694, 0x5D52EE), // indigo
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

/// From little to much: ever farther from the paper, in steps that look alike (CIE L*a*b*) to every vision.
const RAMP: [Colour; 9] = [
    twin(0xF7FBE6, 0x1D3483),
    twin(0xC1E5C8, 0x2255A0),
    twin(0x86CFBC, 0x2372B2),
    twin(0x60BBC0, 0x278CBD),
    twin(0x3CA5C2, 0x3CA5C2),
    twin(0x278CBD, 0x60BBC0),
    twin(0x2372B2, 0x86CFBC),
    twin(0x2255A0, 0xC1E5C8),
    twin(0x1D3483, 0xF7FBE6),
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

    /// What a page is called, and how it shows a colour.
    type Page = (&'static str, fn(Colour) -> Rgb);

    /// The two forms of a colour, each with its ground.
    const PAGES: [Page; 2] = [("light", |c| c.light), ("dark", |c| c.dark)];

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
    fn seen(colour: Rgb, vision: &[[f64; 3]; 3]) -> [f64; 3] {
        let light = colour.map(linear);
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

    /// Two hues side by side differ by at least 20 (ΔE*ab; 2.3 is just noticeable), whoever looks, on either page.
    #[test]
    fn hues_stay_apart_for_every_vision() {
        for (page, of) in PAGES {
            for (name, vision) in &VISIONS {
                for (i, &a) in HUES.iter().enumerate() {
                    for &b in &HUES[..i] {
                        let (p, q) = (seen(of(a), vision), seen(of(b), vision));
                        let squares: f64 = p.iter().zip(q).map(|(p, q)| (p - q) * (p - q)).sum();
                        assert!(
                            squares > 20.0 * 20.0,
                            "{page}, {name}: {a:?} and {b:?} differ by {}",
                            squares.sqrt()
                        );
                    }
                }
            }
        }
    }

    /// WCAG 2.2 asks for 4.5 between text and ground (1.4.3), for 3 between what must be seen and its ground (1.4.11).
    #[test]
    fn text_and_lines_stand_out_on_either_page() {
        for (page, of) in PAGES {
            for ground in [PAPER, WARM_UP] {
                for text in [INK, QUIET, ALARM] {
                    let found = contrast(of(text), of(ground));
                    assert!(found >= 4.5, "{page}: {text:?} on {ground:?} {found}");
                }
            }
            for n in 0..HUES.len() {
                let line = contrast(of(hue(n)), of(PAPER));
                assert!(line >= 3.0, "{page}: line {n} {line}");
            }
            for n in 0..36 {
                let text = contrast(of(hue(n).readable()), of(PAPER));
                let inside = contrast(of(hue(n).ink()), of(hue(n)));
                assert!(text >= 4.5 && inside >= 4.5, "{page}: hue {n} {text} {inside}");
            }
        }
    }

    /// The dark form of a colour is looked up by its light one.
    #[test]
    fn no_two_colours_share_a_light_form() {
        let mut all = vec![PAPER, INK, QUIET, GRID, WARM_UP, AXIS, DIM, ALARM];
        all.extend((0..36).flat_map(|n| [hue(n), hue(n).ink(), hue(n).readable()]));
        all.extend((0..36).flat_map(|n| [40, 55, 60, 70].map(|percent| hue(n).mixed(PAPER, percent))));
        all.extend((0..=8).flat_map(|n| [ramp(f64::from(n) / 8.0), ramp(f64::from(n) / 8.0).ink()]));
        all.sort_unstable();
        all.dedup();
        for pair in all.windows(2) {
            assert_ne!(pair[0].light, pair[1].light, "{pair:?}");
        }
    }

    /// Whoever looks, each step of the ramp is farther from the paper, by 5 … 13 of lightness L* where 1 is just
    /// noticeable.
    #[test]
    fn the_ramp_rises_evenly_for_every_vision() {
        for (page, of) in PAGES {
            for (name, vision) in &VISIONS {
                let lightness: Vec<f64> = (0..=8)
                    .map(|n| seen(of(ramp(f64::from(n) / 8.0)), vision)[0])
                    .collect();
                let steps: Vec<f64> = lightness
                    .windows(2)
                    .map(|pair| (pair[0] - pair[1]).abs())
                    .collect();
                assert!(
                    steps.iter().all(|step| (5.0..13.0).contains(step)),
                    "{page}, {name}: {steps:?}"
                );
                assert!(lightness.is_sorted() || lightness.is_sorted_by(|a, b| a >= b));
            }
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
    fn what_can_be_read_stays_as_it_is() {
        assert_eq!(INK.readable(), INK);
        assert_eq!(MAIN.readable(), MAIN);
    }

    #[test]
    fn ink_is_light_on_dark_and_dark_on_light() {
        assert_eq!(twin(0x0072B2, 0x0072B2).ink().light, [0xFD; 3]);
        assert_eq!(twin(0xE69F00, 0xE69F00).ink().dark, [0; 3]);
        assert_eq!(PAPER.ink().dark, WHITE);
    }
}
