//! Promises of the HTML report.
#![allow(clippy::pedantic, clippy::unwrap_used)]

use crate::common::drawings::of_fit;
use crate::common::{case, fit_only, report, report_with, search, unchecked, with_kl};
use olmix_core::scaling::{Scale, ScaleOptimum, ScaledProposal};
use resvg::usvg::{Options, Tree};

/// Words without markup, pictures and styles, a line per block: the skeleton of a report.
fn words(html: &str) -> String {
    let body = html.split_once("<main>").unwrap().1;
    let body = body.split_once("</main>").unwrap().0;
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
fn a_report_is_about_the_runs_that_were_fitted_to() {
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
fn a_report_names_checks_that_are_missing() {
    let words = words(&report(&unchecked(case(3, 4, 40)), &[]));
    assert!(words.contains("There was no cross-validation"));
    assert!(words.contains("No bootstrap was made"));
    assert!(words.contains("no folds, no bootstrap"));
    assert!(!words.contains("Please note") && !words.contains("Predicted against measured"));
}

#[test]
fn a_report_never_recommends_a_worst_mixture() {
    let mut case = case(3, 4, 40);
    case.spec.optimizer = Some(olmix_core::optimize::Optimizer::Exact(
        olmix_core::optimize::Exact {
            kl_reg: 0.0,
            worst: true,
        },
    ));
    let words = words(&report(&case, &[]));
    assert!(words.contains("A counterfactual, not to train on"));
    assert!(!words.contains("Train on"));
}

#[test]
fn a_report_shows_names_from_outside_as_text() {
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
    let html = without_our_script(&html);
    for tag in ["<script", "<i>", "<img", "<u>", "<marquee"] {
        assert!(!html.contains(tag), "{tag}");
    }
    assert!(html.contains("&lt;img src=x&gt;") && html.contains("&lt;marquee&gt;"));
}

/// A report without the element of its data and that of its script, which must be there and the only ones.
fn without_our_script(html: &str) -> String {
    let (page, rest) = html
        .split_once("<script type=\"application/json\" id=\"data\">")
        .unwrap();
    let (data, rest) = rest.split_once("</script>\n<script>/* olmix web ").unwrap();
    assert!(!data.contains('<'), "data could end its element");
    let (_, rest) = rest.split_once("</script>").unwrap();
    format!("{page}{rest}")
}

#[test]
fn a_report_needs_no_other_file_and_its_policy_names_its_script_alone() {
    let html = report(&case(12, 6, 40), &[]);
    let (_, script) = html.rsplit_once("<script>").unwrap();
    let (script, _) = script.split_once("</script>").unwrap();
    let hash = {
        use base64::Engine as _;
        use sha2::Digest as _;
        base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(script))
    };
    assert!(html.contains(&format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}';"
    )));
    let html = without_our_script(&html);
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
fn a_report_of_a_large_swarm_stays_small_and_the_same() {
    let large = case(64, 52, 512);
    // A mixture.json of such a fit has some 130 kB.
    let mixture = format!("{{\"filler\": \"{}\"}}", "x".repeat(200_000));
    let with_answers = |case| report_with(case, &[], Some(&mixture));
    let html = with_answers(&large);
    assert!(html.contains("\"answers\":{"));
    assert!(html.len() < 3_000_000, "{} bytes", html.len());
    assert_eq!(html, with_answers(&large));
    let many = report(&case(10, 20, 6000), &[]);
    assert!(words(&many).contains("One run in 2 is drawn"));
    assert!(many.len() < 3_000_000, "{} bytes", many.len());
}

#[test]
fn a_report_describes_every_picture_and_scopes_every_header() {
    let html = report(&case(12, 6, 40), &[]);
    assert_eq!(
        html.matches("<svg").count(),
        html.matches("role=\"img\" aria-label=\"").count()
    );
    assert_eq!(
        html.matches("<th ").count(),
        html.matches("<th scope=").count()
    );
    let html = without_our_script(&html);
    assert!(!html.contains("<th>") && html.contains("lang=\"en\""));
}

