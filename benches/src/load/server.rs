//! The servers: each a process of its own, on a port of this machine's loopback.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::routing::get;
use cpu_time::ProcessTime;

use super::pin::Places;
use super::{app, twin};

/// What is served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Api {
    WithSessions,
    Without,
}

impl Api {
    fn name(self) -> &'static str {
        match self {
            Self::WithSessions => "sessions",
            Self::Without => "none",
        }
    }

    fn router(self) -> Router {
        match self {
            Self::WithSessions => app::router(),
            Self::Without => twin::router(),
        }
    }
}

/// A server that runs until this is dropped.
pub struct Server {
    process: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Runs this program again, as a server.
    pub fn start(api: Api, places: Places) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut process = Command::new(program)
            .args(["serve", api.name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server");
        places.put_server(process.id());
        let mut line = String::new();
        let output = process.stdout.take().expect("its output");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("its first line");
        Self {
            process,
            address: line.trim().parse().expect("the server says its address"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its input ends with this, and so does it.
        drop(self.process.stdin.take());
        self.process.wait().expect("the server ends");
    }
}

/// What such a process does: it serves on one thread, so that the client has the other processor of
/// a machine that has two, until its input ends, as it does when the client is gone.
pub fn serve(api: &str) {
    let api = [Api::WithSessions, Api::Without]
        .into_iter()
        .find(|one| one.name() == api)
        .expect("`sessions` or `none`");
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a port");
        let address = listener.local_addr().expect("its address");
        println!("{address}");
        std::io::stdout().flush().expect("an output");
        let router = api.router().route("/busy", get(busy));
        axum::serve(listener, router).await.expect("a server");
    });
}

/// Nanoseconds for which the process has had a processor.
async fn busy() -> String {
    ProcessTime::now().as_duration().as_nanos().to_string()
}
