//! The log on stderr.

use std::io::{self, Write};

use tracing_subscriber::{filter::LevelFilter, fmt};

use crate::{
    arguments::{LogFormat, LogLevel, Options},
    terminal,
};

/// Starts to log, as the options say.
pub(crate) fn start(options: &Options) {
    let level = match options.log_level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let builder = fmt::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(|| Stderr);
    match options.log_format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().init(),
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
