//! The small world that documents and tasks tell of: people with trades, towns with their facts,
//! things with their looks. Who and what is drawn from the seed; the words are fixed.

use crate::draw::Draw;

/// What a trade is about.
pub(crate) struct Trade {
    pub name: &'static str,
    /// With its article: "the forge".
    pub place: &'static str,
    pub goods: &'static str,
    pub works: [Work; 3],
}

/// A tool and what is done with it.
pub(crate) struct Work {
    pub tool: &'static str,
    /// "mend the net"
    pub base: &'static str,
    /// "mended the net"
    pub past: &'static str,
}

const fn work(tool: &'static str, base: &'static str, past: &'static str) -> Work {
    Work { tool, base, past }
}

const fn trade(
    name: &'static str,
    place: &'static str,
    goods: &'static str,
    works: [Work; 3],
) -> Trade {
    Trade {
        name,
        place,
        goods,
        works,
    }
}

/// The trades. Tools, places and goods of different trades differ.
pub(crate) static TRADES: [Trade; 12] = [
    trade(
        "fisherman",
        "the harbour",
        "herring",
        [
            work("rod", "catch a silver trout", "caught a silver trout"),
            work("net", "haul in the herring", "hauled in the herring"),
            work("tar", "patch the old boat", "patched the old boat"),
        ],
    ),
    trade(
        "baker",
        "the bakery",
        "rye bread",
        [
            work("oven peel", "bake the rye loaves", "baked the rye loaves"),
            work("sieve", "sift the flour", "sifted the flour"),
            work("rolling pin", "roll out the dough", "rolled out the dough"),
        ],
    ),
    trade(
        "smith",
        "the forge",
        "iron nails",
        [
            work("hammer", "beat the iron flat", "beat the iron flat"),
            work("tongs", "bend a horseshoe", "bent a horseshoe"),
            work("bellows", "heat the coals", "heated the coals"),
        ],
    ),
    trade(
        "weaver",
        "the loft",
        "blankets",
        [
            work("shuttle", "weave a blue blanket", "wove a blue blanket"),
            work(
                "wool comb",
                "straighten the fleece",
                "straightened the fleece",
            ),
            work("spindle", "spin fine yarn", "spun fine yarn"),
        ],
    ),
    trade(
        "gardener",
        "the orchard",
        "plums",
        [
            work("spade", "dig the long beds", "dug the long beds"),
            work("shears", "cut back the hedge", "cut back the hedge"),
            work("basket", "gather the plums", "gathered the plums"),
        ],
    ),
    trade(
        "potter",
        "the kiln",
        "bowls",
        [
            work("wheel", "shape a round bowl", "shaped a round bowl"),
            work("brush", "glaze the jugs", "glazed the jugs"),
            work("clay", "build a tall vase", "built a tall vase"),
        ],
    ),
    trade(
        "miller",
        "the mill",
        "barley meal",
        [
            work("scales", "weigh the barley", "weighed the barley"),
            work("chisel", "dress the millstone", "dressed the millstone"),
            work("broom", "sweep the grain floor", "swept the grain floor"),
        ],
    ),
    trade(
        "carpenter",
        "the workshop",
        "chairs",
        [
            work("saw", "cut the oak boards", "cut the oak boards"),
            work("plane", "smooth a table top", "smoothed a table top"),
            work("glue", "join the chair legs", "joined the chair legs"),
        ],
    ),
    trade(
        "shepherd",
        "the high pasture",
        "cheese",
        [
            work("crook", "guide the flock home", "guided the flock home"),
            work("whistle", "call the brown dog", "called the brown dog"),
            work("bucket", "milk the ewes", "milked the ewes"),
        ],
    ),
    trade(
        "beekeeper",
        "the meadow",
        "honey",
        [
            work("smoker", "calm the bees", "calmed the bees"),
            work("veil", "open the hives", "opened the hives"),
            work("ladle", "pour the dark honey", "poured the dark honey"),
        ],
    ),
    trade(
        "cobbler",
        "the little shop",
        "boots",
        [
            work("awl", "pierce the leather", "pierced the leather"),
            work("last", "stretch a narrow boot", "stretched a narrow boot"),
            work("wax", "polish the shoes", "polished the shoes"),
        ],
    ),
    trade(
        "tailor",
        "the market hall",
        "coats",
        [
            work("thimble", "sew on the buttons", "sewed on the buttons"),
            work("scissors", "trim the sleeves", "trimmed the sleeves"),
            work("chalk", "mark the hem", "marked the hem"),
        ],
    ),
];

/// Names of people: women at even places, men at odd ones.
static NAMES: [&str; 24] = [
    "Mira", "Tomas", "Anna", "Jonas", "Clara", "Peter", "Greta", "Oskar", "Lena", "Bruno", "Ida",
    "Felix", "Nora", "Hugo", "Edda", "Karl", "Frida", "Emil", "Rosa", "Paul", "Tilda", "Otto",
    "Vera", "Anton",
];

