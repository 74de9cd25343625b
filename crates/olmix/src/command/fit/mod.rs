//! `olmix fit`.

mod describe;
mod files;
mod phases;
mod prices;
mod scale;
mod statistics;
mod summary;

use olmix_core::{DeadDomains, Fit, Ridge, fit};
use olmix_fs::{StagedSet, check_writable};
use olmix_io::{
    KlReg, LoadedFit, MixtureFile, Overrides, fact_sentences, fit_warnings, load_fit_with,
    repetition_sentences, scale_sentences, verdict_words,
};
use olmix_report::{InputFile, ReportInput, TrustWords, html};

use super::{json, on_threads};
use crate::args::FitArgs;
use crate::browser;
use crate::failure::Failure;
use crate::output;
use crate::page::Page;
use crate::progress::Bar;
use describe::describe;
use files::{figures, reference_files};
use statistics::statistics;

/// Reads, fits, writes, prints.
pub fn run(args: &FitArgs) -> Result<(), Failure> {
    on_threads(args.common, || {
        let overrides = Overrides {
            edits: args.edits(),
            preset: args.preset,
            kl_reg: args.kl_reg,
            ridge: args.laws.ridge,
            dead_domains: args.laws.dead_domains,
            folds: args.folds,
            bootstrap: args.bootstrap,
            ..Overrides::default()
        };
        if args.open {
            browser::check().map_err(|why| {
                Failure::usage(
                    format!("--open: {why}"),
                    "leave it out, and open report.html by hand",
                )
            })?;
        }
        let loaded = load_fit_with(&args.config, &overrides)?;
        loaded.check_constraints()?;
        check_writable(&args.output_dir)?;
        let quiet = args.common.quiet || args.common.json;
        if !args.common.quiet {
            output::notices(&loaded.notices);
        }
        let bar = Bar::new(quiet);
        let fit = fit(&loaded.swarm, &loaded.spec, &bar).map_err(|e| loaded.core_error(e))?;
        let hash = loaded.config_hash();
        let mixture = MixtureFile::new(&loaded, &fit).to_bytes()?;
        bar.begin("drawing", 1);
        let trained = loaded.swarm.subset(&fit.train);
        let warnings = fit_warnings(&fit, &trained, &loaded.spec);
        write(args, &loaded, &fit, &warnings, &mixture, &hash)?;
        drop(bar);
        if !args.common.quiet {
            output::warnings(&warnings);
        }
        if args.common.json {
            output::print_json(&String::from_utf8_lossy(&mixture))?;
        } else if !quiet {
            output::print(describe(&loaded, &trained, &fit))?;
            if args.verbose {
                output::print(Page::from("\n") + statistics(&loaded, &trained, &fit))?;
            }
            let folder = args.output_dir.display();
            output::print(format!(
                "Written: {folder}/mixture.json, {folder}/report.html, {folder}/{hash}/"
            ))?;
        }
        if args.open {
            let report = args.output_dir.join("report.html");
            if let Err(why) = browser::open(&report) {
                output::warnings(&[format!(
                    "the report can't be shown: {why}; open {} by hand",
                    report.display()
                )]);
            }
        }
        Ok(())
    })
}

/// Everything but the mixture and the report of the latest fit goes to a folder of its own, named
/// by a hash of config and data, which appears whole or not at all.
fn write(
    args: &FitArgs,
    loaded: &LoadedFit,
    fit: &Fit,
    warnings: &[String],
    mixture: &[u8],
    hash: &str,
) -> Result<(), Failure> {
    let report = report(args, loaded, fit, warnings, mixture);
    let mut files = figures(loaded, fit)?;
    files.push(("mixture.json".into(), mixture.to_vec()));
    files.push(("report.html".into(), report.clone().into_bytes()));
    files.push(("config.json".into(), json(&loaded.config)?));
    files.extend(reference_files(loaded, fit)?);
    // All of one fit, whenever the process is killed.
    let mut staged = StagedSet::new(&args.output_dir)?;
    staged.folder(hash, &files, false)?;
    staged.file("report.html", report.as_bytes())?;
    staged.file("mixture.json", mixture)?;
    Ok(staged.commit()?)
}

