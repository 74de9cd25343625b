//! The runs: from tables, and from a ledger that is written meanwhile.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::net::TcpStream;
use std::path::Path;

use olmix_ledger::{Finished, Ledger, NewRun, NewSwarm, Process, RerunPolicy, SwarmId};
use serde_json::{Value, json};

use super::{Page, fitted, fitted_copy, numbers};

#[test]
fn runs_of_tables_have_residuals_by_the_laws_and_what_they_cover() {
    let page = Page::open(fitted(), "out");
    let view = page.get("api/swarm");
    assert_eq!(
        (&view["source"], &view["version"]),
        (&"tables".into(), &1.into())
    );
    let runs = view["runs"].as_array().unwrap();
    let text = fs::read_to_string(fitted().join("ratios.csv")).unwrap();
    assert_eq!(runs.len(), text.lines().count() - 1);
    let settings = page.settings();
    let run = &runs[5];
    let asked = json!({"weights": run["weights"], "settings": settings});
    let predicted = page.post("api/predict", &asked);
    for ((y, law), residual) in numbers(&run["losses"])
        .iter()
        .zip(numbers(&predicted["losses"]))
        .zip(numbers(&run["residuals"]))
    {
        // Weights are shown with seven decimals.
        assert!((y - law - residual).abs() < 1e-5, "{y} {law} {residual}");
    }
    let coverage = view["coverage"]["domains"].as_array().unwrap();
    assert_eq!(coverage.len(), 6);
    let column: Vec<f64> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(3).unwrap().parse().unwrap())
        .collect();
    assert_eq!(
        coverage[2]["runs"],
        column.iter().filter(|w| **w > 0.0).count()
    );
    assert_eq!(
        coverage[2]["max"].as_f64().unwrap(),
        column.iter().copied().fold(0.0, f64::max)
    );
    // The next runs are mixtures that teach more.
    let next = page.post("api/next", &json!({"runs": 5}));
    assert_eq!(next["runs"].as_array().unwrap().len(), 5);
    for run in next["runs"].as_array().unwrap() {
        assert!((numbers(&run["weights"]).iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }
    assert!(next["after"].as_f64() < next["before"].as_f64(), "{next}");
    assert!(
        next["sentence"].as_str().unwrap().contains("5 more runs"),
        "{next}"
    );
    assert_eq!(
        next["runs"],
        page.post("api/next", &json!({"runs": 5}))["runs"],
        "the same each time"
    );
    let told = page.refused(422, "api/next", &json!({"runs": 0}));
    assert!(told.contains("ask for 1 to"), "{told}");
    let csv = page.post(
        "api/export",
        &json!({"weights": run["weights"], "format": "csv"}),
    );
    let csv = csv["files"][0]["text"].as_str().unwrap();
    assert!(
        csv.starts_with("domain,weight,tokens,epochs\nweb:general,"),
        "{csv}"
    );
    let told = page.refused(
        422,
        "api/export",
        &json!({"weights": run["weights"], "format": "xyz"}),
    );
    assert!(
        told.contains("no format `xyz`") && told.contains("megatron"),
        "{told}"
    );
}

/// A ledger with two queued runs of one mixture over the demo's domains, and one of another domain.
fn swarm_of_two(at: &Path) -> (Ledger, SwarmId) {
    let mut ledger = Ledger::open(&at.join("runs/ledger.sqlite")).unwrap();
    let new = NewSwarm {
        name: "s".into(),
        variants: at.join("launch"),
        out: at.join("runs"),
    };
    let swarm = ledger.swarm(&new, 0).unwrap();
    let names = [
        "web:general",
        "web:science",
        "code",
        "math",
        "books",
        "wikipedia",
    ];
    let run = |k: usize| NewRun {
        name: format!("s-{k}"),
        config: format!("{k}.yaml"),
        config_sha256: String::new(),
        mixture: names
            .iter()
            .map(|name| ((*name).to_owned(), 1.0 / 6.0))
            .collect(),
        phases: Vec::new(),
    };
    let other = NewRun {
        mixture: vec![("poetry".into(), 1.0)],
        ..run(9)
    };
    let policy = RerunPolicy {
        retries: 0,
        all: false,
    };
    ledger
        .sync(swarm.id, &[run(0), run(1), other], policy, 0)
        .unwrap();
    (ledger, swarm.id)
}

/// What a page that listens is told, a version at a time.
struct Listener(Lines<BufReader<TcpStream>>);

impl Listener {
    fn new(page: &Page) -> Self {
        let (port, token) = (page.port, &page.token);
        let mut socket = page.socket();
        let head =
            format!("GET /{token}/api/swarm/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
        socket.write_all(head.as_bytes()).unwrap();
        Self(BufReader::new(socket).lines())
    }

    fn next(&mut self) -> u64 {
        let line =
            |line: std::io::Result<String>| line.unwrap().strip_prefix("data: ").map(str::to_owned);
        let data = self.0.find_map(line).unwrap();
        let data: Value = serde_json::from_str(&data).unwrap();
        data["version"].as_u64().unwrap()
    }
}

/// The run of a view in a state.
fn run_that_is<'v>(view: &'v Value, state: &str) -> &'v Value {
    let mut runs = view["runs"].as_array().unwrap().iter();
    runs.find(|run| run["state"] == state).unwrap()
}

