//! The message ladder of a call: who sent what to whom, when.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Entries kept; a load run does not record, a call has some hundred.
const ENTRIES_MAX: usize = 20_000;

/// Characters of an arrow without its head.
const LINE: usize = 72;

/// Which way something went, seen from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Sent,
    /// From the server to the client.
    Received,
    /// Something that happened at the client.
    Noted,
}

/// What carried it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// A SIP message.
    Sip,
    /// An MRCPv2 message.
    Mrcp,
    /// A milestone of an RTP stream.
    Rtp,
    /// A remark of the caller's side.
    Call,
}

impl Layer {
    fn name(self) -> &'static str {
        match self {
            Self::Sip => "SIP",
            Self::Mrcp => "MRCP",
            Self::Rtp => "RTP",
            Self::Call => "call",
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Instant,
    /// What carried it.
    pub layer: Layer,
    /// Which way it went.
    pub way: Way,
    /// The whole message, or the remark.
    pub text: String,
}

/// Records what happens, shared by all who see something. Clones write to the same ladder.
#[derive(Debug, Clone)]
pub struct Ladder {
    start: Instant,
    /// `None`: nothing is recorded.
    entries: Option<Arc<Mutex<Vec<Entry>>>>,
}

impl Ladder {
    /// An empty ladder whose zero is `start`.
    pub fn new(start: Instant) -> Self {
        Self { start, entries: Some(Arc::default()) }
    }

    /// A ladder that records nothing, for load.
    pub fn off(start: Instant) -> Self {
        Self { start, entries: None }
    }

    /// The zero of the times.
    pub fn start(&self) -> Instant {
        self.start
    }

    /// Records one thing. The text of a message is taken as it is, but for the keys of audio; what is not UTF-8 is replaced.
    pub fn record(&self, at: Instant, layer: Layer, way: Way, text: &[u8]) {
        if let Some(entries) = &self.entries {
            let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
            if entries.len() < ENTRIES_MAX {
                entries.push(Entry { at, layer, way, text: without_keys(&String::from_utf8_lossy(text)) });
            }
        }
    }

    /// Records a remark.
    pub fn note(&self, at: Instant, layer: Layer, text: &str) {
        self.record(at, layer, Way::Noted, text.as_bytes());
    }

    /// All entries in the order of time.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = match &self.entries {
            Some(entries) => entries.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            None => Vec::new(),
        };
        entries.sort_by_key(|entry| entry.at);
        entries
    }

    /// The ladder as text: first one line per thing with arrows, then all messages in full.
    pub fn render(&self) -> String {
        let entries = self.entries();
        let mut text = format!("{:>9}  {:<4}  {:<8}{:^59}{:>8}\n", "seconds", "", "client", "", "server");
        for entry in &entries {
            let summary = summary(entry);
            let line = match entry.way {
                Way::Sent => format!("|{}>|", centred(&summary, LINE, '-')),
                Way::Received => format!("|<{}|", centred(&summary, LINE, '-')),
                Way::Noted => format!("* {summary}"),
            };
            _ = writeln!(text, "{:>9}  {:<4}  {line}", self.seconds(entry.at), entry.layer.name());
        }
        text.push_str("\nMessages\n");
        for entry in entries.iter().filter(|entry| entry.way != Way::Noted) {
            let way = if entry.way == Way::Sent { "client -> server" } else { "server -> client" };
            _ = write!(text, "\n==== {} {} {way}\n", self.seconds(entry.at), entry.layer.name());
            text.push_str(entry.text.replace("\r\n", "\n").trim_end());
            text.push('\n');
        }
        text
    }

    fn seconds(&self, at: Instant) -> String {
        format!("{:.3}", at.saturating_duration_since(self.start).as_secs_f64())
    }
}

/// ` text ` in the middle of a line of `width` characters.
/// The text without what stands in `a=crypto` lines as `inline:KEY` (RFC 4568): ladders are kept and shown.
fn without_keys(text: &str) -> String {
    let mut parts = text.split("inline:");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str("inline:…");
        shown.push_str(part.trim_start_matches(|char: char| char.is_ascii_alphanumeric() || "+/=".contains(char)));
    }
    shown
}

