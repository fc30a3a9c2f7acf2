//! Answers to offers (RFC 3264, RFC 6787 §4.2).

use std::path::Path;

use sdp::{
    AcceptedAudio, AnswerError, AnswerLine, Audio, Codec, ConnectionUse, Control, ControlAnswer, Direction, Local,
    Media, Origin, SessionDescription, answer, negotiate,
};

use crate::descriptions::fixture;

const LOCAL: Local =
    Local { address: std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 9)), session_id: 7, version: 3 };

fn audio_line(offer: &SessionDescription, index: usize, port: u16, codecs: &[Codec]) -> AnswerLine {
    let Some(Media::Audio(audio)) = offer.media.get(index) else { panic!("an audio line") };
    AnswerLine::Audio { port, accepted: negotiate(audio, codecs).unwrap(), key: None }
}

fn control_line(channel: &str) -> AnswerLine {
    AnswerLine::Control(ControlAnswer::new(1544, channel))
}

#[test]
fn ses_002_ses_003_ses_004_ses_005_an_accepted_offer_is_answered_with_channel_and_codec() {
    let offer = fixture("recognizer-offer");
    let lines = [control_line("4f1d6be0@speechrecog"), audio_line(&offer, 1, 20_000, &[Codec::PCMU])];
    let text = answer(&offer, &lines, &LOCAL).unwrap().to_string();
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            "v=0",
            "o=voxgate 7 3 IN IP4 192.0.2.9",
            "s=-",
            "c=IN IP4 192.0.2.9",
            "t=0 0",
            "m=application 1544 TCP/MRCPv2 1",
            "a=setup:passive",
            "a=connection:new",
            "a=channel:4f1d6be0@speechrecog",
            "a=cmid:1",
            "m=audio 20000 RTP/AVP 0 101",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:101 telephone-event/8000",
            "a=fmtp:101 0-15",
            "a=recvonly",
            "a=ptime:20",
            "a=mid:1",
        ]
    );
}

#[test]
fn a_refresh_keeps_the_channel_with_fewer_codecs_and_asks_for_a_connection_of_its_own() {
    let offer = fixture("recognizer-refresh");
    assert_eq!(offer.controls().next().unwrap().connection, Some(ConnectionUse::Existing));
    let lines = [control_line("4f1d6be0@speechrecog"), audio_line(&offer, 1, 20_000, &[Codec::PCMU])];
    let answered = answer(&offer, &lines, &LOCAL).unwrap();
    let control = answered.controls().next().unwrap();
    assert_eq!(control.channel.as_deref(), Some("4f1d6be0@speechrecog"));
    assert_eq!(control.connection, Some(ConnectionUse::New));
    assert!(answered.to_string().contains("m=audio 20000 RTP/AVP 0\r\n"), "no telephone-event that was not offered");
}

#[test]
fn ses_007_an_existing_connection_may_be_shared_if_so_decided() {
    let offer = fixture("recognizer-refresh");
    let shared = ControlAnswer { connection: ConnectionUse::Existing, ..ControlAnswer::new(1544, "1@speechrecog") };
    let answered = answer(&offer, &[AnswerLine::Control(shared), AnswerLine::Refuse], &LOCAL).unwrap();
    assert_eq!(answered.controls().next().unwrap().connection, Some(ConnectionUse::Existing));
}

#[test]
fn ses_035_an_answer_has_the_lines_of_the_offer_in_its_order() {
    let offer = fixture("two-resources-audio-first");
    let lines = [
        audio_line(&offer, 0, 20_000, &[Codec::PCMU]),
        control_line("1@speechsynth"),
        control_line("1@speechrecog"),
        audio_line(&offer, 3, 20_002, &[Codec::PCMA]),
    ];
    let answered = answer(&offer, &lines, &LOCAL).unwrap();
    let ports: Vec<u16> = answered.media.iter().map(Media::port).collect();
    assert_eq!(ports, [20_000, 1544, 1544, 20_002]);
    let mids: Vec<Option<&str>> = answered.media.iter().map(Media::mid).collect();
    assert_eq!(mids, [Some("left"), None, None, Some("right")]);
    let cmids: Vec<&[String]> = answered.controls().map(|control| control.cmids.as_slice()).collect();
    assert_eq!(cmids, [&["left".to_owned()][..], &["left".to_owned(), "right".to_owned()][..]]);
    let directions: Vec<Direction> = answered.audios().map(|audio| audio.direction).collect();
    assert_eq!(directions, [Direction::Sendrecv, Direction::Sendonly]);
}

#[test]
fn what_is_refused_has_port_zero_and_its_own_type() {
    for name in ["browser-like", "release"] {
        let offer = fixture(name);
        let lines = vec![AnswerLine::Refuse; offer.media.len()];
        let text = answer(&offer, &lines, &LOCAL).unwrap().to_string();
        let media = |text: &str| -> Vec<String> {
            let of_line = |line: &str| {
                let mut tokens: Vec<&str> = line.split(' ').collect();
                tokens[1] = "0";
                tokens.join(" ")
            };
            text.lines().filter(|line| line.starts_with("m=")).map(of_line).collect()
        };
        let answered: Vec<String> = text.lines().filter(|line| line.starts_with("m=")).map(str::to_owned).collect();
        assert_eq!(answered, media(&offer.to_string()), "{name}");
    }
}