fn report(
    args: &FitArgs,
    loaded: &LoadedFit,
    fit: &Fit,
    warnings: &[String],
    mixture: &[u8],
) -> String {
    let inputs: Vec<InputFile<'_>> = loaded
        .inputs
        .iter()
        .map(|input| InputFile {
            path: &input.path,
            sha256: &input.sha256,
        })
        .collect();
    let config = args.config.display().to_string();
    let trained = loaded.swarm.subset(&fit.train);
    let verdict = fit.verdict(&trained, &loaded.spec);
    let words = verdict.map(|verdict| verdict_words(&verdict, &loaded.spec));
    let constraints = &loaded.config.constraints;
    let facts = [
        fact_sentences(fit, &trained, &loaded.spec),
        scale_sentences(loaded, fit),
        repetition_sentences(loaded, fit),
    ]
    .concat();
    html(&ReportInput {
        title: "Training mixture",
        swarm: &loaded.swarm,
        spec: &loaded.spec,
        fit,
        target_tokens: constraints.target_tokens.filter(|_| constraints.enabled),
        repetition_factor: constraints.enabled.then_some(constraints.repetition_factor),
        notices: &loaded.notices,
        warnings,
        facts: &facts,
        command: &command_line(args),
        config: &config,
        inputs: &inputs,
        version: env!("CARGO_PKG_VERSION"),
        verdict: words.as_ref().map(|words| TrustWords {
            level: words.level,
            why: &words.why,
            remedies: &words.remedies,
        }),
        mixture: std::str::from_utf8(mixture).ok(),
    })
}

/// The command that makes this result again, wherever it is to go: the same result has the same
/// bytes in every folder.
fn command_line(args: &FitArgs) -> String {
    let mut line = format!("olmix fit --config {}", args.config.display());
    if let Some(preset) = args.preset {
        line += &format!(" --preset {}", preset.name());
    }
    match args.kl_reg {
        Some(KlReg::Auto) => line += " --kl auto",
        Some(KlReg::Fixed(kl)) => line += &format!(" --kl {kl}"),
        None => {}
    }
    match args.laws.ridge {
        Some(Ridge::Auto) => line += " --ridge auto",
        Some(Ridge::Fixed(ridge)) => line += &format!(" --ridge {ridge}"),
        None => {}
    }
    match args.laws.dead_domains {
        Some(DeadDomains::Error) => line += " --dead-domains error",
        Some(DeadDomains::Hold) => line += " --dead-domains hold",
        None => {}
    }
    if let Some(target) = &args.target {
        let tables = format!("--target {},{}", target.ratios, target.metrics);
        line += &format!(" {}", shell_words(&tables));
    }
    for edit in args.settings.edits() {
        // Caps are one flag and two edits.
        if !edit.path.ends_with(&["enabled".to_owned()]) || edit.given_as.starts_with("--set") {
            line += &format!(" {}", shell_words(&edit.given_as));
        }
    }
    for (flag, value) in [("--bootstrap", args.bootstrap), ("--folds", args.folds)] {
        if let Some(value) = value {
            line += &format!(" {flag} {value}");
        }
    }
    line
}

/// A flag and its value as a shell takes them.
fn shell_words(given_as: &str) -> String {
    let (flag, value) = given_as.split_once(' ').unwrap_or((given_as, ""));
    let plain = |c: char| c.is_ascii_alphanumeric() || "=.,:_-+/".contains(c);
    if value.chars().all(plain) {
        format!("{flag} {value}")
    } else {
        format!("{flag} '{}'", value.replace('\'', "'\\''"))
    }
}
