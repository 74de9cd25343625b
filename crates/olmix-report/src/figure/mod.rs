//! One figure per file, each a function from the method's types to a [`Figure`].

mod bars;
mod domains;
mod interaction;
mod labels;
mod lines;
mod mixtures;
mod predicted;
mod rows;
mod small;
mod sweep;
mod tasks;
mod weights;

pub use bars::{BarRow, Bars, bars};
pub use domains::{Intervals, PriorAndProposed, prior_and_proposed};
pub use interaction::{InteractionMatrix, interaction_matrix};
pub(crate) use labels::families;
pub use lines::{Lines, Series, lines};
pub use mixtures::mixtures;
pub use predicted::{PredictedAgainstMeasured, predicted_against_measured};
pub(crate) use small::small_multiple;
pub use sweep::sweep;
pub use tasks::task_errors;
pub use weights::{SwarmWeights, swarm_weights};

use png::{BitDepth, ColorType, Compression, Encoder, Filter};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use crate::ReportError;
use crate::svg::Drawing;

/// A finished picture: an SVG document and its size.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    svg: String,
    width: f64,
    height: f64,
    hover: Option<Hover>,
}

/// What a pointer can find in a figure: the script of the report says it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Hover {
    /// A dot for each run, in the order of the runs but for those skipped.
    Points(HoverPoints),
    /// Cells of tasks by domains.
    Cells(HoverCells),
}

/// See [`Hover::Points`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HoverPoints {
    /// Losses at the ends of both axes.
    pub window: (f64, f64),
    /// Left edge, top and side of the square plot, in pixels of the figure.
    pub plot: (f64, f64, f64),
    /// Positions of the pairs that have no dot.
    pub skipped: Vec<usize>,
}

/// See [`Hover::Cells`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HoverCells {
    /// Left edge of the first column.
    pub left: f64,
    /// Width and height of a cell.
    pub cell: (f64, f64),
    /// Top of the row of each task.
    pub tops: Vec<f64>,
    /// Per task, a value for each domain; not a number where there is none.
    pub values: Vec<Vec<f64>>,
}

impl Figure {
    fn new(drawing: Drawing, width: f64, height: f64, label: &str) -> Self {
        let (width, height) = (width.ceil(), height.ceil());
        Self {
            svg: drawing.finish(width, height, label),
            width,
            height,
            hover: None,
        }
    }

    fn with_hover(self, hover: Hover) -> Self {
        Self {
            hover: Some(hover),
            ..self
        }
    }

    /// What a pointer can find in it.
    pub(crate) fn hover(&self) -> Option<&Hover> {
        self.hover.as_ref()
    }

    /// The SVG document. It has no ids and no XML declaration, so any number of figures can stand
    /// inside one HTML page.
    #[must_use]
    pub fn svg(&self) -> &str {
        &self.svg
    }

    /// Width in CSS pixels, a whole number.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.width
    }

    /// Height in CSS pixels, a whole number.
    #[must_use]
    pub fn height(&self) -> f64 {
        self.height
    }

    /// The figure's files: `STEM.svg`, and `STEM.png` with `scale` pixels per CSS pixel.
    ///
    /// # Errors
    /// As [`Figure::png`].
    pub fn files(&self, stem: &str, scale: f32) -> Result<[(String, Vec<u8>); 2], ReportError> {
        Ok([
            (format!("{stem}.svg"), self.svg.clone().into_bytes()),
            (format!("{stem}.png"), self.png(scale)?),
        ])
    }

    /// The figure as a PNG (8-bit RGB on white) with `scale` pixels per CSS pixel, rounded up.
    ///
    /// # Errors
    /// [`ReportError::Size`] when the scale leaves no pixel or too many.
    pub fn png(&self, scale: f32) -> Result<Vec<u8>, ReportError> {
        let options = Options {
            fontdb: crate::font::database(),
            font_family: "Inter".to_owned(),
            ..Options::default()
        };
        let tree = Tree::from_str(&self.svg, &options)?;
        let size = tree.size();
        let (width, height) = (size.width() * scale, size.height() * scale);
        let too_big = |side: f32| !(side > 0.0 && side <= 32_767.0);
        if too_big(width) || too_big(height) {
            return Err(ReportError::Size { width, height });
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked above
        let canvas = Pixmap::new(width.ceil() as u32, height.ceil() as u32);
        let mut canvas = canvas.ok_or(ReportError::Size { width, height })?;
        canvas.fill(Color::WHITE);
        let transform = Transform::from_scale(scale, scale);
        resvg::render(&tree, transform, &mut canvas.as_mut());
        encode(&canvas)
    }
}

/// PNG bytes of an opaque picture. The settings trade a few per cent of size for a tenth of the
/// time: a fit writes one picture per task.
fn encode(canvas: &Pixmap) -> Result<Vec<u8>, ReportError> {
    let rgb: Vec<u8> = canvas
        .data()
        .chunks_exact(4)
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, canvas.width(), canvas.height());
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    encoder.set_filter(Filter::Up);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rgb)?;
    writer.finish()?;
    Ok(bytes)
}
