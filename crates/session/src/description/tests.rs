use super::*;

fn config() -> DescriptionConfig {
    DescriptionConfig {
        mrcp_port: 1544,
        codecs: vec![media::Codec::Pcmu, media::Codec::L16],
        ptime_ms: 20,
        codec_order: CodecOrder::Offer,
        srtp: SrtpPolicy::Optional,
        has_clips: false,
        connection_reuse: false,
        cmid_optional: true,
        families: Families::BOTH,
    }
}

const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn description() -> Description {
    Description::new(config(), "0123456789abcdef".to_owned(), CLIENT)
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
        .map(|reservation| reservation.legs.into_iter().map(|(leg, _)| (leg, 20_000)).collect())
        .unwrap_or_default();
    description.answer(Some(IpAddr::from([10, 0, 0, 1])), &ports)
}

#[test]
fn ses_002_ses_003_ses_004_ses_005_ses_008_a_recognizer_is_allocated_with_its_leg_and_answered_on_a_connection_of_its_own()
 {
    let mut description = description();
    let reservation = description.offered(&offer(&format!("{RECOGNIZER}{AUDIO}"))).unwrap().unwrap();
    let offered = RtpPeer { rtp: (CLIENT, 4000).into(), rtcp: (CLIENT, 4001).into() };
    let legs = vec![(LegId(0), offered)];
    assert_eq!(reservation, Reservation { peer: CLIENT, client: CLIENT, legs, recognizers: 1, synthesizers: 0 });
    let agreed = description.answer(Some([10, 0, 0, 1].into()), &[(LegId(0), 20_000)]);
    assert_eq!(agreed.allocated[0].kind, ChannelKind::Recognizer);
    assert_eq!(agreed.allocated[0].leg, Some((LegId(0), ClockRate::Hz8000)));
    assert_eq!(agreed.opened_legs[0].remote.rtp, "127.0.0.1:4000".parse().unwrap());
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
    let verifier = RECOGNIZER.replace("speechrecog", "speakverify");
    let opus = "m=audio 4000 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\na=mid:1\r\n";
    for lines in [format!("{tls}{AUDIO}"), format!("{verifier}{AUDIO}"), format!("{RECOGNIZER}{opus}"), AUDIO.into()] {
        assert_eq!(description().offered(&offer(&lines)), Err(Refusal::NotAcceptable), "{lines}");
    }
    assert_eq!(description().offered(&Bytes::new()), Err(Refusal::NotAcceptable));
    assert_eq!(description().offered(&Bytes::from_static(b"hello")), Err(Refusal::Malformed));
}

#[test]
fn a_client_that_says_no_ptime_gets_the_configured_one() {
    let mut config = config();
    config.ptime_ms = 30;
    let mut description = Description::new(config, "0123456789abcdef".to_owned(), CLIENT);
    let agreed = agree(&mut description, &format!("{RECOGNIZER}{}", AUDIO.replace("a=ptime:20\r\n", "")));
    assert_eq!(agreed.opened_legs[0].media.ptime.ms(), 30);
}

const SYNTHESIZER: &str = "m=application 9 TCP/MRCPv2 1\r\na=setup:active\r\na=connection:new\r\na=resource:speechsynth\r\n\
    a=cmid:1\r\n";

/// What becomes of the offer: the allocated channels with their legs, or the refusal.
fn outcome(description: &mut Description, lines: &str) -> Result<Vec<(String, Option<u32>)>, Refusal> {
    let reservation = description.offered(&offer(lines))?;
    let legs = reservation.map(|reservation| reservation.legs).unwrap_or_default();
    let ports: Vec<(LegId, u16)> =
        legs.into_iter().map(|(leg, _)| (leg, 20_000 + 2 * u16::try_from(leg.0).unwrap())).collect();
    let agreed = description.answer(Some(CLIENT), &ports);
    let named =
        |channel: AgreedChannel| (channel.id.resource_name().to_owned(), channel.leg.map(|(LegId(leg), _)| leg));
    Ok(agreed.allocated.into_iter().map(named).collect())
}

fn channels(lines: &str) -> Result<Vec<(String, Option<u32>)>, Refusal> {
    outcome(&mut description(), lines)
}

fn with_leg(resource: &str, leg: Option<u32>) -> (String, Option<u32>) {
    (resource.to_owned(), leg)
}

#[test]
fn ses_005_only_an_active_client_is_served() {
    for (setup, is_served) in [("active", true), ("actpass", true), ("passive", false), ("holdconn", false)] {
        let lines = format!("{}{AUDIO}", RECOGNIZER.replace("setup:active", &format!("setup:{setup}")));
        assert_eq!(channels(&lines).is_ok(), is_served, "{setup}");
    }
    let agreed = agree(&mut description(), &format!("{RECOGNIZER}{AUDIO}"));
    assert!(text(&agreed).contains("a=setup:passive\r\n") && !text(&agreed).contains("active"));
}

