//! A model of bytes: the two before tell the next.

/// Counts of bytes after two others, smoothed by those after one, and those by all.
pub struct Trigrams {
    counts: [Vec<u32>; 3],
}

const SIZES: [usize; 3] = [1, 256, 256 * 256];

impl Trigrams {
    /// Counts those of `text`.
    pub fn of(text: &str) -> Self {
        let mut counts = SIZES.map(|contexts| vec![0; contexts * 256]);
        for (context, byte) in places(text.as_bytes()) {
            for (table, size) in counts.iter_mut().zip(SIZES) {
                table[context % size * 256 + byte] += 1;
            }
        }
        Self { counts }
    }

    /// The cross-entropy of `text` when it comes after `context`.
    pub fn bits_per_byte(&self, context: &str, text: &str) -> f64 {
        let whole = format!("{context}{text}");
        let bits = places(whole.as_bytes())
            .skip(context.len())
            .map(|(context, byte)| {
                let mut chance = 1.0 / 256.0;
                for (table, size) in self.counts.iter().zip(SIZES) {
                    let row = &table[context % size * 256..][..256];
                    let seen = f64::from(row.iter().sum::<u32>());
                    chance = (f64::from(row[byte]) + 2.0 * chance) / (seen + 2.0);
                }
                -chance.log2()
            });
        bits.sum::<f64>() / text.len() as f64
    }
}

/// Every byte with the two before it.
fn places(bytes: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let before = |i: usize, back: usize| i.checked_sub(back).map_or(0, |j| usize::from(bytes[j]));
    (0..bytes.len()).map(move |i| (before(i, 2) * 256 + before(i, 1), usize::from(bytes[i])))
}
