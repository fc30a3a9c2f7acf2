//! A recorded exchange as text: what the client sent and what the server of that day answered.

use std::collections::HashSet;

/// One message of an exchange.
#[derive(Debug)]
pub(crate) enum Step {
    /// A SIP request of the client, with the Call-ID; what came of it in the recording is told by [`Step::Answer`].
    Request { call: String, method: String, body: String },
    /// The server's answer to an INVITE: the channels that it named, in the order of media lines.
    Answer { call: String, channels: Vec<String> },
    /// An MRCP request, on the connection of that name.
    Mrcp { connection: String, channel: String, text: String },
    /// An event that completed a request.
    Completed { channel: String, id: u32 },
}

/// Reads an exchange. Lines that start with `===` or `---` are between messages.
pub(crate) fn read(text: &str) -> Vec<Step> {
    let mut packets: Vec<(String, String)> = Vec::new();
    let mut is_message = false;
    for line in text.split_inclusive('\n') {
        if line.starts_with("===") || line.starts_with("---") || line.starts_with("# ") {
            let ends = line.split_once(" -> ").and_then(|(from, _)| from.split_whitespace().next_back());
            is_message = ends.is_some()
                && (line.contains(" SIP/") || [" TCP ", " UDP ", " MRCP "].iter().any(|l| line.contains(l)));
            if let (true, Some(from)) = (is_message, ends) {
                packets.push((from.to_owned(), String::new()));
            }
        } else if is_message
            && !line.starts_with("<end without newline>")
            && let Some((_, packet)) = packets.last_mut()
        {
            packet.push_str(line.trim_end_matches(['\r', '\n']));
            packet.push('\n');
        }
    }
    let mut clients = HashSet::new();
    packets.into_iter().flat_map(|(from, packet)| steps(&from, &packet, &mut clients)).collect()
}

fn steps(from: &str, packet: &str, clients: &mut HashSet<String>) -> Vec<Step> {
    let first = packet.lines().next().unwrap_or_default();
    if first.starts_with("MRCP/2.0 ") {
        return messages(packet).filter_map(|message| mrcp(from, &message)).collect();
    }
    let call = crate::support::header(packet, "Call-ID").or(crate::support::header(packet, "i")).unwrap_or_default();
    let (call, body) =
        (call.to_owned(), packet.split_once("\n\n").map(|(_, body)| body.trim_end()).unwrap_or_default());
    if first.starts_with("SIP/2.0 200") {
        let channels: Vec<String> =
            body.lines().filter_map(|line| line.strip_prefix("a=channel:")).map(str::to_owned).collect();
        return if channels.is_empty() { Vec::new() } else { vec![Step::Answer { call, channels }] };
    }
    let Some(method) = first.strip_suffix(" SIP/2.0").and_then(|line| line.split(' ').next()) else {
        return Vec::new();
    };
    if method == "INVITE" || method == "OPTIONS" {
        clients.insert(from.to_owned());
    }
    if !clients.contains(from) || method == "ACK" {
        return Vec::new();
    }
    let body = if body.is_empty() { String::new() } else { body.replace('\n', "\r\n") + "\r\n" };
    vec![Step::Request { call, method: method.to_owned(), body }]
}

/// The MRCP messages of one packet.
fn messages(packet: &str) -> impl Iterator<Item = String> {
    let mut messages: Vec<String> = Vec::new();
    for line in packet.split_inclusive('\n') {
        if line.starts_with("MRCP/2.0 ") {
            messages.push(String::new());
        }
        if let Some(message) = messages.last_mut() {
            message.push_str(line);
        }
    }
    messages.into_iter()
}

fn mrcp(from: &str, message: &str) -> Option<Step> {
    let channel = crate::support::header(message, "Channel-Identifier")?.to_owned();
    let start: Vec<&str> = message.lines().next()?.split_ascii_whitespace().collect();
    match start.as_slice() {
        [_, _, method, id] if id.parse::<u32>().is_ok() => {
            let text = rewritten(message, method, id);
            Some(Step::Mrcp { connection: from.to_owned(), channel, text })
        }
        [_, _, name, id, "COMPLETE"] if name.ends_with("-COMPLETE") => {
            Some(Step::Completed { channel, id: id.parse().ok()? })
        }
        _ => None,
    }
}

/// The request with its line ends, with shorter times and without its lengths, which [`with_lengths`] gives it again.
fn rewritten(message: &str, method: &str, id: &str) -> String {
    let (head, body) = message.split_once("\n\n").unwrap_or((message, ""));
    let body = body.trim_end_matches('\n');
    let mut text = format!("MRCP/2.0 {LENGTH} {method} {id}\r\n");
    for line in head.lines().skip(1) {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        match name.as_str() {
            "content-length" => {}
            "no-input-timeout" if !line.ends_with(':') => text.push_str("No-Input-Timeout: 300\r\n"),
            "recognition-timeout" if !line.ends_with(':') => text.push_str("Recognition-Timeout: 900\r\n"),
            _ => text.push_str(&format!("{line}\r\n")),
        }
    }
    if !body.is_empty() {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text + "\r\n" + body
}

/// Stands where the message length will.
const LENGTH: &str = "@@@@@@";

/// The request for `channel`, with the length that it has.
pub(crate) fn with_lengths(text: &str, recorded: &str, channel: &str) -> String {
    let text = text.replace(recorded, channel);
    text.replacen(LENGTH, &format!("{:06}", text.len()), 1)
}
