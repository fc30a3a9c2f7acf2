use super::*;

fn config() -> DescriptionConfig {
    DescriptionConfig {
        mrcp_port: 1544,
        codecs: vec![media::Codec::Pcmu, media::Codec::L16],
        ptime_ms: 20,
        connection_reuse: false,
    }
}

fn description() -> Description {
    Description::new(config(), "0123456789abcdef".to_owned())
}

fn offer(lines: &str) -> Bytes {
    format!("v=0\r\no=FreeSWITCH 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n{lines}").into()
}

const RECOGNIZER: &str = "m=application 9 TCP/MRCPv2 1\r\na=setup:active\r\na=connection:existing\r\n\
    a=resource:speechrecog\r\na=cmid:1\r\n";
const AUDIO: &str = "m=audio 4000 RTP/AVP 0 8 96 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:96 L16/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=sendonly\r\na=ptime:20\r\na=mid:1\r\n";

fn text(agreed: &Agreed) -> String {
    String::from_utf8(agreed.answer.to_vec()).unwrap()
}

fn agree(description: &mut Description, lines: &str) -> Agreed {
    let ports: Vec<(LegId, u16)> = description
        .offered(&offer(lines))
        .unwrap()
        .map(|reservation| reservation.legs.into_iter().map(|leg| (leg, 20_000)).collect())
        .unwrap_or_default();
    description.answer(Some(IpAddr::from([10, 0, 0, 1])), &ports)
}

#[test]
fn ses_002_ses_003_ses_004_ses_005_ses_008_a_recognizer_is_allocated_with_its_leg_and_answered_on_a_connection_of_its_own()
 {
    let mut description = description();
    let reservation = description.offered(&offer(&format!("{RECOGNIZER}{AUDIO}"))).unwrap().unwrap();
    assert_eq!(
        reservation,
        Reservation { peer: [127, 0, 0, 1].into(), legs: vec![LegId(0)], recognizers: 1, synthesizers: 0 }
    );
    let agreed = description.answer(Some([10, 0, 0, 1].into()), &[(LegId(0), 20_000)]);
    assert_eq!(agreed.allocated[0].kind, ChannelKind::Recognizer);
    assert_eq!(agreed.allocated[0].leg, Some((LegId(0), ClockRate::Hz8000)));
    assert_eq!(agreed.opened_legs[0].remote, "127.0.0.1:4000".parse().unwrap());
    assert!(agreed.opened_legs[0].media.receives && !agreed.opened_legs[0].media.sends);
    let answer = text(&agreed);
    assert!(answer.contains("a=channel:0123456789abcdef@speechrecog\r\n"), "{answer}");
    assert!(answer.contains("a=connection:new\r\n") && answer.contains("m=application 1544 TCP/MRCPv2 1\r\n"));
    assert!(answer.contains("m=audio 20000 RTP/AVP 0 101\r\n") && answer.contains("a=recvonly\r\n"));
    assert!(answer.contains("c=IN IP4 10.0.0.1\r\n"));
}

#[test]
fn ses_053_a_refresh_with_narrowed_codecs_changes_nothing_but_the_telephone_event() {
    let mut description = description();
    let first = text(&agree(&mut description, &format!("{RECOGNIZER}{AUDIO}")));
    let narrowed = "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendonly\r\na=ptime:20\r\na=mid:1\r\n";
    let agreed = agree(&mut description, &format!("{RECOGNIZER}{narrowed}"));
    assert!(agreed.allocated.is_empty() && agreed.released.is_empty() && agreed.opened_legs.is_empty());
    assert_eq!(agreed.changed_legs[0].media.telephone_event, None);
    let second = text(&agreed);
    assert!(second.contains("m=audio 20000 RTP/AVP 0\r\n") && second.contains("a=connection:existing\r\n"));
    let channel = |answer: &str| answer.lines().find(|line| line.starts_with("a=channel:")).map(str::to_owned);
    assert_eq!(channel(&first), channel(&second));
}

