//! What a server can do, in answer to OPTIONS (RFC 6787 §7).

use crate::{Audio, Codec, Control, ControlTransport, Direction, Local, Media, Origin, SessionDescription};

/// The payload type under which DTMF events are shown.
const TELEPHONE_EVENT_PAYLOAD_TYPE: u8 = 101;

/// The description of a server with these resources and codecs: one control line with a resource attribute for each, one
/// audio line; ports 0, since nothing is offered.
pub fn capabilities(local: &Local, resources: &[&str], codecs: &[Codec]) -> SessionDescription {
    let mut formats: Vec<_> = codecs.iter().map(Codec::format).collect();
    if let Some(codec) = codecs.first() {
        formats.push(codec.telephone_event_format(TELEPHONE_EVENT_PAYLOAD_TYPE));
    }
    let control = Control {
        port: 0,
        transport: ControlTransport::Tcp,
        address: None,
        setup: None,
        connection: None,
        resources: resources.iter().map(|name| (*name).to_owned()).collect(),
        channel: None,
        cmids: Vec::new(),
        result_formats: Vec::new(),
    };
    let mut audio = Audio::offer(0, formats, Direction::Inactive, "1");
    audio.mid = None;
    audio.ptime_ms = None;
    SessionDescription {
        origin: Origin {
            username: "voxgate".to_owned(),
            session_id: local.session_id.to_string(),
            version: local.version,
            address: local.address.to_string(),
        },
        session_name: "-".to_owned(),
        address: Some(local.address),
        media: vec![Media::Control(control), Media::Audio(audio)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ses_031_ses_032_ses_033_every_resource_and_codec_is_shown_with_port_zero() {
        let local = Local { address: [192, 0, 2, 9].into(), session_id: 1, version: 1 };
        let shown = capabilities(&local, &["speechsynth", "speechrecog"], &[Codec::PCMU, Codec::L16_8000]).to_string();
        let media: Vec<&str> = shown.lines().skip_while(|line| !line.starts_with("m=")).collect();
        assert_eq!(
            media,
            [
                "m=application 0 TCP/MRCPv2 1",
                "a=resource:speechsynth",
                "a=resource:speechrecog",
                "m=audio 0 RTP/AVP 0 96 101",
                "a=rtpmap:0 PCMU/8000",
                "a=rtpmap:96 L16/8000",
                "a=rtpmap:101 telephone-event/8000",
                "a=fmtp:101 0-15",
                "a=inactive",
            ]
        );
    }
}