static TOWNS: [&str; 24] = [
    "Aldmoor", "Brask", "Corvin", "Dunmere", "Elster", "Farrowby", "Grimwold", "Hollin", "Istad",
    "Jarnwick", "Ketterby", "Lorvik", "Mossgate", "Nethford", "Osmark", "Pellow", "Quenby",
    "Ravensk", "Skelden", "Tarnholm", "Ulmen", "Varnsea", "Wexhill", "Yarrow",
];

static REGIONS: [&str; 6] = [
    "the northern hills",
    "the eastern plain",
    "the great forest",
    "the salt marshes",
    "the upper valley",
    "the western isles",
];

static RIVERS: [&str; 8] = [
    "Tessel", "Arne", "Ivel", "Wendle", "Burra", "Sarn", "Lyth", "Oster",
];

static PRODUCTS: [&str; 10] = [
    "amber", "cider", "slate", "copper", "linen", "marble", "saffron", "timber", "glass", "pepper",
];

static FOUNDERS: [&str; 8] = [
    "King Aldric",
    "Queen Maud",
    "Bishop Orm",
    "Duke Rannulf",
    "Lady Sigrid",
    "Abbot Ciaran",
    "Count Ludovic",
    "Princess Ysolde",
];

static EMBLEMS: [&str; 10] = [
    "a white stag",
    "a black swan",
    "two crossed keys",
    "a golden pike",
    "three towers",
    "a red griffin",
    "an oak wreath",
    "a silver ship",
    "a sleeping bear",
    "a burning lamp",
];

/// Things that tables list.
static THINGS: [&str; 16] = [
    "lamp", "rope", "mug", "tent", "sledge", "kettle", "ribbon", "drum", "crate", "candle",
    "pillow", "mirror", "ladder", "violin", "marble", "umbrella",
];

pub(crate) static COLOURS: [&str; 8] = [
    "red", "blue", "green", "yellow", "grey", "purple", "orange", "white",
];

pub(crate) static MATERIALS: [&str; 8] = [
    "tin", "wood", "silk", "paper", "wool", "brass", "stone", "straw",
];

/// A person of the world; documents name them, and tell of their trade.
pub(crate) struct Person {
    pub index: usize,
    pub name: &'static str,
    pub trade: &'static Trade,
    pub woman: bool,
}

impl Person {
    /// "She" or "He".
    pub(crate) fn pronoun(&self) -> &'static str {
        if self.woman { "She" } else { "He" }
    }
}

/// A town and what is known of it.
pub(crate) struct Town {
    pub index: usize,
    pub name: &'static str,
    pub region: &'static str,
    pub river: &'static str,
    pub product: &'static str,
    pub founder: &'static str,
    pub emblem: &'static str,
}

/// A thing, and how it mostly looks: the first of each pair twice as often as the second.
pub(crate) struct Thing {
    pub name: &'static str,
    pub colours: [&'static str; 2],
    pub materials: [&'static str; 2],
}

/// Everything drawn once for a seed.
pub(crate) struct World {
    pub seed: u64,
    pub people: Vec<Person>,
    pub towns: Vec<Town>,
    pub things: Vec<Thing>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut draw = Draw::new(seed, 0);
        let mut trades: Vec<usize> = (0..NAMES.len()).map(|i| i % TRADES.len()).collect();
        draw.shuffle(&mut trades);
        let people = trades.iter().zip(NAMES).enumerate();
        let people = people.map(|(index, (&trade, name))| Person {
            index,
            name,
            trade: &TRADES[trade],
            woman: index % 2 == 0,
        });
        let people = people.collect();
        let towns = TOWNS.iter().enumerate().map(|(index, name)| Town {
            index,
            name,
            region: draw.pick(&REGIONS),
            river: draw.pick(&RIVERS),
            product: draw.pick(&PRODUCTS),
            founder: draw.pick(&FOUNDERS),
            emblem: draw.pick(&EMBLEMS),
        });
        let towns = towns.collect();
        let things = THINGS.iter().map(|name| Thing {
            name,
            colours: [draw.pick(&COLOURS), draw.pick(&COLOURS)],
            materials: [draw.pick(&MATERIALS), draw.pick(&MATERIALS)],
        });
        let things = things.collect();
        Self {
            seed,
            people,
            towns,
            things,
        }
    }

    /// Two different people.
    pub(crate) fn pair(&self, draw: &mut Draw) -> (&Person, &Person) {
        let first = draw.index(&self.people);
        let step = draw.between(1, self.people.len() as u32 - 1) as usize;
        (
            &self.people[first],
            &self.people[(first + step) % self.people.len()],
        )
    }
}
