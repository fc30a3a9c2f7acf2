//! Descriptions as clients write them: our own fixtures, and where they are at hand, suites and recorded exchanges.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use sdp::{
    AudioTransport, Codec, ConnectionUse, Control, ControlTransport, Direction, Limits, Media, ParseError,
    SessionDescription, Setup, negotiate,
};
use testkit::every_truncation;

pub(crate) fn fixture(name: &str) -> SessionDescription {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format!("{name}.sdp"));
    SessionDescription::parse(&std::fs::read(path).unwrap()).unwrap()
}

fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    paths.sort();
    paths
}

/// Parsed, printed, parsed again, cut short at every byte.
fn sweep(bytes: &[u8], name: &str) -> SessionDescription {
    let description = SessionDescription::parse(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    let printed = description.to_string();
    assert_eq!(SessionDescription::parse(printed.as_bytes()), Ok(description.clone()), "{name} printed:\n{printed}");
    for cut in every_truncation(bytes) {
        sdp::fuzz::session(cut);
    }
    sdp::fuzz::session(bytes);
    description
}

#[test]
fn every_fixture_prints_what_it_says() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let paths = files(&directory, "sdp");
    assert!(paths.len() >= 6, "the fixtures are there");
    for path in paths {
        sweep(&std::fs::read(&path).unwrap(), &path.display().to_string());
    }
}

#[test]
fn an_offer_of_a_stock_client_is_read_to_the_last_attribute() {
    let offer = fixture("recognizer-offer");
    assert_eq!((offer.origin.username.as_str(), offer.origin.version), ("pbx", 1_503_293_401_906_841_703));
    let [Media::Control(control), Media::Audio(audio)] = offer.media.as_slice() else { panic!("{:?}", offer.media) };
    let expected = Control { address: offer.address, ..Control::offer("speechrecog", ConnectionUse::New, "1") };
    assert_eq!(*control, expected);
    assert_eq!((control.port, control.setup, control.transport), (9, Some(Setup::Active), ControlTransport::Tcp));
    assert_eq!(audio.address, Some(IpAddr::from([192, 0, 2, 1])), "c= and never o=");
    assert_eq!((audio.port, audio.direction, audio.ptime_ms), (42044, Direction::Sendonly, Some(20)));
    let numbers: Vec<u8> = audio.formats.iter().map(|format| format.payload_type).collect();
    assert_eq!(numbers, [0, 8, 96, 101]);
    assert!(audio.formats.last().is_some_and(|format| format.is_telephone_event()));
}

#[test]
fn ses_022_ses_024_the_audio_of_a_channel_is_found_by_mid() {
    let offer = fixture("two-resources-audio-first");
    let audios: Vec<(Option<&str>, Vec<usize>)> =
        offer.controls().map(|control| (control.resource(), offer.audio_of(control))).collect();
    assert_eq!(audios, [(Some("speechsynth"), vec![0]), (Some("speechrecog"), vec![0, 3])]);
}

#[test]
fn a_channel_without_a_cmid_has_the_only_audio_line() {
    let mut offer = fixture("recognizer-offer");
    let Some(Media::Control(control)) = offer.media.first_mut() else { panic!("a control line") };
    control.cmids.clear();
    let control = control.clone();
    assert_eq!(offer.audio_of(&control), [1]);
    let another = offer.media[1].clone();
    offer.media.push(another);
    assert_eq!(offer.audio_of(&control), [0_usize; 0], "of two it has none");
}

#[test]
fn the_address_of_the_line_beats_that_of_the_session() {
    let offer = fixture("wideband-ipv6");
    assert_eq!(offer.address, None);
    let audio = offer.audios().next().unwrap();
    assert_eq!(audio.address, "2001:db8::1".parse().ok());
    assert_eq!(audio.rtcp.map(|rtcp| (rtcp.port, rtcp.address)), Some((40337, "2001:db8::1".parse().ok())));
    assert_eq!((audio.ptime_ms, audio.maxptime_ms), (Some(30), Some(60)));
}

#[test]
fn an_address_that_is_a_name_is_none() {
    let text = "v=0\r\no=- 1 1 IN IP4 a.example\r\ns=-\r\nc=IN IP4 a.example\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
    let offer = SessionDescription::parse(text.as_bytes()).unwrap();
    assert_eq!(offer.audios().next().unwrap().address, None);
}

#[test]
fn ses_035_what_mrcp_has_no_use_for_is_kept_in_its_place() {
    let offer = fixture("browser-like");
    let [Media::Audio(audio), Media::Other(video), Media::Control(control), Media::Other(bfcp)] =
        offer.media.as_slice()
    else {
        panic!("{:?}", offer.media)
    };
    assert_eq!(audio.transport, AudioTransport::Other("UDP/TLS/RTP/SAVPF".to_owned()));
    assert_eq!(audio.ptime_ms, None, "not a whole number");
    assert_eq!((video.kind.as_str(), video.mid.as_deref()), ("video", Some("1")));
    assert_eq!(control.transport, ControlTransport::Tls);
    assert_eq!((bfcp.kind.as_str(), bfcp.formats.as_str()), ("application", "*"));
}

