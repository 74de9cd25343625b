//! Object stores, opened once each, with credentials and endpoints from the environment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::{ClientConfigKey, ClientOptions, ObjectStore, RetryConfig};

use crate::install_tls_provider;

/// Stores by the URL of their bucket, container or server.
#[derive(Default)]
pub(crate) struct Stores {
    open: Mutex<HashMap<String, Arc<dyn ObjectStore>>>,
}

impl Stores {
    /// The store of a URL such as `s3://bucket`.
    pub fn get(&self, root: &str) -> Result<Arc<dyn ObjectStore>, String> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = open.get(root) {
            return Ok(Arc::clone(store));
        }
        let store = connect(root, None).map_err(|error| format!("{root}: {error}"))?;
        open.insert(root.to_owned(), Arc::clone(&store));
        Ok(store)
    }
}

/// How long a request may take where nobody waits for it.
const REQUEST: Duration = Duration::from_secs(30);

/// Opens the store of a URL such as `s3://bucket`, with credentials and endpoints from the environment. A
/// request that fails is made again until `patience` is over.
///
/// # Errors
/// A sentence, for a store that is not set up.
pub fn open_store(root: &str, patience: Duration) -> Result<Arc<dyn ObjectStore>, String> {
    connect(root, Some(patience)).map_err(|error| error.to_string())
}

fn connect(
    root: &str,
    patience: Option<Duration>,
) -> Result<Arc<dyn ObjectStore>, object_store::Error> {
    install_tls_provider();
    let (scheme, name) = root.split_once("://").unwrap_or(("", root));
    let plain = |variables: &[&str]| {
        let values = variables.iter().filter_map(|name| std::env::var(name).ok());
        values.into_iter().any(|value| value.starts_with("http://"))
    };
    let retry = RetryConfig {
        retry_timeout: patience.unwrap_or(RetryConfig::default().retry_timeout),
        ..RetryConfig::default()
    };
    let limit = patience.map(|patience| format!("{} seconds", patience.max(REQUEST).as_secs()));
    let timeout = ClientConfigKey::Timeout;
    Ok(match scheme {
        "s3" => {
            // A server that is named without TLS is meant without TLS.
            let http = plain(&["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"]);
            let mut builder = AmazonS3Builder::from_env()
                .with_bucket_name(name)
                .with_retry(retry);
            if http {
                builder = builder.with_allow_http(true);
            }
            if let Some(limit) = limit {
                builder = builder.with_config(AmazonS3ConfigKey::Client(timeout), limit);
            }
            Arc::new(builder.build()?)
        }
        "gs" => {
            let mut builder = GoogleCloudStorageBuilder::from_env()
                .with_bucket_name(name)
                .with_retry(retry);
            if let Some(limit) = limit {
                builder = builder.with_config(GoogleConfigKey::Client(timeout), limit);
            }
            Arc::new(builder.build()?)
        }
        "az" => {
            let http = plain(&["AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"]);
            let mut builder = MicrosoftAzureBuilder::from_env()
                .with_container_name(name)
                .with_retry(retry);
            if http {
                builder = builder.with_allow_http(true);
            }
            if let Some(limit) = limit {
                builder = builder.with_config(AzureConfigKey::Client(timeout), limit);
            }
            Arc::new(builder.build()?)
        }
        _ => {
            let options = ClientOptions::new().with_allow_http(scheme == "http");
            let builder = HttpBuilder::new()
                .with_url(root)
                .with_client_options(options);
            Arc::new(builder.build()?)
        }
    })
}
