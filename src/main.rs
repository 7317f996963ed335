//! Parse arguments, wire, run; nothing else.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use reconcile::cli::args::Args;
use reconcile::cli::exit::Exit;
use reconcile::cli::progress::Screen;
use reconcile::cli::{commands, log};

/// A plan for thousands of guests is millions of small pieces, all given back at the end of the round.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A shell that asks how a command line goes on gets its answer, and nothing else is done.
    commands::complete::answer();
    let args = match Args::read(std::env::args_os()) {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print(); // there is no other place to say it
            return Exit::of_usage(&error).into();
        }
    };
    let screen = Screen::stderr();
    log::start(&args, &screen);
    match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => {
            let exit = runtime.block_on(commands::run(args, screen));
            // A name that nobody resolves for a message keeps nobody: what has to be kept is kept.
            runtime.shutdown_background();
            exit.into()
        }
        Err(error) => {
            eprintln!("error: can't start: {error}");
            Exit::Error.into()
        }
    }
}
