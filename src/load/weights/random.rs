//! Random weights in place of a package: for measurements that need a model of some size, whatever it says.

use super::Loader;
use crate::Result;
use crate::model::{Place, Sink};
use tegula_gpu::Filling;
use tegula_plan::{Dtype, Param, VectorSource};

impl Loader {
    /// Fills all weights on the GPU instead of loading them: small numbers under which activations stay finite at any depth.
    ///
    /// # Errors
    /// [`ErrorKind::Gpu`](crate::ErrorKind::Gpu).
    pub async fn random(&mut self, seed: u32) -> Result<()> {
        let filler = self.gpu.filler().await?;
        for (&param, buffer) in &self.buffers.weights {
            let Param { name, shape, dtype, .. } = &self.library.plan.params[param as usize];
            let (center, spread) = if name.ends_with("scale") {
                // Of either sign: random words are half a step above the zero point on the average, which would add up.
                (0.0, 0.005)
            } else if shape.len() == 1 {
                (1.0, 0.1)
            } else {
                (0.0, 0.02)
            };
            let filling = match dtype {
                Dtype::U32 => Filling::Words,
                Dtype::F16 => Filling::F16 { center, spread },
                Dtype::F32 => Filling::F32 { center, spread },
            };
            filler.fill(
                buffer,
                crate::model::budget::param_bytes(&self.library.plan.params[param as usize]),
                filling,
                seed.wrapping_add(param),
            )?;
        }
        // Vectors are few: norms, which are near one, and biases, which are small.
        let mut sink = self.buffers.sink(&self.gpu, &mut self.unsent);
        for vector in &self.library.plan.vectors {
            if let VectorSource::Param(param) = vector.source {
                let center = if self.library.plan.params[param as usize].name.ends_with("bias") { 0.0 } else { 1.0 };
                let values: Vec<f32> = (0..vector.length).map(|index| center + 0.1 * noise(seed ^ param << 16, index)).collect();
                sink.write(Place::Vectors, 4 * u64::from(vector.offset), bytemuck::cast_slice(&values));
            }
        }
        drop(sink);
        self.random = true;
        Ok(())
    }
}

/// A number between -1 and 1 that follows from two others.
fn noise(seed: u32, index: u32) -> f32 {
    let mut bits = seed.wrapping_mul(0x9e37_79b9) ^ index.wrapping_mul(0x85eb_ca6b);
    for factor in [0x7feb_352d, 0x846c_a68b] {
        bits = (bits ^ bits >> 16).wrapping_mul(factor);
    }
    (bits >> 8) as f32 / (1 << 23) as f32 - 1.0
}
