//! Exports of a mixture in phases, with known answers.
#![allow(clippy::unwrap_used)] // helpers of tests

use olmix_io::export::{Format, Inputs, Run, Schedule, ScheduleText};
use olmix_io::{DomainWeights, IoError, LaunchConfig, PhaseWeights, PhasedWeights};

/// Web and code, then code and math.
fn phased(fractions: [f64; 2]) -> PhasedWeights {
    let phase = |name: &str, fraction, weights: [(&str, f64); 2]| PhaseWeights {
        name: name.to_owned(),
        fraction,
        weights: DomainWeights::of(
            weights
                .map(|(name, share)| (name.to_owned(), share))
                .to_vec(),
        ),
    };
    PhasedWeights {
        phases: vec![
            phase("pretraining", fractions[0], [("web", 0.75), ("code", 0.25)]),
            phase("cooldown", fractions[1], [("code", 0.5), ("math", 0.5)]),
        ],
        target_tokens: None,
        repetition_factor: None,
        made_by: None,
    }
}

/// 100 batches of 8 sequences of 10 tokens.
const RUN: Run = Run {
    target_tokens: Some(8000.0),
    repetition_factor: None,
    sequence_length: Some(10),
    batch_tokens: Some(80),
};

fn schedule(format: &str, fractions: [f64; 2], run: Run, math: u64) -> Result<Schedule, IoError> {
    let counts = [("web", 6000), ("code", 1000), ("math", math)];
    let inputs = Inputs {
        file: "mixture.json",
        run,
        token_counts: counts.into_iter().collect(),
        ..Inputs::default()
    };
    Schedule::new(Format::named(format).unwrap(), &phased(fractions), &inputs)
}

fn text(format: &str, run: Run) -> String {
    let schedule = schedule(format, [0.8, 0.2], run, 400).unwrap();
    match Format::named(format).unwrap().schedule(&schedule).unwrap() {
        ScheduleText::One(text) => text,
        ScheduleText::Each(texts) => texts.join("---\n"),
    }
}

#[test]
fn levanter_has_pairs_of_the_first_step_and_the_weights_of_a_phase() {
    let text = text("levanter", RUN);
    // 640 and 160 sequences: the largest block that divides both is 160.
    for part in [
        "mixture_block_size: 160",
        "# For a run of 8e3 tokens in 2 phases:\n",
        "#   pretraining: 0.8 of the run, 6.4000e3 tokens, from step 0\n",
        "#   cooldown: 0.2 of the run, 1.6000e3 tokens, from step 80\n",
        // 1600 of the first phase and 800 of the second, of 1000.
        "#   code: 2.4000e3 tokens, 2.40 epochs\n",
        "#   math: 8.0000e2 tokens, 2.00 epochs\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Weights from which Levanter takes exactly these sequences of a block, as for a single mixture.
    let stages = "  train_weights:
    -
      - 0
      - web: 0.749999999
        code: 0.250000001
        math: 0.000000000
    -
      - 80
      - web: 0.000000000
        code: 0.499999999
        math: 0.500000001
";
    assert!(text.contains(stages), "{text}");
    assert_eq!(text.matches("train_urls").count(), 3);
}

#[test]
fn phases_are_whole_batches_by_largest_remainders() {
    let run = Run {
        target_tokens: Some(240.0),
        ..RUN
    };
    // Of 3 batches 2.1 and 0.9.
    let found = schedule("csv", [0.7, 0.3], run, 400).unwrap();
    assert_eq!(found.first_steps(), Some(vec![0, 2]));
    assert_eq!(found.stages[1].blend.run.target_tokens, Some(80.0));
    let one = Run {
        target_tokens: Some(80.0),
        ..RUN
    };
    let message = schedule("csv", [0.7, 0.3], one, 400)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("the phase `cooldown` has no batch: 0.3 of 1 batches are 0"),
        "{message}"
    );
}

#[test]
fn nanotron_counts_steps_from_one_and_names_its_stages() {
    let text = text("nanotron", RUN);
    for stage in [
        "  - name: pretraining\n    start_training_step: 1\n",
        "  - name: cooldown\n    start_training_step: 81\n",
    ] {
        assert!(text.contains(stage), "{text}");
    }
}

#[test]
fn the_mix_of_a_launch_config_has_phases_that_launch_reads() {
    let head = "name: x\ntraining: {proxy_model_id: olmo3_30m}\n\
                data: {dtype: uint16, sources: [{name: a, paths: [a.bin]}]}\n";
    let text = format!("{head}{}", text("mix", RUN));
    let config = LaunchConfig::parse("launch.yaml", &text, std::path::Path::new("")).unwrap();
    assert_eq!(config.phases[1].name, "cooldown");
    assert!((config.phases[1].fraction - 0.2).abs() < 1e-12);
    let code = config.mix.iter().find(|leaf| leaf.name == "code").unwrap();
    assert!((code.weight - 0.3).abs() < 1e-9);
    // 2.4 epochs over both phases, rounded up.
    assert_eq!(code.repetition_factor, Some(2.403));
}

#[test]
fn tables_have_the_phase_of_each_row_and_trainers_of_one_mixture_a_file_for_each_phase() {
    assert_eq!(
        text("csv", RUN),
        "phase,domain,weight,tokens,epochs\npretraining,web,0.750000000,4800,0.8\n\
         pretraining,code,0.250000000,1600,1.6\ncooldown,code,0.500000000,800,0.8\n\
         cooldown,math,0.500000000,800,2\n"
    );
    let json: serde_json::Value = serde_json::from_str(&text("json", RUN)).unwrap();
    assert_eq!(json[1]["phase"], "cooldown");
    assert_eq!(json[1]["tokens"], 1600.0);
    assert_eq!(json[1]["mixture"][1]["domain"], "math");
    assert_eq!(
        text("megatron", RUN),
        "0.750000000 web 0.250000000 code\n---\n0.500000000 code 0.500000000 math\n"
    );
    let stage = "- phase: cooldown\n  fraction: 0.2\n  weights:\n    code: 0.500000000\n    math: 0.500000000\n";
    assert!(text("yaml", RUN).ends_with(stage));
}

#[test]
fn a_cap_counts_the_tokens_of_all_phases() {
    let capped = |most| Run {
        repetition_factor: Some(most),
        ..RUN
    };
    assert!(schedule("csv", [0.8, 0.2], capped(2.41), 400).is_ok());
    // No phase alone sees code more than twice.
    let message = schedule("csv", [0.8, 0.2], capped(2.0), 400)
        .unwrap_err()
        .to_string();
    let expected =
        "all phases together would see `code` 2.40 times, more than the repetition factor 2";
    assert!(message.contains(expected), "{message}");
}

#[test]
fn levanter_refuses_a_schedule_without_steps_or_with_a_block_too_small() {
    let refused = |run: Run, fractions| {
        let found = schedule("levanter", fractions, run, 400).unwrap();
        let text = Format::named("levanter").unwrap().schedule(&found);
        text.unwrap_err().to_string()
    };
    let without = Run {
        batch_tokens: None,
        ..RUN
    };
    let message = refused(without, [0.8, 0.2]);
    assert!(
        message.contains("levanter needs the steps at which the phases begin"),
        "{message}"
    );
    assert!(message.contains("mixture.json#pretraining"), "{message}");
    // 4 and 3 batches of one sequence: a block of one sequence can't hold two domains.
    let small = Run {
        target_tokens: Some(70.0),
        batch_tokens: Some(10),
        ..RUN
    };
    let message = refused(small, [4.0 / 7.0, 3.0 / 7.0]);
    assert!(message.contains("a block has 1 sequences"), "{message}");
}
