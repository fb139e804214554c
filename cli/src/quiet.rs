//! What drivers write to stderr without need.
//!
//! Mesa's Vulkan layer that sorts devices asks the desktop which GPU it uses. Where there is no desktop, as on servers and in containers,
//! libwayland then writes "error: XDG_RUNTIME_DIR is invalid or not set in the environment.", which reads as if something had failed.

use std::env;
use std::path::Path;

/// What the layer looks for to stay away. It is in the layer's manifest.
const OFF: &str = "NODEVICE_SELECT";

/// With this a user tells the layer which device to put first.
const WANTED: &str = "MESA_VK_DEVICE_SELECT";

/// Keeps the layer away where there is no desktop to ask.
///
/// It must be called before anything else: the environment may be changed only while there is one thread.
pub fn drivers() {
    let has_desktop = env::var_os("XDG_RUNTIME_DIR").is_some_and(|folder| Path::new(&folder).is_absolute());
    if cfg!(target_os = "linux") && !has_desktop && env::var_os(OFF).is_none() && env::var_os(WANTED).is_none() {
        silence();
    }
}

#[expect(unsafe_code, reason = "drivers take this from the environment alone")]
fn silence() {
    // SAFETY: no other thread reads the environment meanwhile, since `main` calls this before it does anything else.
    unsafe { env::set_var(OFF, "1") };
}
