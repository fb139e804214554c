//! `tegula serve`: OpenAI's API over HTTP.

use std::env;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use tegula::host::Host;
use tegula_gpu::Gpu;
use tegula_serve::{Model, Options, Server};

use crate::args::Serve;
use crate::open::Opening;
use crate::report;

/// Loads the models and answers requests to them until it is told to end.
pub fn serve(args: &Serve) -> Result<()> {
    let options = options(args);
    // An address that is refused or taken is better known before the models are loaded.
    tegula_serve::check(&options)?;
    let (handle, thread) = Host::spawn(None).context("the system has no thread for the models")?;
    let mut gpu: Option<Gpu> = None;
    let mut models = Vec::new();
    for (name, model) in args.models() {
        let place = handle.place(&name)?;
        let opening = Opening::begin_on(&model, gpu.as_ref()).with_context(|| format!("cannot open the model `{name}`"))?;
        let opened = opening.load().with_context(|| format!("cannot load the model `{name}`"))?;
        report::say(format_args!("{name}: {}", opened.summary()));
        gpu.get_or_insert_with(|| opened.model.gpu().clone());
        models.push(Model { fingerprint: opened.model.fingerprint().to_owned(), name });
        opened.load_into(place);
    }
    let server = Server::bind(handle.clone(), models, options)?;
    report::say(format_args!("listening on http://{}/v1", server.address()));
    if !args.no_page && tegula_serve::has_page() {
        report::say(format_args!("chat at http://{}/", server.address()));
    }
    let served = server.run();
    handle.shutdown();
    // Whoever joins it knows that all GPU memory is free. A panic of the host has been told already.
    drop(thread.join());
    Ok(served?)
}

fn options(args: &Serve) -> Options {
    let given = env::var("TEGULA_API_KEY").ok().filter(|key| !key.is_empty());
    let keys = if args.api_key.is_empty() { given.into_iter().collect() } else { args.api_key.clone() };
    Options {
        address: SocketAddr::new(args.host, args.port),
        keys,
        anonymous: args.allow_anonymous,
        origins: args.cors.clone(),
        body: args.max_body as usize,
        requests: args.max_requests as usize,
        page: !args.no_page,
    }
}
