//! What `olmix proxy` promises, run as a user runs it.

use std::path::{Path, PathBuf};

use crate::common::tiny::{MIX, config, data};
use crate::common::{json, olmix, refused};
use serde_json::Value;

pub fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

pub fn model(run: &Path) -> Vec<u8> {
    std::fs::read(run.join("model/model.safetensors")).unwrap()
}

#[test]
fn proxy_train_and_eval_measure_a_run_and_leave_a_finished_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    data(at);
    write(at, "launch.yaml", &config("run", MIX, ""));
    let told = json(at, "proxy train --config launch.yaml --out run --json");
    assert_eq!(told["steps"], 39);
    assert_eq!(told["tokens"], 39 * 1024);
    let measured = json(at, "proxy eval --model run --json");
    let metrics = measured["metrics"].as_object().unwrap();
    assert!(
        metrics["validation:prose"].as_f64().unwrap() < 5.0,
        "{metrics:?}"
    );
    assert_eq!(
        metrics.len(),
        4 + usize::from(metrics.keys().any(|name| name.ends_with(":accuracy"))),
        "{metrics:?}"
    );
    let written: Value =
        serde_json::from_slice(&std::fs::read(at.join("run/metrics.json")).unwrap()).unwrap();
    assert_eq!(written["metrics"], measured["metrics"]);
    // A finished run is left as it is, and its plan is that of no other config.
    assert_eq!(
        json(at, "proxy train --config launch.yaml --out run --json"),
        told
    );
    write(at, "launch.yaml", &config("run", MIX, ", seed: 9"));
    let message = refused(at, "proxy train --config launch.yaml --out run");
    assert!(message.contains("is the plan of another run"), "{message}");
}

#[test]
fn proxy_run_is_identified_by_folder_and_plan_wherever_it_moves() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    data(at);
    write(at, "launch.yaml", &config("run", MIX, ""));
    olmix(at, "proxy train --config launch.yaml --out run --quiet")
        .assert()
        .success();
    let before = model(&at.join("run"));
    // From elsewhere, and moved.
    std::fs::create_dir(at.join("deep")).unwrap();
    std::fs::rename(at.join("run"), at.join("deep/moved")).unwrap();
    let again = olmix(
        &at.join("deep"),
        "proxy train --config ../launch.yaml --out moved",
    )
    .assert()
    .success();
    let told = String::from_utf8_lossy(&again.get_output().stdout).into_owned();
    assert!(told.contains("run is trained already"), "{told}");
    olmix(at, "proxy eval --model deep/moved --quiet")
        .assert()
        .success();
    // A model that was damaged is written again out of the last checkpoint.
    let file = at.join("deep/moved/model/model.safetensors");
    std::fs::write(&file, &before[..before.len() / 2]).unwrap();
    olmix(
        at,
        "proxy train --config launch.yaml --out deep/moved --quiet",
    )
    .assert()
    .success();
    assert!(model(&at.join("deep/moved")) == before);
    // What differs is named.
    write(at, "launch.yaml", &config("run", MIX, ", seed: 7"));
    let message = refused(at, "proxy train --config launch.yaml --out deep/moved");
    assert!(
        message.contains("recipe.seed is 42 there, 7 here"),
        "{message}"
    );
    // One process at a time.
    let lock = std::fs::File::open(at.join("deep/moved/train.lock")).unwrap();
    lock.lock().unwrap();
    write(at, "launch.yaml", &config("run", MIX, ""));
    let message = refused(at, "proxy train --config launch.yaml --out deep/moved");
    assert!(
        message.contains("another process is training this run"),
        "{message}"
    );
    // A config for another trainer is not trained by this one.
    write(
        at,
        "launch.yaml",
        &(config("run", MIX, "") + "trainer: torch\n"),
    );
    let message = refused(at, "proxy train --config launch.yaml --out other");
    assert!(
        message.contains("`trainer` is another than the built-in one"),
        "{message}"
    );
}

#[test]
fn proxy_train_reads_tasks_before_training() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    data(at);
    write(at, "launch.yaml", &config("run", MIX, ""));
    write(
        at,
        "tasks/bad.jsonl",
        "{\"context\": \"x\", \"answer\": \"\"}\n",
    );
    let message = refused(at, "proxy train --config launch.yaml --out run");
    assert!(
        message.contains("bad.jsonl: line 1: the answer is empty"),
        "{message}"
    );
    // An answer that the model can't see as a whole would be found only when it is trained.
    let long = format!(
        "{{\"context\": \"x\", \"answer\": \"{}\"}}\n",
        "y".repeat(5000)
    );
    write(at, "tasks/bad.jsonl", &long);
    std::fs::create_dir(at.join("launch")).unwrap();
    let moved = config("run", MIX, "")
        .replace("\"shards/", "\"../shards/")
        .replace(": shards/", ": ../shards/")
        .replace("tasks/", "../tasks/");
    write(at, "launch/run.yaml", &moved);
    for line in [
        "proxy train --config launch.yaml --out run",
        "launch preview --variants launch",
    ] {
        let message = refused(at, line);
        let says = "bad.jsonl: line 1: an answer of 5000 tokens, for a model that sees";
        assert!(message.contains(says), "{message}");
    }
    assert!(!at.join("run/run.json").exists());
}

