//! A child process whose output is captured line by line and that never
//! outlives its test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How often a process is asked whether it has ended.
const POLL: Duration = Duration::from_millis(10);

/// A running (or ended) program.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: Arc<Log>,
}

#[derive(Debug, Default)]
struct Log {
    /// Lines of both outputs in the order of their arrival, without colours.
    lines: Mutex<Vec<String>>,
    grown: Condvar,
}

impl Process {
    /// Starts a program and captures both of its outputs.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn spawn(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let log = Arc::new(Log::default());
        capture(child.stdout.take().expect("stdout is piped"), &log);
        capture(child.stderr.take().expect("stderr is piped"), &log);
        Self { child, log }
    }

    /// Waits for a line from which `find` makes something, and returns that.
    ///
    /// # Panics
    /// When the process ends or the time is over before; with its output.
    pub fn wait_for<T>(&mut self, limit: Duration, find: impl Fn(&str) -> Option<T>) -> T {
        let until = Instant::now() + limit;
        loop {
            let lines = lock(&self.log.lines);
            if let Some(found) = lines.iter().find_map(|line| find(line)) {
                return found;
            }
            // The wait is short, because an exit does not wake it.
            drop(self.log.grown.wait_timeout(lines, POLL));
            let ended = self.child.try_wait().expect("a child can be waited for");
            assert!(ended.is_none(), "ended with {ended:?}; its output:\n{}", self.output());
            assert!(Instant::now() < until, "nothing found; its output:\n{}", self.output());
        }
    }

    /// The number by which the system knows it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has written so far.
    #[must_use]
    pub fn output(&self) -> String {
        lock(&self.log.lines).join("\n")
    }

    /// Asks it to stop (SIGTERM).
    ///
    /// # Panics
    /// When it has ended already.
    pub fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    /// Asks it to read its configuration again (SIGHUP).
    ///
    /// # Panics
    /// When it has ended already.
    pub fn hang_up(&self) {
        self.signal(rustix::process::Signal::HUP);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.child.id()).expect("a process id is an i32");
        let id = rustix::process::Pid::from_raw(id).expect("a process id is above zero");
        rustix::process::kill_process(id, signal).expect("an unwaited child can be signalled");
    }

    /// The exit status, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it still runs after `limit`; with its output.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(Instant::now() < until, "still running; its output:\n{}", self.output());
            thread::sleep(POLL);
        }
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        // Fails only for a process that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn capture(output: impl Read + Send + 'static, log: &Arc<Log>) {
    let log = Arc::clone(log);
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n') {
            let Ok(line) = line else { return };
            lock(&log.lines).push(plain(&String::from_utf8_lossy(&line)));
            log.grown.notify_all();
        }
    });
}

/// A panic elsewhere in the test must not hide the output.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The line without terminal colours.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut parts = line.split("\u{1b}[");
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let end = part.find(|c: char| c.is_ascii_alphabetic()).map_or(part.len(), |at| at + 1);
        text.push_str(&part[end..]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_removed_from_captured_lines() {
        assert_eq!(plain("\u{1b}[2mnow\u{1b}[0m \u{1b}[32mINFO\u{1b}[0m x=1"), "now INFO x=1");
        assert_eq!(plain("plain"), "plain");
    }

    #[test]
    fn output_of_both_streams_is_captured_and_sigterm_ends_it() {
        let script = "echo out; echo err >&2; exec sleep 60";
        let mut process = Process::spawn(Command::new("sh").args(["-c", script]));
        let limit = Duration::from_secs(10);
        process.wait_for(limit, |line| (line == "out").then_some(()));
        process.wait_for(limit, |line| (line == "err").then_some(()));
        assert_eq!(process.ended(), None);
        process.terminate();
        assert!(!process.wait(limit).success());
    }
}
