//! Charts as PNG: the same picture as the SVG, on a light page, twice as large, painted with fonts that come along.
//!
//! No font of the machine is ever asked for: so text is there on a machine without fonts, and the same bytes come out on
//! every one. What the embedded fonts have no sign for (they know Latin-1, punctuation and arrows) is an empty box.

use anyhow::{Context, anyhow};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};
use std::sync::Arc;

/// Dots to one pixel of the drawing.
const SCALE: f32 = 2.0;

const REGULAR: &[u8] = include_bytes!("fonts/DejaVuSans.ttf");
const BOLD: &[u8] = include_bytes!("fonts/DejaVuSans-Bold.ttf");
const FAMILY: &str = "DejaVu Sans";

/// What paints: it reads its fonts once.
pub struct Painter {
    options: Options<'static>,
}

impl Default for Painter {
    fn default() -> Self {
        Self::new()
    }
}

impl Painter {
    /// A painter with the fonts of charts, and no others.
    pub fn new() -> Self {
        let mut fonts = Database::new();
        for font in [REGULAR, BOLD] {
            fonts.load_font_data(font.to_vec());
        }
        fonts.set_sans_serif_family(FAMILY);
        let options = Options {
            font_family: FAMILY.to_owned(),
            fontdb: Arc::new(fonts),
            ..Options::default()
        };
        Self { options }
    }

    /// The bytes of a PNG file of what `svg`, the text of a chart, shows.
    ///
    /// # Errors
    /// If the text is no chart, or there is no memory for so many dots.
    pub fn png(&self, svg: &str) -> anyhow::Result<Vec<u8>> {
        let tree = Tree::from_str(&light(svg), &self.options).context("a chart is no SVG")?;
        let size = tree.size();
        let dots = |pixels: f32| (pixels * SCALE).ceil() as u32;
        let (width, height) = (dots(size.width()), dots(size.height()));
        let mut sheet = Pixmap::new(width, height)
            .ok_or_else(|| anyhow!("no memory for a picture of {width} × {height} dots"))?;
        resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut sheet.as_mut());
        sheet.encode_png().context("a chart cannot be written as PNG")
    }
}

/// The drawing without what a dark page changes.
fn light(svg: &str) -> String {
    match (svg.find("<style>"), svg.find("</style>")) {
        (Some(from), Some(to)) if from < to => {
            let behind = to + "</style>".len();
            format!("{}{}", &svg[..from], &svg[behind..])
        }
        _ => svg.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::charts::canvas::{Anchor, svg};
    use crate::report::charts::style::{INK, LABEL, MAIN};

    fn chart(text: &str) -> String {
        svg(60.0, 20.0, "", |canvas| {
            canvas.rect((40.0, 0.0), (60.0, 20.0), MAIN);
            canvas.bold(text, (2.0, 10.0), Anchor::Start, LABEL, INK);
        })
    }

    fn painted(svg: &str) -> Pixmap {
        let bytes = Painter::new().png(svg).expect("a picture");
        Pixmap::decode_png(&bytes).expect("a PNG")
    }

    /// 60 × 20 pixels are 120 × 40 dots; paper at the left, the blue rectangle at the right, text between.
    #[test]
    fn a_picture_shows_what_the_drawing_has() {
        let picture = painted(&chart("Wait"));
        assert_eq!((picture.width(), picture.height()), (120, 40));
        let colour = |x, y| {
            let dot = picture.pixel(x, y).expect("a dot");
            [dot.red(), dot.green(), dot.blue()]
        };
        assert_eq!(colour(1, 1), [255; 3]);
        assert_eq!(colour(100, 20), MAIN.light());
        let dark = (0..80).flat_map(|x| (0..40).map(move |y| (x, y)));
        let dark = dark.filter(|&(x, y)| colour(x, y).iter().all(|&channel| channel < 100));
        assert!(
            dark.count() > 100,
            "text is painted with the fonts that come along"
        );
    }

    /// The regular and the bold font have every sign that charts use of themselves: none is the empty box.
    #[test]
    fn charts_have_no_empty_boxes() {
        let ink = |text: &str| {
            let picture = painted(&chart(text));
            let columns: Vec<u32> = (0..80)
                .filter(|&x| (0..40).any(|y| picture.pixel(x, y).is_some_and(|dot| dot.red() < 128)))
                .collect();
            (
                columns.first().copied(),
                columns.last().copied(),
                picture.data().to_vec(),
            )
        };
        let empty = ink("组").2;
        for sign in "×÷±µ·→←↑↓—–…’“”≤≥−".chars() {
            let text = sign.to_string();
            let (first, last, picture) = ink(&text);
            assert!(first.is_some() && last < Some(80), "{sign} is blank");
            assert_ne!(picture, empty, "{sign} is an empty box");
        }
    }

    #[test]
    fn the_same_drawing_is_the_same_picture() {
        let once = Painter::new().png(&chart("p99 12 ms"));
        let again = Painter::new().png(&chart("p99 12 ms"));
        assert_eq!(once.expect("a picture"), again.expect("a picture"));
    }

    #[test]
    fn what_is_no_drawing_is_refused() {
        assert!(Painter::new().png("no chart").is_err());
    }
}
