//! In which forms charts are written: `--charts svg,png`.

use crate::report::charts::Chart;
use std::path::{Path, PathBuf};

/// The forms that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pictures {
    svg: bool,
    png: bool,
}

impl Pictures {
    /// Whether charts are drawn at all.
    pub fn any(self) -> bool {
        self.svg || self.png
    }

    /// The name of the file of a chart that a page shows: its SVG if there is one.
    pub fn shown(self, chart: &Chart) -> String {
        if self.svg {
            chart.file_name.clone()
        } else {
            png_name(chart)
        }
    }

    /// The files of `charts` in `folder`.
    pub fn files(self, folder: &Path, charts: Vec<Chart>) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
        let mut files = Vec::new();
        if self.png {
            files = pngs(folder, &charts)?;
        }
        if self.svg {
            let svg = |chart: Chart| (folder.join(chart.file_name), chart.svg.into_bytes());
            files.splice(0..0, charts.into_iter().map(svg));
        }
        Ok(files)
    }
}

#[cfg(feature = "png")]
fn pngs(folder: &Path, charts: &[Chart]) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    let painter = crate::report::charts::png::Painter::new();
    let png = |chart: &Chart| Ok((folder.join(png_name(chart)), painter.png(&chart.svg)?));
    charts.iter().map(png).collect()
}

/// Not reached: the argument is refused.
#[cfg(not(feature = "png"))]
fn pngs(_: &Path, _: &[Chart]) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    anyhow::bail!(NO_PNG)
}

/// What a program says that cannot paint.
#[cfg(not(feature = "png"))]
const NO_PNG: &str =
    "this rmqsim was built without PNG; take svg, or build it with the feature `png`, which is on by default";

fn png_name(chart: &Chart) -> String {
    let stem = chart.file_name.strip_suffix(".svg").unwrap_or(&chart.file_name);
    format!("{stem}.png")
}

/// `svg`, `png`, both with a comma between, or `none`.
pub fn pictures(text: &str) -> Result<Pictures, String> {
    let mut pictures = Pictures {
        svg: false,
        png: false,
    };
    if text.trim() == "none" {
        return Ok(pictures);
    }
    for name in text.split(',') {
        match name.trim() {
            "svg" => pictures.svg = true,
            "png" => pictures.png = true,
            "none" => return Err("none stands alone: no charts at all".to_owned()),
            _ => return Err("charts are svg, png, both (svg,png) or none".to_owned()),
        }
    }
    #[cfg(not(feature = "png"))]
    if pictures.png {
        return Err(NO_PNG.to_owned());
    }
    Ok(pictures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_a_list() {
        let of = |text| pictures(text).map(|p| (p.svg, p.png));
        assert_eq!(of("svg"), Ok((true, false)));
        assert_eq!(of("none"), Ok((false, false)));
        #[cfg(feature = "png")]
        assert_eq!(
            [of("png,svg"), of(" svg, png")],
            [Ok((true, true)), Ok((true, true))]
        );
        for odd in ["", "jpg", "svg,none", "svg,", "SVG"] {
            assert!(of(odd).is_err(), "{odd}");
        }
    }
}
