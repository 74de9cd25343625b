//! The palette: ink on white, one blue and one orange, two colour maps.
//!
//! Blue and orange (and the ends of the diverging map) are told apart with every common kind of
//! colour blindness, and no figure relies on colour alone.

/// Text and strong lines.
pub const INK: &str = "#1c2733";
/// Text of less weight: subtitles, numbers on axes.
pub const MUTED: &str = "#5b6775";
/// Axes and frames.
pub const AXIS: &str = "#aab3be";
/// Lines behind the data.
pub const GRID: &str = "#e7eaee";
/// Most of the data of a figure.
pub const BLUE: &str = "#1f6aa5";
/// What calls for attention.
pub const ORANGE: &str = "#cf5b0c";
/// Colours of curves, dark enough for white, in an order whose neighbours differ in lightness too.
const SERIES: [&str; 6] = [BLUE, ORANGE, "#2e8b57", "#8250a5", "#1c2733", "#b8860b"];
/// Dashes for curves beyond the colours.
const DASHES: [&str; 3] = ["", "6 3", "2 3"];

/// Colour and dashes of curve `i`; no two of the first eighteen look the same.
pub fn series_colour(i: usize) -> (&'static str, &'static str) {
    let dash = DASHES[(i / SERIES.len()) % DASHES.len()];
    (SERIES[i % SERIES.len()], dash)
}

/// Where there is nothing to show.
pub const ABSENT: &str = "#d9dde2";

/// Steps on either side of the middle of the diverging map.
pub const DIVERGING_STEPS: i32 = 24;

type Rgb = [f64; 3];

/// Blue for −1, near-white for 0, red for 1: `step` in `-DIVERGING_STEPS..=DIVERGING_STEPS`.
///
/// Quantized so that equal colours can be drawn as one path; a step is below what the eye sees.
pub fn diverging(step: i32) -> String {
    const BLUES: [Rgb; 5] = [
        [246.0, 246.0, 245.0],
        [207.0, 225.0, 239.0],
        [128.0, 178.0, 214.0],
        [43.0, 116.0, 175.0],
        [12.0, 58.0, 110.0],
    ];
    const REDS: [Rgb; 5] = [
        [246.0, 246.0, 245.0],
        [249.0, 217.0, 202.0],
        [239.0, 160.0, 128.0],
        [206.0, 82.0, 66.0],
        [135.0, 18.0, 36.0],
    ];
    let position = f64::from(step.abs()) / f64::from(DIVERGING_STEPS);
    hex(between(if step < 0 { &BLUES } else { &REDS }, position))
}

/// White for 0 to dark blue for 1.
pub fn sequential(position: f64) -> String {
    const SHADES: [Rgb; 6] = [
        [248.0, 250.0, 251.0],
        [211.0, 228.0, 240.0],
        [150.0, 194.0, 220.0],
        [80.0, 148.0, 193.0],
        [28.0, 98.0, 152.0],
        [8.0, 42.0, 82.0],
    ];
    hex(between(&SHADES, position))
}

/// The colour at `position` in `[0, 1]` of evenly spaced anchors.
fn between(anchors: &[Rgb], position: f64) -> Rgb {
    let last = anchors.len() - 1;
    let scaled = position.clamp(0.0, 1.0) * last as f64;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to last
    let left = (scaled.floor() as usize).min(last.saturating_sub(1));
    let share = scaled - left as f64;
    let mix = |c: usize| anchors[left][c] + share * (anchors[left + 1][c] - anchors[left][c]);
    [mix(0), mix(1), mix(2)]
}

fn hex([r, g, b]: Rgb) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // anchors are in 0..=255
    let byte = |value: f64| value.round() as u8;
    format!("#{:02x}{:02x}{:02x}", byte(r), byte(g), byte(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_begin_and_end_where_they_say() {
        assert_eq!(diverging(0), "#f6f6f5");
        assert_eq!(diverging(-DIVERGING_STEPS), "#0c3a6e");
        assert_eq!(diverging(DIVERGING_STEPS), "#871224");
        assert_eq!(sequential(0.0), "#f8fafb");
        assert_eq!(sequential(2.0), "#082a52");
    }
}
