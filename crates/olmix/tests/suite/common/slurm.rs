//! One Slurm cluster of this machine for all tests of this process: a controller and its authentication, in
//! one folder and gone with the process. Each test has two nodes of its own, in two partitions of its own.
//!
//! Over 400 lines: starting, watching and ending one cluster belong together.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{OnceLock, RwLock};
use std::time::{Duration, Instant};

use super::service::{PATIENCE, Turn, Turns, at_exit, port};

/// What must be on the machine; `scripts/test-services.sh` installs it.
const PROGRAMS: [&str; 6] = [
    "slurmctld",
    "slurmd",
    "munged",
    "sbatch",
    "squeue",
    "scontrol",
];

/// What must be there, too, for the cluster to keep accounts.
const ACCOUNTS: [&str; 3] = ["slurmdbd", "mariadbd", "mariadb-install-db"];

/// Most tests of one process that have a part of the cluster.
const PARTS: usize = 40;

/// The controller, with nodes for every test. Nodes are started with the test that has them.
struct Cluster {
    folder: PathBuf,
    /// Ports of the database and of slurmdbd, where it keeps accounts.
    accounts: Option<(u16, u16)>,
}

/// A test's part of the cluster: two nodes of four processors, which the partitions `low` and `high` have
/// in common. Jobs of `high` preempt those of `low`.
pub struct Slurm {
    cluster: &'static Cluster,
    part: usize,
    /// A folder that its nodes don't see.
    hidden: Option<PathBuf>,
    _turn: Turn,
}

static TURNS: Turns = RwLock::new(());

