//! From a table of runs, of whatever layout, to a mixture.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::common::{demo, newcomer, olmix, python};

/// The demo's swarm as an export of a tracker: foreign names of columns, mixtures in percent, texts between.
/// `separator` and `number` write the cells.
fn export(separator: &str, number: impl Fn(f64) -> String) -> String {
    let read = |file: &str| std::fs::read_to_string(demo().join(file)).unwrap();
    let (ratios, metrics) = (read("ratios.csv"), read("metrics.csv"));
    let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    let mut out = Vec::new();
    let names = |text: &str, prefix: &str| -> Vec<String> {
        cells(text.lines().next().unwrap())
            .iter()
            .skip(1)
            .map(|name| format!("{prefix}{name}"))
            .collect()
    };
    let mut header = vec!["Name".to_owned(), "State".into(), "Notes".into()];
    header.extend(names(&ratios, "data.mix."));
    header.extend(
        names(&metrics, "eval/")
            .iter()
            .map(|name| format!("{name}_bpb")),
    );
    out.push(header.join(separator));
    for (mixture, measured) in ratios.lines().skip(1).zip(metrics.lines().skip(1)) {
        let (mixture, measured) = (cells(mixture), cells(measured));
        assert_eq!(mixture[0], measured[0]);
        let mut row = vec![mixture[0].clone(), "finished".into(), "first try".into()];
        row.extend(
            mixture[1..]
                .iter()
                .map(|cell| number(100.0 * cell.parse::<f64>().unwrap())),
        );
        row.extend(
            measured[1..]
                .iter()
                .map(|cell| number(cell.parse().unwrap())),
        );
        out.push(row.join(separator));
    }
    out.join("\n") + "\n"
}

const TOKENS: &str = "domain,tokens\nweb:general,6000000000\nweb:science,1500000000\ncode,900000000\nmath,300000000\n\
                      books,800000000\nwikipedia,200000000\n";

const COLLECT: &str = "collect --swarm FILE --run-column Name --mix data.mix.* --metrics eval/*bpb --tokens \
                       token_counts.csv --output data";

fn mixture(folder: &Path, out: &str) -> Vec<(String, f64)> {
    let text = std::fs::read_to_string(folder.join(out).join("mixture.json")).unwrap();
    let file: Json = serde_json::from_str(&text).unwrap();
    let domain = |one: &Json| {
        (
            one["name"].as_str().unwrap().to_owned(),
            one["weight"].as_f64().unwrap(),
        )
    };
    let mut found: Vec<_> = file["domains"]
        .as_array()
        .unwrap()
        .iter()
        .map(domain)
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// What a fit of the same runs gives, from the demo's own tables.
fn expected() -> Vec<(String, f64)> {
    let folder = newcomer();
    let demo = folder.path().join("examples/demo");
    let config = std::fs::read_to_string(demo.join("fit.yaml")).unwrap();
    let (a, b) = (
        config.find("eval:").unwrap(),
        config.find("regression:").unwrap(),
    );
    std::fs::write(
        demo.join("fit.yaml"),
        format!("{}{LAW}", &config[..a.min(b)]),
    )
    .unwrap();
    olmix(folder.path(), "fit --config examples/demo/fit.yaml --quiet")
        .assert()
        .success();
    mixture(folder.path(), "out")
}

const LAW: &str = "regression: {type: saturating}\n";

/// Adds the law to a first config, so that fits of both can be compared to the last bits.
fn with_law(config: &Path) {
    let text = std::fs::read_to_string(config).unwrap();
    std::fs::write(config, text + LAW).unwrap();
}

fn same(found: &[(String, f64)], expected: &[(String, f64)]) {
    assert_eq!(found.len(), expected.len());
    for ((name, weight), (other, right)) in found.iter().zip(expected) {
        assert_eq!(name, other);
        assert!(
            (weight - right).abs() < 1e-6,
            "{name}: {weight}, not {right}"
        );
    }
}

#[test]
fn a_table_of_any_layout_becomes_the_mixture_of_its_runs() {
    let expected = expected();
    let plain = |x: f64| format!("{x:.10}");
    let lines = |text: &str| -> Vec<Json> {
        let mut rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header = rows.next().unwrap();
        let nest = |row: Vec<&str>| {
            let cell = |i: usize| row[i].parse::<f64>().map_or(json!(row[i]), |x| json!(x));
            let part = |prefix: &str| -> Json {
                let of = (0..row.len()).filter(|&i| header[i].starts_with(prefix));
                of.map(|i| (header[i][prefix.len()..].to_owned(), cell(i)))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            };
            json!({"Name": row[0], "data": {"mix": part("data.mix.")}, "eval/math": null,
                   "summary": part("eval/")})
        };
        rows.map(nest).collect()
    };
    let csv = export(",", plain);
    let objects = lines(&csv);
    let lines_of_json: Vec<String> = objects.iter().map(Json::to_string).collect();
    let jsonl = lines_of_json.join("\n");
    for (file, text, metrics) in [
        ("export.csv", csv.clone(), "eval/*bpb"),
        ("export.tsv", export("\t", plain), "eval/*bpb"),
        (
            "excel.csv",
            export(";", |x| format!("{x:.10}").replace('.', ",")),
            "eval/*bpb",
        ),
        ("export.jsonl", jsonl, "summary.*"),
        ("export.json", json!(objects).to_string(), "summary.*"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(file), text).unwrap();
        std::fs::write(folder.path().join("token_counts.csv"), TOKENS).unwrap();
        let line = COLLECT.replace("FILE", file).replace("eval/*bpb", metrics);
        let run = olmix(folder.path(), &line).assert().success();
        let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(said.contains("the mixtures are in percent"), "{said}");
        with_law(&folder.path().join("data/fit.yaml"));
        olmix(folder.path(), "fit --config data/fit.yaml --quiet")
            .assert()
            .success();
        same(&mixture(folder.path(), "out"), &expected);
    }
}

#[test]
fn a_table_that_pandas_wrote_as_parquet_becomes_the_mixture_of_its_runs() {
    let Some(python) = python::python() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("export.csv"),
        export(",", |x| x.to_string()),
    )
    .unwrap();
    std::fs::write(folder.path().join("token_counts.csv"), TOKENS).unwrap();
    let script = "import pandas as pd\nframe = pd.read_csv('export.csv')\nframe.to_parquet('export.parquet')\n";
    python::script(&python, script, folder.path());
    olmix(folder.path(), &COLLECT.replace("FILE", "export.parquet"))
        .assert()
        .success();
    with_law(&folder.path().join("data/fit.yaml"));
    olmix(folder.path(), "fit --config data/fit.yaml --quiet")
        .assert()
        .success();
    same(&mixture(folder.path(), "out"), &expected());
}

