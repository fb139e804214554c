//! What a request is checked against before it waits: the tokenizer, the chat template, the limits.
//!
//! Steps change nothing here but the context's size. So the thread that submits a request checks it and makes its tokens, while the engine
//! runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::engine::constraint::Constraint;
use crate::engine::request::{Calling, Prompt, Request, RequestId};
use crate::engine::sequence::{Sequence, Terms};
use crate::engine::stop::Stops;
use crate::engine::thinking::Thinking;
use crate::grammar::{Grammar, Grammars, Tokens};
use crate::model::forward::Forward;
use crate::text::answer::{self, Format};
use crate::text::chat::Chat;
use crate::text::detokenizer::Detokenizer;
use crate::text::inside::encode_inside;
use crate::text::tokenizer::Tokenizer;
use crate::{ErrorKind, Result};
use tegula_package::mlc::ChatConfig;

/// Tokens at the end of a prompt that may begin the answer.
const TAIL: usize = 32;

/// Checks requests to one model and makes their tokens.
pub struct Intake {
    tokenizer: Option<Tokenizer>,
    config: ChatConfig,
    chat: Chat,
    vocab_size: u32,
    /// Special tokens that mark reasoning, and those that mark tool calls too, in order.
    marks: [Arc<[u32]>; 2],
    /// The most tokens of a sequence. It changes when the memory for caches is shared anew.
    capacity: AtomicU32,
    grammars: Grammars,
}

impl Intake {
    /// Takes what a package says of a model. Without a tokenizer, prompts and answers are ids.
    /// `template` is the text of chat_template.jinja.
    pub fn new<M: Forward>(model: &M, tokenizer: Option<Tokenizer>, config: ChatConfig, template: Option<&str>) -> Intake {
        let chat = Chat::new(tokenizer.as_ref().map(Tokenizer::config), template, &config);
        let capacity = AtomicU32::new(model.capacity());
        let marks = [false, true].map(|tools| {
            let Some(tokenizer) = &tokenizer else { return Arc::default() };
            let shows = |id: &u32| tokenizer.token(*id).is_some_and(|token| chat.format(tools).shows(&token, tools));
            tokenizer.special().iter().copied().filter(shows).collect()
        });
        Intake { tokenizer, config, chat, vocab_size: model.facts().vocab_size, marks, capacity, grammars: Grammars::default() }
    }

    /// How the model writes answers to a conversation with tools, or to one without.
    #[must_use]
    pub fn format(&self, tools: bool) -> &Format {
        self.chat.format(tools)
    }

    /// Whether the model answers conversations. Others continue texts only.
    #[must_use]
    pub fn chats(&self) -> bool {
        self.tokenizer.is_some() && self.chat.is_known()
    }

    /// The last text of a prompt, with its special tokens: templates may begin the answer there.
    #[must_use]
    pub fn tail(&self, ids: &[u32]) -> String {
        let Some(tokenizer) = &self.tokenizer else { return String::new() };
        let (mut detokenizer, mut text) = (Detokenizer::new().with_special().continuing(), String::new());
        for &id in &ids[ids.len().saturating_sub(TAIL)..] {
            detokenizer.push(tokenizer, id, &mut text);
        }
        text
    }

    /// The tokenizer, if the package has one.
    #[must_use]
    pub fn tokenizer(&self) -> Option<&Tokenizer> {
        self.tokenizer.as_ref()
    }

    /// The package's settings.
    #[must_use]
    pub fn config(&self) -> &ChatConfig {
        &self.config
    }

    #[cfg(test)]
    pub(super) fn config_mut(&mut self) -> &mut ChatConfig {
        &mut self.config
    }