#[test]
fn ses_038_an_ipv6_offer_is_answered_with_the_offers_payload_types() {
    let offer = fixture("wideband-ipv6");
    let local = Local { address: "2001:db8::9".parse().unwrap(), ..LOCAL };
    let lines = [control_line("1@speechsynth"), audio_line(&offer, 1, 20_000, &[Codec::PCMU, Codec::L16_16000])];
    let text = answer(&offer, &lines, &local).unwrap().to_string();
    for line in
        ["c=IN IP6 2001:db8::9", "m=audio 20000 RTP/AVP 97 101", "a=rtpmap:97 L16/16000", "a=sendonly", "a=ptime:30"]
    {
        assert!(text.contains(&format!("{line}\r\n")), "{line} in\n{text}");
    }
}

#[test]
fn ses_036_every_direction_is_answered_by_its_other_side() {
    for (offered, answered) in [
        (Direction::Sendrecv, Direction::Sendrecv),
        (Direction::Sendonly, Direction::Recvonly),
        (Direction::Recvonly, Direction::Sendonly),
        (Direction::Inactive, Direction::Inactive),
    ] {
        assert_eq!(offered.flipped(), answered);
        assert_eq!(answered.sends(), offered.receives());
    }
}

#[test]
fn decisions_that_do_not_fit_the_offer_are_an_error() {
    let offer = fixture("recognizer-offer");
    let accepted = AcceptedAudio {
        codec: Codec::PCMU,
        payload_type: 0,
        telephone_event: None,
        comfort_noise: None,
        ptime_ms: 20,
        crypto: None,
    };
    assert_eq!(answer(&offer, &[AnswerLine::Refuse], &LOCAL), Err(AnswerError::LineCount));
    let lines = [AnswerLine::Audio { port: 1, accepted, key: None }, AnswerLine::Refuse];
    assert_eq!(answer(&offer, &lines, &LOCAL), Err(AnswerError::Kind(0)));
    assert_eq!(answer(&offer, &[AnswerLine::Refuse, control_line("1@a")], &LOCAL), Err(AnswerError::Kind(1)));
}

#[test]
fn an_offer_of_our_client_is_one_that_we_answer() {
    let formats = vec![Codec::PCMU.format(), Codec::L16_8000.format(), Codec::PCMU.telephone_event_format(101)];
    let origin =
        Origin { username: "-".to_owned(), session_id: "1".to_owned(), version: 1, address: "192.0.2.1".to_owned() };
    let offer = SessionDescription {
        origin,
        session_name: "-".to_owned(),
        address: Some([192, 0, 2, 1].into()),
        media: vec![
            Media::Control(Control::offer("speechsynth", ConnectionUse::New, "1")),
            Media::Audio(Audio::offer(4000, formats, Direction::Recvonly, "1")),
        ],
    };
    let read = SessionDescription::parse(offer.to_string().as_bytes()).unwrap();
    let lines = [control_line("1@speechsynth"), audio_line(&read, 1, 20_000, &[Codec::L16_8000])];
    let answered = answer(&read, &lines, &LOCAL).unwrap();
    let answered = SessionDescription::parse(answered.to_string().as_bytes()).unwrap();
    let accepted = negotiate(answered.audios().next().unwrap(), &[Codec::PCMU, Codec::L16_8000]).unwrap();
    assert_eq!((accepted.codec, accepted.payload_type, accepted.telephone_event), (Codec::L16_8000, 96, Some(101)));
    assert_eq!(answered.controls().next().unwrap().resource(), Some("speechsynth"));
}

#[test]
fn dtm_005_telephone_events_have_the_payload_type_and_the_clock_that_were_offered() {
    let offer = |audio: &str| {
        format!(
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP {audio}\r\n"
        )
    };
    for (audio, codec, expected) in [
        ("0 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15", Codec::PCMU, Some(101)),
        ("0 96\r\na=rtpmap:96 telephone-event/8000", Codec::PCMU, Some(96)),
        ("97 101\r\na=rtpmap:97 L16/16000\r\na=rtpmap:101 telephone-event/8000", Codec::L16_16000, None),
        (
            "97 101 102\r\na=rtpmap:97 L16/16000\r\na=rtpmap:101 telephone-event/8000\r\n\
             a=rtpmap:102 telephone-event/16000",
            Codec::L16_16000,
            Some(102),
        ),
        ("0", Codec::PCMU, None),
    ] {
        let description = SessionDescription::parse(offer(audio).as_bytes()).unwrap();
        let accepted = negotiate(description.audios().next().unwrap(), &[codec]).unwrap();
        assert_eq!(accepted.telephone_event, expected, "{audio}");
    }
}

#[test]
fn ses_034_result_formats_are_read_from_the_line_or_the_session_and_answered() {
    for (session, line, read) in [
        ("a=resultformat:application/emma+xml\r\n", "", vec!["application/emma+xml"]),
        (
            "a=resultformat:application/emma+xml\r\n",
            "a=resultformat:application/nlsml+xml\r\na=resultformat:text/x\r\n",
            vec!["application/nlsml+xml", "text/x"],
        ),
        ("", "", vec![]),
    ] {
        let text = format!(
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{session}\
             m=application 9 TCP/MRCPv2 1\r\na=setup:active\r\na=connection:new\r\na=resource:speechrecog\r\n{line}"
        );
        let offer = SessionDescription::parse(text.as_bytes()).unwrap();
        assert_eq!(offer.controls().next().unwrap().result_formats, read);
        let chosen =
            ControlAnswer { result_format: Some("a/b".to_owned()), ..ControlAnswer::new(1544, "1@speechrecog") };
        let answered = answer(&offer, &[AnswerLine::Control(chosen)], &LOCAL).unwrap().to_string();
        assert!(answered.contains("a=resultformat:a/b\r\n"));
    }
}

#[test]
fn sec_024_the_corpus_breaks_nothing() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/sdp_session");
    let entries = std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut count = 0;
    for entry in entries {
        sdp::fuzz::session(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0, "{} is empty", directory.display());
}