/// Collects a table and returns what is written as ratios.csv and metrics.csv.
fn collected(table: &str, options: &str) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), table).unwrap();
    let line = format!("collect --swarm t.csv --output data {options}");
    olmix(folder.path(), &line).assert().success();
    let read = |file: &str| std::fs::read_to_string(folder.path().join("data").join(file)).unwrap();
    (read("ratios.csv"), read("metrics.csv"))
}

#[test]
fn shares_percents_and_empty_cells_of_a_table_are_read_for_what_they_are() {
    for (table, ratios) in [
        (
            "run,m_a,m_b,x\nr,0.25,0.75,1\ns,0.5,0.5,2\n",
            "run,a,b\nr,0.25,0.75\ns,0.5,0.5\n",
        ),
        (
            "run,m_a,m_b,x\nr,25,75,1\ns,50,50,2\n",
            "run,a,b\nr,0.25,0.75\ns,0.5,0.5\n",
        ),
        (
            "run,m_a,m_b,x\nr,25%,75 %,1\ns,50%,50%,2\n",
            "run,a,b\nr,0.25,0.75\ns,0.5,0.5\n",
        ),
        // Trackers leave out a domain that a run does not use.
        (
            "run,m_a,m_b,x\nr,,1,1\ns,0.5,0.5,2\n",
            "run,a,b\nr,0,1\ns,0.5,0.5\n",
        ),
        // A run whose mixture is not whole is left out.
        (
            "run,m_a,m_b,x\nr,,0.75,1\ns,0.5,0.5,2\n",
            "run,a,b\ns,0.5,0.5\n",
        ),
        // So is one that did not finish.
        (
            "run,State,m_a,m_b,x\nr,crashed,0.25,0.75,1\ns,finished,0.5,0.5,2\n",
            "run,a,b\ns,0.5,0.5\n",
        ),
        (
            "run,m_a,m_b,x\nr,-1e-17,1,1\ns,0.5,0.5,2\n",
            "run,a,b\nr,0,1\ns,0.5,0.5\n",
        ),
        (
            "ID;m_a;m_b;x\n007;0,25;0,75;1\ns;0,5;0,5;2\n",
            "run,a,b\n007,0.25,0.75\ns,0.5,0.5\n",
        ),
    ] {
        assert_eq!(collected(table, "--mix m_*").0, ratios, "{table}");
    }
    let table = "run,note,m_a,m_b,x,y\nr,good,0.25,0.75,1,\ns,,0.5,0.5,2,3\nt,,1,0,4,5\n";
    assert_eq!(
        collected(table, "--mix m_*").1,
        "run,x,y\nr,1,\ns,2,3\nt,4,5\n"
    );
    assert_eq!(
        collected(table, "--mix m_* --metrics x").1,
        "run,x\nr,1\ns,2\nt,4\n"
    );
    assert_eq!(
        collected(table, "--mix m_* --exclude y").1,
        "run,x\nr,1\ns,2\nt,4\n"
    );
}