#[test]
fn proxy_train_exits_with_3_when_it_diverges() {
    let folder = tempfile::tempdir().unwrap();
    data(folder.path());
    write(
        folder.path(),
        "launch.yaml",
        &config("run", MIX, ", learning_rate: 1.0e+9"),
    );
    let run = olmix(folder.path(), "proxy train --config launch.yaml --out run")
        .assert()
        .code(3);
    let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(message.contains("training diverged at step"), "{message}");
}

#[test]
fn proxy_train_refuses_bad_configs_and_shards_before_writing() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    data(at);
    for (text, told) in [
        (
            config("run", "{arithmetic: 0.5, web: 0.5}", ""),
            "`mix` names `web`, which has no shards in `data.sources`",
        ),
        (
            config("run", MIX, ", sequence_length: 1"),
            "sequences have at least 2 tokens",
        ),
        (
            config("run", MIX, "").replace("demo,", "3m,"),
            "names `3m`, which is not a known size",
        ),
        (config("run", MIX, "").replace("uint16", "uint8"), "uint8"),
        (
            config("run", MIX, "").replace(
                "arithmetic: 0.3",
                "arithmetic: {weight: 0.3, repetition_factor: 1}",
            ),
            "repetition_factor allows 1 times",
        ),
        (
            config("run", MIX, "").replace("tokenizer: bytes", "tokenizer: none.json"),
            "`none.json` is not a file",
        ),
    ] {
        write(at, "launch.yaml", &text);
        let message = refused(at, "proxy train --config launch.yaml --out run");
        assert!(message.contains(told), "{message}");
        assert!(!at.join("run/run.json").exists());
    }
    // A shard that is not what it was when it was counted.
    write(at, "launch.yaml", &config("run", MIX, ""));
    let shard = std::fs::read_dir(at.join("shards/prose/train"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let shard: PathBuf = shard
        .into_iter()
        .find(|path| path.extension().is_some_and(|end| end == "bin"))
        .unwrap();
    let bytes = std::fs::read(&shard).unwrap();
    std::fs::write(&shard, &bytes[..bytes.len() / 4 * 2]).unwrap();
    let message = refused(at, "proxy train --config launch.yaml --out run");
    assert!(
        message.contains("prose") && message.contains("shrank since it was counted"),
        "{message}"
    );
    // The same once the run is planned.
    std::fs::write(&shard, &bytes).unwrap();
    olmix(at, "proxy prepare --config launch.yaml --out run --quiet")
        .assert()
        .success();
    olmix(at, "proxy train --config launch.yaml --out run2 --quiet")
        .assert()
        .success();
    write(
        at,
        "tasks/bad.jsonl",
        "{\"context\": \"x\", \"answer\": \"\"}\n",
    );
    let message = refused(at, "proxy eval --model run2 --tasks tasks/bad.jsonl");
    assert!(
        message.contains("bad.jsonl: line 1: the answer is empty"),
        "{message}"
    );
    let message = refused(at, "proxy eval --model run");
    assert!(
        message.contains("its model is not trained yet"),
        "{message}"
    );
}

#[test]
fn proxy_train_refuses_shards_of_another_tokenizer() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    data(at);
    // Its ids are bytes, too: nothing in the tokens would tell.
    let words = r#"{"version": "1.0", "added_tokens": [], "model": {"type": "WordLevel",
        "vocab": {"one": 0, "[UNK]": 1, "<|endoftext|>": 2}, "unk_token": "[UNK]"}}"#;
    write(at, "words.json", words);
    olmix(
        at,
        "tokenize --input prose.jsonl --tokenizer words.json --output shards/prose --quiet",
    )
    .assert()
    .code(2);
    std::fs::remove_dir_all(at.join("shards/prose")).unwrap();
    olmix(
        at,
        "tokenize --input prose.jsonl --tokenizer words.json --output shards/prose --validation 0.1 --quiet",
    )
    .assert()
    .success();
    write(at, "launch.yaml", &config("run", MIX, ""));
    let message = refused(at, "proxy train --config launch.yaml --out run");
    for part in [
        "`prose`",
        "was made with the tokenizer `words.json` (3 tokens)",
        "is `bytes`",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!at.join("run/run.json").exists());
}