/// The documents `<svg>…</svg>` in a report.
fn pictures(html: &str) -> Vec<&str> {
    let body = html.split_once("<main>").unwrap().1;
    let body = body.split_once("</main>").unwrap().0;
    let ends = body.split("<svg").skip(1);
    let picture = |rest: &str| {
        let length = rest.find("</svg>").unwrap() + "</svg>".len();
        let start = rest.as_ptr() as usize - body.as_ptr() as usize - "<svg".len();
        start..start + "<svg".len() + length
    };
    ends.map(|rest| &body[picture(rest)]).collect()
}

#[test]
fn a_report_shows_the_figures_of_its_fit_in_the_order_of_its_sections() {
    let case = with_kl(case(24, 12, 60));
    let html = report(&case, &[]);
    let written = |file: &str| {
        let found = of_fit(&case).into_iter().find(|(name, _)| name == file);
        found.unwrap().1.svg().trim_end().to_owned()
    };
    let pictures = pictures(&html);
    let at = |picture: &str| pictures.iter().position(|found| *found == picture);
    let mixture = at(&written("opt_avg_all_metrics_log_linear_reg_optimal")).unwrap();
    let matrix = at(&written("interaction_matrix")).unwrap();
    let has = |text: &str| pictures.iter().position(|found| found.contains(text));
    let kl = has("Gain of mixtures proposed from half of the runs").unwrap();
    let errors = has("Error on unseen runs, by task").unwrap();
    let average = has("average of 12 tasks").unwrap();
    assert_eq!([mixture, kl, errors, matrix, average], [0, 1, 2, 3, 4]);
    // Small multiples: one a task.
    assert_eq!(pictures.len(), 5 + 12);
    for picture in pictures {
        let tree = Tree::from_str(picture, &Options::default()).unwrap();
        assert!(tree.size().width() > 0.0);
    }
}

#[test]
fn a_report_of_another_size_shows_how_the_best_mixture_moves() {
    let mut case = case(3, 4, 20);
    let optimum = |parameters: f64, tokens: f64, weights: [f64; 3]| ScaleOptimum {
        scale: Scale { parameters, tokens },
        weights: weights.to_vec(),
        loss: 1.0,
        loss_of_proposal: 1.0,
    };
    let (small, there) = ([0.5, 0.3, 0.2], [0.4, 0.3, 0.3]);
    case.fit.proposal.as_mut().unwrap().scaling = Some(ScaledProposal {
        losses: None,
        optima: Vec::new(),
        by_parameters: vec![optimum(1e8, 2e10, small), optimum(1e9, 2e10, there)],
        by_tokens: vec![optimum(1e9, 1e10, small), optimum(1e9, 2e10, there)],
    });
    let html = report(&case, &[]);
    for title in [
        "The best mixture by parameters of the model",
        "The best mixture by tokens of the run",
    ] {
        let pictures = pictures(&html);
        let found = pictures.iter().find(|found| found.contains(title)).unwrap();
        assert!(
            case.swarm
                .domains()
                .names()
                .all(|name| found.contains(name))
        );
    }
    let names: Vec<String> = of_fit(&case).into_iter().map(|(name, _)| name).collect();
    for file in ["optimum_by_parameters", "optimum_by_tokens"] {
        assert!(names.iter().any(|name| name == file), "{names:?}");
    }
}

#[test]
fn figure_files_of_a_fit_have_the_reference_names_and_no_name_twice() {
    let case = case(3, 4, 20);
    let mut names: Vec<String> = of_fit(&case).into_iter().map(|(name, _)| name).collect();
    names.sort();
    let tasks = case.swarm.tasks().iter();
    let mut expected: Vec<String> = tasks
        .map(|task| format!("{}_log_linear_reg_fit", task.name.replace(':', "_")))
        .collect();
    expected.extend(
        [
            "avg_all_metrics_log_linear_reg_fit",
            "interaction_matrix",
            "opt_avg_all_metrics_log_linear_reg_optimal",
        ]
        .map(str::to_owned),
    );
    expected.sort();
    assert_eq!(names, expected);
}
