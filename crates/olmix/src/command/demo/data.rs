//! Documents, tasks, shards and configs of the demo.

use olmix_data::{DataError, Encoder, OnBadLine, Split, TokenizeOptions, tokenize};
use olmix_demo::{Domain, documents, tasks};
use olmix_fs::write_whole;
use olmix_io::yaml::Yaml;
use serde_json::json;

use super::Demo;
use crate::failure::Failure;
use crate::progress::Bar;

/// Items of each task.
const ITEMS: usize = 64;
/// Tokens that a proxy of the swarm sees.
const PROXY_TOKENS: u64 = 300_000;
/// Tokens that the larger model sees.
pub const LARGER_TOKENS: u64 = 800_000;
/// The proxies of the swarm. Runs this short learn most with small steps, larger initial weights and a lower
/// learning rate than the recipe's, which is for runs of full length.
const PROXY: Setup = Setup {
    size: "demo",
    tokens: PROXY_TOKENS,
    batch: 1024,
    learning_rate: 0.005,
    init_std: 0.1,
};
/// The larger model.
pub const LARGER: Setup = Setup {
    size: "1m",
    tokens: LARGER_TOKENS,
    batch: 2048,
    learning_rate: 0.003,
    init_std: 0.08,
};
/// How often the larger model may see a token.
const REPETITION: f64 = 4.0;

/// Writes documents and tasks, tokenizes, and writes the configs of all that follows.
pub fn make(demo: &Demo) -> Result<(), Failure> {
    let bar = Bar::new(demo.common.quiet || demo.common.json);
    bar.begin("making data", Domain::ALL.len() + 1);
    for task in tasks(demo.seed, ITEMS) {
        let lines = task
            .json_lines()
            .map_err(|error| Failure::Internal(error.to_string()))?;
        write_whole(
            &demo.path(format!("tasks/{}.jsonl", task.name)),
            lines.as_bytes(),
        )?;
    }
    bar.add(1);
    let mut tokens = Vec::new();
    for domain in Domain::ALL {
        let name = domain.spec().name;
        let mut text = String::new();
        for document in documents(domain, demo.seed, domain.spec().bytes) {
            text += &json!({ "text": document }).to_string();
            text.push('\n');
        }
        let file = demo.path(format!("docs/{name}.jsonl"));
        // What is there already is left as it was, so that its shards still fit it.
        if std::fs::read_to_string(&file).ok().as_deref() != Some(text.as_str()) {
            write_whole(&file, text.as_bytes())?;
        }
        tokens.push((name, shards(demo, name)?));
        bar.add(1);
    }
    drop(bar);
    configs(demo, &tokens)
}

/// Tokenizes a domain, and returns the number of its training tokens.
fn shards(demo: &Demo, name: &str) -> Result<u64, Failure> {
    let options = TokenizeOptions {
        inputs: vec![
            demo.path(format!("docs/{name}.jsonl"))
                .display()
                .to_string(),
        ],
        output: demo.path(format!("shards/{name}")),
        text_field: "text".to_owned(),
        validation: 0.05,
        on_bad_line: OnBadLine::Stop,
    };
    let unusable = |error: DataError| Failure::refused(error.to_string());
    let made = tokenize(&options, &Encoder::bytes(), &|_, _| {}).map_err(unusable)?;
    let training = made
        .manifest
        .parts
        .iter()
        .filter(|part| part.split == Split::Train);
    Ok(training.map(|part| part.tokens).sum())
}

/// Writes generate.yaml, launch.yaml and fit.yaml.
fn configs(demo: &Demo, tokens: &[(&str, u64)]) -> Result<(), Failure> {
    let sum: u64 = tokens.iter().map(|(_, tokens)| tokens).sum();
    let text = Yaml::text;
    let list = Yaml::List;
    let source = |(name, _): &(&str, u64)| {
        let paths = list(vec![text(
            &demo
                .path(format!("shards/{name}/train/*.bin"))
                .display()
                .to_string(),
        )]);
        Yaml::map([("name", text(name)), ("paths", paths)])
    };
    let sizes = tokens
        .iter()
        .map(|(name, n)| (*name, Yaml::number(*n as f64 / sum as f64)));
    let counts = tokens.iter().map(|(name, n)| (*name, Yaml::whole(*n)));
    let priors = Yaml::map([
        ("relative_sizes", Yaml::map(sizes)),
        ("token_counts", Yaml::map(counts)),
    ]);
    let sources = list(tokens.iter().map(source).collect());
    let data = Yaml::map([("dtype", text("uint16")), ("sources", sources)]);
    let swarm = Yaml::map([
        ("seed", Yaml::whole(demo.seed)),
        ("variants", Yaml::whole(3 * (tokens.len() as u64 + 1))),
        ("design", text("v_optimal")),
        ("min_strength", Yaml::number(1.0)),
        ("max_strength", Yaml::number(8.0)),
        ("minimum_weight", Yaml::number(0.002)),
        ("enable_bound", Yaml::Scalar("false".to_owned())),
    ]);
    let generate = Yaml::map([
        ("name", text("demo")),
        ("data", data),
        ("priors", priors.clone()),
        ("swarm", swarm),
        ("max_tokens", Yaml::whole(PROXY_TOKENS)),
    ]);
    write_whole(&demo.path("generate.yaml"), generate.to_file().as_bytes())?;

    write_whole(
        &demo.path("launch.yaml"),
        launch(demo, &PROXY, None).to_file().as_bytes(),
    )?;

    let constraints = Yaml::map([
        ("enabled", Yaml::Scalar("true".to_owned())),
        ("target_tokens", Yaml::whole(LARGER_TOKENS)),
        ("repetition_factor", Yaml::number(REPETITION)),
    ]);
    let fit = Yaml::map([
        (
            "swarm",
            Yaml::map([
                ("ratios", text("ratios.csv")),
                ("metrics", text("metrics.csv")),
            ]),
        ),
        ("priors", priors),
        (
            "regression",
            Yaml::map([
                ("type", text("saturating")),
                ("ridge", text("auto")),
                ("seed", Yaml::whole(demo.seed)),
            ]),
        ),
        ("proposer", Yaml::map([("kl_reg", Yaml::number(0.01))])),
        ("constraints", constraints),
    ]);
    Ok(write_whole(
        &demo.path("fit.yaml"),
        fit.to_file().as_bytes(),
    )?)
}

/// The size and the hyperparameters of a model of the demo.
pub struct Setup {
    size: &'static str,
    tokens: u64,
    /// Tokens of a step.
    batch: u64,
    learning_rate: f64,
    init_std: f64,
}

/// A launch config without data and mixture.
pub fn launch(demo: &Demo, setup: &Setup, eval_interval: Option<u64>) -> Yaml {
    let mut training = vec![
        ("proxy_model_id", Yaml::text(setup.size)),
        ("tokenizer", Yaml::text("bytes")),
        ("tokens", Yaml::whole(setup.tokens)),
        ("global_batch_size", Yaml::whole(setup.batch)),
        ("learning_rate", Yaml::number(setup.learning_rate)),
        (
            "model",
            Yaml::map([("init_std", Yaml::number(setup.init_std))]),
        ),
        ("seed", Yaml::whole(demo.seed)),
    ];
    training.extend(eval_interval.map(|steps| ("eval_interval", Yaml::whole(steps))));
    let tasks = Yaml::text(&demo.path("tasks").display().to_string());
    Yaml::map([
        ("name", Yaml::text("base")),
        ("training", Yaml::map(training)),
        ("eval", Yaml::map([("tasks", tasks)])),
        ("mix", Yaml::map::<&str>([])),
    ])
}
