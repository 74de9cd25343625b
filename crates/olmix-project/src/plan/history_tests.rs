//! What a plan reads from a history: a small ledger in a temporary folder, whose records are added directly.

use std::collections::BTreeMap;

use olmix_core::reuse::{VirtualDomain, run_weight};
use olmix_io::{ProjectChange, ProjectDomain, Revision};
use olmix_ledger::{NewFile, NewRecord, Parent, Record, RecordKind};
use tempfile::TempDir;

use crate::content::{MixtureContent, PlannedContent, SwarmContent};
use crate::project::{new_record, to_json};
use crate::{Init, PlanOptions, Project, Provenance, ReusableSwarm, ReuseMethod};

const NAMES: [&str; 3] = ["web", "code", "books"];

fn by() -> Provenance {
    Provenance {
        command: "test".into(),
        now: 0,
    }
}

fn domain(name: &str) -> ProjectDomain {
    ProjectDomain {
        name: name.into(),
        tokens: Some(100),
        ..ProjectDomain::default()
    }
}

/// A project of three domains, without a mixture.
fn project() -> (TempDir, Project) {
    let folder = tempfile::tempdir().unwrap();
    let init = Init {
        config: "name: house\n".into(),
        domains: NAMES.map(domain).to_vec(),
        title: "first".into(),
    };
    let project = Project::init(folder.path(), &init, &by()).unwrap();
    (folder, project)
}

/// Adds a record with parents by name.
fn add(project: &mut Project, record: NewRecord, parents: &[&str]) -> Record {
    let id = |name: &&str| Parent::Known(project.ledger.record(name).unwrap().id);
    let record = NewRecord {
        parents: parents.iter().map(id).collect(),
        ..record
    };
    project.ledger.add(&record, 0).unwrap()
}

/// Adds a measured swarm with a table of ratios.
fn add_swarm(project: &mut Project, ratios: &str, parents: &[&str]) -> Record {
    let file = |name: &str, text: &str| NewFile {
        name: name.into(),
        content: text.as_bytes().to_vec(),
    };
    let runs = ratios.lines().count() - 1;
    let record = NewRecord {
        files: vec![
            file("ratios.csv", ratios),
            file("metrics.csv", "run,task\n"),
        ],
        content: to_json(&SwarmContent::Measured { runs }),
        ..new_record(RecordKind::Swarm, "swarm", "measured", &by())
    };
    add(project, record, parents)
}

/// Adds a mixture of the newest version with equal weights.
fn add_mixture(project: &mut Project, line: &str, parents: &[&str]) -> Record {
    let (version, content) = project.version().unwrap();
    let weight = 1.0 / content.domains.len() as f64;
    let content = MixtureContent {
        weights: content
            .domains
            .iter()
            .map(|domain| (domain.name.clone(), weight))
            .collect(),
        origins: BTreeMap::new(),
        method: "given".into(),
        version: version.name(),
        over: None,
        target_tokens: None,
        repetition_factor: None,
    };
    let record = NewRecord {
        content: to_json(&content),
        ..new_record(RecordKind::Mixture, line, "mixture", &by())
    };
    add(project, record, parents)
}

fn update(project: &mut Project, change: ProjectChange) {
    project.update(&[change], None, &by()).unwrap();
}

/// The earlier swarms that a plan would fit again.
fn swarms(project: &Project) -> Vec<ReusableSwarm> {
    let options = PlanOptions::default();
    let context = project.planning_context(&options).unwrap();
    let (base, _) = context.base.clone().unwrap();
    project.reusable_swarms(&context, &base).unwrap()
}

/// The first row of a swarm's ratios.
fn first_row(swarm: &ReusableSwarm) -> String {
    let text = String::from_utf8(swarm.files.0.clone()).unwrap();
    text.lines().nth(1).unwrap().to_owned()
}

const RATIOS: &str = "run,web,code,books\nr0,0.5,0.5,0\nr1,0.2,0.3,0.5\nr2,1,0,0\nr3,0.4,0.6,0\n";

