//! Ctrl-C: it ends the program, unless a command watches for it.
//!
//! A conversion watches, so that it can remove what it has written. A conversation watches too: there Ctrl-C ends the answer only. The
//! handler is set when somebody first watches; until then the system does what it always does.

use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, anyhow};

/// What shells report of a program that Ctrl-C ended.
pub const EXIT_CODE: u8 = 130;

static WATCHED: AtomicBool = AtomicBool::new(false);
static PRESSED: AtomicBool = AtomicBool::new(false);

/// While this lives, Ctrl-C sets a flag and does nothing else.
pub struct Watch(());

impl Watch {
    /// Begins to watch.
    pub fn begin() -> Result<Watch> {
        static HANDLER: OnceLock<Result<(), String>> = OnceLock::new();
        let set = HANDLER.get_or_init(|| ctrlc::set_handler(pressed).map_err(|error| error.to_string()));
        set.clone().map_err(|error| anyhow!("cannot catch Ctrl-C: {error}"))?;
        PRESSED.store(false, Ordering::Relaxed);
        WATCHED.store(true, Ordering::Relaxed);
        Ok(Watch(()))
    }

    /// Whether Ctrl-C was pressed: whoever has seen to it sets it back.
    #[expect(clippy::unused_self, reason = "only who watches may ask")]
    pub fn flag(&self) -> &'static AtomicBool {
        &PRESSED
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        WATCHED.store(false, Ordering::Relaxed);
    }
}

fn pressed() {
    if WATCHED.load(Ordering::Relaxed) {
        PRESSED.store(true, Ordering::Relaxed);
    } else {
        process::exit(EXIT_CODE.into());
    }
}
