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
use tegula::EventKind;
use tegula::api::request::{Api, ApiRequest};
use tegula::api::response::{Head, Responder, Response};
use tegula::host::{Answers, Handle};
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
    let text = std::str::from_utf8(&body).map_err(|_| Refusal::encoding())?;
    let wanted = ApiRequest::parse(api, text)?;
    let model = state.model(wanted.model.as_deref())?;
    let Ok(seat) = state.seats.clone().try_acquire_owned() else { return Err(Refusal::busy(state.options.requests)) };
    let head = Head::new(api, &model.name, &model.fingerprint);
    let id = head.id.clone();
    let begun = Instant::now();
    // Long prompts take a while to become tokens.
    let (handle, model) = (state.handle.clone(), model.name.clone());
    let asking = spawn_blocking(move || {
        let intake = handle.intake(&model)?;
        let answers = handle.ask_all(&model, wanted.requests(intake.config()))?;
        let tails: Vec<String> = answers.submitted().iter().map(|one| one.tail.clone()).collect();
        let responder = Responder::new(&wanted, head, intake.format(wanted.tools().is_some()), &tails);
        Ok::<_, tegula::Error>((answers, responder))
    });
    let (answers, responder) = asking.await.map_err(|_| Refusal::fault())??;
    let streams = responder.streams();
    let asked = Asked { handle: state.handle.clone(), answers, responder, api, begun, told: false, over: false, _seat: seat };
    let mut answer = if streams { streamed(asked) } else { whole(asked).await? };
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
    answers: Answers,
    responder: Responder,
    api: Api,
    begun: Instant,
    /// Whether the first token has come.
    told: bool,
    /// Whether the last event has.
    over: bool,
    _seat: OwnedSemaphorePermit,
}

impl Asked {
    /// What to send for the next event.
    async fn next(&mut self) -> Option<Vec<Response>> {
        let (place, event) = self.answers.next().await?;
        let after = self.begun.elapsed();
        let responses = self.responder.event(place, &event);
        match &event {
            EventKind::Token { .. } => {
                if !std::mem::replace(&mut self.told, true) {
                    telemetry::first_token(after);
                }
            }
            EventKind::Finished { .. } if !self.responder.ended() => {}
            EventKind::Finished { .. } => {
                self.over = true;
                let usage = self.responder.usage();
                telemetry::answered(after, usage.prompt_tokens, usage.completion_tokens);
                telemetry::outcome(name(self.api), "answered");
            }
            // The others end with it.
            EventKind::Failed { error } => {
                self.over = true;
                tracing::warn!(%error, "a request failed");
                telemetry::outcome(name(self.api), "failed");
            }
        }
        Some(responses)
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.over {
            telemetry::outcome(name(self.api), "aborted");
        }
        // Of a request that is over, answers may be left where one has failed.
        for answer in self.answers.submitted() {
            self.handle.interrupt(answer.id);
        }
    }
}

/// The answer in one piece.
async fn whole(mut asked: Asked) -> Result<Answer, Refusal> {
    while let Some(responses) = asked.next().await {
        match responses.first() {
            None => {}
            Some(Response::Error(error)) => return Ok(Refusal::from(error).into_response()),
            Some(whole) => return Ok((StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], whole.json()).into_response()),
        }
    }
    Err(Refusal::ended())
}

/// The answer as it comes: a response an event, then `[DONE]`.
fn streamed(mut asked: Asked) -> Answer {
    let ready = asked.responder.accepted().iter().map(Response::json).collect();
    let lines = Lines { asked, ready, failed: false };
    let mut answer = Sse::new(lines.stream()).keep_alive(KeepAlive::default()).into_response();
    // Proxies pass each event on at once.
    answer.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    answer
}

struct Lines {
    asked: Asked,
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
                let responses = lines.asked.next().await?;
                lines.failed = responses.iter().any(|response| matches!(response, Response::Error(_)));
                lines.ready.extend(responses.iter().map(Response::json));
            }
        })
    }
}
