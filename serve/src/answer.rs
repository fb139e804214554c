//! A request of either API, answered whole or as an event stream.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::State as Given;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response as Answer};
use futures::{Stream, StreamExt, stream};
use tegula::api::request::{Api, ApiRequest};
use tegula::api::response::{Head, Responder, Response};
use tegula::host::{Events, Handle};
use tegula::{ErrorKind, EventKind};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;

use crate::refusal::Refusal;
use crate::state::State;
use crate::telemetry;

/// A body, if it came whole.
type Body = Result<Bytes, BytesRejection>;

/// `POST /v1/chat/completions`.
pub(crate) async fn chat(Given(state): Given<State>, headers: HeaderMap, body: Body) -> Answer {
    counted(Api::Chat, answer(&state, Api::Chat, &headers, body).await)
}

/// `POST /v1/completions`.
pub(crate) async fn completion(Given(state): Given<State>, headers: HeaderMap, body: Body) -> Answer {
    counted(Api::Completion, answer(&state, Api::Completion, &headers, body).await)
}

fn counted(api: Api, answer: Result<Answer, Refusal>) -> Answer {
    answer.unwrap_or_else(|refusal| {
        telemetry::outcome(name(api), "refused");
        refusal.into_response()
    })
}

fn name(api: Api) -> &'static str {
    match api {
        Api::Chat => "chat",
        Api::Completion => "completion",
    }
}

async fn answer(state: &State, api: Api, headers: &HeaderMap, body: Body) -> Result<Answer, Refusal> {
    if !is_json(headers) {
        return Err(Refusal::media());
    }
    let body = body.map_err(|rejection| Refusal::body(rejection.status(), &rejection.body_text(), state.options.body))?;
    let text = std::str::from_utf8(&body).map_err(|error| {
        let reason = format!("it is no UTF-8: {error}");
        Refusal::from(tegula::Error::from(ErrorKind::InvalidRequest { reason }))
    })?;
    let wanted = ApiRequest::parse(api, text)?;
    let model = state.model(wanted.model.as_deref())?;
    let Ok(seat) = state.seats.clone().try_acquire_owned() else { return Err(Refusal::busy(state.options.requests)) };
    let head = Head::new(api, &model.name, &model.fingerprint);
    let (id, streams, responder) = (head.id.clone(), wanted.stream, Responder::new(&wanted, head));
    let begun = Instant::now();
    // Long prompts take a while to become tokens.
    let (handle, model) = (state.handle.clone(), model.name.clone());
    let asking = spawn_blocking(move || {
        let request = wanted.request(handle.intake(&model)?.config());
        handle.ask(&model, request)
    });
    let events = asking.await.map_err(|_| Refusal::fault())??;
    let asked = Asked { handle: state.handle.clone(), events, api, begun, told: false, over: false, _seat: seat };
    let mut answer = if streams { streamed(asked, responder) } else { whole(asked, responder).await? };
    if let Ok(id) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert("x-request-id", id);
    }
    Ok(answer)
}

/// Whether the body is JSON. Pages of other origins may send anything else without being asked whether they may.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// A request under way. It ends with this, as when the client has gone.
struct Asked {
    handle: Handle,
    events: Events,
    api: Api,
    begun: Instant,
    /// Whether the first token has come.
    told: bool,
    /// Whether the last event has.
    over: bool,
    _seat: OwnedSemaphorePermit,
}

impl Asked {
    async fn next(&mut self) -> Option<EventKind> {
        let event = self.events.next().await?;
        let after = self.begun.elapsed();
        match &event {
            EventKind::Token { .. } => {
                if !std::mem::replace(&mut self.told, true) {
                    telemetry::first_token(after);
                }
            }
            EventKind::Finished { usage, .. } => {
                self.over = true;
                telemetry::answered(after, usage.prompt_tokens, usage.completion_tokens);
                telemetry::outcome(name(self.api), "answered");
            }
            EventKind::Failed { error } => {
                self.over = true;
                tracing::warn!(%error, "a request failed");
                telemetry::outcome(name(self.api), "failed");
            }
        }
        Some(event)
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.over {
            telemetry::outcome(name(self.api), "aborted");
            self.handle.interrupt(self.events.request());
        }
    }
}

/// The answer in one piece.
async fn whole(mut asked: Asked, mut responder: Responder) -> Result<Answer, Refusal> {
    while let Some(event) = asked.next().await {
        match responder.event(&event).first() {
            None => {}
            Some(Response::Error(error)) => return Ok(Refusal::from(error).into_response()),
            Some(whole) => return Ok((StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], whole.json()).into_response()),
        }
    }
    Err(Refusal::ended())
}

/// The answer as it comes: a response an event, then `[DONE]`.
fn streamed(asked: Asked, mut responder: Responder) -> Answer {
    let ready = responder.accepted().iter().map(Response::json).collect();
    let lines = Lines { asked, responder, ready, failed: false };
    let mut answer = Sse::new(lines.stream()).keep_alive(KeepAlive::default()).into_response();
    // Proxies pass each event on at once.
    answer.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    answer
}

struct Lines {
    asked: Asked,
    responder: Responder,
    /// Responses that were not sent yet.
    ready: VecDeque<String>,
    /// An error is the last that is said.
    failed: bool,
}

impl Lines {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(Some(self), |lines| async move {
            let mut lines = lines?;
            loop {
                if let Some(line) = lines.ready.pop_front() {
                    return Some((Ok(Event::default().data(line)), Some(lines)));
                }
                if lines.failed {
                    return None;
                }
                if lines.asked.over {
                    return Some((Ok(Event::default().data("[DONE]")), None));
                }
                let event = lines.asked.next().await?;
                lines.failed = matches!(event, EventKind::Failed { .. });
                lines.ready.extend(lines.responder.event(&event).iter().map(Response::json));
            }
        })
    }
}
