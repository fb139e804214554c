//! What all handlers share.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use tegula::host::Handle;
use tegula::{ErrorKind, HostError, clock};
use tokio::sync::Semaphore;

use crate::Options;
use crate::keys::Keys;
use crate::telemetry;

/// A model that the host has.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its name in the host, which is what requests call it.
    pub name: String,
    /// Its [`fingerprint`](tegula::model::step::Model::fingerprint).
    pub fingerprint: String,
}

/// The models, the host, and who may call.
#[derive(Clone)]
pub(crate) struct State {
    pub handle: Handle,
    pub models: Arc<[Model]>,
    /// When the server began, in seconds since 1970.
    pub created: u64,
    pub keys: Arc<Keys>,
    /// One for each request that may be under way.
    pub seats: Arc<Semaphore>,
    pub metrics: PrometheusHandle,
    pub options: Arc<Options>,
}

impl State {
    pub fn new(handle: Handle, models: Vec<Model>, options: Options) -> State {
        State {
            handle,
            models: models.into(),
            created: clock::unix_seconds() as u64,
            keys: Arc::new(Keys::new(&options.keys)),
            seats: Arc::new(Semaphore::new(options.requests)),
            metrics: telemetry::recorder(),
            options: Arc::new(options),
        }
    }

    /// The model that a request names. It need not name the only one.
    pub fn model(&self, name: Option<&str>) -> Result<&Model, tegula::Error> {
        let names = || self.models.iter().map(|model| model.name.clone()).collect::<Vec<_>>();
        match (name, &self.models[..]) {
            (None, [only]) => Ok(only),
            (None, _) => {
                let allowed = format!("one of {}", names().join(", "));
                Err(ErrorKind::FieldType { field: "model".into(), value: "missing".into(), allowed }.into())
            }
            (Some(name), models) => {
                let unknown = || HostError::UnknownModel { name: name.into(), models: names() }.into();
                models.iter().find(|model| model.name == name).ok_or_else(unknown)
            }
        }
    }

    /// Requests that are answered or wait for it.
    pub fn running(&self) -> usize {
        self.options.requests - self.seats.available_permits()
    }
}
