//! `olmix export` of a mixture in phases.

use std::path::{Path, PathBuf};

use olmix_fs::{is_standard_output, write_whole};
use olmix_io::export::{Format, Inputs, Schedule, ScheduleDomain, ScheduleText, Stage};
use olmix_io::{GenerationConfig, PhasedWeights};

use super::{files, origin, token_counts, tokens};
use crate::args::ExportArgs;
use crate::failure::Failure;
use crate::output;
use crate::page::Page;
use crate::table::{number, percent, table};

/// Writes or prints the mixtures of all phases in the format asked for.
pub fn run(
    args: &ExportArgs,
    phased: &PhasedWeights,
    data: Option<&GenerationConfig>,
) -> Result<(), Failure> {
    let file = args.mixture.display().to_string();
    let one = phased.phases.first().map_or("", |phase| &phase.name);
    let name_one = |message: String| {
        Failure::refused(format!(
            "{message}\n  help: name one phase, as in {file}#{one}"
        ))
    };
    if args.check.is_some() {
        return Err(name_one(format!(
            "--check looks at one mixture, and {file} is of {} phases",
            phased.phases.len()
        )));
    }
    let amounts = phased.amounts();
    let run = super::run_of(args, &amounts);
    let counts = data.map(token_counts).unwrap_or_default();
    let quiet = args.common.quiet || args.common.json;
    let listed = data
        .filter(|_| args.format.names_files())
        .map(|config| {
            let (data, folder) = (&config.data, &config.folder);
            files::of(data, folder, &amounts, &counts, args.format, &run, quiet)
        })
        .transpose()?;
    let inputs = Inputs {
        file: &file,
        origin: origin(&args.mixture, &amounts),
        run,
        data: data.map(|config| &config.data),
        token_counts: counts,
        files: listed.as_deref(),
    };
    let schedule = Schedule::new(args.format, phased, &inputs)?;
    let text = args.format.schedule(&schedule)?;
    let written = match (&text, &args.output) {
        (ScheduleText::One(text), Some(path)) => {
            write_whole(path, text.as_bytes())?;
            vec![path.clone()]
        }
        (ScheduleText::Each(texts), Some(path)) if !is_standard_output(path) => {
            let paths = paths(path, &schedule).map_err(name_one)?;
            for (path, text) in paths.iter().zip(texts) {
                write_whole(path, text.as_bytes())?;
            }
            paths
        }
        (ScheduleText::Each(_), _) if !args.common.json => {
            return Err(name_one(format!(
                "{} has a file for each phase, {} of them, which can't be printed as one; give --output FILE",
                args.format.name(),
                schedule.stages.len()
            )));
        }
        _ => Vec::new(),
    };
    if !args.common.quiet {
        output::notices(&notices(args, &schedule, &text, data.is_some()));
    }
    if args.common.json {
        return match Format::JSON.schedule(&schedule)? {
            ScheduleText::One(text) => output::print_json(&text),
            ScheduleText::Each(_) => Ok(()),
        };
    }
    match (&text, &args.output) {
        (ScheduleText::One(text), None) => return output::print_as_it_is(text),
        (_, Some(path)) if is_standard_output(path) => return Ok(()),
        _ => {}
    }
    if !args.common.quiet {
        output::print(summary(&schedule))?;
        let written: Vec<String> = written
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        output::print(format!("Written: {}", written.join(", ")))?;
    }
    Ok(())
}

/// The file of each phase: its name goes before the extension.
fn paths(output: &Path, schedule: &Schedule) -> Result<Vec<PathBuf>, String> {
    let stem = output.file_stem().unwrap_or_default().to_string_lossy();
    let end = output
        .extension()
        .map(|end| format!(".{}", end.to_string_lossy()));
    let path = |stage: &Stage| {
        let safe = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
        if !stage.name.chars().all(safe) {
            return Err(format!(
                "a file is named after the phase `{}`, which has characters that names of files can't have",
                stage.name
            ));
        }
        let end = end.as_deref().unwrap_or_default();
        Ok(output.with_file_name(format!("{stem}.{}{end}", stage.name)))
    };
    schedule.stages.iter().map(path).collect()
}

fn notices(
    args: &ExportArgs,
    schedule: &Schedule,
    text: &ScheduleText,
    has_data: bool,
) -> Vec<String> {
    let mut notices: Vec<String> = Vec::new();
    // What formats without comments say of a mixture is said of each phase.
    for stage in &schedule.stages {
        for notice in args.format.notices(&stage.blend, has_data) {
            if notice.contains('\n') {
                notices.push(format!("{}: {notice}", stage.name));
            } else if !notices.contains(&notice) {
                notices.push(notice);
            }
        }
    }
    if let ScheduleText::Each(_) = text {
        notices.push(format!(
            "{} knows one mixture a run: train the phases one after the other, each from the checkpoint of the one \
             before. Each begins again at the first data of a domain, so a domain of several phases repeats more than \
             the epochs of all phases together say",
            args.format.name()
        ));
    }
    notices
}

fn summary(schedule: &Schedule) -> Page {
    let domains = schedule.domains();
    let row = |domain: &ScheduleDomain<'_>| {
        let mut row = vec![domain.name.to_owned()];
        row.extend(schedule.stages.iter().map(|stage| {
            let found = stage
                .blend
                .domains
                .iter()
                .find(|one| one.name == domain.name);
            found.map_or_else(|| "–".to_owned(), olmix_io::export::BlendDomain::weight)
        }));
        row.push(tokens(domain.tokens));
        row.push(number(domain.epochs(), 2));
        row
    };
    let rows: Vec<Vec<String>> = domains.iter().map(row).collect();
    let stages = schedule.stages.iter();
    let names: Vec<String> = stages
        .map(|stage| format!("{} ({})", stage.name, percent(stage.fraction)))
        .collect();
    let mut header = vec!["domain"];
    header.extend(names.iter().map(String::as_str));
    header.extend(["tokens", "epochs"]);
    table(&header, &rows)
}