#[test]
fn ses_006_ses_007_new_is_answered_new_and_existing_as_configured() {
    for (offered, reuse, answered) in
        [("new", false, "new"), ("new", true, "new"), ("existing", false, "new"), ("existing", true, "existing")]
    {
        let config = DescriptionConfig { connection_reuse: reuse, ..config() };
        let mut description = Description::new(config, "0123456789abcdef".to_owned(), CLIENT);
        let lines = RECOGNIZER.replace("existing", offered);
        let answer = text(&agree(&mut description, &format!("{lines}{AUDIO}")));
        assert!(answer.contains(&format!("a=connection:{answered}\r\n")), "{offered} {reuse}: {answer}");
    }
}

#[test]
fn ses_011_ses_013_a_resource_that_is_not_served_is_refused_alone_and_the_invite_if_nothing_is_left() {
    for resource in ["speakverify", "teleporter"] {
        let other = RECOGNIZER.replace("speechrecog", resource);
        let mut description = description();
        let agreed = agree(&mut description, &format!("{other}{RECOGNIZER}{AUDIO}"));
        assert_eq!(agreed.allocated.len(), 1, "{resource}");
        assert!(text(&agreed).contains("m=application 0 TCP/MRCPv2 1\r\n"), "{resource}");
        // The same offer again, as a refresh has it, changes nothing.
        assert_eq!(outcome(&mut description, &format!("{other}{RECOGNIZER}{AUDIO}")), Ok(vec![]));
        assert_eq!(channels(&format!("{other}{AUDIO}")), Err(Refusal::NotAcceptable), "{resource}");
    }
}

#[test]
fn ses_004_a_control_line_without_a_resource_is_refused() {
    let nameless = RECOGNIZER.replace("a=resource:speechrecog\r\n", "");
    assert_eq!(channels(&format!("{nameless}{AUDIO}")), Err(Refusal::NotAcceptable));
}

#[test]
fn ses_015_when_an_addition_is_refused_everything_goes_on_as_it_was() {
    let mut description = description();
    assert_eq!(channels_of(&mut description, &format!("{RECOGNIZER}{AUDIO}")), 1);
    for added in
        [RECOGNIZER.replace("speechrecog", "speakverify"), RECOGNIZER.to_owned(), "m=video 9 RTP/AVP 96\r\n".to_owned()]
    {
        let lines = format!("{RECOGNIZER}{AUDIO}{added}");
        assert_eq!(description.offered(&offer(&lines)), Err(Refusal::NotAcceptable), "{added}");
    }
    // The old channel and leg are still those of their lines.
    assert_eq!(channels_of(&mut description, &format!("{RECOGNIZER}{AUDIO}")), 0);
    let agreed = agree(&mut description, &format!("{RECOGNIZER}{AUDIO}{SYNTHESIZER}"));
    assert_eq!(agreed.allocated[0].leg.map(|(leg, _)| leg), Some(LegId(0)));
}

fn channels_of(description: &mut Description, lines: &str) -> usize {
    outcome(description, lines).unwrap().len()
}

#[test]
fn ses_016_int_012_a_released_line_may_have_only_its_resource_and_its_place_can_be_used_again() {
    let mut description = description();
    agree(&mut description, &format!("{RECOGNIZER}{AUDIO}{SYNTHESIZER}"));
    let released = "m=application 0 TCP/MRCPv2 1\r\na=resource:speechrecog\r\n";
    let agreed = agree(&mut description, &format!("{released}{AUDIO}{SYNTHESIZER}"));
    assert_eq!(agreed.released.len(), 1);
    let agreed = agree(&mut description, &format!("{RECOGNIZER}{AUDIO}{SYNTHESIZER}"));
    assert_eq!(agreed.allocated.len(), 1);
}

#[test]
fn ses_022_ses_024_ses_027_audio_belongs_to_channels_by_tokens() {
    let heard = AUDIO.replace("a=mid:1", "a=mid:caller");
    let said = AUDIO.replace("4000", "4002").replace("sendonly", "recvonly").replace("a=mid:1", "a=mid:robot");
    let recognizer = RECOGNIZER.replace("a=cmid:1", "a=cmid:caller");
    let synthesizer = SYNTHESIZER.replace("a=cmid:1", "a=cmid:robot");
    let expected = Ok(vec![with_leg("speechrecog", Some(0)), with_leg("speechsynth", Some(1))]);
    assert_eq!(channels(&format!("{recognizer}{synthesizer}{heard}{said}")), expected);
    // Of several audio lines a channel has the one that flows its way.
    let both = "a=cmid:caller\r\na=cmid:robot";
    let (recognizer, synthesizer) = (RECOGNIZER.replace("a=cmid:1", both), SYNTHESIZER.replace("a=cmid:1", both));
    assert_eq!(channels(&format!("{recognizer}{synthesizer}{heard}{said}")), expected);
}