#[test]
fn ses_037_the_version_grows_only_when_the_answer_changes() {
    let mut description = description();
    let lines = format!("{RECOGNIZER}{AUDIO}").replace("existing", "new");
    let first = text(&agree(&mut description, &lines));
    assert_eq!(first, text(&agree(&mut description, &lines)));
    let origin = first.lines().find(|line| line.starts_with("o=")).unwrap();
    assert!(origin.contains(" 1 IN IP4"), "{origin}");
}

#[test]
fn ses_009_ses_014_ses_016_ses_023_a_reinvite_adds_a_channel_with_the_same_prefix_and_releases_one_by_port_0() {
    let mut description = description();
    agree(&mut description, &format!("{RECOGNIZER}{AUDIO}"));
    let synthesizer = "m=application 9 TCP/MRCPv2 1\r\na=setup:active\r\na=connection:existing\r\n\
        a=resource:speechsynth\r\na=cmid:1\r\n";
    let agreed = agree(&mut description, &format!("{RECOGNIZER}{AUDIO}{synthesizer}"));
    assert_eq!(agreed.allocated[0].id.as_str(), "0123456789abcdef@speechsynth");
    assert_eq!(agreed.allocated[0].leg, Some((LegId(0), ClockRate::Hz8000)));
    assert!(agreed.opened_legs.is_empty());
    let released = RECOGNIZER.replace("m=application 9", "m=application 0");
    let agreed = agree(&mut description, &format!("{released}{AUDIO}{synthesizer}"));
    assert_eq!(agreed.released.iter().map(ChannelId::as_str).collect::<Vec<_>>(), ["0123456789abcdef@speechrecog"]);
    assert!(text(&agreed).contains("m=application 0 TCP/MRCPv2 1\r\n"));
}

#[test]
fn ses_012_a_second_resource_of_a_type_is_refused_in_its_place() {
    let agreed = agree(&mut description(), &format!("{RECOGNIZER}{AUDIO}{RECOGNIZER}"));
    assert_eq!(agreed.allocated.len(), 1);
    assert!(text(&agreed).ends_with("a=cmid:1\r\n") && text(&agreed).contains("m=application 0 TCP/MRCPv2 1"));
}

#[test]
fn ses_035_lines_of_other_kinds_are_refused_and_the_rest_is_served() {
    let video = "m=video 5000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
    let agreed = agree(&mut description(), &format!("{video}{RECOGNIZER}{AUDIO}"));
    assert!(text(&agreed).contains("m=video 0 RTP/AVP 96\r\n"));
    assert_eq!(agreed.allocated.len(), 1);
}

#[test]
fn offers_that_cannot_be_served_are_refused() {
    let tls = RECOGNIZER.replace("TCP/MRCPv2", "TCP/TLS/MRCPv2");
    let recorder = RECOGNIZER.replace("speechrecog", "recorder");
    let opus = "m=audio 4000 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\na=mid:1\r\n";
    for lines in [format!("{tls}{AUDIO}"), format!("{recorder}{AUDIO}"), format!("{RECOGNIZER}{opus}"), AUDIO.into()] {
        assert_eq!(description().offered(&offer(&lines)), Err(Refusal::NotAcceptable), "{lines}");
    }
    assert_eq!(description().offered(&Bytes::new()), Err(Refusal::NotAcceptable));
    assert_eq!(description().offered(&Bytes::from_static(b"hello")), Err(Refusal::Malformed));
}

#[test]
fn a_client_that_says_no_ptime_gets_the_configured_one() {
    let mut config = config();
    config.ptime_ms = 30;
    let mut description = Description::new(config, "0123456789abcdef".to_owned());
    let agreed = agree(&mut description, &format!("{RECOGNIZER}{}", AUDIO.replace("a=ptime:20\r\n", "")));
    assert_eq!(agreed.opened_legs[0].media.ptime.ms(), 30);
}