#[test]
fn reusable_swarms_are_those_behind_the_mixture_over_todays_domains_oldest_first() {
    let (_folder, mut project) = project();
    add_swarm(&mut project, RATIOS, &["domains@1"]);
    add_mixture(&mut project, "main", &["swarm@1", "domains@1"]);
    update(&mut project, ProjectChange::Add(vec![domain("poems")]));
    add_swarm(&mut project, "run,web,poems\nr0,0.1,0.9\n", &["domains@2"]);
    add_mixture(&mut project, "main", &["swarm@2", "main@1", "domains@2"]);
    // A swarm of another line of mixtures is not behind `main`.
    add_swarm(&mut project, RATIOS, &["domains@2"]);
    update(&mut project, ProjectChange::Add(vec![domain("songs")]));
    let found = swarms(&project);
    let names: Vec<(&str, usize)> = found.iter().map(|s| (s.swarm.as_str(), s.runs)).collect();
    assert_eq!(names, [("swarm@1", 4), ("swarm@2", 1)]);
    assert_eq!(first_row(&found[0]), "r0,0.5,0.5,0,0,0");
    assert_eq!(first_row(&found[1]), "r0,0.1,0,0,0.9,0");
}

#[test]
fn reusable_swarms_lose_the_runs_of_removed_and_revised_content() {
    let (_folder, mut project) = project();
    add_swarm(&mut project, RATIOS, &["domains@1"]);
    add_mixture(&mut project, "main", &["swarm@1", "domains@1"]);
    update(&mut project, ProjectChange::Remove(vec!["books".into()]));
    let found = swarms(&project);
    assert_eq!((found[0].runs, found[0].lost), (3, 1));
    update(&mut project, ProjectChange::Revise(domain("code").into()));
    let found = swarms(&project);
    assert_eq!((found[0].runs, found[0].lost), (1, 3));
    assert_eq!(first_row(&found[0]), "r2,1,0");
}

#[test]
fn reusable_swarms_keep_runs_on_revised_content_with_a_weight_if_it_is_stated_how_much_changed() {
    let (_folder, mut project) = project();
    add_swarm(&mut project, RATIOS, &["domains@1"]);
    add_mixture(&mut project, "main", &["swarm@1", "domains@1"]);
    let revise = |changed: Option<f64>| {
        ProjectChange::Revise(Revision {
            domain: domain("code"),
            changed,
        })
    };
    update(&mut project, revise(Some(0.05)));
    let found = &swarms(&project)[0];
    assert_eq!((found.runs, found.lost), (4, 0));
    assert_eq!(found.changed, [("code".to_owned(), 0.05)]);
    let expected: Vec<f64> = [
        [0.5, 0.5, 0.0],
        [0.2, 0.3, 0.5],
        [1.0, 0.0, 0.0],
        [0.4, 0.6, 0.0],
    ]
    .iter()
    .map(|p| run_weight(p, &[(1, 0.05)]))
    .collect();
    assert_eq!(found.weights, expected);
    assert!(found.effective() < 4.0 && found.effective() > 1.0);
    let weighted = found.weighted().unwrap();
    assert_eq!((weighted.runs, weighted.weighted), (4, 3));
    assert!(
        weighted
            .sentence()
            .contains("because 5 % of `code` changed since")
    );
    // A second revision of which nothing is said makes the runs useless.
    update(&mut project, revise(None));
    let found = &swarms(&project)[0];
    assert_eq!((found.runs, found.lost, found.weights.len()), (1, 3, 0));
    assert_eq!(found.unstated, ["code"]);
}

#[test]
fn reusable_swarms_expand_the_virtual_domains_of_their_plan() {
    let (_folder, mut project) = project();
    let planned = SwarmContent::Planned(PlannedContent {
        method: "full-reuse".into(),
        runs: 1,
        virtuals: vec![VirtualDomain {
            name: "existing".into(),
            members: vec![("web".into(), 0.25), ("books".into(), 0.75)],
        }],
        old_runs: false,
        reasons: Vec::new(),
    });
    let record = NewRecord {
        content: to_json(&planned),
        ..new_record(RecordKind::Swarm, "swarm", "planned", &by())
    };
    add(&mut project, record, &["domains@1"]);
    let ratios = "run,existing,code\nr0,0.5,0.5\n";
    add_swarm(&mut project, ratios, &["domains@1", "swarm@1"]);
    add_mixture(&mut project, "main", &["swarm@2", "domains@1"]);
    update(&mut project, ProjectChange::Add(vec![domain("poems")]));
    let found = swarms(&project);
    assert_eq!(found.len(), 1, "a planned swarm has no runs");
    assert_eq!(first_row(&found[0]), "r0,0.125,0.5,0.375,0");
}

