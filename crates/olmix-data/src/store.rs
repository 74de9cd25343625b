//! Object stores, opened once each, with credentials and endpoints from the environment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::{ClientOptions, ObjectStore};

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
        let store = connect(root).map_err(|error| format!("{root}: {error}"))?;
        open.insert(root.to_owned(), Arc::clone(&store));
        Ok(store)
    }
}

fn connect(root: &str) -> Result<Arc<dyn ObjectStore>, object_store::Error> {
    let (scheme, name) = root.split_once("://").unwrap_or(("", root));
    let plain = |variables: &[&str]| {
        let values = variables.iter().filter_map(|name| std::env::var(name).ok());
        values.into_iter().any(|value| value.starts_with("http://"))
    };
    Ok(match scheme {
        "s3" => {
            // A server that is named without TLS is meant without TLS.
            let http = plain(&["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"]);
            let mut builder = AmazonS3Builder::from_env().with_bucket_name(name);
            if http {
                builder = builder.with_allow_http(true);
            }
            Arc::new(builder.build()?)
        }
        "gs" => Arc::new(
            GoogleCloudStorageBuilder::from_env()
                .with_bucket_name(name)
                .build()?,
        ),
        "az" => Arc::new(
            MicrosoftAzureBuilder::from_env()
                .with_container_name(name)
                .build()?,
        ),
        _ => {
            let options = ClientOptions::new().with_allow_http(scheme == "http");
            let builder = HttpBuilder::new()
                .with_url(root)
                .with_client_options(options);
            Arc::new(builder.build()?)
        }
    })
}
