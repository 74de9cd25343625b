//! What Ray answers, read.

use super::*;

#[test]
fn jobs_of_the_list_are_read() {
    let job = json!({"submission_id": "olmix-web-v2.k2x-7", "status": "FAILED", "message": "Job \
        supervisor actor could not be scheduled: its node died"});
    let told = seen(&job).map(|seen| (seen.token, seen.task, seen.state));
    assert_eq!(
        told,
        Some((
            "k2x".into(),
            Some(7),
            JobState::Ended(ExitReason::NodeFailed)
        ))
    );
    assert_eq!(
        seen(&json!({"submission_id": "raysubmit_x", "status": "RUNNING"})),
        None
    );
    assert_eq!(
        seen(&json!({"submission_id": null, "status": "RUNNING"})),
        None
    );
}

#[test]
fn the_last_words_of_a_refusal_are_not_a_dot() {
    let text = "Traceback\n  raise ValueError(\nValueError: Job with submission_id a-1 already exists.\n.\n";
    assert!(last_words(text).ends_with("submission_id a-1 already exists."));
    assert_eq!(last_words(" \n.\n"), "");
}

#[test]
fn a_job_that_was_never_placed_is_told_apart_from_a_node_that_failed() {
    let state = |message: &str| {
        let id = "olmix-web.k2x-7";
        let job = json!({"submission_id": id, "status": "FAILED", "message": message});
        seen(&job).map(|job| job.state)
    };
    let unplaced = "Job supervisor actor failed to start within 8.0 seconds. This may be because";
    assert_eq!(
        state(unplaced),
        Some(JobState::Ended(ExitReason::NotPlaced))
    );
    let node = "the node died";
    assert_eq!(state(node), Some(JobState::Ended(ExitReason::NodeFailed)));
}

#[test]
fn a_request_fits_where_one_living_node_has_all_of_it() {
    let nodes = json!({"data": {"result": {"result": [
        {"state": "ALIVE", "resources_total": {"CPU": 8.0, "memory": 1e9}},
        {"state": "ALIVE", "resources_total": {"CPU": 2.0, "GPU": 1.0}},
        {"state": "DEAD", "resources_total": {"CPU": 99.0, "GPU": 9.0}},
    ]}}});
    let fits = |request: &[(&str, f64)]| {
        let owned = |(name, amount): &(&str, f64)| ((*name).to_owned(), *amount);
        fits_a_node(&nodes, &request.iter().map(owned).collect::<Vec<_>>())
    };
    assert_eq!(fits(&[("CPU", 8.0)]), Some(true));
    assert_eq!(fits(&[("CPU", 2.0), ("GPU", 0.5)]), Some(true));
    assert_eq!(fits(&[("CPU", 8.0), ("GPU", 1.0)]), Some(false));
    assert_eq!(fits(&[("CPU", 99.0)]), Some(false));
    assert_eq!(fits(&[("special", 1.0)]), Some(false));
    assert_eq!(fits_a_node(&json!({"result": false}), &[]), None);
}

#[test]
fn what_a_run_asks_for_has_the_names_of_ray() {
    let settings = EngineConfig {
        gpu_fraction: Some(0.5),
        gpus: Some(1),
        memory: Some("2G".into()),
        resources: vec![("special".into(), 1.0)],
        ..EngineConfig::default()
    };
    let expected = [
        ("special", 1.0),
        ("CPU", 1.0),
        ("GPU", 0.5),
        ("memory", 2_147_483_648.0),
    ];
    let expected = expected.map(|(name, amount)| (name.to_owned(), amount));
    assert_eq!(resources(&settings), expected);
}

#[test]
fn what_a_head_without_agents_answers_is_asked_again() {
    let later = "No available agent to submit job, please try again later.";
    let failed = StatusCode::INTERNAL_SERVER_ERROR;
    assert!(is_for_now(failed, later));
    assert!(!is_for_now(
        failed,
        "ValueError: Failed to parse runtime_env"
    ));
    assert!(!is_for_now(StatusCode::BAD_REQUEST, later));
    assert!(is_for_now(StatusCode::BAD_GATEWAY, ""));
}
