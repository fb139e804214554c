//! Which address does what.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State as Given};
use axum::http::{HeaderValue, Method, Uri, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tegula::api::response::{Health, ModelList, ModelObject};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer};
use tracing::Level;

use crate::refusal::Refusal;
use crate::state::State;
use crate::{access, answer, page, telemetry};

/// The whole server, but for the socket.
pub(crate) fn router(state: State) -> Router {
    let keyed = Router::new()
        .route("/v1/chat/completions", post(answer::chat))
        .route("/v1/completions", post(answer::completion))
        .route("/v1/embeddings", post(embeddings))
        .route("/v1/models", get(models))
        .route("/v1/models/{*name}", get(model))
        .route("/metrics", get(metrics))
        .layer(from_fn_with_state(state.clone(), access::keyed));
    let limit = state.options.body;
    // The span has the method and the path.
    let span = DefaultMakeSpan::new().level(Level::INFO);
    let trace = TraceLayer::new_for_http().make_span_with(span).on_response(DefaultOnResponse::new().level(Level::INFO));
    // The page holds no secret, and asks for the key by itself.
    let page = if state.options.page { page::routes() } else { Router::new() };
    keyed
        .route("/health", get(health))
        .merge(page)
        .fallback(unknown)
        .method_not_allowed_fallback(method)
        .layer(DefaultBodyLimit::max(limit))
        // A page asks with a request of its own whether it may call, and has no key then.
        .layer(access::cors(&state.options))
        .layer(from_fn_with_state(state.clone(), access::local))
        .layer(CatchPanicLayer::custom(|_| Refusal::fault().into_response()))
        .layer(trace)
        // Browsers take answers for what they say they are.
        .layer(SetResponseHeaderLayer::overriding(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .with_state(state)
}

async fn models(Given(state): Given<State>) -> Response {
    json(ModelList::of(state.models.iter().map(|model| object(&state, &model.name))).json())
}

async fn model(Given(state): Given<State>, Path(name): Path<String>) -> Result<Response, Refusal> {
    let model = state.model(Some(&name))?;
    Ok(json(object(&state, &model.name).json()))
}

/// A model, with what it takes where it still answers.
fn object(state: &State, name: &str) -> ModelObject {
    let object = ModelObject::new(name, state.created);
    match state.handle.intake(name) {
        Ok(intake) => object.described(&intake),
        Err(_) => object,
    }
}

async fn embeddings() -> Refusal {
    Refusal::unable("embeddings")
}

async fn health(Given(state): Given<State>) -> Response {
    json(Health::new(state.handle.models(), state.running(), Some(state.options.requests)).json())
}

async fn metrics(Given(state): Given<State>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], telemetry::page(&state.metrics, state.running())).into_response()
}

async fn unknown(method: Method, uri: Uri) -> Refusal {
    Refusal::unknown_address(method.as_str(), uri.path())
}

async fn method(method: Method, uri: Uri) -> Refusal {
    Refusal::method(method.as_str(), uri.path())
}

fn json(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
