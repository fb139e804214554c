//! How creations go: natively that is known at once, and browsers tell it later.

use crate::Error;
use futures::FutureExt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// How a creation went, which browsers tell later.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) type Outcome = futures::future::BoxFuture<'static, Result<(), Error>>;
#[cfg(target_arch = "wasm32")]
pub(crate) type Outcome = futures::future::LocalBoxFuture<'static, Result<(), Error>>;

/// What becomes of creations: see [`Gpu::settled`](crate::Gpu::settled). Whoever stops to wait keeps this, or no one learns of an error.
pub struct Settled(pub(crate) futures::future::JoinAll<Outcome>);

impl Future for Settled {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_unpin(context).map(|outcomes| outcomes.into_iter().collect())
    }
}

/// Error scopes of all kinds around a creation. Natively scopes belong to a thread, so no future may be awaited while they are open.
pub(crate) struct Scopes {
    memory: wgpu::ErrorScopeGuard,
    validation: wgpu::ErrorScopeGuard,
    internal: wgpu::ErrorScopeGuard,
}

impl Scopes {
    pub(crate) fn open(device: &wgpu::Device) -> Self {
        let [memory, validation, internal] = [wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Validation, wgpu::ErrorFilter::Internal]
            .map(|filter| device.push_error_scope(filter));
        Scopes { memory, validation, internal }
    }

    /// Closes the scopes now; the first error they caught is known natively at once, in browsers later.
    pub(crate) fn close(self) -> impl Future<Output = Option<wgpu::Error>> + use<> {
        // A stack: last opened, first closed.
        let caught = [self.internal.pop(), self.validation.pop(), self.memory.pop()];
        futures::future::join_all(caught).map(|errors| errors.into_iter().flatten().next())
    }
}

/// That a creation went well, known at the third time of asking.
pub(crate) fn late() -> impl Future<Output = Result<(), Error>> {
    let mut asked = 0;
    std::future::poll_fn(move |context| {
        asked += 1;
        context.waker().wake_by_ref();
        if asked < 3 { Poll::Pending } else { Poll::Ready(Ok(())) }
    })
}