fn centred(text: &str, width: usize, fill: char) -> String {
    let text: String = format!(" {text} ").chars().take(width).collect();
    let free = width - text.chars().count();
    let line = |count: usize| std::iter::repeat_n(fill, count).collect::<String>();
    format!("{}{text}{}", line(free / 2), line(free - free / 2))
}

/// What a message is, in a few words.
fn summary(entry: &Entry) -> String {
    let mut lines = entry.text.lines();
    let first = lines.next().unwrap_or("");
    let mut words = first.split_ascii_whitespace();
    match entry.layer {
        Layer::Rtp | Layer::Call => first.to_owned(),
        Layer::Sip => {
            let word = words.next().unwrap_or("");
            let what = if word.starts_with("SIP/") {
                let method = field(&entry.text, "CSeq").and_then(|value| value.split_ascii_whitespace().nth(1));
                format!("{} ({})", words.collect::<Vec<_>>().join(" "), method.unwrap_or("?"))
            } else {
                word.to_owned()
            };
            match attribute(&entry.text, "a=resource:").or_else(|| attribute(&entry.text, "a=channel:")) {
                Some(resource) => format!("{what} {resource}"),
                None => what,
            }
        }
        Layer::Mrcp => {
            let what = words.skip(2).collect::<Vec<_>>().join(" ");
            let resource = field(&entry.text, "Channel-Identifier").and_then(|id| id.split('@').nth(1));
            let cause = field(&entry.text, "Completion-Cause").map(|cause| format!(" {cause}")).unwrap_or_default();
            format!("{what}{cause} [{}]", resource.unwrap_or("?"))
        }
    }
}

fn field<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn attribute<'a>(message: &'a str, prefix: &str) -> Option<&'a str> {
    message.lines().find_map(|line| line.strip_prefix(prefix)).map(str::trim)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_ladder_shows_arrows_and_then_the_messages() {
        let start = testkit::epoch();
        let ladder = Ladder::new(start);
        let at = |ms| start + Duration::from_millis(ms);
        ladder.record(
            at(11),
            Layer::Sip,
            Way::Received,
            b"SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\nv=0\r\na=channel:ab@speechrecog\r\n",
        );
        ladder.record(at(0), Layer::Sip, Way::Sent, b"INVITE sip:x SIP/2.0\r\n\r\na=resource:speechrecog\r\n");
        ladder.record(
            at(2500),
            Layer::Mrcp,
            Way::Received,
            b"MRCP/2.0 90 RECOGNITION-COMPLETE 1 COMPLETE\r\nChannel-Identifier: ab@speechrecog\r\n\
              Completion-Cause: 000 success\r\n\r\n",
        );
        ladder.note(at(1200), Layer::Rtp, "first packet of the robot");
        let text = ladder.render();
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[1].contains("0.000  SIP   |")
                && lines[1].contains(" INVITE speechrecog ")
                && lines[1].ends_with(">|")
        );
        assert!(lines[2].contains("0.011  SIP   |<") && lines[2].contains(" 200 OK (INVITE) ab@speechrecog "));
        assert!(lines[3].ends_with("1.200  RTP   * first packet of the robot"), "{}", lines[3]);
        assert!(lines[4].contains(" RECOGNITION-COMPLETE 1 COMPLETE 000 success [speechrecog] "));
        assert!(text.contains("==== 2.500 MRCP server -> client\nMRCP/2.0 90 RECOGNITION-COMPLETE 1 COMPLETE\n"));
        assert_eq!(lines[1].chars().count(), lines[2].chars().count());
    }

    #[test]
    fn keys_of_audio_are_not_kept() {
        let line = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVe+/A=|2^20\r\na=mid:1\r\n";
        assert_eq!(without_keys(line), "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:…|2^20\r\na=mid:1\r\n");
    }

    #[test]
    fn a_ladder_that_is_off_keeps_nothing() {
        let ladder = Ladder::off(testkit::epoch());
        ladder.note(testkit::epoch(), Layer::Call, "x");
        assert_eq!(ladder.entries(), []);
    }

    #[test]
    fn a_long_summary_is_cut() {
        assert_eq!(centred("abcdef", 5, '-'), " abcd");
        assert_eq!(centred("ab", 8, '-'), "-- ab --");
    }
}