#[test]
fn ses_022_several_audio_lines_without_mid_are_refused() {
    let second = AUDIO.replace("4000", "4002").replace("a=mid:1\r\n", "");
    assert_eq!(channels(&format!("{RECOGNIZER}{AUDIO}{second}")), Err(Refusal::NotAcceptable));
}

#[test]
fn ses_023_one_audio_line_serves_several_channels() {
    let audio = AUDIO.replace("sendonly", "sendrecv");
    let expected = Ok(vec![with_leg("speechrecog", Some(0)), with_leg("speechsynth", Some(0))]);
    assert_eq!(channels(&format!("{RECOGNIZER}{SYNTHESIZER}{audio}")), expected);
}

#[test]
fn ses_025_a_control_line_without_cmid_has_the_only_audio_line_only_if_so_configured() {
    for (cmid_optional, leg) in [(true, Some(0)), (false, None)] {
        let mut description =
            Description::new(DescriptionConfig { cmid_optional, ..config() }, "0123456789abcdef".to_owned(), CLIENT);
        let lines = format!("{}{AUDIO}", RECOGNIZER.replace("a=cmid:1\r\n", ""));
        assert_eq!(outcome(&mut description, &lines), Ok(vec![with_leg("speechrecog", leg)]));
    }
}

#[test]
fn ses_026_a_channel_needs_no_audio() {
    assert_eq!(channels(RECOGNIZER), Ok(vec![with_leg("speechrecog", None)]));
}

#[test]
fn ses_036_rtp_008_the_direction_of_the_answer_mirrors_the_offer() {
    for (offered, answered, sends, receives) in [
        ("sendonly", "recvonly", false, true),
        ("recvonly", "sendonly", true, false),
        ("sendrecv", "sendrecv", true, true),
        ("inactive", "inactive", false, false),
    ] {
        let mut description = description();
        let agreed = agree(&mut description, &format!("{RECOGNIZER}{}", AUDIO.replace("sendonly", offered)));
        assert!(text(&agreed).contains(&format!("a={answered}\r\n")), "{offered}");
        let media = &agreed.opened_legs[0].media;
        assert_eq!((media.sends, media.receives), (sends, receives), "{offered}");
        // Hold and resume by re-INVITE.
        let held = agree(&mut description, &format!("{RECOGNIZER}{}", AUDIO.replace("sendonly", "inactive")));
        assert!(text(&held).contains("a=inactive\r\n"));
        assert!(held.released.is_empty() && held.closed_legs.is_empty());
    }
}

#[test]
fn ses_037_the_version_grows_with_each_change_and_the_session_keeps_its_id() {
    let mut description = description();
    let origin = |agreed: &Agreed| {
        let text = text(agreed);
        let line = text.lines().find(|line| line.starts_with("o=")).unwrap().to_owned();
        let mut words = line.split(' ');
        (words.nth(1).unwrap().to_owned(), words.next().unwrap().parse::<u64>().unwrap())
    };
    let (first, one) = origin(&agree(&mut description, &format!("{RECOGNIZER}{AUDIO}")));
    let (second, two) = origin(&agree(&mut description, &format!("{RECOGNIZER}{AUDIO}{SYNTHESIZER}")));
    assert_eq!((first, one + 1), (second, two));
}

#[test]
fn ses_039_an_invite_without_an_offer_is_refused() {
    assert_eq!(description().offered(&Bytes::new()), Err(Refusal::NotAcceptable));
}

#[test]
fn ses_040_a_session_may_begin_without_channels_and_end_its_last() {
    let mut description = description();
    let empty = Bytes::from_static(b"v=0\r\no=sarvi 1 1 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\n");
    let reservation = description.offered(&empty).unwrap().unwrap();
    assert_eq!((reservation.legs, reservation.recognizers, reservation.synthesizers), (vec![], 0, 0));
    description.answer(Some(CLIENT), &[]);
    assert_eq!(channels_of(&mut description, &format!("{SYNTHESIZER}{AUDIO}")), 1);
    let released = format!("{SYNTHESIZER}{AUDIO}")
        .replace("m=application 9", "m=application 0")
        .replace("m=audio 4000", "m=audio 0");
    assert_eq!(agree(&mut description, &released).released.len(), 1);
    assert_eq!(channels_of(&mut description, &format!("{SYNTHESIZER}{AUDIO}")), 1);
}

