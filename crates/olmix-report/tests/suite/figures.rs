//! Promises every figure keeps: its labels are there and whole, its numbers finite, its bytes
//! the same each time.
#![allow(clippy::pedantic, clippy::unwrap_used)]

use crate::common::drawings::{all, errors, matrix, mixture, points, scatter};
use olmix_core::law::FittedLaw;
use olmix_core::law::LogLinear;
use olmix_core::{Constraints, DomainSet, Mixture};
use olmix_report::{
    Figure, InteractionMatrix, PredictedAgainstMeasured, PriorAndProposed, ReportError,
    interaction_matrix, predicted_against_measured, prior_and_proposed, sweep, task_errors,
};
use resvg::usvg::{Group, Node, Options, Rect, Tree};

#[test]
fn lines_that_are_not_joined_draw_points_and_no_path() {
    let figure = points(5);
    assert_eq!(figure.svg().matches("<circle").count(), 2 * 5 + 2);
    assert!(!figure.svg().contains("<path"));
}

/// The text of every label with its box, and whether it stands upright.
fn labels(figure: &Figure) -> Vec<(String, Rect, bool)> {
    fn collect(group: &Group, into: &mut Vec<(String, Rect, bool)>) {
        for node in group.children() {
            match node {
                Node::Group(group) => collect(group, into),
                Node::Text(text) => {
                    let label = text.chunks().iter().map(|chunk| chunk.text()).collect();
                    let upright = !text.abs_transform().has_skew();
                    into.push((label, text.abs_bounding_box(), upright));
                }
                _ => {}
            }
        }
    }
    // The crate's own fonts: what the PNG is drawn with.
    let mut options = Options::default();
    for font in ["Regular", "SemiBold"] {
        let path = format!("{}/assets/Inter-{font}.ttf", env!("CARGO_MANIFEST_DIR"));
        options
            .fontdb_mut()
            .load_font_data(std::fs::read(path).unwrap());
    }
    let tree = Tree::from_str(figure.svg(), &options).unwrap();
    let mut labels = Vec::new();
    collect(tree.root(), &mut labels);
    labels
}

/// Where each slanted label stands, and its font size.
fn slanted(figure: &Figure) -> Vec<(f32, f32)> {
    let position = |line: &str| {
        let (_, rest) = line.split_once("translate(")?;
        let (x, rest) = rest.split_once(' ')?;
        let (_, rest) = rest.split_once("rotate(-65)\" font-size=\"")?;
        let (size, _) = rest.split_once('"')?;
        Some((x.parse().ok()?, size.parse().ok()?))
    };
    figure.svg().lines().filter_map(position).collect()
}

#[test]
fn every_public_figure_function_is_drawn_in_these_tests() {
    // A new figure that is not added to `all` fails here.
    let tests = include_str!("common/drawings.rs");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/figure");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for after in source.split("\npub fn ").skip(1) {
            let head = after.split('{').next().unwrap();
            if !head.contains("-> Figure") {
                continue;
            }
            let name = head.split(['(', '<']).next().unwrap();
            // A small multiple stands in reports alone; `pictures` finds it there.
            let drawn = tests.contains(&format!("{name}(")) || name == "small_multiple";
            assert!(drawn, "`{name}` is in no list of these tests");
            found += 1;
        }
    }
    assert!(found >= 9, "{found} figures found in {folder}");
}

#[test]
fn every_figure_is_an_svg_with_a_title_a_description_and_a_png() {
    for (name, figure) in all() {
        let tree = Tree::from_str(figure.svg(), &Options::default()).unwrap();
        let size = (
            f64::from(tree.size().width()),
            f64::from(tree.size().height()),
        );
        assert_eq!(size, (figure.width(), figure.height()), "{name}");
        let head = figure.svg().split_once('>').unwrap().0;
        assert!(
            head.contains("role=\"img\"") && head.contains("aria-label=\""),
            "{name}: {head}"
        );
        assert!(!head.contains("aria-label=\"\""), "{name}");
        // The title is the first text, in semi-bold.
        let text = figure.svg().split_once("<text").unwrap().1;
        let (attributes, title) = text.split_once('>').unwrap();
        assert!(
            attributes.contains("font-weight=\"600\""),
            "{name}: {attributes}"
        );
        assert!(!title.starts_with('<'), "{name} has an empty title");
        let [svg, png] = figure.files("stem", 1.0).unwrap();
        assert_eq!((svg.0.as_str(), png.0.as_str()), ("stem.svg", "stem.png"));
        assert_eq!(svg.1, figure.svg().as_bytes());
        assert!(png.1.starts_with(b"\x89PNG"), "{name}");
    }
}