#[test]
fn proxy_train_obeys_the_byte_order_and_the_length_of_npy_shards() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let tokens: Vec<u16> = (0..6000).map(|i: u32| (i * i % 251) as u16).collect();
    for (name, kind, order) in [
        ("little", "<u2", u16::to_le_bytes as fn(u16) -> [u8; 2]),
        ("big", ">u2", u16::to_be_bytes),
    ] {
        // As numpy.save writes it.
        let mut header =
            format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': (6000,), }}");
        header += &" ".repeat(117 - header.len());
        let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        file.extend(header.as_bytes());
        file.push(b'\n');
        file.extend(tokens.iter().flat_map(|&token| order(token)));
        std::fs::write(at.join(format!("{name}.npy")), &file).unwrap();
        let config = format!(
            "name: run\ntraining: {{proxy_model_id: demo, tokenizer: bytes, tokens: 4096, global_batch_size: 512, \
             model: {{width: 32, heads: 2, hidden: 64, layers: 1}}}}\ndata:\n  dtype: uint16\n  sources: \
             [{{name: web, paths: [{name}.npy]}}]\nmix: {{web: 1}}\n"
        );
        write(at, &format!("{name}.yaml"), &config);
        let line = format!("proxy train --config {name}.yaml --out {name} --quiet");
        olmix(at, &line).assert().success();
    }
    assert!(model(&at.join("little")) == model(&at.join("big")));
    let whole = std::fs::read(at.join("big.npy")).unwrap();
    std::fs::write(at.join("big.npy"), &whole[..whole.len() - 6]).unwrap();
    let message = refused(at, "proxy train --config big.yaml --out cut");
    let says = "it was cut short: it has 11994 bytes of tokens, and its NPY header says 12000";
    assert!(message.contains(says), "{message}");
}

/// The reference's configs count sequences there.
#[test]
fn a_batch_of_less_than_a_sequence_is_refused_with_both_units() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    data(at);
    let text = config("run", MIX, "").replace("global_batch_size: 1024", "global_batch_size: 16");
    write(at, "run.yaml", &text);
    let message = refused(at, "proxy prepare --config run.yaml --out run");
    let says = "training.global_batch_size is 16 tokens, less than a sequence of";
    assert!(
        message.contains(says) && message.contains("16 sequences"),
        "{message}"
    );
    assert!(!at.join("run/run.json").exists());
}

#[test]
fn launch_refuses_what_keeps_a_run_from_being_planned_before_any_is_queued() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    data(at);
    std::fs::create_dir(at.join("launch")).unwrap();
    let good = |name: &str| config(name, MIX, "").replace("\"shards/", "\"../shards/");
    let good = |name: &str| {
        good(name)
            .replace("tasks/", "../tasks/")
            .replace(": shards/", ": ../shards/")
    };
    let line = "launch preview --variants launch";
    write(at, "launch/a.yaml", &good("a"));
    write(at, "launch/b.yaml", &good("b"));
    let preview = olmix(at, line).assert().success();
    let printed = String::from_utf8_lossy(&preview.get_output().stdout).into_owned();
    assert!(printed.contains("2 of 2 runs would be run"), "{printed}");
    for (from, to, says) in [
        (
            "prose/train/*.bin",
            "prose/trian/*.bin",
            "`../shards/prose/trian/*.bin` matches nothing",
        ),
        (
            "arithmetic: 0.3",
            "arithmetic: {weight: 0.3, repetition_factor: 1}",
            "repetition_factor allows 1 times",
        ),
        (
            "tokenizer: bytes",
            "tokenizer: none.json",
            "`none.json` is not a file",
        ),
        ("../tasks/", "../taks/", "taks"),
        ("eval: {", "eval: {few_shot: none.txt, ", "none.txt"),
        ("clutter/train", "prose/train", "is also of `prose`"),
    ] {
        let text = good("b");
        assert!(text.contains(from), "{from}: {text}");
        write(at, "launch/b.yaml", &text.replace(from, to));
        for command in [line, "launch run --variants launch"] {
            let message = refused(at, command);
            assert!(message.contains(says), "{says}: {message}");
        }
    }
    assert!(message_of_all(at, &good).starts_with("error: 2 runs can't be planned; the first: "));
    assert!(!at.join("runs").exists());
}

/// What a preview says where every run has the same fault.
fn message_of_all(at: &Path, good: &dyn Fn(&str) -> String) -> String {
    for name in ["a", "b"] {
        let text = good(name).replace("uint16", "uint8");
        write(at, &format!("launch/{name}.yaml"), &text);
    }
    refused(at, "launch preview --variants launch")
}
