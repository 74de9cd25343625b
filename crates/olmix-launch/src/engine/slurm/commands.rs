//! Slurm's commands: started without what the user's environment would add to them.

use std::process::{Command, Stdio};

use crate::engine::cluster::contract::ClusterError;

/// Variables by which Slurm's commands take options, by their beginnings. What olmix asks is what it says on
/// the command line and in the script: `SQUEUE_PARTITION`, say, would hide jobs from it, and
/// `SBATCH_PARTITION` would take precedence over `engine.partition`.
const OPTIONS: [&str; 6] = [
    "SQUEUE_", "SBATCH_", "SCANCEL_", "SACCT_", "SINFO_", "SLURM_",
];

/// Of these, what says which cluster there is and who asks.
const KEPT: [&str; 3] = ["SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT"];

/// What Slurm says when its controller can't be reached for a while.
const TRANSIENT_ERRORS: [&str; 9] = [
    "Unable to contact slurm controller",
    "Socket timed out",
    "Connection refused",
    "Connection reset",
    "Connection timed out",
    "Zero Bytes were transmitted",
    "Resource temporarily unavailable",
    "Slurm backup controller",
    "Communication connection failure",
];

/// Whether a command is on the path.
pub fn on_path(command: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(command).is_file())
}

/// Whether a variable is kept from Slurm's commands.
fn is_option(name: &str) -> bool {
    OPTIONS.iter().any(|start| name.starts_with(start)) && !KEPT.contains(&name)
}

/// The variables of `sbatch` that the environment has and that have no effect, sorted.
pub fn ignored_variables() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("SBATCH_")).collect();
    names.sort();
    names
}

/// Runs a command of Slurm, and returns what it prints.
///
/// # Errors
/// [`ClusterError`] by what it says on standard error.
pub fn run_command(program: &str, arguments: &[&str]) -> Result<String, ClusterError> {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_option) {
            command.env_remove(name);
        }
    }
    let done = command
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            ClusterError::refused(
                format!("{program}: could not be started: {error}"),
                "Slurm's commands must be on the path",
            )
        })?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let text = String::from_utf8_lossy(&done.stderr);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let message = match lines.as_slice() {
        [] => format!("{program}: {}", done.status),
        lines => lines.join("; "),
    };
    if TRANSIENT_ERRORS.iter().any(|words| message.contains(words)) {
        return Err(ClusterError::Unreachable(message));
    }
    Err(ClusterError::refused(message, help(&text)))
}

/// What to do about what sbatch says.
fn help(message: &str) -> String {
    let message = message.to_ascii_lowercase();
    let about = |word: &str, what: &str| message.contains(word).then(|| what.to_owned());
    about(
        "partition",
        "correct `engine.partition`; `sinfo` lists the partitions",
    )
    .or_else(|| {
        about(
            "account",
            "correct `engine.account`; `sacctmgr show associations user=$USER` lists yours",
        )
    })
    .or_else(|| {
        about(
            "qos",
            "correct `engine.qos`; `sacctmgr show qos` lists them",
        )
    })
    .or_else(|| {
        about(
            "generic resource",
            "correct `engine.gres` or `engine.gpus`; `sinfo -o %G` lists what there is",
        )
    })
    .or_else(|| {
        about(
            "time limit",
            "correct `engine.time`; `sinfo -o '%P %l'` lists the limits",
        )
    })
    .or_else(|| {
        about(
            "munge",
            "Slurm's authentication does not work here: is munged running on this machine?",
        )
    })
    .or_else(|| {
        about(
            "slurm.conf",
            "this machine has no Slurm configuration: use a login node of the cluster",
        )
    })
    .unwrap_or_else(|| "correct the section `engine` of the launch config or olmix.yaml".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_the_meaning_of_a_command_is_kept_from_it_and_the_way_to_slurm_is_not() {
        for name in [
            "SQUEUE_PARTITION",
            "SQUEUE_NAMES",
            "SBATCH_TIMELIMIT",
            "SCANCEL_STATE",
            "SACCT_FORMAT",
            "SINFO_ALL",
            "SLURM_CLUSTERS",
            "SLURM_MEM_PER_CPU",
            "SLURM_BITSTR_LEN",
        ] {
            assert!(is_option(name), "{name}");
        }
        for name in ["SLURM_CONF", "SLURM_JWT", "SLURM", "PATH", "AWS_REGION"] {
            assert!(!is_option(name), "{name}");
        }
    }
}
