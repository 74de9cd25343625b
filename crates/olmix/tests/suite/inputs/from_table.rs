//! From a table of runs, of whatever layout, to a mixture.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::common::{demo, newcomer, olmix, python};

/// The demo's swarm as an export of a tracker: foreign names of columns, mixtures in percent, texts between.
/// `separator` and `number` write the cells.
pub fn export(separator: &str, number: impl Fn(f64) -> String) -> String {
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

pub fn mixture(folder: &Path, out: &str) -> Vec<(String, f64)> {
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