#[test]
fn ses_054_int_011_a_known_channel_offered_as_new_keeps_its_identifier() {
    let mut description = description();
    let existing = text(&agree(&mut description, &format!("{RECOGNIZER}{AUDIO}")));
    let agreed = agree(&mut description, &format!("{}{AUDIO}", RECOGNIZER.replace("existing", "new")));
    assert!(agreed.allocated.is_empty() && agreed.released.is_empty());
    let channel = existing.lines().find(|line| line.starts_with("a=channel:")).unwrap();
    assert!(text(&agreed).contains(channel) && text(&agreed).contains("a=connection:new\r\n"));
}

#[test]
fn int_010_int_013_static_payload_types_and_any_order_of_lines_are_served() {
    let bare = "m=audio 4000 RTP/AVP 0 8\r\na=sendonly\r\na=mid:1\r\n";
    let expected = Ok(vec![with_leg("speechrecog", Some(0))]);
    assert_eq!(channels(&format!("{bare}{RECOGNIZER}")), expected);
    assert_eq!(channels(&format!("{RECOGNIZER}{bare}")), expected);
}

#[test]
fn sec_001_sec_007_protected_lines_are_refused() {
    let tls = RECOGNIZER.replace("TCP/MRCPv2", "TCP/TLS/MRCPv2");
    assert_eq!(channels(&format!("{tls}{AUDIO}")), Err(Refusal::NotAcceptable));
    let without_keys = AUDIO.replace("RTP/AVP", "RTP/SAVP");
    assert_eq!(channels(&format!("{RECOGNIZER}{without_keys}")), Err(Refusal::NotAcceptable));
    let refused = protecting(SrtpPolicy::Off).offered(&offer(&format!("{RECOGNIZER}{}", savp(1, SUITE, 'A'))));
    assert_eq!(refused, Err(Refusal::NotAcceptable));
    // Beside lines that can be served, they are refused alone.
    let agreed = agree(&mut description(), &format!("{tls}{SYNTHESIZER}{AUDIO}"));
    assert!(text(&agreed).contains("m=application 0 TCP/TLS/MRCPv2 1\r\n"));
}

const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";

/// [`AUDIO`], protected by a key of 30 octets.
fn savp(tag: u32, suite: &str, key: char) -> String {
    let key = key.to_string().repeat(40);
    AUDIO.replace("RTP/AVP", "RTP/SAVP").replace("a=mid:1", &format!("a=crypto:{tag} {suite} inline:{key}\r\na=mid:1"))
}

fn protecting(srtp: SrtpPolicy) -> Description {
    let mut description =
        Description::new(DescriptionConfig { srtp, ..config() }, "0123456789abcdef".to_owned(), CLIENT);
    description.set_secret(MediaSecret::new([7; 32]));
    description
}

/// The key line of an answer.
fn crypto(agreed: &Agreed) -> String {
    let text = text(agreed);
    text.lines().find(|line| line.starts_with("a=crypto:")).unwrap_or_default().to_owned()
}

#[test]
fn sec_007_sec_008_protected_audio_is_answered_with_the_tag_the_suite_and_a_key_of_our_own() {
    let mut description = protecting(SrtpPolicy::Optional);
    let agreed = agree(&mut description, &format!("{RECOGNIZER}{}", savp(3, SUITE, 'A')));
    let answer = crypto(&agreed);
    let ours = answer.strip_prefix("a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:").unwrap();
    assert!(ours.len() == 40 && ours != "A".repeat(40), "{answer}");
    assert!(text(&agreed).contains("m=audio 20000 RTP/SAVP 0 101\r\n"));
    let keys = agreed.opened_legs[0].protection.clone().unwrap();
    assert_eq!((keys.local.suite(), keys.remote.material()), (SrtpSuite::AesCm128HmacSha1_80, [0; 30].as_slice()));
    // RTP/SAVPF is answered in kind.
    let savpf = savp(1, SUITE, 'A').replace("SAVP", "SAVPF");
    let agreed = agree(&mut protecting(SrtpPolicy::Required), &format!("{RECOGNIZER}{savpf}"));
    assert!(text(&agreed).contains("m=audio 20000 RTP/SAVPF 0 101\r\n"));
}