    /// The most tokens of a sequence, prompt and answer together.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.capacity.load(Ordering::Relaxed)
    }

    pub(crate) fn set_capacity(&self, tokens: u32) {
        self.capacity.store(tokens, Ordering::Relaxed);
    }

    /// The ids of a prompt.
    ///
    /// # Errors
    /// [`ErrorKind::NoTokenizer`], those of [`Chat::prompt`] and [`Tokenizer::encode`], [`ErrorKind::UnknownToken`].
    pub fn tokenize(&self, prompt: &Prompt) -> Result<Vec<u32>> {
        let ids = prompt.ids(self.tokenizer.as_ref(), &self.chat)?;
        self.check_ids(&ids)?;
        Ok(ids)
    }

    pub(crate) fn check_ids(&self, ids: &[u32]) -> Result<()> {
        let vocab_size = self.vocab_size;
        match ids.iter().find(|&&id| id >= vocab_size) {
            Some(&id) => Err(ErrorKind::UnknownToken { id, vocab_size }.into()),
            None if ids.is_empty() => Err(ErrorKind::EmptyPrompt.into()),
            None => Ok(()),
        }
    }

    /// Checks a request and makes what the engine runs.
    ///
    /// # Errors
    /// Those of [`Intake::tokenize`]; [`ErrorKind::ContextWindowSizeExceeded`], [`ErrorKind::FieldRange`].
    pub(crate) fn check(&self, id: RequestId, request: Request) -> Result<Sequence> {
        let ids = self.tokenize(&request.prompt)?;
        self.check_tokenized(id, request, ids)
    }

    /// As [`Intake::check`], where the prompt's tokens are known.
    pub(crate) fn check_tokenized(&self, id: RequestId, request: Request, ids: Vec<u32>) -> Result<Sequence> {
        request.sampling.check()?;
        if request.max_tokens == Some(0) {
            let (field, value, allowed) = ("max_tokens".into(), "0".into(), "a whole number of 1 or more".into());
            return Err(ErrorKind::FieldRange { field, value, allowed }.into());
        }
        if self.tokenizer.is_none() && !request.stop.is_empty() {
            return Err(ErrorKind::NoTokenizer.into());
        }
        let context = self.capacity();
        if ids.len() as u64 >= u64::from(context) {
            return Err(ErrorKind::ContextWindowSizeExceeded { prompt: ids.len() as u64, context: u64::from(context) }.into());
        }
        let limit = (context as usize).min(ids.len().saturating_add(request.max_tokens.unwrap_or(context) as usize));
        let constraint = self.constraint(&request)?;
        let thinking = self.thinking(&request, &ids).transpose()?;
        let mut stop = request.stop;
        let continues = match (&request.prompt, &self.tokenizer) {
            (Prompt::Chat(_), _) => {
                stop.extend(self.config.conv_template.whole().into_iter().flat_map(|template| template.stop_str.as_slice()).cloned());
                false
            }
            (Prompt::Gap { .. }, _) => true,
            (_, Some(tokenizer)) => ids.iter().any(|&id| !tokenizer.is_special(id)),
            (_, None) => true,
        };
        let shown = match &request.prompt {
            Prompt::Chat(dialogue) if request.marks => Arc::clone(&self.marks[usize::from(dialogue.tools.is_some())]),
            _ => Arc::default(),
        };
        let Request { sampling, ignore_eos, logprobs, priority, .. } = request;
        let stops = Stops::new(stop);
        let terms = Terms { sampling, limit, ignore_eos, logprobs, constraint, thinking, priority, stops, continues, shown };
        Ok(Sequence::new(id, ids, terms))
    }

    /// What an answer is kept to, if the request wants a form of it or calls.
    fn constraint(&self, request: &Request) -> Result<Option<Constraint>> {
        if request.grammar.is_none() && request.calling.is_none() {
            return Ok(None);
        }
        let tokenizer = self.tokenizer.as_ref().ok_or(ErrorKind::NoTokenizer)?;
        let tokens = || Tokens::of(tokenizer, self.active_vocab(), &self.end_ids());
        let calls = self.calls(request, tokenizer)?;
        let Some(grammar) = calls.as_ref().or(request.grammar.as_deref()) else { return Ok(None) };
        Ok(Some(Constraint::new(grammar.field, self.grammars.matcher(grammar, tokens)?, self.active_vocab())))
    }

    /// The grammar of answers that call tools as the request wants.
    fn calls(&self, request: &Request, tokenizer: &Tokenizer) -> Result<Option<Grammar>> {
        let (Some(wanted), Prompt::Chat(dialogue)) = (&request.calling, &request.prompt) else { return Ok(None) };
        let Some(tools) = &dialogue.tools else { return Ok(None) };
        let Calling { only, must, parallel } = Calling::clone(wanted);
        let calling = answer::Calling { tools, only, must, parallel, answer: request.grammar.as_deref() };
        let ends = self.end_ids();
        let special = tokenizer.special().iter().chain(&ends).filter_map(|&id| Some((tokenizer.token(id)?, id))).collect::<Vec<_>>();
        match self.chat.format(true).calling(&calling, &special) {
            Some(grammar) => grammar.map(Some),
            None if must => {
                let (field, value) = ("tool_choice".into(), "a call".into());
                let allowed = "the chat template of the model knows no calls".into();
                Err(ErrorKind::UnsupportedField { field, value, allowed }.into())
            }
            None => Ok(None),
        }
    }

    /// Whether grammars can be compiled.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn has_grammars(&self) -> bool {
        self.grammars.ready()
    }

    /// Takes the module that compiles grammars.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn set_grammar(&self, module: &crate::grammar::module::GrammarModule) -> Result<()> {
        let tokenizer = self.tokenizer.as_ref().ok_or(ErrorKind::NoTokenizer)?;
        self.grammars.set(module, &Tokens::of(tokenizer, self.active_vocab(), &self.end_ids()))
    }

    /// Where the reasoning of an answer is, if that matters to the request and the model reasons.
    fn thinking(&self, request: &Request, ids: &[u32]) -> Option<Result<Thinking>> {
        let (tokenizer, Prompt::Chat(dialogue)) = (self.tokenizer.as_ref()?, &request.prompt) else { return None };
        if request.grammar.is_none() && request.calling.is_none() && request.thinking_budget.is_none() {
            return None;
        }
        let format = self.chat.format(dialogue.tools.is_some());
        let Some((open, close)) = format.reasoning() else {
            let value = request.thinking_budget?.to_string();
            let (field, allowed) = ("thinking_budget".into(), "the model does not reason, as far as its chat template says".into());
            return Some(Err(ErrorKind::UnsupportedField { field, value, allowed }.into()));
        };
        let begins = format.begins(&self.tail(ids));
        let made = |open, closing| Thinking::new(open, (close, closing), format.silent(), request.thinking_budget, begins);
        let ids = |mark| Ok::<_, crate::Error>(encode_inside(tokenizer, mark)?.unwrap_or_default());
        Some(ids(open).and_then(|open| Ok(made(open, ids(close)?))))
    }

    /// Ids from here on are padding.
    pub(crate) fn active_vocab(&self) -> u32 {
        self.config.active_vocab(self.vocab_size)
    }

    /// The ids that end an answer: those of the package's config, of its conversation template, and the tokenizer's own.
    ///
    /// MLC's templates are shared between models with different vocabularies, so that an id of theirs can be an everyday token of this one (2,
    /// `</s>` of Llama 2, is `#` in Qwen's). Such ids are left out where the tokenizer shows them to be text.
    pub(crate) fn end_ids(&self) -> Vec<u32> {
        let mut ids = self.config.eos_token_id.as_slice().to_vec();
        let template = self.config.conv_template.whole().map_or(&[][..], |template| &template.stop_token_ids);
        ids.extend(template.iter().filter(|&&id| self.tokenizer.as_ref().is_none_or(|tokenizer| tokenizer.is_special(id))));
        ids.extend(self.tokenizer.as_ref().and_then(Tokenizer::eos));
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}
