//! What the report says to whoever decides: what was given up, what limits cost, and the verdict.
#![allow(clippy::pedantic, clippy::unwrap_used)]

use crate::common::{Case, case, report, unchecked};

/// A fit that nothing speaks against.
fn trusted() -> Case {
    let mut case = case(3, 4, 40);
    let folds = case.fit.out_of_fold.as_mut().unwrap();
    folds.average.rmse = 0.1 * folds.average.mean_rmse;
    folds.average.spearman = Some(0.95);
    folds.explosions.clear();
    folds.no_better_than_mean.clear();
    case
}

/// The points to decide by, as HTML.
fn brief(case: &Case) -> String {
    let html = report(case, &[]);
    let (_, rest) = html.split_once("<ul class=\"brief\">").unwrap();
    rest.split_once("</ul>").unwrap().0.replace('\u{a0}', " ")
}

#[test]
fn the_verdict_has_a_sign_for_each_level_and_what_would_raise_it() {
    let good = brief(&trusted());
    assert!(
        good.contains("<span class=\"trust-good\">● good</span>"),
        "{good}"
    );
    assert!(good.contains("would test it directly"), "{good}");

    let mut limited = trusted();
    limited.fit.out_of_fold.as_mut().unwrap().average.spearman = Some(0.6);
    let limited = brief(&limited);
    assert!(
        limited.contains("<span class=\"trust-limited\">◐ limited</span>"),
        "{limited}"
    );
    assert!(
        limited.contains("What would raise it: more runs"),
        "{limited}"
    );

    let poor = brief(&unchecked(trusted()));
    assert!(
        poor.contains("<span class=\"trust-poor\">○ poor</span>"),
        "{poor}"
    );
    assert!(
        poor.contains("cross-validation (<code>--folds 5</code>)"),
        "{poor}"
    );
}

#[test]
fn families_that_get_worse_are_named_with_a_sign_and_a_word() {
    let mut case = trusted();
    let tasks = case.swarm.tasks().to_vec();
    let proposal = case.fit.proposal.as_mut().unwrap();
    for (i, task) in tasks.iter().enumerate() {
        if task.family == "code" {
            proposal.predicted[i] = 1.1 * proposal.natural[i];
        }
    }
    let brief = brief(&case);
    assert!(
        brief.contains("<span class=\"worse\">▲ code 10.0 % worse</span>"),
        "{brief}"
    );
    assert!(brief.contains("<span class=\"better\">▼ math"), "{brief}");
}

#[test]
fn limits_say_what_a_step_and_doing_without_would_change() {
    let text = brief(&trusted());
    let cap = "can be 30.0 % at most (each token seen 4 times at most): one more pass over it would lower";
    assert!(text.contains(cap), "{text}");
    assert!(
        text.contains("no such limit would lower the loss by 2.00 %"),
        "{text}"
    );
    let mut free = trusted();
    free.fit.proposal.as_mut().unwrap().prices = Some(Vec::new());
    assert!(brief(&free).contains("no cap or bound holds the mixture back"));
}
