//! Real exchanges of PBXs: each SIP message in them is understood, and comes out of print as it went in.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use bytes::Bytes;
use sip::{Message, MessageLimits};

/// The SIP messages of a trace. Lines that start with `===`, `---` or `====` are between messages.
fn messages(trace: &[u8]) -> Vec<Bytes> {
    let mut all = Vec::new();
    let mut current: Option<Vec<u8>> = None;
    for line in trace.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b"===") || line.starts_with(b"---") || line.starts_with(b"# ") {
            all.extend(current.take());
            let text = String::from_utf8_lossy(line);
            let is_sip = text.contains(" SIP/UDP ") || text.contains(" SIP/TCP ");
            current = is_sip.then(Vec::new);
        } else if let Some(message) = &mut current {
            message.extend_from_slice(line);
        }
    }
    all.extend(current);
    all.into_iter().map(Bytes::from).collect()
}

/// Traces of text have lost the CR of their line ends.
fn with_line_ends(message: &Bytes) -> Bytes {
    if message.windows(2).any(|pair| pair == b"\r\n") {
        return message.clone();
    }
    let text = String::from_utf8_lossy(message);
    Bytes::from(text.trim_end_matches('\n').replace('\n', "\r\n") + "\r\n\r\n")
}

fn trace_files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(trace_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "txt") {
            files.push(path);
        }
    }
    files
}

#[test]
fn each_sip_message_of_a_real_exchange_is_understood() {
    let Some(directory) = testkit::shared_material("traces") else { return };
    let limits = MessageLimits::default();
    let mut understood = 0;
    for file in trace_files(&directory) {
        for message in messages(&std::fs::read(&file).unwrap()) {
            let message = with_line_ends(&message);
            if message.starts_with(b"TEST") {
                continue;
            }
            let parsed = Message::parse(&message, &limits).unwrap_or_else(|error| {
                panic!("{}: {error}\n{}", file.display(), String::from_utf8_lossy(&message));
            });
            let printed = match &parsed {
                Message::Request(request) => request.print(),
                Message::Response(response) => response.print(),
            };
            assert_eq!(Message::parse(&printed, &limits), Ok(parsed), "{}", file.display());
            understood += 1;
        }
    }
    assert!(understood > 500, "only {understood} messages found");
}
