//! After many calls nothing of them is left: no session, leg, socket, connection, task or open file.
//!
//! A program of its own, because the gauges are those of the whole process.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/mod.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod support;

use std::collections::BTreeMap;

use server::Server;
use server::config::PortMode;
use support::{SOON, call_passes, configuration, http_get};

/// What is counted, by name and labels.
async fn gauges(server: &Server) -> BTreeMap<String, String> {
    const COUNTED: [&str; 6] = [
        "sessions_active",
        "media_legs_active",
        "media_sockets_active",
        "mrcp_connections_active",
        "sip_connections_active",
        "tasks_active",
    ];
    let (_status, answer) = http_get(server.http_address().unwrap(), "/metrics").await;
    let lines = answer.lines().filter(|line| COUNTED.iter().any(|name| line.starts_with(name)));
    lines.filter_map(|line| line.rsplit_once(' ')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_calls_that_ended() {
    let mut config = configuration();
    config.rtp.ports = PortMode::Range;
    let server = Server::start(config).await.unwrap();
    // What is had once, at the first call, is no leak.
    call_passes(&server).await;
    let settled = tokio::time::timeout(SOON, async {
        while gauges(&server).await.iter().any(|(name, value)| !name.starts_with("tasks_active") && value != "0") {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    settled.await.unwrap();
    let (before, files) = (gauges(&server).await, open_files());
    for _ in 0..20 {
        call_passes(&server).await;
    }
    let gone = tokio::time::timeout(SOON, async {
        while gauges(&server).await != before || open_files() > files {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    if gone.await.is_err() {
        panic!("left: {:?} and {} files; before: {before:?} and {files}", gauges(&server).await, open_files());
    }
}