#[test]
fn figures_cut_no_label_at_their_edge() {
    for (name, figure) in all() {
        for (label, place, _) in labels(&figure) {
            let inside = place.left() >= 0.0
                && place.top() >= 0.0
                && f64::from(place.right()) <= figure.width()
                && f64::from(place.bottom()) <= figure.height();
            assert!(inside, "{name}: `{label}` at {place:?}");
        }
    }
}

#[test]
fn figures_have_no_overlapping_upright_labels() {
    for (name, figure) in all() {
        let labels: Vec<_> = labels(&figure)
            .into_iter()
            .filter(|label| label.2)
            .collect();
        for (i, (a, first, _)) in labels.iter().enumerate() {
            for (b, second, _) in &labels[i + 1..] {
                let apart = first.right() <= second.left()
                    || second.right() <= first.left()
                    || first.bottom() <= second.top() + 3.0
                    || second.bottom() <= first.top() + 3.0;
                assert!(apart, "{name}: `{a}` {first:?} and `{b}` {second:?}");
            }
        }
    }
}

#[test]
fn figures_keep_slanted_labels_a_line_apart() {
    for (name, figure) in all() {
        let mut feet: Vec<(f32, f32)> = slanted(&figure);
        assert!(!name.starts_with("matrix") || feet.len() >= 2, "{name}");
        feet.sort_by(|a, b| a.0.total_cmp(&b.0));
        for pair in feet.windows(2) {
            // Across the slant of 65°.
            let apart = (pair[1].0 - pair[0].0) * 0.906;
            assert!(
                apart >= pair[0].1,
                "{name}: {apart} px for labels of {} px",
                pair[0].1
            );
        }
    }
}

#[test]
fn figures_show_names_from_outside_as_text() {
    let name = "<b>&\"x'</b>";
    let domains = DomainSet::from_names([name, "code"]).unwrap();
    let mixture = Mixture::new(domains.clone(), vec![0.5, 0.5]).unwrap();
    let figure = prior_and_proposed(&PriorAndProposed {
        prior: &mixture,
        proposed: &mixture,
        intervals: None,
        constraints: &Constraints::none(2),
        binding: &[],
    });
    assert!(!figure.svg().contains("<b>"));
    assert!(labels(&figure).iter().any(|(label, ..)| label == name));
    assert!(figure.png(1.0).is_ok());

    let mut tasks = crate::common::tasks(2);
    tasks[0].name = name.into();
    tasks[0].family = name.into();
    let law = LogLinear {
        log_c: 0.0,
        t: vec![-1.0, 1.0],
    };
    let figure = interaction_matrix(&InteractionMatrix {
        tasks: &tasks,
        domains: &domains,
        laws: &[law.clone().into(), law.into()],
        prior: mixture.weights(),
        dead: &[],
    });
    assert!(!figure.svg().contains("<b>"));
    assert_eq!(
        labels(&figure)
            .iter()
            .filter(|(label, ..)| label == name)
            .count(),
        2
    );
}

#[test]
fn figures_name_every_domain_and_task() {
    let case = crate::common::case(24, 12, 20);
    let texts = |figure: &Figure| -> Vec<String> {
        labels(figure)
            .into_iter()
            .map(|(label, ..)| label)
            .collect()
    };
    let (matrix, mixture, errors) = (
        texts(&matrix(&case)),
        texts(&mixture(&case)),
        texts(&errors(&case)),
    );
    let named = |labels: &[String], name: &str| {
        let cut = |label: &String| label.strip_suffix('…').map(str::to_owned);
        let matches = |label: &String| {
            label == name || cut(label).is_some_and(|start| name.starts_with(&start))
        };
        labels.iter().any(matches)
    };
    for name in case.swarm.domains().names() {
        assert!(named(&matrix, name) && named(&mixture, name), "{name}");
    }
    for task in case.swarm.tasks() {
        assert!(
            named(&matrix, &task.name) && named(&errors, &task.name),
            "{}",
            task.name
        );
    }
}