#[test]
fn sec_007_a_re_invite_may_change_the_keys() {
    let mut description = protecting(SrtpPolicy::Optional);
    let first = agree(&mut description, &format!("{RECOGNIZER}{}", savp(1, SUITE, 'A')));
    let same = agree(&mut description, &format!("{RECOGNIZER}{}", savp(1, SUITE, 'A')));
    assert!(same.changed_legs.is_empty() && crypto(&same) == crypto(&first));
    let other = agree(&mut description, &format!("{RECOGNIZER}{}", savp(2, SUITE, 'B')));
    let keys = other.changed_legs[0].protection.clone().unwrap();
    assert_eq!(Some(&keys.local), first.opened_legs[0].protection.as_ref().map(|keys| &keys.local));
    assert_ne!(Some(&keys.remote), first.opened_legs[0].protection.as_ref().map(|keys| &keys.remote));
    let other = agree(&mut description, &format!("{RECOGNIZER}{}", savp(1, "AES_CM_128_HMAC_SHA1_32", 'B')));
    let with_short_tags = other.changed_legs[0].protection.clone().unwrap();
    assert_ne!(with_short_tags.local.material(), keys.local.material(), "a key serves one suite");
    let clear = agree(&mut description, &format!("{RECOGNIZER}{AUDIO}"));
    assert_eq!(clear.changed_legs[0].protection, None);
    let again = agree(&mut description, &format!("{RECOGNIZER}{}", savp(1, SUITE, 'A')));
    assert_ne!(crypto(&again), crypto(&first), "a key is never used for a second stream of packets");
}

#[test]
fn sec_007_where_protection_is_required_audio_in_clear_is_refused() {
    let refused = protecting(SrtpPolicy::Required).offered(&offer(&format!("{RECOGNIZER}{AUDIO}")));
    assert_eq!(refused, Err(Refusal::NotAcceptable));
    assert!(protecting(SrtpPolicy::Optional).offered(&offer(&format!("{RECOGNIZER}{AUDIO}"))).is_ok());
}

#[test]
fn keys_are_not_shown_by_debug() {
    let mut description = protecting(SrtpPolicy::Optional);
    let agreed = agree(&mut description, &format!("{RECOGNIZER}{}", savp(1, SUITE, 'Q')));
    let ours = crypto(&agreed);
    let shown = format!("{description:?} {:?}", agreed.opened_legs);
    assert!(!shown.contains("QQQQ") && !shown.contains(&ours[30..]) && !shown.contains("4, 16, 65"), "{shown}");
}

#[test]
fn ses_038_where_our_order_decides_the_first_of_ours_that_is_offered_is_answered() {
    let with = |codec_order, codecs: &[media::Codec]| {
        let config = DescriptionConfig { codec_order, codecs: codecs.to_vec(), ..config() };
        let mut description = Description::new(config, "0123456789abcdef".to_owned(), CLIENT);
        let agreed = agree(&mut description, &format!("{RECOGNIZER}{AUDIO}"));
        let media = agreed.opened_legs[0].media;
        (media.codec, media.payload_type)
    };
    let ours = [media::Codec::Opus, media::Codec::L16, media::Codec::Pcma, media::Codec::Pcmu];
    assert_eq!(with(CodecOrder::Offer, &ours), (media::Codec::Pcmu, 0));
    assert_eq!(with(CodecOrder::Ours, &ours), (media::Codec::L16, 96));
    assert_eq!(with(CodecOrder::Ours, &ours[2..]), (media::Codec::Pcma, 8));
}

#[test]
fn rtp_007_comfort_noise_is_agreed_on_where_it_is_offered() {
    let mut description = description();
    let agreed = agree(&mut description, &format!("{RECOGNIZER}{}", AUDIO.replace("0 8 96 101", "0 13 101")));
    assert_eq!(agreed.opened_legs[0].media.comfort_noise, Some(13));
    assert!(text(&agreed).contains("m=audio 20000 RTP/AVP 0 101 13\r\n"));
}

#[test]
fn ses_034_the_first_result_format_that_can_be_written_is_agreed_on() {
    let with = |formats: &str| format!("{RECOGNIZER}{formats}{AUDIO}");
    let agreed = agree(&mut description(), &with("a=resultformat:text/x\r\na=resultformat:application/emma+xml\r\n"));
    assert_eq!(agreed.allocated[0].format, Some(ResultFormat::Emma));
    assert!(text(&agreed).contains("a=resultformat:application/emma+xml\r\n"), "{}", text(&agreed));
    let agreed = agree(&mut description(), &with(""));
    assert_eq!(agreed.allocated[0].format, None);
    assert!(!text(&agreed).contains("resultformat"));
    assert_eq!(channels(&with("a=resultformat:text/x\r\n")), Err(Refusal::NotAcceptable), "never a wrong label");
}
