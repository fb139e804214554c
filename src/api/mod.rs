//! OpenAI's API: [`request`] reads and checks bodies, [`response`] builds what answers them.
//!
//! A page and a native server send what this module builds, as it is.

pub mod request;
pub mod response;