/// A table that can be collected.
const TABLE: &str = "Name,data.mix.a,data.mix.b,eval/x\nr,0.25,0.75,1\ns,0.5,0.5,2\n";

/// Tables, options, and why they are refused together.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        TABLE,
        "",
        "nothing says which columns hold the mixture\n  help: add --mix 'data.mix.*'",
    ),
    (
        TABLE,
        "--mix data.mx.*",
        "--mix 'data.mx.*' matches no column\n  help: the columns are `Name`, `data.mix.a`",
    ),
    (
        TABLE,
        "--mix data.mix.* --metrics y",
        "--metrics 'y' matches no column",
    ),
    (
        TABLE,
        "--mix data.mix.* --metrics *",
        "column `Name` matches --metrics, and names the runs too",
    ),
    (
        TABLE,
        "--mix data.mix.* --metrics data*",
        "column `data.mix.a` matches --metrics, and matches --mix too",
    ),
    (
        TABLE,
        "--mix data.mix.* --run-column run",
        "there is no column `run` for --run-column",
    ),
    (
        "a,b,x\n1,2,3\n",
        "--mix a",
        "nothing says which column names the runs",
    ),
    (
        "run,m.a,n.a,x\nr,0.25,0.75,1\n",
        "--mix m.* --mix n.*",
        "the columns `m.a` and `n.a` are both the domain `a`",
    ),
    (
        "run,m.a,m.b,x\nr,0.25,0.75,1\ns,25,75,2\n",
        "--mix m.*",
        "the mixture of `r` (line 2) sums to 1, that of `s` (line 3) to 100",
    ),
    (
        "run,m.a,m.b,x\nr,0.25,0.25,1\n",
        "--mix m.*",
        "the mixture of `r` (line 2) sums to 0.500000, not to 1",
    ),
    (
        "run,m.a,m.b,x\nr,-0.5,1.5,1\n",
        "--mix m.*",
        "line 2: column `m.a` is -0.5, below 0",
    ),
    (
        "run,m.a,m.b,x\nr,some,1,1\n",
        "--mix m.*",
        "line 2: column `m.a` is `some`, not a number",
    ),
    (
        "run,m.a,m.b,x\n,0.5,0.5,1\n",
        "--mix m.*",
        "line 2: column `run` is empty",
    ),
    (
        "run,m.a,m.b,x\nr,1,0,1\nr,0,1,2\n",
        "--mix m.*",
        "two runs have the name `r`",
    ),
    ("run,m.a,m.b,x\n", "--mix m.*", "holds no row"),
    (
        TABLE,
        "--mix data.mix.* --tokens counts.csv",
        "counts.csv: the swarm has no domain `c`",
    ),
    (
        TABLE,
        "--mix data.mix.* --tokens few.csv",
        "few.csv: there is no number of tokens for the domain `b`",
    ),
    (TABLE, "--mix data.mix.* --tokens t.csv", "t.csv"),
    (
        TABLE,
        "--mix data.mix.* --experiment e",
        "--experiment is of MLflow",
    ),
];

#[test]
fn a_table_that_can_not_be_collected_is_refused_and_nothing_is_written() {
    for (table, options, expected) in REFUSED {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.csv"), table).unwrap();
        std::fs::write(
            folder.path().join("counts.csv"),
            "domain,tokens\na,10\nb,20\nc,30\n",
        )
        .unwrap();
        std::fs::write(folder.path().join("few.csv"), "domain,tokens\na,10\n").unwrap();
        let line = format!("collect --swarm t.csv --output data {options}");
        let run = olmix(folder.path(), &line).assert().code(2);
        let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(
            message.contains(expected),
            "{options} of {table} gives {message}"
        );
        let data = folder.path().join("data");
        assert!(
            !data.exists() || std::fs::read_dir(data).unwrap().next().is_none(),
            "{options}"
        );
    }
}

