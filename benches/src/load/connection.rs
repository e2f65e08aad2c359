//! A minimal keep-alive HTTP/1.1 connection that understands only the responses of these servers,
//! so that the client needs less processor time than the server.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A complete response.
pub struct Reply<'a> {
    pub status: u16,
    pub body: &'a [u8],
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        Self {
            stream,
            buffer: Vec::with_capacity(4_096),
        }
    }

    /// Sends a request, and waits for the last byte of the response.
    pub async fn ask(&mut self, request: &[u8]) -> Reply<'_> {
        self.stream.write_all(request).await.expect("a request");
        self.buffer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await;
            assert_ne!(read.expect("a response"), 0, "the connection is kept alive");
            if let Some((status, body)) = whole(&self.buffer) {
                let body = &self.buffer[body..];
                return Reply { status, body };
            }
        }
    }
}

/// The status of a response and the start of its body, once the response is complete.
fn whole(bytes: &[u8]) -> Option<(u16, usize)> {
    let head_ends = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..head_ends]).expect("a head");
    let mut lines = head.split("\r\n");
    let status: u16 = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1.1 "))
        .and_then(|line| line.get(..3)?.parse().ok())
        .expect("a status");
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then_some(value)
    });
    let length: usize = match length {
        Some(length) => length.parse().expect("a length"),
        None => {
            assert_eq!(status, 204, "a response without a length has no body");
            0
        }
    };
    let body = head_ends + 4;
    let end = body + length;
    assert!(bytes.len() <= end, "no data follows a response");
    (bytes.len() == end).then_some((status, body))
}
