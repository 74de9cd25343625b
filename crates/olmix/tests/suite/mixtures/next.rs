//! What `olmix next` promises, run as a user runs it.

use crate::common::{json, newcomer, olmix, printed, refused};

const DEMO: &str = "examples/demo/fit.yaml";

#[test]
fn next_runs_are_a_table_that_a_fit_reads_and_say_what_stopping_costs() {
    let folder = newcomer();
    let found = json(
        folder.path(),
        &format!("next {DEMO} --runs 4 --bootstrap 10 --json"),
    );
    let runs = found["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 4);
    let ratios = std::fs::read_to_string(folder.path().join("next/ratios.csv")).unwrap();
    let table = std::fs::read_to_string(folder.path().join("examples/demo/ratios.csv")).unwrap();
    assert_eq!(
        ratios.lines().next(),
        table.lines().next(),
        "the columns of the swarm"
    );
    let mut last = found["regret"].as_f64().unwrap();
    assert!(last > 0.0);
    for (run, line) in runs.iter().zip(ratios.lines().skip(1)) {
        let id = run["run"].as_str().unwrap();
        assert!(line.starts_with(&format!("{id},")), "{line}");
        let weights = run["mixture"].as_object().unwrap().values();
        let sum: f64 = weights.map(|weight| weight.as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-9);
        let after = run["regret_after"].as_f64().unwrap();
        assert!(after <= last);
        last = after;
    }
    // The same runs from the folder of a fit, and again in their place.
    olmix(folder.path(), &format!("fit --config {DEMO} --quiet"))
        .assert()
        .success();
    let again = json(folder.path(), "next out --runs 4 --bootstrap 10 --json");
    assert_eq!(again, found);
    let other = refused(
        folder.path(),
        &format!("next {DEMO} --runs 5 --bootstrap 10 --quiet"),
    );
    assert!(other.contains("holds another swarm"), "{other}");
    let text = printed(
        folder.path(),
        &format!("next {DEMO} --runs 1 --bootstrap 10 --output one"),
    );
    assert!(
        text.contains("Stopping now: the proposed mixture is expected"),
        "{text}"
    );
}

#[test]
fn next_runs_are_launched_with_the_data_of_the_swarm() {
    let folder = newcomer();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "fit.yaml",
        "swarm: {ratios: r.csv, metrics: m.csv}\npriors: {token_counts: {web: 3e9, code: 1e9, books: 1e9}}\n\
         regression: {type: saturating}\n",
    );
    let rows = |values: &dyn Fn(f64) -> String| -> String {
        let lines = (1..9).map(|k| format!("r{k},{}\n", values(f64::from(k))));
        lines.collect::<Vec<String>>().concat()
    };
    let share = |k: f64| (k * 0.1, (k * k) % 7.0 * 0.02);
    write(
        "r.csv",
        &("run,web,code,books\n".to_owned()
            + &rows(&|k| {
                let (a, b) = share(k);
                format!("{a},{b},{}", 1.0 - a - b)
            })),
    );
    write(
        "m.csv",
        &("run,loss_a,loss_b\n".to_owned()
            + &rows(&|k| {
                let (a, b) = share(k);
                format!(
                    "{},{}",
                    2.0 - a + a * a,
                    1.5 - 3.0 * b + 0.01 * (k * 7.0 % 3.0)
                )
            })),
    );
    let data = |books: &str| {
        format!(
            "name: more\ndata: {{sources: [{{name: web, paths: [w]}}, {{name: code, paths: [c]}}, {{name: {books}, paths: \
             [b]}}]}}\npriors: {{token_counts: {{web: 3e9, code: 1e9, {books}: 1e9}}}}\nmax_tokens: 2e9\n"
        )
    };
    write("gen.yaml", &data("books"));
    let line =
        "next fit.yaml --runs 2 --bootstrap 10 --base examples/swarm/launch.yaml --data gen.yaml";
    let found = json(folder.path(), &format!("{line} --json"));
    for run in found["runs"].as_array().unwrap() {
        let id = run["run"].as_str().unwrap();
        assert!(id.starts_with("more-"), "{id}");
        let text =
            std::fs::read_to_string(folder.path().join(format!("next/launch/{id}.yaml"))).unwrap();
        assert!(text.contains(&format!("name: {id}")), "{text}");
    }
    write("gen.yaml", &data("novels"));
    let told = refused(folder.path(), &format!("{line} --output other"));
    assert!(told.contains("no leaf is called `books`"), "{told}");
    let told = refused(
        folder.path(),
        "next fit.yaml --runs 2 --base examples/swarm/launch.yaml",
    );
    assert!(told.contains("--data"), "{told}");
}

#[test]
fn next_refuses_what_it_can_not_choose_in_one_message() {
    let folder = newcomer();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "r.csv",
        "run,a,b\nr1,0.1,0.9\nr2,0.5,0.5\nr3,0.9,0.1\nr4,0.3,0.7\n",
    );
    write("m.csv", "run,loss_x\nr1,1.0\nr2,0.8\nr3,1.1\nr4,0.85\n");
    let config = |law: &str| {
        format!(
            "swarm: {{ratios: r.csv, metrics: m.csv}}\npriors: {{relative_sizes: {{a: 1, b: 1}}}}\nregression: {{type: {law}}}\n"
        )
    };
    write("fit.yaml", &config("log_linear"));
    let told = refused(
        folder.path(),
        "next fit.yaml --runs 500 --bootstrap 10 --quiet",
    );
    assert!(told.contains("500 runs are asked for, and only"), "{told}");
    assert!(
        told.contains("ask for fewer") && !folder.path().join("next").exists(),
        "{told}"
    );
    write("fit.yaml", &config("search"));
    let told = refused(folder.path(), "next fit.yaml --quiet");
    assert!(
        told.contains("the next runs are chosen by fitted laws"),
        "{told}"
    );
    let told = refused(folder.path(), "next nowhere --quiet");
    assert!(told.contains("nowhere"), "{told}");
}
