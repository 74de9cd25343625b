//! Errors of making a PNG of a figure.

/// A figure could not be turned into a PNG.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The SVG was not understood; a label with control characters can do that.
    #[error("the figure's SVG cannot be read: {0}")]
    Svg(#[from] resvg::usvg::Error),
    /// The picture has no pixels, or more than a picture can have.
    #[error("a picture of {width} × {height} pixels cannot be made; use another scale")]
    Size {
        /// Pixels across, before rounding.
        width: f32,
        /// Pixels down, before rounding.
        height: f32,
    },
    /// The PNG encoder failed.
    #[error("the PNG cannot be written: {0}")]
    Png(#[from] png::EncodingError),
}
