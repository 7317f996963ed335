//! The log: on standard error, for people or as JSON lines, above the live lines of an apply.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::args::{Args, LogFormat};
use super::progress::Screen;

/// Begins to log. `RECONCILE_LOG` takes the filters of `tracing` where -v is too coarse.
pub fn start(args: &Args, screen: &Screen) {
    let level = args.log_level();
    let filter = EnvFilter::builder()
        .with_default_directive(tracing::level_filters::LevelFilter::WARN.into())
        .with_env_var("RECONCILE_LOG")
        .try_from_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("warn,reconcile={level}")));
    let colour = std::io::stderr().is_terminal()
        && !args.global.no_color
        && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(screen.clone())
        .with_target(false)
        .with_ansi(colour);
    // A second logger in one process is refused; there is only this one.
    let _ = match args.global.log_format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}
