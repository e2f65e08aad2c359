//! A client that sends one request on each connection.

use std::net::SocketAddr;

use axum::Router;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // axum_session signs the address of the client.
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: String,
    cookies: Vec<String>,
}

impl Reply {
    /// The `name=value` of a cookie that the response sets.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let mut cookies = self
            .cookies
            .iter()
            .filter(|line| !line.contains("Max-Age=0"));
        let line = cookies.find(|line| line.starts_with(&format!("{name}=")))?;
        line.split(';').next()
    }

    pub fn expires(&self, name: &str) -> bool {
        let start = format!("{name}=;");
        let mut lines = self.cookies.iter();
        lines.any(|line| line.starts_with(&start) && line.contains("Max-Age=0"))
    }
}

/// What axum_session may sign.
const WHO: &str = "user-agent: Browser/1.0 (X11)\r\nx-forwarded-for: 2001:db8::7, 192.0.2.1\r\n\
    forwarded: by=192.0.2.9, for=\"[2001:db8::8]:4711\";proto=https\r\nx-real-ip: 192.0.2.8\r\n";

pub async fn post(server: SocketAddr, path: &str, cookie: &str) -> Reply {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {server}\r\ncookie: {cookie}\r\n{WHO}connection: close\r\ncontent-length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let cookies = head
        .lines()
        .filter_map(|line| line.strip_prefix("set-cookie: "));
    Reply {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        body: body.to_owned(),
        cookies: cookies.map(str::to_owned).collect(),
    }
}

/// Sends the same request many times at once.
pub async fn post_at_once(server: SocketAddr, path: &'static str, cookie: &str) -> Vec<Reply> {
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let cookie = cookie.to_owned();
            tokio::spawn(async move { post(server, path, &cookie).await })
        })
        .collect();
    let mut replies = Vec::new();
    for task in tasks {
        replies.push(task.await.unwrap());
    }
    replies
}
