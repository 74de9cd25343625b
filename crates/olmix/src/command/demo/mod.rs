//! `olmix demo`: every command of the story, one after another, on data made here.
//!
//! The steps are the commands a user would type, called with the arguments that are printed beside them: what
//! the demo shows is what the program does. All can be stopped and started again.

mod data;
mod larger;

use std::path::{Path, PathBuf};

use olmix_fs::{check_writable, write_whole};
use serde_json::json;

use super::{collect, fit, generate, launch, on_threads};
use crate::args::{
    CollectArgs, Common, CostArgs, DemoArgs, FitArgs, GenerateArgs, LaunchCommand, LaunchRunArgs,
    LawArgs, SettingArgs,
};
use crate::failure::Failure;
use crate::output;
use larger::Larger;

/// Makes data, trains a swarm, fits, proposes, and tries the proposal on a larger model.
pub fn run(args: &DemoArgs) -> Result<(), Failure> {
    let demo = Demo::new(args)?;
    demo.announce(
        1,
        "eight small text domains and their tasks, made from a seed and turned into tokens",
        "olmix tokenize",
    );
    on_threads(args.common, || data::make(&demo))?;
    demo.announce(
        2,
        "a swarm: 27 mixtures around the natural one",
        "olmix generate --config generate.yaml --base launch.yaml --output swarm",
    );
    demo.generate()?;
    demo.announce(
        3,
        "a proxy of 0.1M parameters trained and measured on each",
        "olmix launch run --variants swarm/launch",
    );
    demo.launch("swarm/launch")?;
    demo.announce(
        4,
        "what they measured, as two tables",
        "olmix collect --swarm swarm/runs --output .",
    );
    demo.collect()?;
    demo.announce(
        5,
        "a law per task, and the mixture with the least predicted loss",
        "olmix fit --config fit.yaml --output-dir out",
    );
    demo.fit()?;
    let configs = larger::write_configs(&demo)?;
    demo.announce(
        6,
        "a model ten times larger, on the natural mixture and on the proposed one",
        "olmix launch run --variants larger/launch",
    );
    demo.launch("larger/launch")?;
    let larger = Larger::read(&demo, &configs)?;
    write_whole(&demo.path("report.html"), larger.page(&demo)?.as_bytes())?;
    let figure = larger.figure();
    for (name, bytes) in figure.files("curves", 1.5)? {
        write_whole(&demo.path(&name), &bytes)?;
    }
    let summary = larger.json();
    write_whole(&demo.path("demo.json"), &super::json(&summary)?)?;
    if args.common.json {
        return output::print_json(&json!(summary).to_string());
    }
    if !args.common.quiet {
        output::print(larger.describe())?;
        output::print(format!(
            "Written: {} (the whole story), {} (the fit), ratios.csv, metrics.csv",
            demo.path("report.html").display(),
            demo.path("out/report.html").display()
        ))?;
    }
    Ok(())
}

/// A demo and its folder.
struct Demo {
    folder: PathBuf,
    seed: u64,
    common: Common,
}

impl Demo {
    fn new(args: &DemoArgs) -> Result<Self, Failure> {
        check_writable(&args.output)?;
        let demo = Self {
            // The runs' processes need not share this working directory.
            folder: std::path::absolute(&args.output).unwrap_or_else(|_| args.output.clone()),
            seed: args.seed,
            common: args.common,
        };
        let seed_file = demo.path("seed.json");
        let mine = json!({ "seed": args.seed }).to_string();
        match std::fs::read_to_string(&seed_file) {
            Ok(found) if found != mine => Err(Failure::usage(
                format!(
                    "{}: holds a demo of another seed ({found})",
                    args.output.display()
                ),
                "give another --output, or remove that folder",
            )),
            Ok(_) => Ok(demo),
            Err(_) => {
                write_whole(&seed_file, mine.as_bytes())?;
                Ok(demo)
            }
        }
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join(name)
    }

    /// Prints which step comes next, and the command that does it.
    fn announce(&self, step: usize, what: &str, command: &str) {
        if !(self.common.quiet || self.common.json) {
            output::eprint_line(&format!("{step}/6 {what}\n    {command}"));
        }
    }

    /// Options of a step: its own output is kept back, but for progress.
    fn common(&self, quiet: bool) -> Common {
        Common {
            json: false,
            quiet: quiet || self.common.quiet || self.common.json,
            threads: self.common.threads,
        }
    }

    fn generate(&self) -> Result<(), Failure> {
        generate::run(&GenerateArgs {
            config: self.path("generate.yaml"),
            base: Some(self.path("launch.yaml")),
            output: self.path("swarm"),
            replicates: None,
            variants: None,
            design: None,
            seed: None,
            cost: CostArgs::default(),
            common: self.common(true),
        })
    }

    fn launch(&self, variants: &str) -> Result<(), Failure> {
        launch::run(&LaunchCommand::Run(LaunchRunArgs {
            config: None,
            variants: self.path(variants),
            engine: Some(olmix_io::EngineKind::Local),
            detach: false,
            jobs: None,
            out: None,
            ledger: None,
            retries: olmix_launch::DEFAULT_RETRIES,
            retry_failed: false,
            common: self.common(false),
        }))
    }

    fn collect(&self) -> Result<(), Failure> {
        collect::run(&CollectArgs {
            swarm: self.path("swarm/runs").display().to_string(),
            output: self.folder.clone(),
            include: Vec::new(),
            exclude: Vec::new(),
            include_short: false,
            run_column: None,
            mix: Vec::new(),
            metrics: Vec::new(),
            tokens: None,
            ratios: None,
            variants: None,
            experiment: None,
            common: self.common(true),
        })
    }

    fn fit(&self) -> Result<(), Failure> {
        fit::run(&FitArgs {
            verbose: false,
            open: false,
            config: self.path("fit.yaml"),
            output_dir: self.path("out"),
            preset: None,
            kl_reg: None,
            target: None,
            laws: LawArgs {
                ridge: None,
                dead_domains: None,
            },
            settings: SettingArgs::default(),
            bootstrap: None,
            folds: None,
            common: self.common(false),
        })
    }
}