#[test]
fn reusable_swarms_are_the_sixteen_newest_and_need_files_and_a_version() {
    let (_folder, mut project) = project();
    for _ in 0..17 {
        add_swarm(&mut project, RATIOS, &["domains@1"]);
    }
    add_swarm(&mut project, RATIOS, &[]);
    let bare = NewRecord {
        content: to_json(&SwarmContent::Measured { runs: 9 }),
        ..new_record(RecordKind::Swarm, "swarm", "without files", &by())
    };
    add(&mut project, bare, &["domains@1"]);
    let names: Vec<String> = (1..=19).map(|number| format!("swarm@{number}")).collect();
    let mut parents: Vec<&str> = names.iter().map(String::as_str).collect();
    parents.push("domains@1");
    add_mixture(&mut project, "main", &parents);
    update(&mut project, ProjectChange::Add(vec![domain("poems")]));
    let found = swarms(&project);
    // swarm@19 has no files; swarm@18 is among the 16 newest, but of no version; swarm@1 and swarm@2 are too old.
    let names: Vec<&str> = found.iter().map(|swarm| swarm.swarm.as_str()).collect();
    assert_eq!(
        (names.len(), names[0], names[14]),
        (15, "swarm@3", "swarm@17")
    );
}

#[test]
fn plan_goes_on_from_the_newest_main_or_the_mixture_asked_for() {
    let (_folder, mut project) = project();
    add_mixture(&mut project, "main", &["domains@1"]);
    update(&mut project, ProjectChange::Add(vec![domain("poems")]));
    add_mixture(&mut project, "main", &["main@1", "domains@2"]);
    update(&mut project, ProjectChange::Add(vec![domain("songs")]));
    let plan = |from: Option<&str>| {
        let options = PlanOptions {
            method: Some(ReuseMethod::FullReuse),
            from: from.map(str::to_owned),
            ..PlanOptions::default()
        };
        project.plan(&options).unwrap()
    };
    assert_eq!(plan(None).new, ["songs"]);
    assert_eq!(plan(Some("main@1")).new, ["poems", "songs"]);
    assert_eq!(plan(Some("main@1")).base.unwrap().name(), "main@1");
    assert!(plan(None).risk.is_none(), "no law was fitted");
}

#[test]
fn plan_where_nothing_changed_needs_no_runs_unless_some_are_asked_for() {
    let (_folder, mut project) = project();
    add_mixture(&mut project, "main", &["domains@1"]);
    let plan = project.plan(&PlanOptions::default()).unwrap();
    assert_eq!(plan.reuse.runs, 0);
    assert!(
        plan.reasons[0].starts_with("nothing changed since: no run is needed"),
        "{:?}",
        plan.reasons
    );
    // Runs at most are none.
    let most = PlanOptions {
        budget: Some(5),
        ..PlanOptions::default()
    };
    assert_eq!(project.plan(&most).unwrap().reuse.runs, 0);
    // The mixture was made by hand: there are no runs to go with.
    let more = PlanOptions {
        runs: Some(5),
        ..PlanOptions::default()
    };
    let more = project.plan(&more).unwrap();
    assert_eq!(
        (more.method(), more.reuse.runs, more.complements()),
        (ReuseMethod::Recompute, 5, false)
    );
    let recompute = PlanOptions {
        method: Some(ReuseMethod::Recompute),
        ..PlanOptions::default()
    };
    assert_eq!(project.plan(&recompute).unwrap().reuse.runs, 12);
    let unknown = PlanOptions {
        from: Some("domains@1".into()),
        ..PlanOptions::default()
    };
    let error = project.plan(&unknown).unwrap_err();
    assert!(error.to_string().contains("not a mixture"));
}