#[test]
fn attributes_of_the_session_hold_for_lines_that_say_nothing() {
    let text = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=setup:ACTIVE\r\na=connection:new\r\n\
                a=recvonly\r\nm=application 9 TCP/MRCPv2 1\r\na=resource:speechsynth\r\nm=audio 1 RTP/AVP 0\r\n\
                m=audio 2 RTP/AVP 0\r\na=inactive\r\n";
    let offer = SessionDescription::parse(text.as_bytes()).unwrap();
    let control = offer.controls().next().unwrap();
    assert_eq!((control.setup, control.connection), (Some(Setup::Active), Some(ConnectionUse::New)));
    let directions: Vec<Direction> = offer.audios().map(|audio| audio.direction).collect();
    assert_eq!(directions, [Direction::Recvonly, Direction::Inactive]);
}

#[test]
fn nonsense_in_attributes_is_as_if_it_were_not_there() {
    let text = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 0 200 x 96 97\r\n\
                a=rtpmap:96 L16/0\r\na=rtpmap:97 /8000\r\na=rtpmap:0\r\na=mid:\r\na=rtcp:x\r\na=fmtp:96\r\na=setup:maybe\r\n";
    let offer = SessionDescription::parse(text.as_bytes()).unwrap();
    let audio = offer.audios().next().unwrap();
    let formats: Vec<(u8, bool)> =
        audio.formats.iter().map(|format| (format.payload_type, format.rtpmap.is_some())).collect();
    assert_eq!(formats, [(0, false), (96, false), (97, false)]);
    assert_eq!((audio.mid.as_deref(), audio.rtcp), (None, None));
    assert_eq!(negotiate(audio, &[Codec::L16_8000]), None);
}

#[test]
fn what_is_beyond_the_limits_or_no_description_is_refused() {
    let offer = fixture("two-resources-audio-first").to_string();
    let tight = Limits { media_max: 3, ..Limits::default() };
    assert_eq!(SessionDescription::parse_within(offer.as_bytes(), tight), Err(ParseError::TooManyMedia));
    let short = Limits { bytes_max: 100, ..Limits::default() };
    assert_eq!(SessionDescription::parse_within(offer.as_bytes(), short), Err(ParseError::TooLong));
    for bytes in [&b""[..], b"v=1\r\n", b"m=audio 1 RTP/AVP 0\r\n", b"\xff\xfe", b"v=0\r\nm=audio 99999 RTP/AVP 0\r\n"]
    {
        assert_eq!(SessionDescription::parse(bytes), Err(ParseError::Syntax), "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn a_value_can_not_add_a_line() {
    let mut offer = fixture("recognizer-offer");
    let Some(Media::Control(control)) = offer.media.first_mut() else { panic!("a control line") };
    control.resources = vec!["speechrecog\r\nm=video 1 RTP/AVP 0".to_owned()];
    assert_eq!(SessionDescription::parse(offer.to_string().as_bytes()).unwrap().media.len(), 2);
}

#[test]
fn the_descriptions_of_a_suite_are_read_or_refused_but_never_break_anything() {
    let Some(directory) = testkit::shared_material("suites/sdp") else { return };
    let mut read = 0;
    for path in files(&directory, "sdp") {
        let bytes = std::fs::read(&path).unwrap();
        for cut in every_truncation(&bytes) {
            sdp::fuzz::session(cut);
        }
        if SessionDescription::parse(&bytes).is_ok() {
            read += 1;
        }
    }
    assert!(read >= 20, "only {read} could be read");
}

#[test]
fn the_offers_and_answers_of_rfc_6787_are_read() {
    let Some(directory) = testkit::shared_material("suites/rfc6787-examples/sip") else { return };
    let mut controls = 0;
    for path in files(&directory, "msg") {
        let message = std::fs::read(&path).unwrap();
        let Some(at) = message.windows(4).position(|window| window == b"v=0\r") else { continue };
        let description = sweep(&message[at..], &path.display().to_string());
        for control in description.controls() {
            controls += 1;
            assert!(control.resource().is_some(), "{}", path.display());
        }
    }
    assert!(controls >= 15, "only {controls} control lines found");
}

#[test]
fn the_offers_and_answers_of_recorded_exchanges_are_read() {
    let mut found = 0;
    for product in ["freeswitch", "asterisk", "unimrcp"] {
        let Some(directory) = testkit::shared_material(&format!("traces/{product}")) else { return };
        for path in files(&directory, "txt") {
            let trace = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).replace("\r\n", "\n");
            for (at, _) in trace.match_indices("\nv=0\n") {
                let is_line = |line: &&str| line.get(1..2) == Some("=") && line.as_bytes()[0].is_ascii_lowercase();
                let body: Vec<&str> = trace[at + 1..].lines().take_while(is_line).collect();
                let description = sweep((body.join("\r\n") + "\r\n").as_bytes(), &path.display().to_string());
                found += 1;
                for audio in description.audios().filter(|audio| audio.port != 0) {
                    assert!(
                        negotiate(audio, &[Codec::PCMU, Codec::PCMA, Codec::L16_16000]).is_some(),
                        "{}",
                        path.display()
                    );
                }
            }
        }
    }
    assert!(found > 100, "only {found} descriptions found");
}
