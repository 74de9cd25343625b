//! A Slurm cluster of this machine: a controller, two nodes and their authentication, all in one folder and gone with it.
#![allow(dead_code)] // each test file uses a part
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::panic)] // helpers of tests

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What must be on the machine; `scripts/test-services.sh` installs it.
const PROGRAMS: [&str; 6] = [
    "slurmctld",
    "slurmd",
    "munged",
    "sbatch",
    "squeue",
    "scontrol",
];

/// One cluster at a time: the tests of a file take turns, as each needs the machine.
static TURN: Mutex<()> = Mutex::new(());

/// A cluster at work.
pub struct Slurm {
    folder: tempfile::TempDir,
    /// A folder that its nodes don't see.
    hidden: Option<PathBuf>,
    _turn: MutexGuard<'static, ()>,
}

impl Slurm {
    /// Starts one. `None`, with the reason printed, where Slurm is not installed or this user may not run it.
    pub fn start() -> Option<Self> {
        Self::start_hiding(None)
    }

    /// As [`Slurm::start`]; nodes see an empty folder in place of one that is given.
    pub fn start_hiding(hidden: Option<&Path>) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = std::env::split_paths(&path)
            .chain(["/usr/sbin".into(), "/usr/bin".into()])
            .collect();
        let missing = PROGRAMS
            .iter()
            .find(|program| !folders.iter().any(|folder| folder.join(program).is_file()));
        if let Some(missing) = missing {
            assert!(
                std::env::var_os("OLMIX_TEST_SERVICES").is_none(),
                "{missing} is not installed"
            );
            eprintln!("skipped, without {missing}: scripts/test-services.sh installs it");
            return None;
        }
        let id = Command::new("id").arg("-u").output().unwrap().stdout;
        if hidden.is_some() && id != b"0\n" {
            eprintln!("skipped: only root can hide a folder from the nodes");
            return None;
        }
        // A turn that a failed test left is as good as any.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let slurm = Self {
            folder: tempfile::tempdir().unwrap(),
            hidden: hidden.map(Path::to_owned),
            _turn: turn,
        };
        slurm.write();
        // Its socket has to be reachable for every user, and its folder for nobody else to write.
        let munge = slurm.path("munge");
        fs::set_permissions(slurm.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&munge, fs::Permissions::from_mode(0o711)).unwrap();
        let file = |name: &str| munge.join(name).display().to_string();
        slurm.run(
            "munged",
            &[
                "--socket",
                &file("socket"),
                "--key-file",
                &file("key"),
                "--pid-file",
                &file("pid"),
                "--log-file",
                &file("log"),
                "--seed-file",
                &file("seed"),
            ],
        );
        slurm.start_controller();
        for node in NODES {
            slurm.start_node(node);
        }
        slurm.wait_for("nodes are idle", |slurm| {
            slurm
                .ask("sinfo", &["--noheader", "-o", "%T", "-N"])
                .lines()
                .all(|state| state == "idle")
        });
        Some(slurm)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The configuration that clients need, too.
    pub fn conf(&self) -> PathBuf {
        self.path("slurm.conf")
    }

    fn write(&self) {
        for name in ["munge", "state", "log"] {
            fs::create_dir(self.path(name)).unwrap();
        }
        let mut key = vec![0_u8; 128];
        for (i, byte) in key.iter_mut().enumerate() {
            *byte = (i as u8).wrapping_mul(37) ^ (std::process::id() as u8);
        }
        fs::write(self.path("munge/key"), key).unwrap();
        fs::set_permissions(self.path("munge/key"), fs::Permissions::from_mode(0o400)).unwrap();
        let host = String::from_utf8(Command::new("hostname").output().unwrap().stdout).unwrap();
        let host = host.trim();
        let root = self.folder.path().display();
        let user =
            String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
        let user = user.trim();
        // Ports are held until all are known, so that they differ.
        let held: Vec<TcpListener> = (0..3)
            .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
            .collect();
        let port = |i: usize| held[i].local_addr().unwrap().port();
        let text = format!(
            "ClusterName=test\nSlurmctldHost={host}(127.0.0.1)\nSlurmctldPort={}\nSlurmUser={user}\nSlurmdUser={user}\n\
             AuthType=auth/munge\nAuthInfo=socket={root}/munge/socket\nCryptoType=crypto/munge\n\
             StateSaveLocation={root}/state\nSlurmdSpoolDir={root}/spool.%n\nSlurmctldPidFile={root}/slurmctld.pid\n\
             SlurmdPidFile={root}/slurmd.%n.pid\nSlurmctldLogFile={root}/log/slurmctld.log\nSlurmdLogFile={root}/log/%n.log\n\
             ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nReturnToService=2\nSlurmdParameters=config_overrides\nSelectType=select/cons_tres\n\
             SelectTypeParameters=CR_CPU\nSchedulerType=sched/backfill\n\
             SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0,batch_sched_delay=0\n\
             PreemptType=preempt/partition_prio\nPreemptMode=REQUEUE\nJobRequeue=1\nKillWait=5\nMinJobAge=300\n\
             MaxArraySize=501\nMaxJobCount=20000\nSlurmdTimeout=10\nInactiveLimit=0\nMpiDefault=none\n\
             AccountingStorageType=accounting_storage/none\nJobAcctGatherType=jobacct_gather/none\n\
             NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={} CPUs=4 State=UNKNOWN\n\
             NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={} CPUs=4 State=UNKNOWN\n\
             PartitionName=low Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP PriorityTier=1\n\
             PartitionName=high Nodes=n1,n2 MaxTime=INFINITE State=UP PriorityTier=10\n",
            port(0),
            port(1),
            port(2)
        );
        fs::write(self.conf(), text).unwrap();
    }

    pub fn start_controller(&self) {
        self.run("slurmctld", &[]);
    }

    /// Starts the controller without its memory: it knows no job any more.
    pub fn start_controller_anew(&self) {
        self.run("slurmctld", &["-c"]);
    }

    pub fn stop_controller(&self) {
        self.kill("slurmctld.pid", "-TERM");
    }

    pub fn start_node(&self, node: &str) {
        match &self.hidden {
            None => self.run("slurmd", &["-N", node]),
            Some(hidden) => {
                let line = format!(
                    "mount -t tmpfs none '{}' && exec slurmd -N {node}",
                    hidden.display()
                );
                self.run("unshare", &["--mount", "sh", "-c", &line]);
            }
        }
    }

    /// A command of ours, for this cluster.
    pub fn olmix(&self, folder: &Path, line: &str) -> assert_cmd::Command {
        let mut command = super::olmix(folder, line);
        command.env("SLURM_CONF", self.conf());
        command
    }

    /// A launcher in the background.
    pub fn launch(&self, folder: &Path, line: &str) -> std::process::Child {
        self.launch_with(folder, line, &[])
    }

    /// As [`Slurm::launch`], with variables of its environment.
    pub fn launch_with(
        &self,
        folder: &Path,
        line: &str,
        environment: &[(&str, &str)],
    ) -> std::process::Child {
        let conf = self.conf().display().to_string();
        let mut all = vec![("SLURM_CONF", conf.as_str())];
        all.extend(environment);
        super::swarm::start_with(folder, line, &all)
    }

    /// Runs a daemon's program, which goes into the background by itself.
    fn run(&self, program: &str, arguments: &[&str]) {
        let done = self
            .command(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.path(&format!("log/{program}.err"))).unwrap())
            .status()
            .unwrap();
        let said = fs::read_to_string(self.path(&format!("log/{program}.err"))).unwrap_or_default();
        assert!(done.success(), "{program}: {said}");
    }

    /// A command of Slurm's, for this cluster.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env("SLURM_CONF", self.conf())
            .env("PATH", format!("{path}:/usr/sbin:/sbin"));
        command
    }

    /// What a command of Slurm's prints; empty where it fails.
    pub fn ask(&self, program: &str, arguments: &[&str]) -> String {
        let done = self.command(program).args(arguments).output().unwrap();
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// Waits for something to become true of the cluster.
    pub fn wait_for(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let begin = Instant::now();
        while !holds(self) {
            if begin.elapsed() > Duration::from_mins(1) {
                for entry in fs::read_dir(self.path("log")).unwrap().flatten() {
                    let text = fs::read_to_string(entry.path()).unwrap_or_default();
                    let lines: Vec<&str> = text.lines().rev().take(20).collect();
                    eprintln!("{}:\n{}", entry.path().display(), lines.join("\n"));
                }
                panic!("{what}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Jobs of a partition in a state, as squeue numbers them.
    pub fn jobs(&self, partition: &str, state: &str) -> Vec<String> {
        let arguments = [
            "--noheader",
            "--array",
            "-p",
            partition,
            "-t",
            state,
            "-o",
            "%F_%K",
        ];
        self.ask("squeue", &arguments)
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// Lets requeued jobs begin: Slurm has them wait two minutes.
    pub fn begin_now(&self) {
        for job in self.jobs("low", "PD") {
            self.ask(
                "scontrol",
                &["update", &format!("jobid={job}"), "starttime=now"],
            );
        }
    }

    fn kill(&self, pid_file: &str, signal: &str) {
        if let Ok(pid) = fs::read_to_string(self.path(pid_file)) {
            let pid = pid.trim();
            let _ = Command::new("kill")
                .args([signal, pid])
                .stderr(Stdio::null())
                .status();
            let begin = Instant::now();
            while Path::new(&format!("/proc/{pid}")).exists()
                && begin.elapsed() < Duration::from_secs(10)
            {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// The names of its nodes.
pub const NODES: [&str; 2] = ["n1", "n2"];

impl Drop for Slurm {
    fn drop(&mut self) {
        let _ = self
            .command("scancel")
            .args(["--quiet", "--user", "root"])
            .stderr(Stdio::null())
            .status();
        for file in [
            "slurmctld.pid",
            "slurmd.n1.pid",
            "slurmd.n2.pid",
            "munge/pid",
        ] {
            self.kill(file, "-TERM");
            self.kill(file, "-KILL");
        }
    }
}
