//! The font of the figures: its bytes, how wide a text is in it, and texts cut to a width.

use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use resvg::usvg::fontdb::{Database, Source};
use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::{FontRef, MetadataProvider as _};

static REGULAR: &[u8] = include_bytes!("../assets/Inter-Regular.ttf");
static SEMIBOLD: &[u8] = include_bytes!("../assets/Inter-SemiBold.ttf");
static REGULAR_WEB: &[u8] = include_bytes!("../assets/Inter-Regular.woff2");
static SEMIBOLD_WEB: &[u8] = include_bytes!("../assets/Inter-SemiBold.woff2");

/// The value of `font-family` in figures and report.
pub const FAMILY: &str = "Inter, system-ui, sans-serif";

/// A weight of the font.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Weight 400.
    Regular,
    /// Weight 600, of titles.
    SemiBold,
}

/// The fonts for the rasterizer, read once.
pub fn database() -> Arc<Database> {
    static DATABASE: OnceLock<Arc<Database>> = OnceLock::new();
    let load = || {
        let mut database = Database::new();
        for font in [REGULAR, SEMIBOLD] {
            database.load_font_source(Source::Binary(Arc::new(font)));
        }
        database.set_sans_serif_family("Inter");
        database.set_serif_family("Inter");
        Arc::new(database)
    };
    Arc::clone(DATABASE.get_or_init(load))
}

/// `@font-face` rules that carry the fonts, for a document that stands alone.
pub fn font_faces() -> String {
    let rule = |weight: u32, data: &[u8]| {
        format!(
            "@font-face{{font-family:Inter;font-weight:{weight};font-display:block;\
             src:url(data:font/woff2;base64,{}) format(\"woff2\")}}\n",
            STANDARD.encode(data)
        )
    };
    rule(400, REGULAR_WEB) + &rule(600, SEMIBOLD_WEB)
}

/// The fonts as WOFF2 files, with their names: what `font_faces` carries, for a page that can load files.
#[must_use]
pub fn web_fonts() -> [(&'static str, &'static [u8]); 2] {
    [
        ("Inter-Regular.woff2", REGULAR_WEB),
        ("Inter-SemiBold.woff2", SEMIBOLD_WEB),
    ]
}

/// Width of `text` at `size` pixels, without kerning (which mostly narrows).
///
/// A character that the font lacks counts as one em: it is drawn by some other font, seldom wider.
pub fn width(text: &str, size: f64, weight: Weight) -> f64 {
    let em = |c: char| advance(c, weight).unwrap_or(1.0);
    text.chars().map(em).sum::<f64>() * size
}

/// `text`, or as much of its beginning as fits into `limit` pixels with an ellipsis.
pub fn fit(text: &str, size: f64, weight: Weight, limit: f64) -> String {
    if width(text, size, weight) <= limit {
        return text.to_owned();
    }
    let room = limit - width("…", size, weight);
    let mut used = 0.0;
    let mut cut = String::new();
    for c in text.chars() {
        used += width(c.encode_utf8(&mut [0; 4]), size, weight);
        if used > room {
            break;
        }
        cut.push(c);
    }
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// Advance of a character in em; `None` where the font lacks it.
fn advance(c: char, weight: Weight) -> Option<f64> {
    static MEASURES: OnceLock<[Option<Measure>; 2]> = OnceLock::new();
    let [regular, semibold] = MEASURES.get_or_init(|| [REGULAR, SEMIBOLD].map(Measure::of));
    let measure = match weight {
        Weight::Regular => regular,
        Weight::SemiBold => semibold,
    };
    let measure = measure.as_ref()?;
    let glyph = measure.glyphs.map(c)?;
    measure.advances.advance_width(glyph).map(f64::from)
}

/// What is needed of a font to measure text.
struct Measure {
    glyphs: Charmap<'static>,
    advances: GlyphMetrics<'static>,
}

impl Measure {
    fn of(data: &'static [u8]) -> Option<Self> {
        let font = FontRef::new(data).ok()?;
        Some(Self {
            glyphs: font.charmap(),
            advances: font.glyph_metrics(Size::new(1.0), LocationRef::default()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_fonts_are_read_and_have_the_signs_figures_use() {
        assert_eq!(database().len(), 2);
        for weight in [Weight::Regular, Weight::SemiBold] {
            for c in "aZ09 %−–…×≤≥→·λρ±Σ".chars() {
                assert!(advance(c, weight).is_some(), "{c} is missing");
            }
        }
    }

    #[test]
    fn a_long_text_is_cut_to_its_limit_and_a_short_one_kept() {
        assert_eq!(fit("code", 12.0, Weight::Regular, 100.0), "code");
        let cut = fit("software_development", 12.0, Weight::Regular, 60.0);
        assert!(cut.ends_with('…') && cut.starts_with("soft"));
        assert!(width(&cut, 12.0, Weight::Regular) <= 60.0);
    }
}