impl Cluster {
    /// `None`, with the reason printed, where Slurm is not installed.
    fn get() -> Option<&'static Self> {
        static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
        CLUSTER.get_or_init(Self::start).as_ref()
    }

    fn start() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = std::env::split_paths(&path)
            .chain(["/usr/sbin".into(), "/usr/bin".into()])
            .collect();
        let is_missing =
            |program: &&&str| !folders.iter().any(|folder| folder.join(program).is_file());
        let missing = PROGRAMS.iter().find(is_missing);
        let no_accounts = ACCOUNTS.iter().find(is_missing);
        let wanted = std::env::var_os("OLMIX_TEST_SERVICES").is_some();
        assert!(
            !wanted || no_accounts.is_none(),
            "{no_accounts:?} is not installed"
        );
        if let Some(missing) = missing {
            assert!(
                std::env::var_os("OLMIX_TEST_SERVICES").is_none(),
                "{missing} is not installed"
            );
            eprintln!("skipped, without {missing}: scripts/test-services.sh installs it");
            return None;
        }
        let cluster = Self {
            folder: tempfile::tempdir().unwrap().keep(),
            accounts: no_accounts.is_none().then(|| (port(), port())),
        };
        cluster.write();
        at_exit(&cluster.end());
        // Its socket has to be reachable for every user, and its folder for nobody else to write.
        let munge = cluster.path("munge");
        fs::set_permissions(&cluster.folder, fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&munge, fs::Permissions::from_mode(0o711)).unwrap();
        let option =
            |name: &str, file: &str| [format!("--{name}"), munge.join(file).display().to_string()];
        let options = [
            option("socket", "socket"),
            option("key-file", "key"),
            option("pid-file", "munged.pid"),
            option("log-file", "log"),
            option("seed-file", "seed"),
        ];
        let options = options.as_flattened().iter().map(String::as_str);
        cluster.run("munged", &options.collect::<Vec<_>>());
        cluster.start_accounts();
        cluster.run("slurmctld", &[]);
        Some(cluster)
    }

    /// Starts a database and what writes accounts into it.
    fn start_accounts(&self) {
        let Some((database, accounts)) = self.accounts else {
            return;
        };
        let user = said("id", &["-un"]);
        let folder = self.folder.display();
        let sql = "CREATE DATABASE accounts;\n\
                   CREATE USER 'slurm'@'127.0.0.1' IDENTIFIED BY 'test';\n\
                   GRANT ALL ON accounts.* TO 'slurm'@'127.0.0.1';\n";
        fs::write(self.path("accounts.sql"), sql).unwrap();
        let conf = format!(
            "AuthType=auth/munge\nAuthInfo=socket={folder}/munge/socket\nDbdHost=localhost\nDbdAddr=127.0.0.1\n\
             DbdPort={accounts}\nSlurmUser={user}\nLogFile={folder}/log/slurmdbd.log\n\
             PidFile={folder}/slurmdbd.pid\nStorageType=accounting_storage/mysql\nStorageHost=127.0.0.1\n\
             StoragePort={database}\nStorageUser=slurm\nStoragePass=test\nStorageLoc=accounts\n"
        );
        fs::write(self.path("slurmdbd.conf"), conf).unwrap();
        fs::set_permissions(
            self.path("slurmdbd.conf"),
            fs::Permissions::from_mode(0o600),
        )
        .unwrap();
        let data = self.path("accounts").display().to_string();
        let (user, at) = (format!("--user={user}"), format!("--datadir={data}"));
        let made = [
            "--no-defaults",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--innodb-log-file-size=4M",
            &user,
            &at,
        ];
        self.run("mariadb-install-db", &made);
        // It stays in the foreground.
        let line = format!(
            "exec mariadbd --no-defaults {user} {at} --socket={folder}/mariadb.socket --port={database} \
             --bind-address=127.0.0.1 --pid-file={folder}/mariadb.pid --init-file={folder}/accounts.sql \
             --innodb-flush-log-at-trx-commit=0 --innodb-log-file-size=4M --skip-name-resolve > {folder}/log/mariadb.log 2>&1 &"
        );
        self.run("sh", &["-c", &line]);
        let answers = |port: u16| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        super::service::wait_until("the database answers", || answers(database));
        self.run("slurmdbd", &[]);
        super::service::wait_until("slurmdbd answers", || answers(accounts));
        self.run("sacctmgr", &["-i", "add", "cluster", "test"]);
    }

    /// The script that ends it: jobs first, then daemons, then whatever ran with its configuration. Numbers of
    /// processes are given again soon, so a file of a daemon that is gone may name another process.
    fn end(&self) -> String {
        let folder = self.folder.display();
        format!(
            "export PATH=\"$PATH:/usr/sbin:/sbin\"\n\
             conf={folder}/slurm.conf\n\
             is() {{ test \"$(cat /proc/$1/comm)\" = \"$2\"; }}\n\
             if is \"$(cat {folder}/slurmctld.pid)\" slurmctld; then\n\
               SLURM_CONF=$conf timeout 20 scancel --quiet --user \"$(id -un)\"\n\
               for i in $(seq 20); do\n\
                 test -n \"$(SLURM_CONF=$conf timeout 5 squeue --noheader --states=R,CG)\" || break\n\
                 sleep 0.2\n\
               done\n\
             fi\n\
             for file in {folder}/*.pid {folder}/munge/*.pid; do\n\
               pid=$(cat \"$file\")\n\
               for name in slurmctld slurmd slurmdbd mariadbd munged; do\n\
                 if is \"$pid\" $name; then kill -TERM \"$pid\"; fi\n\
               done\n\
             done\n\
             sleep 1\n\
             for file in $(grep -lsa \"SLURM_CONF=$conf\" /proc/[0-9]*/environ); do\n\
               pid=${{file#/proc/}}\n\
               kill -KILL \"${{pid%/environ}}\"\n\
             done\n\
             rm -rf {folder}\n"
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write(&self) {
        for name in ["munge", "state", "log", "held"] {
            fs::create_dir(self.path(name)).unwrap();
        }
        let epilog = format!(
            "#!/bin/sh\nwhile test -e '{}'/$SLURM_JOB_PARTITION; do sleep 0.1; done\n",
            self.path("held").display()
        );
        fs::write(self.path("epilog.sh"), epilog).unwrap();
        fs::set_permissions(self.path("epilog.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        let mut key = vec![0_u8; 128];
        for (i, byte) in key.iter_mut().enumerate() {
            *byte = (i as u8).wrapping_mul(37) ^ (std::process::id() as u8);
        }
        fs::write(self.path("munge/key"), key).unwrap();
        fs::set_permissions(self.path("munge/key"), fs::Permissions::from_mode(0o400)).unwrap();
        let (host, user) = (said("hostname", &[]), said("id", &["-un"]));
        let root = self.folder.display();
        let mut text = format!(
            "ClusterName=test\nSlurmctldHost={host}(127.0.0.1)\nSlurmctldPort={}\nSlurmUser={user}\nSlurmdUser={user}\n\
             AuthType=auth/munge\nAuthInfo=socket={root}/munge/socket\nCryptoType=crypto/munge\n\
             StateSaveLocation={root}/state\nSlurmdSpoolDir={root}/spool.%n\nSlurmctldPidFile={root}/slurmctld.pid\n\
             SlurmdPidFile={root}/slurmd.%n.pid\nSlurmctldLogFile={root}/log/slurmctld.log\nSlurmdLogFile={root}/log/%n.log\n\
             ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nReturnToService=2\n\
             SlurmdParameters=config_overrides\nSelectType=select/cons_tres\nSelectTypeParameters=CR_CPU_Memory\nDefMemPerCPU=100\n\
             SchedulerType=sched/backfill\n\
             SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0,batch_sched_delay=0\n\
             PreemptType=preempt/partition_prio\nPreemptMode=REQUEUE\nJobRequeue=1\nKillWait=5\nMinJobAge=300\n\
             MaxArraySize=501\nMaxJobCount=20000\nSlurmdTimeout=10\nInactiveLimit=0\nMpiDefault=none\n\
             JobAcctGatherType=jobacct_gather/linux\nJobAcctGatherFrequency=task=0\n\
             JobAcctGatherParams=OverMemoryKill\nEpilog={root}/epilog.sh\nTreeWidth=65533\n",
            port()
        );
        text += &match self.accounts {
            None => "AccountingStorageType=accounting_storage/none\n".to_owned(),
            Some((_, port)) => format!(
                "AccountingStorageType=accounting_storage/slurmdbd\nAccountingStorageHost=127.0.0.1\n\
                 AccountingStoragePort={port}\nAccountingStoragePass={root}/munge/socket\n"
            ),
        };
        for part in 1..=PARTS {
            for node in nodes(part) {
                text += &format!(
                    "NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={} CPUs=4 RealMemory=100000 State=UNKNOWN\n",
                    port()
                );
            }
            let nodes = nodes(part).join(",");
            for (name, tier) in [("low", 1), ("high", 10)] {
                text += &format!(
                    "PartitionName={name}-{part} Nodes={nodes} MaxTime=INFINITE State=UP \
                     PriorityTier={tier}\n"
                );
            }
        }
        fs::write(self.path("slurm.conf"), text).unwrap();
    }

    /// A command of Slurm's, for this cluster.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env("SLURM_CONF", self.path("slurm.conf"))
            .env("PATH", format!("{path}:/usr/sbin:/sbin"));
        command
    }

    /// Runs a daemon's program, which goes into the background by itself.
    fn run(&self, program: &str, arguments: &[&str]) {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let started = STARTED.fetch_add(1, Ordering::Relaxed);
        let errors = self.path(&format!("log/{program}.{started}.err"));
        let done = self
            .command(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&errors).unwrap())
            .status()
            .unwrap();
        let said = fs::read_to_string(errors).unwrap_or_default();
        assert!(done.success(), "{program}: {said}");
    }

    /// The controller's process, while there is one.
    fn controller(&self) -> Option<String> {
        let pid = fs::read_to_string(self.path("slurmctld.pid")).ok()?;
        let pid = pid.trim().to_owned();
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        (name.trim() == "slurmctld").then_some(pid)
    }
}

/// What a command prints.
fn said(program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).output().unwrap();
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// The names of a part's nodes.
fn nodes(part: usize) -> [String; 2] {
    [format!("n{}", 2 * part - 1), format!("n{}", 2 * part)]
}

impl Slurm {
    /// A part of the cluster. `None`, with the reason printed, where Slurm is not installed.
    pub fn start() -> Option<Self> {
        Self::part(None, Turn::shared)
    }

    /// As [`Slurm::start`], while no other test has a part: for those that stop the controller.
    pub fn start_alone() -> Option<Self> {
        Self::part(None, Turn::alone)
    }

    /// As [`Slurm::start`]; nodes see an empty folder in place of the one that is given. `None`, too, for
    /// another user than root.
    pub fn start_hiding(hidden: &Path) -> Option<Self> {
        let id = Command::new("id").arg("-u").output().unwrap().stdout;
        if id != b"0\n" {
            eprintln!("skipped: only root can hide a folder from the nodes");
            return None;
        }
        Self::part(Some(hidden), Turn::shared)
    }

    fn part(hidden: Option<&Path>, turn: fn(&'static Turns) -> Turn) -> Option<Self> {
        static PART: AtomicUsize = AtomicUsize::new(1);
        let turn = turn(&TURNS);
        let part = PART.fetch_add(1, Ordering::Relaxed);
        assert!(part <= PARTS, "the cluster has {PARTS} parts");
        let slurm = Self {
            cluster: Cluster::get()?,
            part,
            hidden: hidden.map(Path::to_owned),
            _turn: turn,
        };
        for node in slurm.nodes() {
            slurm.start_node(&node);
        }
        let list = slurm.nodes().join(",");
        let partition = slurm.partition("low");
        slurm.wait_for("its nodes are idle", |slurm| {
            let states = slurm.ask(
                "sinfo",
                &[
                    "--noheader",
                    "-o",
                    "%T",
                    "-N",
                    "-n",
                    &list,
                    "-p",
                    &partition,
                ],
            );
            states.split_whitespace().eq(["idle", "idle"])
        });
        Some(slurm)
    }

    /// The names of its nodes.
    pub fn nodes(&self) -> [String; 2] {
        nodes(self.part)
    }

    /// The full name of its partition `low` or `high`.
    pub fn partition(&self, name: &str) -> String {
        format!("{name}-{}", self.part)
    }

    /// Whether the cluster keeps accounts; where not, it is said why.
    pub fn keeps_accounts(&self) -> bool {
        let keeps = self.cluster.accounts.is_some();
        if !keeps {
            eprintln!(
                "skipped, without accounts: scripts/test-services.sh installs slurmdbd and MariaDB"
            );
        }
        keeps
    }

    /// The configuration that clients need, too.
    pub fn conf(&self) -> PathBuf {
        self.cluster.path("slurm.conf")
    }

    pub fn start_controller(&self) {
        self.cluster.run("slurmctld", &[]);
    }

    /// Starts the controller without its memory: it knows no job any more.
    pub fn start_controller_anew(&self) {
        self.cluster.run("slurmctld", &["-c"]);
    }

    /// Stops the controller and waits until it is gone.
    pub fn stop_controller(&self) {
        let pid = self.cluster.controller().unwrap();
        super::swarm::signal(pid, "-TERM");
        super::service::wait_until("the controller ends", || {
            self.cluster.controller().is_none()
        });
    }

    fn start_node(&self, node: &str) {
        match &self.hidden {
            None => self.cluster.run("slurmd", &["-N", node]),
            Some(hidden) => {
                let line = format!(
                    "mount -t tmpfs none '{}' && exec slurmd -N {node}",
                    hidden.display()
                );
                self.cluster.run("unshare", &["--mount", "sh", "-c", &line]);
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

    /// A command of Slurm's, for this cluster.
    pub fn command(&self, program: &str) -> Command {
        self.cluster.command(program)
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
            if begin.elapsed() > PATIENCE {
                for entry in fs::read_dir(self.cluster.path("log")).unwrap().flatten() {
                    let text = fs::read_to_string(entry.path()).unwrap_or_default();
                    let lines: Vec<&str> = text.lines().rev().take(20).collect();
                    eprintln!("{}:\n{}", entry.path().display(), lines.join("\n"));
                }
                panic!("{what}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Keeps jobs of the partition `low` that end from being gone, until they are let go: they are completing.
    pub fn hold_epilogs(&self) {
        fs::write(self.held(), "").unwrap();
    }

    pub fn release_epilogs(&self) {
        let _ = fs::remove_file(self.held());
    }

    fn held(&self) -> PathBuf {
        self.cluster.path("held").join(self.partition("low"))
    }

    /// Jobs of the partition `low` or `high` in a state, as squeue numbers them.
    pub fn jobs(&self, partition: &str, state: &str) -> Vec<String> {
        let told = self.ask(
            "squeue",
            &[
                "--noheader",
                "--array",
                "-p",
                &self.partition(partition),
                "-t",
                state,
                "-o",
                "%F_%K",
            ],
        );
        told.lines().map(str::to_owned).collect()
    }

    /// What squeue prints in a format of all jobs of this part that it knows, ended ones too.
    pub fn all_jobs(&self, format: &str) -> String {
        let partitions = ["low", "high"].map(|name| self.partition(name)).join(",");
        let arguments = [
            "--noheader",
            "--states=all",
            "--array",
            "-p",
            &partitions,
            "-o",
            format,
        ];
        self.ask("squeue", &arguments)
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
}

impl Drop for Slurm {
    fn drop(&mut self) {
        // A test that failed may have left the cluster without a controller.
        if self.cluster.controller().is_none() && !std::thread::panicking() {
            self.start_controller();
        }
        self.release_epilogs();
        for name in ["low", "high"] {
            self.ask("scancel", &["--quiet", "-p", &self.partition(name)]);
        }
    }
}
