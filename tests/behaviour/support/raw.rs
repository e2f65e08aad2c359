//! A client that writes raw bytes, to send what an HTTP client would not.

use std::net::SocketAddr;

use tokio::net::TcpStream;

/// A connection; dropping it disconnects.
pub struct Raw {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Raw {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            received: Vec::new(),
        }
    }

    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let mut rest = bytes.as_ref();
        while !rest.is_empty() {
            self.stream.writable().await.unwrap();
            match self.stream.try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => panic!("the server does not read: {error}"),
            }
        }
    }

    /// Reads until the received text contains `text` or the server disconnects; returns everything
    /// received.
    pub async fn read_until(&mut self, text: &str) -> String {
        let mut part = vec![0; 1 << 16];
        loop {
            let all = String::from_utf8_lossy(&self.received).into_owned();
            if all.contains(text) {
                return all;
            }
            self.stream.readable().await.unwrap();
            match self.stream.try_read(&mut part) {
                Ok(0) => return all,
                Ok(read) => self.received.extend_from_slice(&part[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return all,
            }
        }
    }

    /// Reads until the server disconnects.
    pub async fn read_to_end(&mut self) -> String {
        self.read_until("\0no server sends this\0").await
    }
}
