//! Runs of the built-in trainer that take seconds, with their data.

use std::path::Path;

use olmix_demo::{Domain, documents, tasks};

use super::olmix;

const DOMAINS: [Domain; 3] = [Domain::Arithmetic, Domain::Prose, Domain::Clutter];

/// Shards of three small domains, and two tasks.
pub fn data(folder: &Path) {
    for domain in DOMAINS {
        let name = domain.spec().name;
        let line = |text: String| serde_json::json!({ "text": text }).to_string() + "\n";
        let lines: String = documents(domain, 1, 12_000).map(line).collect();
        std::fs::write(folder.join(format!("{name}.jsonl")), lines).unwrap();
        let line = format!(
            "tokenize --input {name}.jsonl --tokenizer bytes --output shards/{name} --validation 0.1 --quiet"
        );
        olmix(folder, &line).assert().success();
    }
    std::fs::create_dir(folder.join("tasks")).unwrap();
    for task in tasks(1, 6).into_iter().take(2) {
        std::fs::write(
            folder.join(format!("tasks/{}.jsonl", task.name)),
            task.json_lines().unwrap(),
        )
        .unwrap();
    }
}

/// A launch config of a tiny run.
pub fn config(name: &str, mix: &str, training: &str) -> String {
    let source = |domain: &Domain| {
        let name = domain.spec().name;
        format!("    - {{name: {name}, paths: [\"shards/{name}/train/*.bin\"]}}\n")
    };
    let sources: String = DOMAINS.iter().map(source).collect();
    format!(
        "name: {name}\ntraining: {{proxy_model_id: demo, tokenizer: bytes, tokens: 40_000, \
         global_batch_size: 1024, checkpoint_every: 4, model: \
         {{width: 32, heads: 2, hidden: 64, layers: 2}}{training}}}\ndata:\n  dtype: uint16\n  \
         sources:\n{sources}eval: {{tasks: tasks/, validation: {{prose: \
         shards/prose/validation/*.bin}}}}\nmix: {mix}\n"
    )
}

/// A mixture of them.
pub const MIX: &str = "{arithmetic: 0.3, prose: 0.5, clutter: 0.2}";
