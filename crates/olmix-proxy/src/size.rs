//! Named sizes of models, by their non-embedding parameters.

use crate::Shape;

/// A size: its name, and width, layers, heads, hidden width and context of the model.
pub struct Size {
    /// The name, such as `30m`.
    pub name: &'static str,
    width: usize,
    layers: usize,
    heads: usize,
    hidden: usize,
    context: usize,
}

const fn size(name: &'static str, shape: [usize; 5]) -> Size {
    let [width, layers, heads, hidden, context] = shape;
    Size {
        name,
        width,
        layers,
        heads,
        hidden,
        context,
    }
}

/// All of them, the smallest first. Within 2 % of their names, `demo` apart, which has 98 thousand
/// parameters and reads in half a minute what it should.
pub const SIZES: [Size; 9] = [
    size("demo", [64, 2, 2, 176, 128]),
    size("1m", [128, 5, 4, 344, 256]),
    size("15m", [384, 8, 6, 1088, 512]),
    size("30m", [512, 9, 8, 1472, 1024]),
    size("60m", [640, 12, 10, 1728, 1024]),
    size("100m", [768, 14, 12, 2048, 2048]),
    size("190m", [1024, 15, 16, 2752, 2048]),
    size("370m", [1280, 19, 20, 3392, 2048]),
    size("1b", [2048, 20, 32, 5440, 2048]),
];

impl Size {
    /// The size of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        SIZES.iter().find(|size| size.name == name)
    }

    /// The model of this size for a vocabulary.
    #[must_use]
    pub fn shape(&self, vocab: usize) -> Shape {
        Shape {
            size: self.name.to_owned(),
            vocab,
            width: self.width,
            layers: self.layers,
            heads: self.heads,
            hidden: self.hidden,
            context: self.context,
            rope_theta: 10_000.0,
            norm_eps: 1e-5,
            qk_norm: false,
            init_std: 0.02,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_parameters_they_are_named_after() {
        let millions = [1.0, 15.0, 30.0, 60.0, 100.0, 190.0, 370.0, 1000.0];
        for (size, millions) in SIZES[1..].iter().zip(millions) {
            let parameters = size.shape(257).non_embedding_parameters() as f64 / 1e6;
            let off = (parameters / millions - 1.0).abs();
            assert!(off < 0.02, "{}: {parameters}", size.name);
        }
        let demo = SIZES[0].shape(257).non_embedding_parameters();
        assert_eq!(demo, 2 * (4 * 64 * 64 + 3 * 64 * 176 + 2 * 64) + 64);
    }
}
