//! A bucket of one test, with the client that the jobs use. Deleted again, with what is in it, where the engine outlives
//! the test.

use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use worker::aws::clients::{Access, Clients};
use worker::jobs::files::Place;
use worker::stats::Stats;

use crate::world::World;

/// A bucket, nobody else's.
pub struct Bucket {
    access: Access,
    outlives_the_test: bool,
    /// S3 as the jobs reach it.
    pub s3: Client,
    /// Its name.
    pub name: String,
}

impl Bucket {
    /// Makes one.
    pub async fn create(world: &World) -> Self {
        let (s3, name) = (client(&world.access()), world.table().to_owned());
        let region = s3.config().region().map_or("eu-central-1", |region| region.as_ref());
        // The oldest region alone is not to be named (S3 API reference, CreateBucket).
        let location = (region != "us-east-1").then(|| {
            let region = BucketLocationConstraint::from(region);
            CreateBucketConfiguration::builder().location_constraint(region).build()
        });
        let create = s3.create_bucket().bucket(&name).set_create_bucket_configuration(location);
        create.send().await.unwrap();
        // Connections belong to the runtime they were made on, so cleaning up has others.
        Self { access: world.access(), outlives_the_test: world.outlives_the_test(), s3, name }
    }

    /// An object of it, whether it is there or not.
    pub fn place(&self, key: &str) -> Place {
        Place::S3 { bucket: self.name.clone(), key: key.to_owned() }
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        if !self.outlives_the_test {
            return;
        }
        let (access, name) = (self.access.clone(), self.name.clone());
        // A runtime of its own: this may be a panic's way out of another one.
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(clean(&client(&access), &name));
        });
        let _ = cleaning.join();
    }
}

/// Deletes what may be there; what is not is no concern.
async fn clean(s3: &Client, bucket: &str) {
    let Ok(found) = s3.list_objects_v2().bucket(bucket).send().await else { return };
    for key in found.contents.unwrap_or_default().into_iter().filter_map(|object| object.key) {
        let _ = s3.delete_object().bucket(bucket).key(key).send().await;
    }
    let _ = s3.delete_bucket().bucket(bucket).send().await;
}

fn client(access: &Access) -> Client {
    Clients::new(access, &Arc::new(Stats::default())).s3
}
