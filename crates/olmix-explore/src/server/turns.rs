//! Whose turn it is: as many solves at a time as there are cores, and of one tab only the newest that it asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use axum::http::HeaderMap;
use tokio::sync::Semaphore;

use crate::error::ApiError;

/// Tabs that are remembered; older ones are forgotten all at once, which costs them nothing but a solve that is not
/// needed any more.
const TABS: usize = 256;

/// Jobs that read files at a time.
const LOOKS: usize = 8;

/// The turns of solves.
#[derive(Debug)]
pub struct Turns {
    free: Arc<Semaphore>,
    looks: Arc<Semaphore>,
    newest: Mutex<HashMap<(String, String), u64>>,
}

/// A request of a tab: `X-Tab` names the tab, `X-Sequence` counts its requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// What is asked for, and the tab.
    of: (String, String),
    number: u64,
}

impl Ticket {
    /// The ticket that headers carry; none where they do not.
    pub fn of(what: &str, headers: &HeaderMap) -> Option<Self> {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let tab = text("x-tab").filter(|tab| tab.len() <= 64)?;
        Some(Self {
            of: (what.to_owned(), tab.to_owned()),
            number: text("x-sequence")?.parse().ok()?,
        })
    }
}

impl Turns {
    pub fn new() -> Self {
        Self {
            free: Arc::new(Semaphore::new(
                available_parallelism().map_or(1, usize::from),
            )),
            looks: Arc::new(Semaphore::new(LOOKS)),
            newest: Mutex::default(),
        }
    }

    /// Does a job that reads files, beside the solves: it may wait for other processes. One that takes longer than
    /// `patience` is not waited for.
    ///
    /// # Errors
    /// [`ApiError::conflict`] for one that is not, and a defect where the job panics.
    pub async fn look<T: Send + 'static>(
        &self,
        patience: Duration,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let looks = Arc::clone(&self.looks);
        let done = async move {
            let free = looks.acquire_owned().await;
            let free = free.map_err(|_| ApiError::defect("the server is ending"))?;
            let done = tokio::task::spawn_blocking(move || {
                let _free = free;
                job()
            });
            done.await
                .map_err(|_| ApiError::defect("a request ended in an error that nobody expected"))
        };
        tokio::time::timeout(patience, done)
            .await
            .unwrap_or_else(|_| {
                Err(ApiError::conflict(
                    format!(
                        "no answer within {} seconds: another process has locked a file",
                        patience.as_secs()
                    ),
                    "wait until it has ended, and look again",
                ))
            })
    }

    /// Does a job on a thread of its own once there is a core for it. A request that a newer one of the same tab has
    /// overtaken by then is not done, and neither is one whose tab has hung up.
    ///
    /// # Errors
    /// [`ApiError::superseded`], and a defect where the job panics.
    pub async fn take<T: Send + 'static>(
        &self,
        ticket: Option<Ticket>,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        if let Some(ticket) = &ticket {
            self.come(ticket)?;
        }
        let free = Arc::clone(&self.free).acquire_owned().await;
        let free = free.map_err(|_| ApiError::defect("the server is ending"))?;
        if ticket.is_some_and(|ticket| !self.is_newest(&ticket)) {
            return Err(ApiError::superseded());
        }
        let done = tokio::task::spawn_blocking(move || {
            let _free = free;
            job()
        });
        done.await
            .map_err(|_| ApiError::defect("a request ended in an error that nobody expected"))
    }

    fn come(&self, ticket: &Ticket) -> Result<(), ApiError> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.len() >= TABS && !newest.contains_key(&ticket.of) {
            newest.clear();
        }
        let known = newest.entry(ticket.of.clone()).or_default();
        if *known > ticket.number {
            return Err(ApiError::superseded());
        }
        *known = ticket.number;
        Ok(())
    }

    fn is_newest(&self, ticket: &Ticket) -> bool {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest
            .get(&ticket.of)
            .is_none_or(|known| *known <= ticket.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(tab: &str, number: u64) -> Option<Ticket> {
        let mut headers = HeaderMap::new();
        headers.insert("x-tab", tab.parse().unwrap());
        headers.insert("x-sequence", number.into());
        Ticket::of("solve", &headers)
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap()
    }

    #[test]
    fn a_request_that_waits_is_dropped_for_a_newer_one_of_its_tab_and_not_for_another_tabs() {
        let turns = Arc::new(Turns::new());
        runtime().block_on(async {
            let all = u32::try_from(turns.free.available_permits()).unwrap();
            let busy = Arc::clone(&turns.free)
                .acquire_many_owned(all)
                .await
                .unwrap();
            let ask = |tab: &'static str, number| {
                let turns = Arc::clone(&turns);
                tokio::spawn(async move { turns.take(ticket(tab, number), move || number).await })
            };
            let old = ask("a", 1);
            let other = ask("b", 1);
            tokio::task::yield_now().await;
            let new = ask("a", 2);
            while turns
                .newest
                .lock()
                .unwrap()
                .get(&("solve".into(), "a".into()))
                != Some(&2)
            {
                tokio::task::yield_now().await;
            }
            drop(busy);
            assert_eq!(new.await.unwrap(), Ok(2));
            assert_eq!(other.await.unwrap(), Ok(1));
            assert_eq!(old.await.unwrap(), Err(ApiError::superseded()));
            let late = turns.take(ticket("a", 1), || 1).await;
            assert_eq!(late, Err(ApiError::superseded()));
        });
    }

    #[test]
    fn a_job_that_panics_frees_its_turn() {
        let turns = Turns::new();
        runtime().block_on(async {
            let all = turns.free.available_permits();
            let panicked = turns
                .take(None, || -> u32 { unreachable!("on purpose") })
                .await;
            assert!(panicked.is_err());
            assert_eq!(turns.take(None, || 7).await, Ok(7));
            assert_eq!(turns.free.available_permits(), all);
        });
    }
}
