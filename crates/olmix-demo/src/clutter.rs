//! What a careless crawl brings home: menus, notices, key words, addresses, broken bytes. Nothing
//! in it helps any task.

use crate::draw::Draw;

static MENU: [&str; 16] = [
    "HOME", "LOGIN", "CART (0)", "HELP", "FAQ", "SITEMAP", "TERMS", "PRIVACY", "SIGN UP", "BLOG",
    "JOBS", "PRESS", "SHARE", "PRINT", "TOP", "RSS",
];

static NOTICES: [&str; 8] = [
    "We use cookies. [ACCEPT ALL] [SETTINGS]",
    "Please enable JavaScript to view this page.",
    "(c) 2009-2024 All Rights Reserved.",
    "SUBSCRIBE to our NEWSLETTER!!!",
    "Error 404 - page not found",
    "Loading... Loading... Loading...",
    "You have 0 new notifications.",
    "Posted by admin | Comments closed",
];

static SHOUTS: [&str; 14] = [
    "BUY",
    "CHEAP",
    "FREE",
    "DEAL$",
    "NOW",
    "ONLINE",
    "BEST PRICE",
    "CLICK",
    "WIN",
    "HOT",
    "XXL",
    "SALE",
    "100%",
    "VIP",
];

/// A low-quality document.
pub(crate) fn document(draw: &mut Draw) -> String {
    let mut text = String::new();
    for _ in 0..draw.between(3, 9) {
        match draw.below(6) {
            0 => text.push_str(&list(&MENU, " | ", draw)),
            1 => text.push_str(draw.pick(&NOTICES)),
            2 => text.push_str(&list(&SHOUTS, " ", draw)),
            3 => {
                text.push_str("http://");
                noise(
                    b"abcdefghijklmnopqrstuvwxyz0123456789",
                    4,
                    9,
                    &mut text,
                    draw,
                );
                text.push_str(".example/?id=");
                noise(b"0123456789abcdef", 8, 24, &mut text, draw);
            }
            4 => {
                // Letters as often as in English, so that words are all that is wrong.
                for _ in 0..draw.between(4, 10) {
                    noise(
                        b"eeetttaaaooiinnsshhrrddlucmfwygpbvk",
                        2,
                        9,
                        &mut text,
                        draw,
                    );
                    text.push(' ');
                }
            }
            _ => noise(b"0123456789 =+-*/%,.:;()#_'<>~|", 16, 56, &mut text, draw),
        }
        text.push('\n');
    }
    text
}

fn list(words: &[&str], between: &str, draw: &mut Draw) -> String {
    let count = draw.between(3, 8);
    let words: Vec<&str> = (0..count).map(|_| draw.pick(words)).collect();
    words.join(between)
}

/// `low` to `high` letters, each drawn on its own.
fn noise(alphabet: &[u8], low: u32, high: u32, text: &mut String, draw: &mut Draw) {
    for _ in 0..draw.between(low, high) {
        text.push(char::from(draw.pick(alphabet)));
    }
}
