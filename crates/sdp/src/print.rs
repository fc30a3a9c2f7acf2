//! From a description to text.

use std::fmt::Write;
use std::net::IpAddr;

use crate::{Audio, Control, Media, OtherMedia, SessionDescription};

pub(crate) fn print(description: &SessionDescription) -> String {
    let mut text = Text(String::with_capacity(512));
    let origin = &description.origin;
    let family = match origin.address.parse() {
        Ok(IpAddr::V6(_)) => "IP6",
        Ok(IpAddr::V4(_)) | Err(_) => "IP4",
    };
    let or_dash = |value: &str| if value.trim().is_empty() { "-".to_owned() } else { value.to_owned() };
    text.line("v=0");
    text.line(&format!(
        "o={} {} {} IN {family} {}",
        or_dash(&origin.username),
        or_dash(&origin.session_id),
        origin.version,
        or_dash(&origin.address)
    ));
    text.line(&format!("s={}", or_dash(&description.session_name)));
    text.connection(description.address, None);
    text.line("t=0 0");
    for media in &description.media {
        match media {
            Media::Control(control) => text.control(control, description.address),
            Media::Audio(audio) => text.audio(audio, description.address),
            Media::Other(other) => text.other(other),
        }
    }
    text.0
}

struct Text(String);

impl Text {
    /// A line; characters that would end it are left out.
    fn line(&mut self, line: &str) {
        self.0.extend(line.chars().filter(|char| !matches!(char, '\r' | '\n' | '\0')));
        self.0.push_str("\r\n");
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.line(&format!("a={name}:{value}"));
    }

    /// `c=`, unless an outer one already says the same.
    fn connection(&mut self, address: Option<IpAddr>, outer: Option<IpAddr>) {
        match address {
            Some(IpAddr::V4(v4)) if address != outer => self.line(&format!("c=IN IP4 {v4}")),
            Some(IpAddr::V6(v6)) if address != outer => self.line(&format!("c=IN IP6 {v6}")),
            Some(_) | None => {}
        }
    }

    fn control(&mut self, control: &Control, session: Option<IpAddr>) {
        self.line(&format!("m=application {} {} 1", control.port, control.transport.as_str()));
        self.connection(control.address, session);
        if let Some(setup) = control.setup {
            self.attribute("setup", setup.as_str());
        }
        if let Some(connection) = control.connection {
            self.attribute("connection", connection.as_str());
        }
        for resource in &control.resources {
            self.attribute("resource", resource);
        }
        if let Some(channel) = &control.channel {
            self.attribute("channel", channel);
        }
        for cmid in &control.cmids {
            self.attribute("cmid", cmid);
        }
        for format in &control.result_formats {
            self.attribute("resultformat", format);
        }
    }

    fn audio(&mut self, audio: &Audio, session: Option<IpAddr>) {
        let mut line = format!("m=audio {} {}", audio.port, audio.transport.as_str());
        for format in &audio.formats {
            // Writing to a string does not fail.
            let _ = write!(line, " {}", format.payload_type);
        }
        if audio.formats.is_empty() {
            // A line has at least one format (RFC 4566 §5.14).
            line.push_str(" 0");
        }
        self.line(&line);
        self.connection(audio.address, session);
        for format in &audio.formats {
            let payload_type = format.payload_type;
            if let Some(encoding) = &format.rtpmap {
                let channels = if encoding.channels == 1 { String::new() } else { format!("/{}", encoding.channels) };
                let name = encoding.name.as_str();
                self.attribute("rtpmap", &format!("{payload_type} {name}/{}{channels}", encoding.clock_rate_hz));
            }
            if let Some(fmtp) = &format.fmtp {
                self.attribute("fmtp", &format!("{payload_type} {fmtp}"));
            }
        }
        for crypto in &audio.cryptos {
            self.attribute("crypto", &crypto.to_string());
        }
        if let Some(rtcp) = audio.rtcp {
            match rtcp.address {
                Some(IpAddr::V4(v4)) => self.attribute("rtcp", &format!("{} IN IP4 {v4}", rtcp.port)),
                Some(IpAddr::V6(v6)) => self.attribute("rtcp", &format!("{} IN IP6 {v6}", rtcp.port)),
                None => self.attribute("rtcp", &rtcp.port.to_string()),
            }
        }
        self.line(&format!("a={}", audio.direction.as_str()));
        for (name, value) in [("ptime", audio.ptime_ms), ("maxptime", audio.maxptime_ms)] {
            if let Some(ms) = value {
                self.attribute(name, &ms.to_string());
            }
        }
        if let Some(mid) = &audio.mid {
            self.attribute("mid", mid);
        }
    }

    fn other(&mut self, other: &OtherMedia) {
        self.line(&format!("m={} {} {} {}", other.kind, other.port, other.transport, other.formats));
        if let Some(mid) = &other.mid {
            self.attribute("mid", mid);
        }
    }
}