#[test]
fn a_first_config_fits_however_few_the_runs_are() {
    let demo = export(",", |x| x.to_string());
    let few = demo.lines().take(5).collect::<Vec<_>>().join("\n");
    for (table, proposed) in [(&demo, "a law"), (&few, "the best run")] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.csv"), table).unwrap();
        olmix(
            folder.path(),
            "collect --swarm t.csv --mix data.mix.* --output data",
        )
        .assert()
        .success();
        olmix(folder.path(), "fit --config data/fit.yaml --quiet")
            .assert()
            .success();
        let weights: f64 = mixture(folder.path(), "out")
            .iter()
            .map(|(_, weight)| weight)
            .sum();
        assert!((weights - 1.0).abs() < 1e-9, "{proposed}");
        // It is the user's from then on.
        let config = folder.path().join("data/fit.yaml");
        let mine = std::fs::read_to_string(&config).unwrap() + "# mine\n";
        std::fs::write(&config, &mine).unwrap();
        let again = "collect --swarm t.csv --mix data.mix.* --output data";
        let run = olmix(folder.path(), again).assert().success();
        assert!(String::from_utf8_lossy(&run.get_output().stderr).contains("is kept"));
        assert_eq!(std::fs::read_to_string(&config).unwrap(), mine);
        let run = olmix(folder.path(), &format!("{again} --tokens t.csv"))
            .assert()
            .code(2);
        assert!(!run.get_output().stderr.is_empty());
    }
}

/// Invents metrics of the runs in a ratios.csv: losses that fall with the logarithm of some shares.
fn measure(folder: &Path) {
    let ratios = std::fs::read_to_string(folder.join("ratios.csv")).unwrap();
    let mut metrics = "run,math,code\n".to_owned();
    for line in ratios.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let share = |i: usize| cells[i].parse::<f64>().unwrap();
        let loss = |i: usize| 2.0 - 0.1 * (share(i) + 0.02).ln();
        metrics += &format!("{},{},{}\n", cells[0], loss(1), loss(2));
    }
    std::fs::write(folder.join("metrics.csv"), metrics).unwrap();
}

#[test]
fn generate_writes_a_config_that_fits_once_the_runs_are_measured() {
    // A source whose topics keep their ratios is one domain of the fit.
    let pinned = "name: s\ndata:\n  sources:\n  - name: web\n    topics:\n    - {name: a, paths: [a.npy], weight: 0.25}\n    \
                  - {name: b, paths: [b.npy], weight: 0.75}\n  - {name: code, paths: [c.npy]}\n  - {name: math, paths: \
                  [d.npy]}\npriors:\n  relative_sizes: {'web:a': 0.4, 'web:b': 0.2, code: 0.3, math: 0.1}\n  token_counts: \
                  {'web:a': 400, 'web:b': 200, code: 300, math: 100}\nswarm: {seed: 1, variants: 20, repetition_factor: \
                  100}\nmax_tokens: 100\n";
    let folder = newcomer();
    std::fs::write(folder.path().join("pinned.yaml"), pinned).unwrap();
    for (config, out, domains) in [
        ("examples/swarm/generate.yaml", "swarm", 6),
        ("pinned.yaml", "pinned", 3),
    ] {
        let line = format!("generate --config {config} --output {out} --quiet");
        olmix(folder.path(), &line).assert().success();
        measure(&folder.path().join(out));
        let line = format!("fit --config {out}/fit.yaml --output-dir {out}/out --quiet");
        olmix(folder.path(), &line).assert().success();
        let found = mixture(folder.path(), &format!("{out}/out"));
        assert_eq!(found.len(), domains, "{found:?}");
        let text = std::fs::read_to_string(folder.path().join(out).join("fit.yaml")).unwrap();
        assert_eq!(
            text.contains("virtual_domains:\n  web:\n    web:a: 0.25\n    web:b: 0.75\n"),
            out == "pinned",
            "{text}"
        );
        assert_eq!(
            text.contains("token_counts:\n    web: 600\n"),
            out == "pinned",
            "{text}"
        );
        // Another draw into the same folder keeps the config.
        let config = folder.path().join(out).join("fit.yaml");
        std::fs::write(&config, "mine").unwrap();
        let line = format!(
            "generate --config {} --output {out} --quiet",
            if out == "swarm" {
                "examples/swarm/generate.yaml"
            } else {
                "pinned.yaml"
            }
        );
        olmix(folder.path(), &line).assert().success();
        assert_eq!(std::fs::read_to_string(config).unwrap(), "mine");
    }
}

