//! The executable: arguments in, a running proxy or an exit code out.

use std::process::ExitCode;

use anyhow::Error;
use clap::Parser as _;
use promweave::cli::{Cli, Command};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Some(Command::Demo(demo)) => promweave::demo::run(&demo).await.map_err(Error::from),
        Some(Command::Check { config }) => promweave::serve::check(&config).map_err(Error::from),
        Some(Command::PolicyCompile { memory_bytes, cpu_seconds }) => {
            promweave::policy::compile_stdin(memory_bytes, cpu_seconds).map_err(Error::from)
        }
        Some(Command::Explain(explain)) => {
            promweave::explain::run(&explain).await.map_err(Error::from)
        }
        Some(Command::Policy(command)) => return promweave::policies_cli::run(&command).await,
        None if cli.serve.check_config => {
            promweave::serve::check(&cli.serve.config).map_err(Error::from)
        }
        None => promweave::serve::run(&cli.serve).await.map_err(Error::from),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With its causes, in one line.
            eprintln!("promweave: {error:#}");
            ExitCode::FAILURE
        }
    }
}
