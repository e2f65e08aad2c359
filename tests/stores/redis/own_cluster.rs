//! A Cluster of one test.

use tokio::net::TcpListener;

use super::tools::{Redis, command, until};
use crate::servers::cutter::Cutter;
use crate::servers::process::{Folder, free_ports};

/// The first slot after those of each server.
const ENDS: [u16; 3] = [5_461, 10_923, 16_384];

/// Three primaries, each of which tells its clients the address of a proxy.
pub async fn cluster(cutter: &Cutter) -> Vec<Redis> {
    let mut servers = Vec::new();
    for _ in 0..3 {
        let [port, bus] = free_ports();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let announced = listener.local_addr().unwrap().port();
        let settings = [
            "--port",
            &port.to_string(),
            "--cluster-port",
            &bus.to_string(),
            "--cluster-announce-port",
            &announced.to_string(),
            "--cluster-enabled",
            "yes",
        ];
        let settings = settings.map(str::to_owned).to_vec();
        servers.push(Redis::start_on(port, Folder::new(), settings).await);
        cutter.forward(listener, format!("127.0.0.1:{port}"));
    }
    for server in &servers[1..] {
        let cluster: String = command(&mut server.raw(), &["CLUSTER", "NODES"]);
        let bus = cluster.split(['@', ',', ' ']).nth(2).unwrap().to_owned();
        let (port, meet) = (server.port.to_string(), &mut servers[0].raw());
        let _: String = command(meet, &["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
    }
    for (at, server) in servers.iter().enumerate() {
        let from = at.checked_sub(1).map_or(0, |before| ENDS[before]);
        let to = ENDS[at] - 1;
        let words = [
            "CLUSTER",
            "ADDSLOTSRANGE",
            &from.to_string(),
            &to.to_string(),
        ];
        let _: String = command(&mut server.raw(), &words);
    }
    until("all servers know all slots", async || {
        servers.iter().all(|server| {
            let info: String = command(&mut server.raw(), &["CLUSTER", "INFO"]);
            info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:16384")
        })
    })
    .await;
    servers
}

/// A direct connection to the server of a key.
pub fn server_of(servers: &[Redis], key: &[u8]) -> ::redis::Connection {
    let words: [&[u8]; 3] = [b"CLUSTER", b"KEYSLOT", key];
    let slot: u16 = command(&mut servers[0].raw(), &words);
    let at = ENDS.iter().position(|end| slot < *end).unwrap();
    servers[at].raw()
}
