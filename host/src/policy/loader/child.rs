//! Compiling in a process of its own, which may take a bounded amount of
//! memory and time and may crash, and nobody is the worse for it.
//!
//! It is this executable, called with a command that the help does not list.
//! In go the bytes by its standard input; out come, by its standard output, a
//! letter for what it is and machine code or the text of an error.

use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;

use rustix::process::{Resource, Rlimit, Signal};

use super::{CompileLimits, compiling_engine, machine_code};
use crate::policy::{Error, text};

/// The hidden command.
const COMMAND: &str = "policy-compile";
/// Bytes of a compiler's complaints that are read.
const MOST_COMPLAINTS: usize = 64 << 10;
/// Bytes of them that are passed on.
const MOST_TEXT: usize = 300;
/// What the answer is.
const CODE: u8 = b'C';
const NOT_A_COMPONENT: u8 = b'N';
const DOES_NOT_COMPILE: u8 = b'E';

/// Compiles in a process of `program`.
///
/// # Errors
/// What the compiler says of the bytes, [`Error::Costly`] with the limit that
/// was hit, [`Error::Compiler`] if the process cannot be run.
pub(super) fn compile(
    program: &Path,
    wasm: &[u8],
    limits: &CompileLimits,
) -> Result<Vec<u8>, Error> {
    let cannot = |error: io::Error| Error::Compiler(format!("{}: {error}", program.display()));
    let mut child = command(program, limits).spawn().map_err(cannot)?;
    let ended = talk(&mut child, wasm, limits);
    let status = child.wait().map_err(cannot)?;
    let Ended { in_time, answer, complaints } = ended;
    if !in_time {
        return Err(Error::Costly(format!("it took longer than {:?}", limits.wall)));
    }
    if answer.len() > limits.code_bytes {
        let most = limits.code_bytes;
        return Err(Error::Costly(format!("its machine code is larger than {most} bytes")));
    }
    match answer.split_first() {
        _ if !status.success() => Err(crashed(status, &complaints, limits)),
        Some((&CODE, code)) => Ok(code.to_vec()),
        Some((&NOT_A_COMPONENT, text)) => Err(Error::NotAComponent(lossy(text))),
        Some((&DOES_NOT_COMPILE, text)) => Err(Error::Compile(lossy(text))),
        _ => Err(crashed(status, &complaints, limits)),
    }
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

fn command(program: &Path, limits: &CompileLimits) -> Command {
    let mut command = Command::new(program);
    command
        .arg0("promweave")
        .arg(COMMAND)
        .arg(format!("--memory-bytes={}", limits.memory_bytes))
        .arg(format!("--cpu-seconds={}", limits.cpu_seconds))
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

struct Ended {
    in_time: bool,
    answer: Vec<u8>,
    complaints: Vec<u8>,
}

/// Sends the bytes and reads the answer, or kills the process in the end.
fn talk(child: &mut Child, wasm: &[u8], limits: &CompileLimits) -> Ended {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (done, finished) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // A process that does not want all of it says why elsewhere.
            let _ = stdin.map(|mut stdin| stdin.write_all(wasm));
        });
        let complaints = scope.spawn(move || read(stderr, MOST_COMPLAINTS));
        let answer = scope.spawn(move || {
            let answer = read(stdout, limits.code_bytes.saturating_add(1));
            // Nobody listens any more if it took too long.
            let _ = done.send(());
            answer
        });
        let in_time = finished.recv_timeout(limits.wall).is_ok();
        let too_large = |answer: &Vec<u8>| answer.len() > limits.code_bytes;
        if !in_time {
            // It may have ended by itself in this moment.
            let _ = child.kill();
        }
        let answer = answer.join().unwrap_or_default();
        if too_large(&answer) {
            let _ = child.kill();
        }
        Ended { in_time, answer, complaints: complaints.join().unwrap_or_default() }
    })
}

/// Reads so many bytes at most; of complaints the rest is thrown away, so that
/// nobody is stuck in the middle of one.
fn read(from: Option<impl Read>, most: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Some(mut from) = from else { return bytes };
    // What was read before an error is told.
    let _ = from.by_ref().take(most as u64).read_to_end(&mut bytes);
    if most == MOST_COMPLAINTS {
        let _ = io::copy(&mut from, &mut io::sink());
    }
    bytes
}

/// Why a compiler that did not answer did not.
fn crashed(status: ExitStatus, complaints: &[u8], limits: &CompileLimits) -> Error {
    let complaints = String::from_utf8_lossy(complaints);
    let says = |what: &str| complaints.contains(what);
    let signal = status.signal();
    if signal == Some(Signal::XCPU.as_raw()) {
        let most = limits.cpu_seconds;
        return Error::Costly(format!("it took more than {most} s of processor time"));
    }
    if says("memory allocation of") || says("annot allocate memory") || says("out of memory") {
        let most = limits.memory_bytes;
        return Error::Costly(format!("it took more than {most} bytes of memory"));
    }
    if signal == Some(Signal::KILL.as_raw()) {
        return Error::Costly(
            "the system ended the compiler, as it does without memory".to_owned(),
        );
    }
    let last = complaints.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let last = text::line(last, MOST_TEXT);
    Error::Compile(format!("the compiler crashed on it ({status}): {last}"))
}

/// What the hidden command does: compiles the component on the standard input
/// to the standard output, confined to these limits.
///
/// # Errors
/// When the process cannot be confined, or its caller is gone.
pub fn compile_stdin(memory_bytes: u64, cpu_seconds: u64) -> io::Result<()> {
    confine(memory_bytes, cpu_seconds)?;
    let mut wasm = Vec::new();
    io::stdin().lock().read_to_end(&mut wasm)?;
    let compiled = compiling_engine().and_then(|engine| machine_code(&engine, &wasm));
    let (kind, answer) = match compiled {
        Ok(code) => (CODE, code),
        Err(Error::NotAComponent(text)) => (NOT_A_COMPONENT, text.into_bytes()),
        Err(Error::Compile(text)) => (DOES_NOT_COMPILE, text.into_bytes()),
        Err(error) => return Err(io::Error::other(error.to_string())),
    };
    let mut stdout = io::stdout().lock();
    stdout.write_all(&[kind])?;
    stdout.write_all(&answer)?;
    stdout.flush()
}

/// Gives way to everybody else, and up what could hurt them.
fn confine(memory_bytes: u64, cpu_seconds: u64) -> io::Result<()> {
    // Threads that are started from here on inherit it.
    rustix::process::nice(19)?;
    let limit = |resource, soft: u64, hard: u64| {
        rustix::process::setrlimit(resource, Rlimit { current: Some(soft), maximum: Some(hard) })
    };
    limit(Resource::As, memory_bytes, memory_bytes)?;
    limit(Resource::Cpu, cpu_seconds, cpu_seconds.saturating_add(5))?;
    limit(Resource::Core, 0, 0)?;
    // It writes to no file.
    limit(Resource::Fsize, 0, 0)?;
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}
