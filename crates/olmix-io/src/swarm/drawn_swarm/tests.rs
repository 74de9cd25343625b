use super::*;

const CONFIG: &str = "\
name: s
data:
  sources:
  - {name: web, paths: [\"web/*.npy\"]}
  - {name: code, paths: [\"code/*.npy\"]}
priors: {token_counts: {web: 300, code: 100}}
max_tokens: 200
";

fn drawn(mixtures: &[[f64; 2]], rejections: Rejections) -> Drawn {
    Drawn {
        mixtures: mixtures.iter().map(|mixture| mixture.to_vec()).collect(),
        rejections,
        worth: Vec::new(),
        regret: Vec::new(),
        information_gained: None,
    }
}

fn rejections(drawn: usize, over_cap: [usize; 2], repeated: usize) -> Rejections {
    Rejections {
        drawn,
        over_cap: over_cap.to_vec(),
        missing: Vec::new(),
        empty: 0,
        repeated,
        existing: 0,
    }
}

fn config() -> GenerationConfig {
    let mut config = GenerationConfig::parse("gen.yaml", CONFIG, Path::new("")).unwrap();
    config.swarm.variants = Some(2);
    config
}

#[test]
fn a_drawn_swarm_is_named_by_its_mixtures_and_lists_domains_by_share() {
    let config = config();
    let plan = config.plan().unwrap();
    let all = drawn(&[[0.75, 0.25], [1.0, 0.0]], rejections(2, [0, 0], 0));
    let swarm = DrawnSwarm::new(&config, &plan, &all, vec![0.25, 0.75]).unwrap();
    assert_eq!(swarm.ids[1], format!("s-{}-0001", swarm.group));
    let expected = format!(
        "run,web,code\n{0},0.75,0.25\n{1},1,0\n",
        swarm.ids[0], swarm.ids[1]
    );
    assert_eq!(String::from_utf8(swarm.ratios.clone()).unwrap(), expected);
    let domains = swarm.domains();
    assert_eq!((domains[0].name, domains[1].name), ("code", "web"));
    assert_eq!(
        (domains[0].least, domains[0].most, domains[0].without),
        (0.0, 0.25, 0.5)
    );
    // A quarter of 200 tokens out of 100, and all of 200 out of 300.
    assert_eq!(domains[0].epochs, Some(0.5));
    assert!((domains[1].epochs.unwrap() - 2.0 / 3.0).abs() < 1e-12);
    assert_eq!(swarm.warning(), None);
    let other = drawn(&[[0.5, 0.5], [1.0, 0.0]], rejections(2, [0, 0], 0));
    let other = DrawnSwarm::new(&config, &plan, &other, vec![0.25, 0.75]).unwrap();
    assert_ne!(swarm.group, other.group);
}

#[test]
fn runs_that_simulate_repetition_are_bounded_and_launched_as_the_run_that_they_stand_for() {
    let text = CONFIG.replace(
        "data:\n",
        "swarm: {repetition_factor: 4}\ndata:\n  simulate_target_tokens: 600\n",
    );
    let mut config = GenerationConfig::parse("gen.yaml", &text, Path::new("")).unwrap();
    config.swarm.variants = Some(2);
    let plan = config.plan().unwrap();
    // Four times 300 and four times 100 tokens, of 600.
    assert_eq!(plan.options.caps, Some(vec![2.0, 4.0 * 100.0 / 600.0]));
    let all = drawn(&[[0.75, 0.25], [0.5, 0.5]], rejections(2, [0, 0], 0));
    let swarm = DrawnSwarm::new(&config, &plan, &all, vec![0.25, 0.75]).unwrap();
    assert_eq!(swarm.domains()[0].epochs, Some(3.0));
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("base.yaml");
    std::fs::write(&base, "name: base\ntraining: {proxy_model_id: 1m}\n").unwrap();
    let (base, _) = LaunchBase::read(&base).unwrap();
    let (name, bytes) = swarm.launch_configs(&base).remove(1);
    let text = String::from_utf8(bytes).unwrap();
    let launch = crate::LaunchConfig::parse(&name, &text, Path::new("")).unwrap();
    let simulated = launch.data.unwrap().simulate_target_tokens.unwrap();
    assert_eq!(simulated.value, 600);
    assert_eq!(launch.mix[1].repetition_factor, Some(3.0));
    let short = text_of(&CONFIG.replace("data:\n", "data:\n  simulate_target_tokens: 199\n"));
    assert!(
        short.contains("is 199, less than the 200 max_tokens of a run"),
        "{short}"
    );
}

/// Why a config is refused.
fn text_of(text: &str) -> String {
    let refused = GenerationConfig::parse("gen.yaml", text, Path::new(""));
    refused.unwrap_err().to_string()
}

#[test]
fn the_prior_is_run_as_often_as_asked_for_where_its_tokens_allow() {
    let mut config = config();
    config.swarm.replicates = 2;
    let plan = config.plan().unwrap();
    let all = drawn(&[[0.75, 0.25], [1.0, 0.0]], rejections(2, [0, 0], 0));
    let swarm = DrawnSwarm::new(&config, &plan, &all, vec![0.75, 0.25]).unwrap();
    assert_eq!(swarm.mixtures[2..], [[0.75, 0.25], [0.75, 0.25]]);
    assert_eq!(swarm.ids[3], format!("s-{}-0003", swarm.group));
    // Of 200 tokens, 100 of code are half: a prior with more of it can't be run.
    let message = DrawnSwarm::new(&config, &plan, &all, vec![0.4, 0.6])
        .unwrap_err()
        .to_string();
    assert!(
        message.contains(
            "runs of the prior, which has 60.00 % of `code` where the tokens of a run allow 50.00 %"
        ),
        "{message}"
    );
}

#[test]
fn a_ratios_file_of_another_swarm_is_refused_and_the_same_swarm_is_not() {
    let config = config();
    let plan = config.plan().unwrap();
    let all = drawn(&[[0.75, 0.25], [1.0, 0.0]], rejections(2, [0, 0], 0));
    let swarm = DrawnSwarm::new(&config, &plan, &all, vec![0.5, 0.5]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ratios.csv");
    assert!(swarm.refuse_other(&path).is_ok());
    std::fs::write(&path, &swarm.ratios).unwrap();
    assert!(swarm.refuse_other(&path).is_ok());
    std::fs::write(&path, "run,web\n").unwrap();
    let message = swarm.refuse_other(&path).unwrap_err().to_string();
    assert!(
        message.contains("ratios.csv: holds another swarm"),
        "{message}"
    );
}

#[test]
fn rejected_candidates_are_counted_by_reason_the_most_frequent_first() {
    let config = config();
    let plan = config.plan().unwrap();
    let some = drawn(&[[0.75, 0.25]], rejections(10, [2, 5], 1));
    let message = DrawnSwarm::new(&config, &plan, &some, vec![0.5, 0.5])
        .unwrap_err()
        .to_string();
    assert!(
        message.starts_with(
            "gen.yaml: only 1 of 2 mixtures were found among 10 candidates: 5 had more of `code` than \
             its \
             tokens allow; 2 had more of `web` than its tokens allow; 1 were like an earlier one\n  \
             help: "
        ),
        "{message}"
    );
    let enough = drawn(&[[0.75, 0.25], [1.0, 0.0]], rejections(10, [2, 5], 1));
    let swarm = DrawnSwarm::new(&config, &plan, &enough, vec![0.5, 0.5]).unwrap();
    let warning = swarm.warning().unwrap();
    assert!(
        warning.starts_with("7 of 10 candidates were rejected: 5 had"),
        "{warning}"
    );
}
