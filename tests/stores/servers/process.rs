//! Server processes that a test can kill, freeze and restart.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A process with its own folder. Both are removed on drop.
pub struct Process {
    child: Child,
    program: PathBuf,
    arguments: Vec<String>,
    folder: Folder,
}

/// A folder for a server's files.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "connect-session-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Process {
    /// Starts a program in the folder.
    pub fn start(
        program: impl Into<PathBuf>,
        folder: Folder,
        arguments: impl IntoIterator<Item = String>,
    ) -> Self {
        let (program, arguments) = (program.into(), arguments.into_iter().collect::<Vec<_>>());
        let child = spawn(&program, &folder, &arguments);
        Self {
            child,
            program,
            arguments,
            folder,
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills the process without a shutdown, like a power failure.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Kills the process and starts it with the same arguments.
    pub fn restart(&mut self) {
        self.kill();
        self.child = spawn(&self.program, &self.folder, &self.arguments);
    }

    /// Suspends the process: its connections stay open, but it does not respond.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let mut kill = Command::new("kill");
        let status = kill.arg(signal).arg(self.child.id().to_string()).status();
        assert!(status.unwrap().success(), "kill {signal}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(program: &Path, folder: &Folder, arguments: &[String]) -> Child {
    Command::new(program)
        .args(arguments)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()))
}

/// Unused ports, each of which this program gets once.
///
/// They are below the ports that Linux chooses for connections and for listeners on port 0: one of these could otherwise take
/// a port before the server of the test does. `scripts/servers` uses ports from 20,000.
pub fn free_ports<const N: usize>() -> [u16; N] {
    const FIRST: u32 = 12_000;
    const COUNT: u32 = 8_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    [(); N].map(|()| {
        let mut ports = (0..COUNT).map(|_| {
            // Two programs at once rarely begin with the same port.
            let number = std::process::id() + GIVEN.fetch_add(1, Ordering::Relaxed);
            u16::try_from(FIRST + number % COUNT).unwrap()
        });
        let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
        ports.find(is_free).expect("an unused port")
    })
}

/// Runs a program and returns its output; panics if it fails.
#[track_caller]
pub fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program} does not start: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}
