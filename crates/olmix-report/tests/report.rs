//! Promises of the HTML report.
#![allow(clippy::pedantic, clippy::unwrap_used)]

mod common;

use common::{case, fit_only, report, search, unchecked};

/// Words without markup, pictures and styles, a line per block: the skeleton of a report.
fn words(html: &str) -> String {
    let body = html.split_once("<main>").unwrap().1;
    let mut text = String::new();
    let mut rest = body;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let (tag, after) = after.split_once('>').unwrap();
        let name = tag.split([' ', '\n']).next().unwrap();
        match name {
            "svg" => {
                text.push_str("[picture]\n");
                rest = after.split_once("</svg>").unwrap().1;
                continue;
            }
            "/th" | "/td" => text.push_str(" | "),
            "/h1" | "/h2" | "/h3" | "/p" | "/li" | "/tr" | "/dt" | "/dd" | "/caption"
            | "/figcaption" | "/summary" => text.push('\n'),
            _ => {}
        }
        rest = after;
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n").replace('\u{a0}', " ")
}

#[test]
fn a_report_says_what_was_found() {
    let notices = ["run-009 is left out: its loss is not a number".to_owned()];
    insta::assert_snapshot!("full", words(&report(&case(3, 4, 40), &notices)));
}

#[test]
fn a_fit_without_a_mixture_reports_its_laws() {
    let html = report(&fit_only(case(3, 4, 40)), &[]);
    insta::assert_snapshot!("fit_only", words(&html));
}

#[test]
fn rows_are_those_that_were_trained_on() {
    let whole = case(3, 4, 40);
    let expected = report(&whole, &[]);
    // The same fit as the later rows of a larger swarm.
    let rows = |k: usize| if k < 2 { 39 } else { k - 2 };
    let mut larger = case(3, 4, 40);
    larger.swarm = whole.swarm.subset(&(0..42).map(rows).collect::<Vec<_>>());
    larger.fit.train = (2..42).collect();
    assert_eq!(report(&larger, &[]), expected);
}

#[test]
fn a_search_reports_the_run_it_chose() {
    insta::assert_snapshot!("search", words(&report(&search(case(3, 4, 40)), &[])));
}

#[test]
fn missing_checks_are_said_to_be_missing() {
    let words = words(&report(&unchecked(case(3, 4, 40)), &[]));
    assert!(words.contains("No out-of-fold check was made"));
    assert!(words.contains("No bootstrap was made"));
    assert!(words.contains("no folds, no bootstrap"));
    assert!(!words.contains("Please note") && !words.contains("Predicted against measured"));
}

#[test]
fn a_worst_mixture_is_never_recommended() {
    let mut case = case(3, 4, 40);
    case.spec.optimizer = Some(olmix_core::optimize::Optimizer::Exact {
        kl_reg: 0.0,
        worst: true,
    });
    let words = words(&report(&case, &[]));
    assert!(words.contains("A counterfactual, not to train on"));
    assert!(!words.contains("Train on"));
}

#[test]
fn names_from_outside_are_shown_as_text() {
    let mut case = case(3, 4, 40);
    let mut tasks = case.swarm.tasks().to_vec();
    for task in &mut tasks {
        task.name = format!("<script>alert('{}')</script>", task.name);
        task.family = "<i>family</i>".into();
    }
    let mut domains: Vec<_> = case.swarm.domains().iter().cloned().collect();
    domains[0].name = "<img src=x>".into();
    let domains = olmix_core::DomainSet::new(domains).unwrap();
    case.swarm = olmix_core::Swarm::new(
        domains.clone(),
        tasks,
        case.swarm
            .runs()
            .iter()
            .map(|run| format!("<u>{run}</u>"))
            .collect(),
        case.swarm.mixtures().clone(),
        case.swarm.losses().clone(),
    )
    .unwrap();
    let rename = |mixture: &olmix_core::Mixture| {
        olmix_core::Mixture::new(domains.clone(), mixture.weights().to_vec()).unwrap()
    };
    case.spec.prior = rename(&case.spec.prior);
    let proposal = case.fit.proposal.as_mut().unwrap();
    proposal.mixture = rename(&proposal.mixture);
    let html = report(&case, &["<marquee>".to_owned()]);
    for tag in ["<script", "<i>", "<img", "<u>", "<marquee"] {
        assert!(!html.contains(tag), "{tag}");
    }
    assert!(html.contains("&lt;img src=x&gt;") && html.contains("&lt;marquee&gt;"));
}

#[test]
fn a_report_needs_no_other_file_and_no_script() {
    let html = report(&case(12, 6, 40), &[]);
    let linked = html.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for outside in ["http:", "https:", "<script", "<link", "@import", "src=\""] {
        assert!(!linked.contains(outside), "{outside}");
    }
    assert_eq!(
        linked.matches("url(").count(),
        linked.matches("url(data:font/woff2").count()
    );
}

#[test]
fn a_large_report_stays_small_and_the_same() {
    let large = case(64, 52, 512);
    let html = report(&large, &[]);
    assert!(html.len() < 3_000_000, "{} bytes", html.len());
    assert_eq!(html, report(&large, &[]));
    let many = report(&case(10, 20, 6000), &[]);
    assert!(words(&many).contains("One run in 2 is drawn"));
    assert!(many.len() < 3_000_000, "{} bytes", many.len());
}

#[test]
fn every_picture_has_a_description_and_every_header_a_scope() {
    let html = report(&case(12, 6, 40), &[]);
    assert_eq!(
        html.matches("<svg").count(),
        html.matches("role=\"img\" aria-label=\"").count()
    );
    assert_eq!(
        html.matches("<th ").count(),
        html.matches("<th scope=").count()
    );
    assert!(!html.contains("<th>") && html.contains("lang=\"en\""));
}
