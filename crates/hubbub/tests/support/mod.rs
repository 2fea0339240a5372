//! The binary as its user sees it: commands that end, and a hub that runs until it is dropped.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "this is a test, although not inside of a test function"
)]

use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};
use tempfile::TempDir;

/// A folder with a hub's data in it, and a home of its own, so that nothing of the user's is read.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A running hub.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    /// What it has printed up to `hubbub is ready`.
    pub(crate) said: Vec<String>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The binary, in a clean environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hubbub"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("HUBBUB_") || name.to_string_lossy().starts_with("XDG_") {
                command.env_remove(name);
            }
        }
        command.env("HOME", self.folder.path()).env("HUBBUB_DATA", self.data()).args(args);
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Done {
        self.run_with(args, "")
    }

    /// As `run`, with something on its standard input.
    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Done {
        let mut command = self.command(args);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that does not read its input may have ended by now.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap().into()
    }

    /// Runs a command that must do what it says; gives back what it printed.
    pub(crate) fn does(&self, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!(done.code, Some(0), "{args:?}: {done:?}");
        done.out
    }

    pub(crate) fn does_json(&self, args: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.does(args)).unwrap()
    }

    /// Starts a hub on a free port.
    pub(crate) fn serve(&self, args: &[&str]) -> Running {
        let mut all = vec!["serve", "--listen", "any://127.0.0.1:0"];
        all.extend(args);
        self.serve_as(&all)
    }

    /// Starts a hub and waits until it is ready.
    pub(crate) fn serve_as(&self, args: &[&str]) -> Running {
        let log = std::fs::File::create(self.path("log")).unwrap();
        let mut child =
            self.command(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = channel();
        // Ends with the child's output.
        thread::spawn(move || out.lines().map_while(Result::ok).all(|line| tell.send(line).is_ok()));
        let mut hub = Running { child, lines, said: Vec::new() };
        while hub.said.last().is_none_or(|line| line != "hubbub is ready") {
            match hub.lines.recv_timeout(WAIT_MAX) {
                Ok(line) => hub.said.push(line),
                Err(_) => panic!("not ready; said {:?}; log: {}", hub.said, self.log()),
            }
        }
        hub
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap()
    }

    /// Waits until the log has this in it.
    pub(crate) fn log_says(&self, wanted: &str) {
        for _ in 0..WAIT_MAX.as_millis() / 10 {
            if self.log().contains(wanted) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the log does not say {wanted:?}: {}", self.log());
    }
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The rest of the line that begins with this.
    pub(crate) fn told(&self, start: &str) -> &str {
        let line = self.said.iter().find_map(|line| line.strip_prefix(start));
        line.unwrap_or_else(|| panic!("no line begins with {start:?}: {:?}", self.said))
    }

    /// The address of the first listener, as `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        self.told("listening any://")
    }

    /// Asks it to end, and waits.
    pub(crate) fn stop(mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

pub(crate) fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

const WAIT_MAX: Duration = Duration::from_secs(20);