#[test]
fn figures_write_no_number_that_is_not_finite() {
    let mut case = crate::common::case(4, 3, 12);
    for (law, (domain, value)) in case
        .fit
        .laws
        .iter_mut()
        .zip([(1, f64::NAN), (2, f64::INFINITY)])
    {
        if let FittedLaw::LogLinear(law) = law {
            law.t[domain] = value;
        }
    }
    let folds = case.fit.out_of_fold.as_mut().unwrap();
    folds.predictions.set(1, 0, f64::NAN);
    folds.predictions.set(2, 0, f64::INFINITY);
    folds.predictions.set(3, 0, 1e300);
    folds.tasks[0].rmse = f64::NAN;
    folds.tasks[1].mean_rmse = 0.0;
    let proposal = case.fit.proposal.as_mut().unwrap();
    proposal.bootstrap.as_mut().unwrap().weights[0].high = f64::NAN;
    let mut grid = crate::common::sweep(4, &[1e12], &[2.0], &[0.0]);
    grid.natural = f64::NAN;
    let figures = [
        scatter(&case, 0),
        matrix(&case),
        mixture(&case),
        errors(&case),
        sweep(&grid),
    ];
    for figure in figures {
        assert!(!figure.svg().contains("NaN") && !figure.svg().contains("inf"));
        assert!(figure.png(1.0).is_ok());
    }
}

#[test]
fn figures_of_nothing_are_still_figures() {
    let scores = crate::common::scores(&[1.0], &[1.0]);
    let empty = predicted_against_measured(&PredictedAgainstMeasured {
        title: "none",
        subtitle: "",
        predicted: &[],
        measured: &[],
        scores: &scores,
    });
    let grid = crate::common::sweep(3, &[1e20], &[1.0], &[0.05]);
    assert!(grid.cells[0].outcome.is_err());
    for figure in [empty, sweep(&grid), task_errors(&[], &[])] {
        assert!(figure.png(1.0).is_ok());
    }
}

#[test]
fn a_scatter_counts_predictions_off_its_axis() {
    let case = crate::common::case(4, 3, 40);
    assert!(
        scatter(&case, 0)
            .svg()
            .contains("1 prediction off the axis")
    );
    assert!(!scatter(&case, 1).svg().contains("off the axis"));

    let mut case = case;
    let folds = case.fit.out_of_fold.as_mut().unwrap();
    folds.predictions.set(5, 1, -70.0);
    folds.predictions.set(6, 1, 1e30);
    folds.predictions.set(7, 1, f64::NAN);
    let svg = scatter(&case, 1).svg().to_owned();
    assert!(svg.contains("2 predictions off the axis (triangles), 1 not a finite number"));
}

#[test]
fn a_domain_at_its_cap_and_a_cell_without_mixture_are_marked() {
    let case = crate::common::case(6, 3, 20);
    assert!(mixture(&case).svg().contains("at its cap or bound"));
    let mut free = crate::common::case(6, 3, 20);
    free.fit.proposal.as_mut().unwrap().solution.binding.clear();
    assert!(!mixture(&free).svg().contains("at its cap or bound"));

    let grid = crate::common::sweep(6, &[1e12, 9e13], &[2.0], &[0.0, 0.1]);
    assert_eq!(sweep(&grid).svg().matches("no mixture").count(), 2);
}

#[test]
fn figures_are_the_same_bytes_for_the_same_input() {
    for ((_, first), (_, second)) in all().into_iter().zip(all()) {
        assert_eq!(first, second);
    }
    let case = crate::common::case(6, 3, 20);
    assert_eq!(
        scatter(&case, 1).png(1.0).unwrap(),
        scatter(&case, 1).png(1.0).unwrap()
    );
}

#[test]
fn a_png_has_the_size_of_its_figure_times_the_scale() {
    let figure = scatter(&crate::common::case(6, 3, 20), 1);
    for scale in [1.0_f32, 2.0] {
        let bytes = figure.png(scale).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(f64::from(info.width), figure.width() * f64::from(scale));
        assert_eq!(f64::from(info.height), figure.height() * f64::from(scale));
        // White paper, and ink on it.
        assert_eq!(&pixels[..3], &[255, 255, 255]);
        assert!(pixels.iter().any(|&value| value < 80));
    }
    for scale in [0.0, -1.0, f32::NAN, 1e9] {
        assert!(
            matches!(figure.png(scale), Err(ReportError::Size { .. })),
            "{scale}"
        );
    }
}
