//! The fingerprint of a loaded model. It names everything that decides the tokens of an answer, besides the request.

use md5::{Digest, Md5};
use tegula_gpu::DeviceInfo;
use tegula_plan::{Precision, Variant};

/// Hashes what a model is made of.
///
/// Equal fingerprints promise equal tokens for equal prompt tokens, settings and seed. They name
/// the release, the library, the weights (by the hashes in the manifest), the package's settings,
/// the device class and the kernels that were chosen. They also name the device, its driver and the
/// browser, since 16-bit arithmetic rounds differently elsewhere; but not where the precision is f32.
pub(super) struct Fingerprint {
    hash: Md5,
    /// What compiles the kernels, as far as the device does not say it.
    pub(super) environment: String,
}

impl Fingerprint {
    /// Begins with the files.
    pub(super) fn new(library: &[u8], manifest: &str, config: Option<&str>) -> Fingerprint {
        let mut fingerprint = Fingerprint { hash: Md5::new(), environment: String::new() };
        for part in [env!("CARGO_PKG_VERSION").as_bytes(), library, manifest.as_bytes()] {
            fingerprint.add(part);
        }
        fingerprint.add(config.unwrap_or_default().as_bytes());
        fingerprint
    }

    /// The fingerprint of a model that is ready to run.
    pub(super) fn finish(mut self, precision: Precision, variant: &Variant, chosen: &[u32], device: &DeviceInfo) -> String {
        self.add(precision.name().as_bytes());
        self.add(variant.name.as_bytes());
        self.add(bytemuck::cast_slice(chosen));
        if precision == Precision::Auto {
            let environment = std::mem::take(&mut self.environment);
            let DeviceInfo { name, vendor, backend, driver, .. } = device;
            for part in [name, vendor, backend, driver, &environment] {
                self.add(part.as_bytes());
            }
        }
        let hash: [u8; 16] = self.hash.finalize().into();
        // Half of it is enough to tell models apart.
        format!("fp_{:016x}", u128::from_be_bytes(hash) >> 64)
    }

    /// Adds a part. Its length goes first, so that parts cannot run into each other.
    fn add(&mut self, part: &[u8]) {
        self.hash.update((part.len() as u64).to_le_bytes());
        self.hash.update(part);
    }
}