#[test]
fn a_ledger_is_followed_while_it_is_written() {
    let folder = fitted_copy();
    let at = folder.path();
    let (mut ledger, swarm) = swarm_of_two(at);
    let page = Page::open(at, ".");
    let view = page.get("api/swarm");
    assert_eq!(
        (&view["source"], &view["states"]),
        (&"ledger".into(), &json!({"queued": 2}))
    );
    assert!(
        view["notices"][0]
            .as_str()
            .unwrap()
            .contains("1 runs of the ledger"),
        "{}",
        view["notices"]
    );
    assert_eq!(view["runs"][1]["replicate_of"], "s-0");

    // Someone listens.
    let mut listener = Listener::new(&page);
    let first = listener.next();

    let process = Process {
        host: "h".into(),
        pid: 1,
        started: "1".into(),
    };
    ledger.register("l", "local", &process, 1).unwrap();
    let claimed = ledger.claim(swarm, "l", 1).unwrap().unwrap();
    fs::create_dir_all(at.join("runs").join(&claimed.name)).unwrap();
    let line = "{\"step\": 1, \"tokens\": 4096, \"loss\": 3.5}\n";
    fs::write(
        at.join("runs").join(&claimed.name).join("metrics.jsonl"),
        line,
    )
    .unwrap();
    let second = listener.next();
    assert!(second > first, "{first} {second}");
    let view = page.get("api/swarm");
    assert_eq!(view["states"], json!({"queued": 1, "running": 1}));
    let running = run_that_is(&view, "running");
    assert_eq!(running["progress"]["tokens"], 4096);

    let tasks: Vec<String> = page.get("api/model")["mixture"]["law"]["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["name"].as_str().unwrap().to_owned())
        .collect();
    let metrics = tasks.iter().map(|task| (task.clone(), 1.5)).collect();
    assert!(
        ledger
            .finish(
                claimed.id,
                "l",
                &Finished {
                    metrics,
                    tokens: Some(8192)
                },
                2
            )
            .unwrap()
    );
    assert!(listener.next() > second);
    let view = page.get("api/swarm");
    let finished = run_that_is(&view, "finished");
    assert_eq!(finished["losses"], json!(vec![1.5; tasks.len()]));
    assert_eq!(finished["residuals"].as_array().unwrap().len(), tasks.len());
    assert_eq!(finished["progress"]["tokens"], 8192);

    // A ledger that is none any more: one message, and solving goes on.
    drop(ledger);
    for file in ["ledger.sqlite-wal", "ledger.sqlite-shm"] {
        let _ = fs::remove_file(at.join("runs").join(file));
    }
    fs::write(at.join("runs/ledger.sqlite"), "no database").unwrap();
    let answer = page.ask("GET", "api/swarm", "", "");
    assert_eq!(answer.status, 409, "{}", answer.body);
    assert!(
        answer.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("ledger.sqlite"),
        "{}",
        answer.body
    );
    let settings = page.settings();
    page.post("api/solve", &settings);
}

#[test]
fn a_mixture_that_is_fitted_anew_is_read_anew() {
    let folder = fitted_copy();
    let at = folder.path();
    let page = Page::open(at, "out");
    let before = page.settings();
    crate::common::printed(
        at,
        "fit --config fit.yaml --output-dir out --kl 0.3 --bootstrap 0 --folds 0 --quiet",
    );
    let after = page.settings();
    assert_eq!((&before["kl"], &after["kl"]), (&json!(0.05), &json!(0.3)));
    fs::write(at.join("out/mixture.json"), "{").unwrap();
    let answer = page.ask("GET", "api/model", "", "");
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("mixture.json"), "{}", answer.body);
    page.post("api/solve", &after);
}
