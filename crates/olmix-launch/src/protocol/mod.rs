//! What launcher and node both know: the job of a run, the records that they leave for each other, and
//! where these are.
//!
//! All that is serialized here is read by other versions of this program: a launcher may follow jobs
//! that an earlier one submitted. Fields keep their names.

mod create_once;
mod job;
mod job_spec;
mod outcome;
mod record_store;
mod records;

pub use crate::run::folder::{MIXTURE_FILE, RECORDS_FOLDER};
pub use job::{Job, RemoteFolder, Step};
pub use job_spec::JobSpec;
pub use outcome::Outcome;
pub use record_store::RecordStore;
pub use records::{
    EVALUATION_SUFFIX, EndRecord, PROBE_ANSWER_FILE, ProbeAnswer, START_FILE, StartRecord,
    claim_file, end_file, evaluation_ticket, is_evaluation_ticket, is_revoked, revoke_ticket,
};
