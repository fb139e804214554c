//! OpenAI's API: [`openai`] reads and checks requests, [`reply`] builds what answers them.

pub mod openai;
pub mod reply;
