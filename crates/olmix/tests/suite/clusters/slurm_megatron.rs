//! `examples/megatron-slurm` on a real Slurm, with a stand-in for the trainer.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::slurm::Slurm;
use crate::common::swarm::count;

/// A trainer that holds its blend against the files, and measures by a law in which more code is better up to a
/// half. Where the real package is there, it reads the words as Megatron-LM does.
const STAND_IN: &str = r#"
import json, math, os, pathlib, sys

out, seed, *words = sys.argv[1:]
try:
    from megatron.core.datasets.utils import get_blend_from_list
    prefixes, weights = get_blend_from_list(words)
    reader = "megatron-core"
except ModuleNotFoundError:
    prefixes, weights = words[1::2], [float(word) for word in words[0::2]]
    reader = "words"
assert len(prefixes) == len(weights) and abs(sum(weights) - 1) < 1e-9, words
share = {}
for prefix, weight in zip(prefixes, weights):
    assert os.path.isabs(prefix), prefix
    tokens = os.path.getsize(prefix + ".bin") / 2
    assert os.path.getsize(prefix + ".idx") > 0
    domain = pathlib.Path(prefix).name.split("-")[0]
    share.setdefault(domain, []).append((weight, tokens))
for files in share.values():
    rates = [weight / tokens for weight, tokens in files]
    assert max(rates) - min(rates) < 1e-9 * 2 / min(tokens for _, tokens in files) + 1e-12, files
weight = {domain: sum(w for w, _ in files) for domain, files in share.items()}
loss = 1 + 0.5 * math.exp(-3 * weight.get("code", 0)) + 0.5 * math.exp(-3 * weight.get("web", 0))
metrics = {"bits_per_byte,none": loss, "bits_per_byte_stderr,none": "N/A", "alias": "wikitext"}
results = {
    "results": {"wikitext": metrics},
    "higher_is_better": {"wikitext": {"bits_per_byte": False}},
    "config": {"model": "hf", "seed": int(seed)},
    "date": 1.7e9,
}
folder = pathlib.Path(out)
(folder / "reader.txt").write_text(reader)
(folder / "results.json.part").write_text(json.dumps(results))
(folder / "results.json.part").rename(folder / "results.json")
"#;

fn copy_example(folder: &Path) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/megatron-slurm");
    for file in ["data.py", "generate.yaml", "launch.yaml", "run.sh"] {
        fs::copy(example.join(file), folder.join(file)).unwrap();
    }
    let done = Command::new("python3")
        .arg("data.py")
        .current_dir(folder)
        .status();
    assert!(done.unwrap().success());
}

#[test]
fn megatron_example_goes_from_bin_files_to_the_blend_of_the_final_run() {
    let Some(slurm) = Slurm::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    copy_example(folder);
    // This cluster has neither the partition nor the size of nodes of the example.
    let config = fs::read_to_string(folder.join("launch.yaml")).unwrap();
    let config = config.replace(
        "partition: gpu",
        &format!("partition: {}", slurm.partition("low")),
    );
    let of_nodes = |line: &&str| {
        let keys = ["gpus:", "cpus:", "memory:"];
        !keys.iter().any(|key| line.trim().starts_with(key))
    };
    let lines: Vec<&str> = config.lines().filter(of_nodes).collect();
    let config = lines.join("\n");
    fs::write(folder.join("launch.yaml"), config).unwrap();
    let python = std::env::var("OLMIX_MEGATRON_PYTHON").unwrap_or_else(|_| "python3".into());
    fs::write(folder.join("stand_in.py"), STAND_IN).unwrap();
    fs::write(
        folder.join("train.sh"),
        format!("exec {python} stand_in.py \"$@\"\n"),
    )
    .unwrap();
    // run.sh calls olmix by its name.
    let bin = folder.join("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_olmix"), bin.join("olmix")).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let done = slurm
        .command("bash")
        .arg("run.sh")
        .current_dir(folder)
        .env("PATH", path)
        .output();
    let done = done.unwrap();
    let said =
        String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    assert_eq!(count(folder, "finished"), 12);
    // The command of a run has the blend of its mixture.
    assert!(
        said.contains("train.sh ") && said.contains("/data/web-0 0."),
        "{said}"
    );
    let mut reader = fs::read_dir(folder.join("swarm/runs")).unwrap().flatten();
    let reader = reader.find_map(|run| fs::read_to_string(run.path().join("reader.txt")).ok());
    eprintln!("blends were read by: {}", reader.unwrap());
    let blend = fs::read_to_string(folder.join("blend.txt")).unwrap();
    let words: Vec<&str> = blend.split_whitespace().collect();
    let weight = |name: &str| {
        let at = words.iter().position(|word| word.ends_with(name)).unwrap();
        words[at - 1].parse::<f64>().unwrap()
    };
    // Files of 270,000 and 30,000 tokens, to nine decimals.
    assert!(
        (weight("web-0") - 9.0 * weight("web-1")).abs() < 1e-8,
        "{blend}"
    );
    // By the law code deserves more than its natural 27 %.
    assert!(weight("code-0") > 0.3, "{blend}");
}
