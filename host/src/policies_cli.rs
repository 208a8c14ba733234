//! `promweave policy`: what an author or an operator does with policies at a
//! prompt.
//!
//! In: the command line. Out: text or JSON on standard output, and an exit
//! code: 0 good, 1 refused or a law is broken, 2 the command cannot be carried
//! out as it was given (a missing file, settings that are no JSON). Each
//! command is a module; those that ask a running proxy are async, the others
//! run on a blocking thread.

mod error;
mod progress;
mod subject;

mod bench;
mod inspect;
mod test;

mod build;
mod scaffold;

mod remote;
mod replay;

use std::process::ExitCode;

use crate::cli::policy::PolicyCommand;

pub use error::Error;

/// How a command ended that could be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Exit code 0.
    Good,
    /// Exit code 1; what is wrong was printed as part of the answer.
    Bad,
}

/// Runs a command, prints its answer or its error, and says the exit code.
pub async fn run(command: &PolicyCommand) -> ExitCode {
    let outcome = match command.clone() {
        PolicyCommand::Test(args) => blocking(move || test::run(&args)).await,
        PolicyCommand::Bench(args) => blocking(move || bench::run(&args)).await,
        PolicyCommand::New(args) => blocking(move || scaffold::run(&args)).await,
        PolicyCommand::Build(args) => blocking(move || build::run(&args)).await,
        PolicyCommand::Inspect(args) => blocking(move || inspect::run(&args)).await,
        PolicyCommand::Push(args) => remote::push(&args).await,
        PolicyCommand::List(args) => remote::list(&args).await,
        PolicyCommand::Show(args) => remote::show(&args).await,
        PolicyCommand::Get(args) => remote::get(&args).await,
        PolicyCommand::Delete(args) => remote::delete(&args).await,
        PolicyCommand::Groups(args) => remote::groups(&args).await,
        PolicyCommand::Bind(args) => remote::bind(&args).await,
        PolicyCommand::Unbind(args) => remote::unbind(&args).await,
        PolicyCommand::Diff(args) => remote::diff(&args).await,
        PolicyCommand::Promote(args) => remote::promote(&args).await,
        PolicyCommand::Rollback(args) => remote::rollback(&args).await,
        PolicyCommand::Replay(args) => blocking(move || replay::run(&args)).await,
    };
    match outcome {
        Ok(Verdict::Good) => ExitCode::SUCCESS,
        Ok(Verdict::Bad) => ExitCode::FAILURE,
        Err(error) => {
            let code = error.exit_code();
            eprintln!("promweave: {:#}", anyhow::Error::from(error));
            ExitCode::from(code)
        }
    }
}

/// Compiling and trying a policy takes processor time.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let task = tokio::task::spawn_blocking(work);
    task.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