#[test]
fn a_first_config_knows_scores_by_their_names_and_tokens_as_people_write_them() {
    let folder = tempfile::tempdir().unwrap();
    let rows = (0..12).map(|i| {
        let a = f64::from(i) / 11.0;
        format!("r{i},{a},{},{},{}\n", 1.0 - a, 2.0 - a, 0.2 + 0.5 * a)
    });
    let table = format!(
        "run,m.a,m.b,code_bpb,hellaswag/acc\n{}",
        rows.collect::<Vec<_>>().concat()
    );
    std::fs::write(folder.path().join("t.csv"), table).unwrap();
    std::fs::write(folder.path().join("counts.yaml"), "{a: 2T, b: 800B}\n").unwrap();
    let line = "collect --swarm t.csv --mix m.* --metrics code_bpb --metrics *acc --tokens counts.yaml --output data";
    olmix(folder.path(), line).assert().success();
    let config = std::fs::read_to_string(folder.path().join("data/fit.yaml")).unwrap();
    assert!(config.contains("hellaswag/acc: max"), "{config}");
    assert!(
        config.contains("    a: 2000000000000\n    b: 800000000000\n"),
        "{config}"
    );
    olmix(folder.path(), "fit --config data/fit.yaml --quiet")
        .assert()
        .success();
    // Both are better with more of `a`.
    let found = mixture(folder.path(), "out");
    assert!(found[0].1 > 0.8, "{found:?}");
}

#[test]
fn columns_of_an_export_that_are_empty_or_hold_texts_are_named() {
    let table =
        "Name,Notes,m.a,m.b,eval/x,eval/y\nr,good,0.25,0.75,1,\ns,,0.5,0.5,2,\nt,,1,0,3,NaN\n";
    for (options, told) in [
        ("", "columns with texts are not metrics: `Notes`"),
        ("", "columns without a number are not metrics: `eval/y`"),
        (
            "--metrics eval/*",
            "columns without a number are not metrics: `eval/y`",
        ),
        ("", "runs are named by the column `Name`"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.csv"), table).unwrap();
        let line = format!("collect --swarm t.csv --mix m.* --output data {options}");
        let run = olmix(folder.path(), &line).assert().success();
        let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(said.contains(told), "{said}");
        let metrics = std::fs::read_to_string(folder.path().join("data/metrics.csv")).unwrap();
        assert_eq!(metrics, "run,eval/x\nr,1\ns,2\nt,3\n");
    }
}

#[test]
fn ratios_beside_metrics_may_be_percents_and_have_empty_cells() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("runs")).unwrap();
    for i in 0..4 {
        std::fs::write(
            folder.path().join(format!("runs/r{i}.json")),
            format!("{{\"loss\": {i}.5}}"),
        )
        .unwrap();
    }
    let collect = |ratios: &str| {
        std::fs::write(folder.path().join("r.csv"), ratios).unwrap();
        olmix(
            folder.path(),
            "collect --swarm runs --ratios r.csv --output data",
        )
        .output()
        .unwrap()
    };
    let written = || std::fs::read_to_string(folder.path().join("data/ratios.csv")).unwrap();
    let done = collect("run,a,b\nr0,25,75\nr1,50,50\nr2,,100\nr3,,60\n");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}");
    assert_eq!(written(), "run,a,b\nr0,0.25,0.75\nr1,0.5,0.5\nr2,0,1\n");
    assert!(said.contains("the mixtures are in percent"), "{said}");
    assert!(
        said.contains("r3 is left out: its mixture has no value for `a`"),
        "{said}"
    );
    for (ratios, expected) in [
        (
            "run,a,b\nr0,0.25,0.75\nr1,50,50\n",
            "the mixture of `r0` (line 2) sums to 1, that of `r1` (line 3) to 100",
        ),
        (
            "run,a,b\nr0,0.25,0.25\n",
            "the mixture of `r0` (line 2) sums to 0.500000",
        ),
        (
            "run,a,b\nr0,x,1\n",
            "r.csv:2: run `r0` has `x` in column `a`",
        ),
    ] {
        let done = collect(ratios);
        assert_eq!(done.status.code(), Some(2));
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(said.contains(expected), "{said}");
    }
}
