//! The servers: each is a separate process on a loopback port.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::routing::get;
use cpu_time::ProcessTime;

use super::pin::Places;
use super::{app, without_sessions};

/// The API that a server has.
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
            Self::Without => without_sessions::router(),
        }
    }
}

/// A running server, stopped on drop.
pub struct Server {
    process: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Starts this program as a server.
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
            address: line.trim().parse().expect("the server prints its address"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server stops when its input ends.
        drop(self.process.stdin.take());
        self.process.wait().expect("the server ends");
    }
}

/// The main function of a server's process. It uses one thread, so that the client has the other
/// processor of a two-processor machine, and stops when its input ends.
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

/// The processor time of this process, in nanoseconds.
async fn busy() -> String {
    ProcessTime::now().as_duration().as_nanos().to_string()
}
