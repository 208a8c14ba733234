//! How policies are compiled: the settings that end up in machine code.
//!
//! One file for the build script, which compiles the built-in policy ahead of
//! time, and for the host, which loads the result and compiles uploads: code
//! compiled under other settings is refused.

use wasmtime::Config;

/// Settings for compiling and running policies.
pub(super) fn config() -> Config {
    let mut config = Config::new();
    // How a guest that does not return is stopped; costs less than fuel.
    config.epoch_interruption(true);
    // Policies are plain functions; without tasks a call costs a third.
    config.concurrency_support(false);
    // Nobody reads a guest's stack; without it a trap costs a third less.
    config.wasm_backtrace_max_frames(None);
    config
}
