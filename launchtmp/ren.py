import re,sys,glob,os
R='/tmp/w/launch/crates/'
L=R+'olmix-launch/src/'
def files(*pats):
    out=[]
    for p in pats:
        out+=glob.glob(p,recursive=True)
    return [f for f in out if f.endswith('.rs')]
def sub(fs,pairs):
    for f in fs:
        s=open(f).read(); o=s
        for a,b in pairs:
            s=re.sub(a,b,s)
        if s!=o: open(f,'w').write(s)
launch=files(L+'**/*.rs'); ledger=files(R+'olmix-ledger/src/**/*.rs',R+'olmix-ledger/tests/*.rs')
cli=files(R+'olmix/src/command/launch/*.rs',R+'olmix/src/command/*.rs',R+'olmix/src/command/*/*.rs'); cli=sorted(set(cli))
tests=files(R+'olmix/tests/*.rs',R+'olmix/tests/common/*.rs')
w=lambda a,b:(r'\b'+a+r'\b',b)
# ---- public types everywhere
sub(launch+ledger+[f for f in cli if '/launch/' in f]+[R+'olmix/src/command/collect.rs'],[
 w('Placed','EngineJob'),(r'\bmod placed;','mod engine_jobs;'),
 (r'\bWish::GoOn\b','StopRequest::None'),(r'\bWish::StopNow\b','StopRequest::Immediate'),(r'\bWish::Stop\b','StopRequest::Graceful'),w('Wish','StopRequest'),
 w('Fleet','MultiEngine'),
 (r'\bEnding::Left\b','LaunchEnd::Detached'),w('Ending','LaunchEnd'),
 (r'\bUntil::Looked\b','Until::Polled'),
 (r'\bEvent::Began\b','Event::Started'),(r'\bEvent::WaitsAgain\b','Event::Requeued'),(r'\bEvent::Said\b','Event::Notice'),
 w('ended_by_wish','mark_cancelled'),w('put_back','release'),w('waits_again','record_requeued'),w('known_as','record_job_ids'),
 w('ticketed','record_tickets'),
 (r'\.works\(','.record_process('),(r'pub fn works\(','pub fn record_process('),
 (r'(ledger)\s*\.begun\(',r'\1.record_started('),(r'pub fn begun\(','pub fn record_started('),
 (r'\.evaluates\(','.record_evaluation_job('),(r'pub fn evaluates\(\s*&self','pub fn record_evaluation_job(&self'),
 w('Which','RunSelection'),w('Synced','SyncSummary'),w('Rerun','RerunPolicy'),
 (r'\.held\(','.held_runs('),(r'pub fn held\(','pub fn held_runs('),
 (r'\.beat\(','.heartbeat('),(r'pub fn beat\(','pub fn heartbeat('),
 (r'\.placed\b','.engine_job'),(r'\bplaced: ','engine_job: '),
 w('look_after','reconcile'),
 w('Place','SwarmPaths'),w('settled','resolve_path'),
 w('folder_of','run_folder'),
])
sub([f for f in cli if '/launch/' in f],[(r'\.wish\(','.stop_request('),(r'fn wish\(','fn stop_request('),(r'\bwish\b','request'),
  (r'olmix_launch::work::\{read_order, work\}','olmix_launch::node::{read_job_spec, run_job}'),
  (r'\bread_order\(','read_job_spec('),(r'\bwork\(&order','run_job(&spec'),(r'let order =','let spec ='),
  (r'\btrainer::job_there','commands::job_on_engine'),(r', trainer\}',', commands}'),(r'Step::shown','Step::command_line'),
  (r'cluster::of_kind','cluster::create'),(r'\bRemote\b','ClusterEngine'),
  (r'interrupts\.code\(','interrupts.exit_code('),
])
sub(tests,[(r'\bRerun\b','RerunPolicy'),(r'run\.placed\b','run.engine_job')])
# ---- launch crate
P=[
 w('Seat','RunClaim'),(r'\bTaken::Ours\b','ClaimResult::Claimed'),(r'\bTaken::Used\b','ClaimResult::AlreadyUsed'),w('Taken','ClaimResult'),
 w('Home','RecordStore'),w('Keeper','FolderUploader'),w('OrderedStep','CommandSpec'),w('Order','JobSpec'),
 w('Known','FileStamps'),w('Away','RemoteFolder'),w('Book','RunRecorder'),w('book','recorder'),
 w('Heart','Heartbeat'),w('HEARTBEAT','INTERVAL'),(r'\bWhy\b','StopReason'),
 w('Opener','OpenEngine'),
 (r'\bSeenState::Waits\b','JobState::Pending'),(r'\bSeenState::Stuck\b','JobState::Blocked'),(r'\bSeenState::Works\b','JobState::Running'),w('SeenState','JobState'),
 (r'\bHow::Well\b','ExitReason::Success'),(r'\bHow::Badly\b','ExitReason::Failure'),(r'\bHow::','ExitReason::'),(r'\bhow: How\b','reason: ExitReason'),(r'\bHow,','ExitReason,'),(r'enum How\b','enum ExitReason'),(r'Ended\(How\)','Ended(ExitReason)'),
 w('Seen','JobStatus'),w('Second','EvaluationJob'),w('Probed','ProbeAnswer'),w('Begun','StartRecord'),
 w('Remote','ClusterEngine'),w('Tracked','TrackedRun'),(r'\bWith\b(?=[ <:{,}])','SubmitOptions'),
 w('Wishes','StopSignals'),w('Found','SourceRuns'),w('Measured','MeasuredRun'),
 w('BEGUN','START_FILE'),w('ENDED','END_FILE'),w('EVALUATED','EVALUATION_END_FILE'),w('EVALUATION','EVALUATION_SUFFIX'),(r'\bPROBE\b','PROBE_ANSWER_FILE'),
 w('FOLDER','RECORDS_FOLDER'),w('ORDERS','JOB_SPECS_FILE'),w('BROUGHT','DOWNLOADED_FILES'),w('KEPT','FILE_LIST'),
 w('read_order','read_job_spec'),w('judge','classify_exit'),w('take_back','revoke_ticket'),w('come_home','collect_finished'),
 w('outlives','survives_launcher'),w('has_all','all_submitted'),(r'\.room\(','.capacity('),(r'fn room\(','fn capacity('),
 (r'\.keeps\(','.run_survives('),(r'fn keeps\(','fn run_survives('),
 w('most_tasks','max_tasks'),w('ask_after','job_history'),(r'cluster\.look\(\)','cluster.list_jobs()'),(r'fn look\(&mut self\) -> Result<Vec','fn list_jobs(&mut self) -> Result<Vec'),
 (r'\.waits\(\)','.supports_dependencies()'),(r'fn waits\(','fn supports_dependencies('),
 (r'cluster\.printed\(','cluster.job_output('),(r'fn printed\(&mut self','fn job_output(&mut self'),
 (r'batch\.printed\(','batch.output_file('),(r'pub fn printed\(&self','pub fn output_file(&self'),
 (r'batch\.lines\(','batch.shell_lines('),(r'pub fn lines\(&self, task','pub fn shell_lines(&self, task'),
 (r'\bat_once\b','max_parallel'),
 w('goes_on_to_evaluate','switch_to_evaluation'),w('drop_second','cancel_evaluation'),w('stop_as_wished','send_cancellations'),
 (r'\.troubled\(','.on_cluster_error('),(r'fn troubled\(','fn on_cluster_error('),w('storage_away','on_store_error'),w('settle_vanished','resolve_vanished'),
 (r'self\.look\(recorder\)','self.poll_jobs(recorder)'),(r'pub\(super\) fn look\(','pub(super) fn poll_jobs('),
 (r'\.soon\(\)','.poll_soon()'),(r'fn soon\(','fn poll_soon('),
 (r'\bself\.pace\b','self.interval'),(r'\bpace: ','interval: '),(r'\bself\.next\b','self.next_poll'),(r'\bnext: Instant','next_poll: Instant'),
 (r'\bself\.trouble\b','self.cluster_error'),(r'\btrouble: (None|Option)',r'cluster_error: \1'),w('storage_trouble','store_error'),
 (r'\bself\.made\b','self.submissions'),(r'\bmade: (0|u32)',r'submissions: \1'),
 w('SOON','MIN_INTERVAL'),w('SELDOM','MAX_INTERVAL'),w('TROUBLED','MAX_RETRY_INTERVAL'),(r'\bSTORE\b','STORE_RETRY'),w('POLLS','MISSED_POLLS'),
 w('by_engine','outcome_by_cluster'),w('doubtful','unconfirmed'),(r'tracked\.second\b','tracked.evaluation'),(r'\bsecond: (None|Option|follow)',r'evaluation: \1'),(r'pub\(super\) second:','pub(super) evaluation:'),
 (r'tracked\.works\b','tracked.running'),(r'tracked\.missing\b','tracked.missed_polls'),(r'self\.missing\b','self.missed_polls'),(r'\bmissing: (0|u32)',r'missed_polls: \1'),(r'\bpub\(super\) works:','pub(super) running:'),
 (r'\btake_ticket_back\b','revoke_own_ticket'),
 (r'\.home\(','.record_store('),(r'fn home\(','fn record_store('),(r'\.submission\(','.submission_store('),(r'fn submission\(','fn submission_store('),
 (r'\.bring\(','.download_results('),(r'fn bring\(','fn download_results('),(r'fn record\(&self, job','fn end_record(&self, job'),(r'site\.record\(','site.end_record('),
 w('submit_orders','submit_jobs'),
 (r'\bUnwanted\b','CancelledExternally'),
 (r'\.shown\(\)','.command_line()'),(r'pub fn shown\(','pub fn command_line('),
 w('evaluates_ticket','is_evaluation_ticket'),(r'work::evaluates\(','job_spec::is_evaluation_ticket('),(r'pub fn evaluates\(ticket','pub fn is_evaluation_ticket(ticket'),(r'if evaluates\(ticket\)','if is_evaluation_ticket(ticket)'),
 (r'\.wish\(','.stop_request('),(r'fn wish\(','fn stop_request('),
 (r'\.code\(\)\.unwrap_or\(130\)','.exit_code().unwrap_or(130)'),
 (r'\.up\(','.upload_folder('),(r'pub fn up\(','pub fn upload_folder('),(r'\.down\(','.download_folder('),(r'pub fn down\(','pub fn download_folder('),
 (r'\.fetch\(','.download('),(r'pub fn fetch\(','pub fn download('),
 (r'\bstorage::LAUNCHER\b','object_store::LAUNCHER_TIMEOUT'),(r'\bstorage::NODE\b','object_store::NODE_TIMEOUT'),
 (r'\bLAUNCHER: Duration','LAUNCHER_TIMEOUT: Duration'),(r'\bNODE: Duration','NODE_TIMEOUT: Duration'),
 w('IN_PARTS','MULTIPART_THRESHOLD'),(r'\bPART: usize = 8','PART_SIZE: usize = 8'),(r'chunk_size\(upload, PART\)','chunk_size(upload, PART_SIZE)'),(r'vec!\[0; PART\]','vec![0; PART_SIZE]'),w('PARTS','PARTS_IN_FLIGHT'),w('PASSES','MAX_PASSES'),
 w('travels','is_synced'),(r'\bwhole\(&error\)','error_chain(&error)'),(r'\bwhole\(error\)','error_chain(error)'),(r'fn whole\(','fn error_chain('),
 (r'self\.said\(','self.request_error('),(r'fn said\(&self','fn request_error(&self'),(r'\bshort\(','summary('),(r'is_of_bucket','is_missing_bucket'),
 (r'\.within\(','.subfolder('),(r'fn within\(','fn subfolder('),
 (r'\bself\.wait\(','self.block_on('),(r'fn wait<T>','fn block_on<T>'),(r'\.wait\(listed','.block_on(listed'),(r'\.wait\(self\.inner','.block_on(self.inner'),
 (r'\bof_kind\b','create'),
 (r'\bjob_there\b','job_on_engine'),
]
sub(launch,P)
# module paths
sub(launch,[
 (r'crate::clock','crate::host::clock'),(r'crate::shell','crate::host::shell'),(r'crate::process::','crate::host::process::'),
 (r'crate::interrupt','crate::host::interrupt'),(r'crate::log\b','crate::run::log'),(r'crate::metrics','crate::run::metrics'),(r'crate::progress','crate::run::progress'),
 (r'crate::judge','crate::node::exit_status'),(r'crate::storage','crate::object_store'),(r'crate::job::','crate::protocol::'),
 (r'crate::engine::Outcome','crate::protocol::Outcome'),
 (r'crate::work::','crate::protocol::'),(r'crate::cluster','crate::engine::cluster'),(r'crate::trainer','crate::launcher::commands'),
])
