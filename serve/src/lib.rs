//! OpenAI's API over HTTP, for the models of a host.
//!
//! The runtime checks requests and builds responses ([`tegula::api`]). Here they get an address, a status and an event stream. The host runs
//! on a thread of its own; handlers send to it and wait for events, so that a slow client holds nobody else.
//!
//! - `routes`: which address does what.
//! - `answer`: a request of either API, answered whole or as an event stream.
//! - `access`: who may call: origins, names of the host, and `keys`.
//! - `page`: the page at `/`, which is a part of the program.
//! - `refusal`: answers to what cannot be done, as OpenAI's error object.
//! - `state`: what all handlers share; `telemetry`: what they count.

mod access;
mod answer;
mod error;
mod keys;
mod page;
mod refusal;
mod routes;
mod state;
mod telemetry;

use std::future::IntoFuture;
use std::io;
use std::net::{SocketAddr, TcpListener};

use axum::serve::ListenerExt;
use tegula::host::Handle;
use tokio::runtime::Runtime;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

pub use access::check;
pub use error::{Error, ErrorKind};
pub use page::has_page;
pub use state::Model;
use state::State;

/// Where to listen, and to whom.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address; port 0 lets the system choose one.
    pub address: SocketAddr,
    /// Keys that requests may have as their bearer token. Without any, everybody is answered.
    pub keys: Vec<String>,
    /// Whether everybody may be answered on an address that other machines reach.
    pub anonymous: bool,
    /// Origins of pages that may call, such as `https://example.org`; `*` for all.
    pub origins: Vec<String>,
    /// The most bytes of a request's body.
    pub body: usize,
    /// The most requests that are answered or wait for it. Others are told to come back.
    pub requests: usize,
    /// Whether there is a page at `/` to chat in.
    pub page: bool,
}

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    state: State,
}

impl Server {
    /// Takes the address. Nobody is answered before [`Server::run`].
    ///
    /// # Errors
    /// Those of [`check`]; [`ErrorKind::Address`] where the address cannot be taken.
    pub fn bind(handle: Handle, models: Vec<Model>, options: Options) -> Result<Server, Error> {
        access::check(&options)?;
        let address = options.address;
        let failed = |source| Error::from(ErrorKind::Address { address, source });
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        Ok(Server { listener, state: State::new(handle, models, Options { address: local, ..options }) })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.state.options.address
    }

    /// Answers until the process is told to end (SIGINT or SIGTERM). Requests that run by then are answered whole; a second signal gives them
    /// up.
    ///
    /// # Errors
    /// [`ErrorKind::Runtime`] where the system has no threads or signals to give.
    pub fn run(self) -> Result<(), Error> {
        let failed = |source| Error::from(ErrorKind::Runtime { source });
        let runtime = Runtime::new().map_err(failed)?;
        let Server { listener, state } = self;
        let served = runtime.block_on(async {
            let mut signals = Signals::new()?;
            let (tell, told) = oneshot::channel();
            // Events of a stream are small, and each is waited for.
            let listener = tokio::net::TcpListener::from_std(listener)?.tap_io(|stream| drop(stream.set_nodelay(true)));
            let serving = axum::serve(listener, routes::router(state)).with_graceful_shutdown(async { drop(told.await) });
            let twice = async {
                signals.next().await;
                tracing::info!("no new requests are taken; the running ones are finished");
                // If nobody listens, the server has ended already.
                let _ = tell.send(());
                signals.next().await;
            };
            tokio::select! {
                done = serving.into_future() => done,
                () = twice => Ok(()),
            }
        });
        served.map_err(failed)
    }
}

/// What tells the process to end.
#[cfg(unix)]
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// What tells the process to end.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals)
    }

    async fn next(&mut self) {
        // Without signals nobody can tell it to end.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
