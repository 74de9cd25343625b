//! Object stores on this machine: S3 as moto serves it, and Azure's as Azurite does. Each is started once for all
//! tests of this process, which have buckets of their own.
#![cfg(target_os = "linux")]

use std::path::PathBuf;
use std::process::Command;

use super::python;
use super::server::{Server, azure, s3};

/// A store, and a program that has a client of its vendor's.
#[derive(Clone)]
pub struct Store {
    pub server: &'static Server,
    program: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    S3,
    Azure,
}

impl Store {
    /// `None`, with the reason printed, where moto can't be installed.
    pub fn s3() -> Option<Self> {
        let program = python::python()?;
        Some(Self {
            server: Server::s3(&program),
            program,
            kind: Kind::S3,
        })
    }

    /// `None`, with the reason printed, where Azurite can't be installed.
    pub fn azure() -> Option<Self> {
        let folder = python::node()?;
        Some(Self {
            server: Server::azure(&folder),
            program: folder.join("node"),
            kind: Kind::Azure,
        })
    }

    /// The URL of a bucket, or a container.
    pub fn url(&self, bucket: &str) -> String {
        match self.kind {
            Kind::S3 => format!("s3://{bucket}"),
            Kind::Azure => format!("az://{bucket}"),
        }
    }

    /// What a client needs in its environment.
    pub fn environment(&self) -> Vec<(String, String)> {
        match self.kind {
            Kind::S3 => s3(&self.server.url)
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            Kind::Azure => azure(&self.server.url),
        }
    }

    /// What the vendor's client prints: `s3` in Python, or `of(BUCKET)`, a container of Azure, in JavaScript.
    fn ask(&self, line: &str) -> String {
        let mut command = Command::new(&self.program);
        match self.kind {
            Kind::S3 => {
                let text = format!("import boto3\ns3 = boto3.client('s3')\n{line}");
                command.args(["-c", &text]);
            }
            Kind::Azure => {
                let text = format!(
                    "const {{ BlobServiceClient, StorageSharedKeyCredential }} = require('@azure/storage-blob');\n\
                     const env = process.env;\n\
                     const key = new StorageSharedKeyCredential(env.AZURE_STORAGE_ACCOUNT_NAME, env.AZURE_STORAGE_ACCOUNT_KEY);\n\
                     const service = new BlobServiceClient(env.AZURE_STORAGE_ENDPOINT, key);\n\
                     const of = bucket => service.getContainerClient(bucket);\n\
                     (async () => {{ {line} }})().catch(error => {{ console.error(error); process.exit(1); }});"
                );
                command.args(["-e", &text]);
                command.current_dir(self.program.parent().unwrap());
            }
        }
        let done = command.envs(self.environment()).output().unwrap();
        let told = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{told}");
        String::from_utf8(done.stdout).unwrap()
    }

    /// Makes a bucket.
    pub fn make(&self, bucket: &str) {
        self.ask(&match self.kind {
            Kind::S3 => format!("s3.create_bucket(Bucket='{bucket}')"),
            Kind::Azure => format!("await of('{bucket}').create();"),
        });
    }

    /// The names of a bucket's objects.
    pub fn objects(&self, bucket: &str) -> Vec<String> {
        let told = self.ask(&match self.kind {
            Kind::S3 => format!(
                "for page in s3.get_paginator('list_objects_v2').paginate(Bucket='{bucket}'):\n  for o in \
                 page.get('Contents', []): print(o['Key'])"
            ),
            Kind::Azure => format!(
                "for await (const blob of of('{bucket}').listBlobsFlat()) console.log(blob.name);"
            ),
        });
        told.lines().map(str::to_owned).collect()
    }

    /// Of how many parts an object was made; 0 where it was uploaded at once, or is not there.
    pub fn parts(&self, bucket: &str, name: &str) -> usize {
        let told = self.ask(&match self.kind {
            // `"…-3"`, with a number, of those that were uploaded in parts.
            Kind::S3 => format!(
                "for o in s3.list_objects_v2(Bucket='{bucket}', Prefix='{name}').get('Contents', []): \
                 print(o['ETag'].strip('\"').partition('-')[2] or 0)"
            ),
            Kind::Azure => format!(
                "const list = await of('{bucket}').getBlockBlobClient('{name}').getBlockList('committed');\n\
                 console.log((list.committedBlocks || []).length);"
            ),
        });
        told.trim().parse().unwrap_or(0)
    }

    /// Uploads in parts of an S3 bucket that are neither complete nor given up.
    pub fn uploads(&self, bucket: &str) -> usize {
        assert!(self.kind == Kind::S3, "Azure has no list of them");
        let line =
            format!("print(len(s3.list_multipart_uploads(Bucket='{bucket}').get('Uploads', [])))");
        self.ask(&line).trim().parse().unwrap()
    }
}
