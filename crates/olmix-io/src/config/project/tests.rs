use std::path::Path;

use olmix_core::reuse::VirtualDomain;

use super::*;
use crate::config::fit::FitConfig;
use crate::config::generation::GenerationConfig;

const TEXT: &str = "\
# Ours.
name: house   # of data
max_tokens: 500
swarm: {nonzero_weight: [web]}
domains:
  web: {tokens: 800, paths: [web/*.npy]}

  code:python: 100
# The mixture's.
constraints: {enabled: true, target_tokens: 5_000, repetition_factor: 4}
";

fn parse(text: &str) -> Result<ProjectConfig, String> {
    ProjectConfig::parse(Path::new("olmix.yaml"), "olmix.yaml", text).map_err(|e| e.to_string())
}

#[test]
fn other_domains_take_the_place_of_the_block_and_leave_the_rest_as_it_was() {
    let config = parse(TEXT).unwrap();
    assert_eq!(config.domains.len(), 2);
    let mut domains = config.domains.clone();
    domains.push(ProjectDomain {
        size: Some(0.25),
        tasks: vec!["code".into()],
        ..ProjectDomain::from_argument("code:go=1.5e2").unwrap()
    });
    let text = with_domains(&config.text, &domains, "domains@2");
    assert!(
        text.starts_with("# Ours.\nname: house   # of data\n"),
        "{text}"
    );
    assert!(text.contains("\n# The mixture's.\nconstraints:"), "{text}");
    let again = parse(&text).unwrap();
    assert_eq!(again.domains, domains);
    // A second time, nothing but the name of the version changes.
    let third = with_domains(&text, &domains, "domains@3");
    assert_eq!(third.replace("domains@3", "domains@2"), text);
    let appended = with_domains("name: a", &domains, "domains@1");
    assert_eq!(parse(&appended).unwrap().domains, domains);
}

#[test]
fn settings_that_name_a_domain_are_found() {
    let (location, path) = parse(TEXT).unwrap().mention("web").unwrap();
    assert_eq!(path, "swarm.nonzero_weight[0]");
    assert_eq!(location, "line 4");
    assert!(parse(TEXT).unwrap().mention("code:python").is_none());
}

#[test]
fn the_configs_of_a_swarm_are_read_back_as_what_was_meant() {
    let config = parse(TEXT).unwrap();
    let frozen = [VirtualDomain {
        name: "existing".into(),
        members: vec![("web".into(), 1.0)],
    }];
    let text = config.generation(&GenerationFile {
        name: "house-2",
        domains: &config.domains,
        virtuals: &frozen,
        new: &["code:python".to_owned()],
        variants: 7,
        designed: true,
        existing: &[],
    });
    let read = GenerationConfig::parse("generate.yaml", &text, Path::new("")).unwrap();
    let plan = read.plan().unwrap();
    let names: Vec<&str> = plan.tree.domains().names().collect();
    assert_eq!((names, plan.variants), (vec!["existing", "code:python"], 7));
    let fit = |earlier: &[EarlierFiles<'_>], collapsed_kl| {
        config.fit(&FitFile {
            domains: &config.domains,
            virtuals: &frozen,
            constraints: None,
            collapsed_kl,
            earlier,
        })
    };
    let folder = tempfile::tempdir().unwrap();
    for name in ["ratios.csv", "metrics.csv"] {
        std::fs::create_dir_all(folder.path().join("earlier/1")).unwrap();
        std::fs::write(folder.path().join(name), "").unwrap();
        std::fs::write(folder.path().join("earlier/1").join(name), "").unwrap();
    }
    let read = |text: &str| FitConfig::parse("fit.yaml", text, folder.path()).unwrap();
    let plain = read(&fit(&[], false));
    let sizes = plain.priors.relative_sizes.unwrap();
    assert_eq!(
        (sizes[0].name.as_str(), sizes[1].name.as_str()),
        ("existing", "code:python")
    );
    assert_eq!(plain.priors.token_counts.unwrap()[0].value, 800);
    assert!(plain.proposer.expanded_kl_source_mixtures.is_some());
    let collapsed = read(&fit(&[], true));
    assert!(collapsed.proposer.expanded_kl_source_mixtures.is_none());
    assert!(collapsed.virtual_domains.is_some());
    let earlier = EarlierFiles {
        folder: "earlier/1".into(),
        changed: &[("web".to_owned(), 0.05)],
    };
    let joint = read(&fit(&[earlier], false));
    let swarm = joint.swarm.unwrap();
    assert_eq!(swarm.earlier.len(), 1);
    let changed = &swarm.earlier[0].changed[0];
    assert_eq!((changed.name.as_str(), changed.value), ("web", 0.05));
    assert_eq!(joint.constraints.frozen[0].name, "existing");
    assert_eq!(joint.priors.relative_sizes.unwrap()[0].name, "web");
}

#[test]
fn a_wrong_project_config_is_refused_with_its_place() {
    let refused = |text: &str| parse(text).unwrap_err();
    assert!(refused("name: a").contains("`domains` is required"));
    assert!(refused("name: a\ndomains: {web: many}").contains("olmix.yaml:2"));
    assert!(refused("name: a\ndomains: {web: 1}\nproposer: {type: best}").contains("olmix.yaml:3"));
    assert!(refused("name: a\ndomains: {web: 1}\nsources: 1").contains("sources"));
}
