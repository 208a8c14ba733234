//! The executable: arguments in, a running proxy or an exit code out.

use std::process::ExitCode;

use clap::Parser as _;
use promweave::cli::{Cli, Command};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Some(Command::Demo(demo)) => promweave::demo::run(&demo).await,
        Some(Command::Check { config }) => promweave::serve::check(&config),
        None if cli.serve.check_config => promweave::serve::check(&cli.serve.config),
        None => promweave::serve::run(&cli.serve).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With its causes, in one line.
            eprintln!("promweave: {:#}", anyhow::Error::from(error));
            ExitCode::FAILURE
        }
    }
}
