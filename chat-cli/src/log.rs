//! The log on stderr.

use std::{
    io::{self, Write},
    sync::OnceLock,
};

use tracing_subscriber::{
    Registry,
    filter::LevelFilter,
    fmt,
    layer::SubscriberExt as _,
    reload::{self, Handle},
    util::SubscriberInitExt as _,
};

use crate::{
    arguments::{LogFormat, LogLevel, Options},
    terminal,
};

/// Changes what is logged.
static LEVEL: OnceLock<Handle<LevelFilter, Registry>> = OnceLock::new();

/// Starts to log, as the options say.
pub(crate) fn start(options: &Options) {
    let (filter, handle) = reload::Layer::new(filter(options.log_level));
    // It is started once.
    let _ = LEVEL.set(handle);
    let lines = fmt::layer().with_ansi(false).with_writer(|| Stderr);
    let registry = tracing_subscriber::registry().with(filter);
    match options.log_format {
        LogFormat::Text => registry.with(lines).init(),
        LogFormat::Json => registry.with(lines.json()).init(),
    }
}

/// Changes the least severe level that is logged.
pub(crate) fn set_level(level: LogLevel) {
    if let Some(Err(error)) = LEVEL.get().map(|handle| handle.reload(filter(level))) {
        tracing::warn!(%error, "the level of the log is what it was");
    }
}

const fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

/// Stderr, in the way that the terminal needs while a prompt is on it.
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // If nobody reads the log, there is nobody to tell.
        let _ = terminal::write_stderr(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
