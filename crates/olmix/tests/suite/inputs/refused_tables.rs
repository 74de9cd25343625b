//! Tables of runs that can't be collected.

use crate::common::olmix;

/// A table that can be collected.
const TABLE: &str = "Name,data.mix.a,data.mix.b,eval/x\nr,0.25,0.75,1\ns,0.5,0.5,2\n";

/// Tables, options, and why they are refused together.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        TABLE,
        "",
        "nothing says which columns hold the mixture\n  help: add --mix 'data.mix.*'",
    ),
    (
        TABLE,
        "--mix data.mx.*",
        "--mix 'data.mx.*' matches no column\n  help: the columns are `Name`, `data.mix.a`",
    ),
    (
        TABLE,
        "--mix data.mix.* --metrics y",
        "--metrics 'y' matches no column",
    ),
    (
        TABLE,
        "--mix data.mix.* --metrics *",
        "column `Name` matches --metrics, and names the runs too",
    ),
    (
        TABLE,
        "--mix data.mix.* --metrics data*",
        "column `data.mix.a` matches --metrics, and matches --mix too",
    ),
    (
        TABLE,
        "--mix data.mix.* --run-column run",
        "there is no column `run` for --run-column",
    ),
    (
        "a,b,x\n1,2,3\n",
        "--mix a",
        "nothing says which column names the runs",
    ),
    (
        "run,m.a,n.a,x\nr,0.25,0.75,1\n",
        "--mix m.* --mix n.*",
        "the columns `m.a` and `n.a` are both the domain `a`",
    ),
    (
        "run,m.a,m.b,x\nr,0.25,0.75,1\ns,25,75,2\n",
        "--mix m.*",
        "the mixture of `r` (line 2) sums to 1, that of `s` (line 3) to 100",
    ),
    (
        "run,m.a,m.b,x\nr,0.25,0.25,1\n",
        "--mix m.*",
        "the mixture of `r` (line 2) sums to 0.500000, not to 1",
    ),
    (
        "run,m.a,m.b,x\nr,-0.5,1.5,1\n",
        "--mix m.*",
        "line 2: column `m.a` is -0.5, below 0",
    ),
    (
        "run,m.a,m.b,x\nr,some,1,1\n",
        "--mix m.*",
        "line 2: column `m.a` is `some`, not a number",
    ),
    (
        "run,m.a,m.b,x\n,0.5,0.5,1\n",
        "--mix m.*",
        "line 2: column `run` is empty",
    ),
    (
        "run,m.a,m.b,x\nr,1,0,1\nr,0,1,2\n",
        "--mix m.*",
        "two runs have the name `r`",
    ),
    ("run,m.a,m.b,x\n", "--mix m.*", "holds no row"),
    (
        TABLE,
        "--mix data.mix.* --tokens counts.csv",
        "counts.csv: the swarm has no domain `c`",
    ),
    (
        TABLE,
        "--mix data.mix.* --tokens few.csv",
        "few.csv: there is no number of tokens for the domain `b`",
    ),
    (TABLE, "--mix data.mix.* --tokens t.csv", "t.csv"),
    (
        TABLE,
        "--mix data.mix.* --experiment e",
        "--experiment is of MLflow",
    ),
];

#[test]
fn a_table_that_can_not_be_collected_is_refused_and_nothing_is_written() {
    for (table, options, expected) in REFUSED {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.csv"), table).unwrap();
        std::fs::write(
            folder.path().join("counts.csv"),
            "domain,tokens\na,10\nb,20\nc,30\n",
        )
        .unwrap();
        std::fs::write(folder.path().join("few.csv"), "domain,tokens\na,10\n").unwrap();
        let line = format!("collect --swarm t.csv --output data {options}");
        let run = olmix(folder.path(), &line).assert().code(2);
        let message = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(
            message.contains(expected),
            "{options} of {table} gives {message}"
        );
        let data = folder.path().join("data");
        assert!(
            !data.exists() || std::fs::read_dir(data).unwrap().next().is_none(),
            "{options}"
        );
    }
}
