//! Recording: real RTP audio, and files as a client finds them.

use std::time::Duration;

use client::{CallerAudio, Recorded, RecordedAt, RecorderSession};
use media::Waveform;
use mrcp::{EventName, HeaderName as H, Headers, Method, StatusCode};
use server::Server;
use server::config::Config;
use testkit::babble;

use crate::support::{
    SOON, ask, configuration, heard, http_get, next_event, spoken, start_client, start_server, until,
};

fn headers(pairs: &[(H, &str)]) -> Headers {
    pairs.iter().map(|(name, value)| mrcp::Header { name: name.clone(), value: (*value).to_owned() }).collect()
}

const WAV: (H, &str) = (H::MediaType, "audio/wav");

/// Half a second of silence, two seconds of speech, and silence for as long as it is wanted.
fn message() -> (CallerAudio, Vec<i16>) {
    let speech = babble(8_000, 2_000);
    let mut samples = vec![0; 4_000];
    samples.extend(&speech);
    samples.extend(vec![0; 8_000 * 5]);
    (CallerAudio::new(samples, 8_000), speech)
}

/// Where `wanted` is in `heard`, by the best match of loudness over 10 ms; and how much louder it is there.
fn find(heard: &[i16], wanted: &[i16]) -> (usize, f64) {
    let energy = |samples: &[i16]| samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
    let best = (0..heard.len().saturating_sub(wanted.len()))
        .map(|at| {
            let cross: f64 =
                heard[at..].iter().zip(wanted).step_by(7).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            (at, cross)
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map_or(0, |(at, _)| at);
    let there = &heard[best..best + wanted.len()];
    (best, (energy(there) / energy(wanted)).sqrt())
}

fn stored(recorded: &Recorded) -> RecordedAt {
    recorded.stored.clone().unwrap_or_else(|| panic!("{:?}", recorded.headers))
}

/// GET of a URI of the server: the status and the content.
async fn fetched(server: &Server, uri: &str) -> (u16, Vec<u8>) {
    let address = server.http_address().unwrap();
    let path = uri.strip_prefix(&format!("http://{address}")).unwrap_or_else(|| panic!("{uri}"));
    crate::support::http_get_bytes(address, path).await
}

async fn recorder(server: &Server) -> RecorderSession {
    start_client(server).await.open_recorder(None).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rcd_003_rcd_006_rcd_012_rcd_016_rcd_017_a_message_is_recorded_until_silence_and_fetched_by_its_uri() {
    let server = start_server().await;
    let mut caller = recorder(&server).await;
    let wanted = [WAV, (H::RecordUri, ""), (H::FinalSilence, "600"), (H::CaptureOnSpeech, "true")];
    let id = caller.record(headers(&wanted)).await.unwrap();
    let (audio, speech) = message();
    caller.send_audio(&audio);
    let start = next_event(&mut caller.session).await;
    assert_eq!(start.name, EventName::StartOfInput);
    assert!(start.headers.contains(&H::ProxySyncId));
    let recorded = caller.finished(id, SOON).await.unwrap();
    assert_eq!(recorded.cause.map(|cause| cause.code()), Some(0));
    let at = stored(&recorded);
    let (status, content) = fetched(&server, &at.uri).await;
    assert_eq!((status, content.len() as u64), (200, at.size_bytes));
    let heard = Waveform::read(&content, None).unwrap();
    assert_eq!(heard.samples.len() as u64 / 8, at.duration_ms);
    // The silence before and after is left out, all but a margin; the speech is whole, and as loud as it was sent.
    assert!((2_000..=2_700).contains(&at.duration_ms), "{} ms", at.duration_ms);
    let (begins, level) = find(&heard.samples, &speech[800..12_800]);
    assert!((800..=800 + 8 * 400).contains(&begins), "begins at {begins}");
    assert!((0.95..1.05).contains(&level), "level {level}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rcd_005_rcd_009_rcd_018_what_was_sent_is_in_the_stop_response_from_the_first_moment() {
    let server = start_server().await;
    let mut caller = recorder(&server).await;
    caller.record(headers(&[(H::MediaType, "audio/wav;codec=ulaw")])).await.unwrap();
    let (audio, speech) = message();
    caller.send_audio(&audio);
    let start = next_event(&mut caller.session).await;
    assert_eq!(start.name, EventName::StartOfInput);
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    let recorded = caller.stop(Duration::ZERO).await.unwrap();
    let at = stored(&recorded);
    assert_eq!(recorded.headers.text(&H::ContentType), Some("audio/wav;codec=ulaw"));
    assert_eq!(Some(at.uri.replace("cid:", "<") + ">").as_deref(), recorded.headers.text(&H::ContentId));
    assert_eq!(at.size_bytes, recorded.body.len() as u64);
    let heard = Waveform::read(&recorded.body, None).unwrap().samples;
    let (begins, level) = find(&heard, &speech[..12_000]);
    assert!((3_500..=3_500 + 8 * 500).contains(&begins), "the silence before is there: {begins}");
    assert!((0.95..1.05).contains(&level), "level {level}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rcd_004_rcd_007_rcd_008_a_file_is_written_below_the_configured_folder_only() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = configuration();
    config.storage.folders.file_root = Some(folder.path().to_owned());
    let server = Server::start(config).await.unwrap();
    let mut caller = recorder(&server).await;
    let uri = format!("<file://{}/message.wav>", folder.path().display());
    let id = caller.record(headers(&[WAV, (H::RecordUri, &uri), (H::MaxTime, "300")])).await.unwrap();
    let recorded = caller.finished(id, SOON).await.unwrap();
    assert_eq!(recorded.cause.map(|cause| cause.code()), Some(1));
    let at = stored(&recorded);
    assert_eq!(format!("<{}>", at.uri), uri);
    let written = std::fs::read(folder.path().join("message.wav")).unwrap();
    assert_eq!(written.len() as u64, at.size_bytes);
    for uri in ["<file:///etc/voxgate-test>".to_owned(), format!("<file://{}/../x.wav>", folder.path().display())] {
        let response = ask(&mut caller.session, Method::Record, headers(&[WAV, (H::RecordUri, &uri)])).await;
        assert_eq!(response.status, StatusCode::ILLEGAL_HEADER_VALUE, "{uri}");
        assert_eq!(response.headers.text(&H::RecordUri), Some(uri.as_str()));
    }
    // What the client named is the client's: it stays.
    caller.session.hang_up().await;
    until("the end of the session", || server.sessions() == 0).await;
    assert!(folder.path().join("message.wav").exists());
}

/// An HTTP server that takes one PUT: its request line and headers, and its body. It answers `status`.
async fn web_server(status: &'static str) -> (std::net::SocketAddr, tokio::task::JoinHandle<(String, Vec<u8>)>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut received = Vec::new();
        let (head, length) = loop {
            let mut buffer = [0; 4_096];
            let count = stream.read(&mut buffer).await.unwrap();
            received.extend_from_slice(&buffer[..count]);
            if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&received[..end]).into_owned();
                let length = head
                    .to_lowercase()
                    .split("content-length: ")
                    .nth(1)
                    .unwrap()
                    .lines()
                    .next()
                    .unwrap()
                    .parse::<usize>();
                received.drain(..end + 4);
                break (head, length.unwrap());
            }
        };
        while received.len() < length {
            let mut buffer = [0; 4_096];
            let count = stream.read(&mut buffer).await.unwrap();
            received.extend_from_slice(&buffer[..count]);
        }
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
        (head, received)
    });
    (address, served)
}

fn with_loopback(mut config: Config) -> Config {
    config.fetch.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn rcd_004_a_recording_is_put_to_a_web_server() {
    let server = Server::start(with_loopback(configuration())).await.unwrap();
    let (address, served) = web_server("201 Created").await;
    let mut caller = recorder(&server).await;
    let uri = format!("<http://{address}/messages/1.wav?box=7>");
    let id = caller.record(headers(&[WAV, (H::RecordUri, &uri), (H::MaxTime, "300")])).await.unwrap();
    let at = stored(&caller.finished(id, SOON).await.unwrap());
    assert_eq!(format!("<{}>", at.uri), uri);
    let (head, body) = served.await.unwrap();
    assert!(head.starts_with("PUT /messages/1.wav?box=7 HTTP/1.1"), "{head}");
    assert!(head.to_lowercase().contains("content-type: audio/wav"), "{head}");
    assert_eq!(body.len() as u64, at.size_bytes);
    assert_eq!(Waveform::read(&body, None).unwrap().samples.len() as u64 / 8, at.duration_ms);
}

#[tokio::test(flavor = "multi_thread")]
async fn rcd_021_a_web_server_that_refuses_is_named_with_its_status() {
    let server = Server::start(with_loopback(configuration())).await.unwrap();
    let (address, _served) = web_server("507 Insufficient Storage").await;
    let mut caller = recorder(&server).await;
    let uri = format!("http://{address}/1.wav");
    let wanted = [WAV, (H::RecordUri, &format!("<{uri}>")), (H::MaxTime, "300")];
    let id = caller.record(headers(&wanted)).await.unwrap();
    let recorded = caller.finished(id, SOON).await.unwrap();
    assert_eq!(recorded.cause.map(|cause| cause.code()), Some(3));
    assert_eq!(recorded.headers.text(&H::FailedUri), Some(uri.as_str()));
    assert_eq!(recorded.headers.text(&H::FailedUriCause), Some("507"));
    assert_eq!(recorded.stored, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn rcd_008_sec_012_a_recording_is_not_sent_into_networks_that_are_closed() {
    let server = start_server().await;
    let mut caller = recorder(&server).await;
    for uri in ["<http://127.0.0.1:1/x>", "<http://[::1]/x>", "<http://169.254.169.254/x>"] {
        let response = ask(&mut caller.session, Method::Record, headers(&[WAV, (H::RecordUri, uri)])).await;
        assert_eq!(response.status, StatusCode::ILLEGAL_HEADER_VALUE, "{uri}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rcd_002_a_media_type_that_is_not_recorded_is_409() {
    let server = start_server().await;
    let mut caller = recorder(&server).await;
    let response = ask(&mut caller.session, Method::Record, headers(&[(H::MediaType, "audio/mpeg")])).await;
    assert_eq!(response.status, StatusCode::UNSUPPORTED_HEADER_VALUE);
    assert_eq!(response.headers.text(&H::MediaType), Some("audio/mpeg"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rcd_024_a_recording_over_the_quota_ends_with_error_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = configuration();
    config.storage.folders.directory = Some(folder.path().to_owned());
    config.storage.folders.bytes_max = 6_000;
    let server = Server::start(config).await.unwrap();
    let mut caller = recorder(&server).await;
    let id = caller.record(headers(&[WAV, (H::RecordUri, "")])).await.unwrap();
    let recorded = caller.finished(id, SOON).await.unwrap();
    assert_eq!(recorded.cause.map(|cause| cause.code()), Some(4));
    assert_eq!(recorded.stored, None);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rcd_025_sec_018_recordings_have_names_that_nobody_guesses_and_go_with_their_session() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = configuration();
    config.storage.folders.directory = Some(folder.path().to_owned());
    let server = Server::start(config).await.unwrap();
    let mut caller = recorder(&server).await;
    let mut uris = Vec::new();
    for _ in 0..2 {
        let id = caller.record(headers(&[WAV, (H::RecordUri, ""), (H::MaxTime, "200")])).await.unwrap();
        uris.push(stored(&caller.finished(id, SOON).await.unwrap()).uri);
    }
    assert_ne!(uris[0], uris[1]);
    let address = server.http_address().unwrap();
    for uri in &uris {
        let name = uri.rsplit('/').next().unwrap();
        assert!(name.len() >= 32, "{name}");
        assert_eq!(fetched(&server, uri).await.0, 200);
    }
    for guess in ["/recordings/", "/recordings", "/recordings/1.wav", "/recordings/..%2f..%2fetc%2fpasswd"] {
        assert_eq!(http_get(address, guess).await.0, 404, "{guess}");
    }
    caller.session.hang_up().await;
    until("the end of the session", || server.sessions() == 0).await;
    for uri in &uris {
        assert_eq!(fetched(&server, uri).await.0, 404);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rec_048_rec_050_the_waveform_of_a_recognition_is_fetched_until_the_session_ends() {
    let server = start_server().await;
    let mut recognizer = start_client(&server).await.open_recognizer(None).await.unwrap();
    let grammar = client::GrammarBody::uri("builtin:speech/transcribe");
    let id = recognizer.recognize(&grammar, headers(&[(H::SaveWaveform, "true")])).await.unwrap();
    let words = spoken("pong", 8_000);
    recognizer.send_audio(&words);
    let recognition = recognizer.finished(id, SOON).await.unwrap();
    assert_eq!(recognition.result.map(|result| result.input).as_deref(), Some("pong"));
    let at = RecordedAt::read(recognition.headers.text(&H::WaveformUri).unwrap()).unwrap();
    let (status, content) = fetched(&server, &at.uri).await;
    assert_eq!((status, content.len() as u64), (200, at.size_bytes));
    let wave = Waveform::read(&content, None).unwrap();
    assert_eq!(wave.samples.len() as u64 / 8, at.duration_ms);
    // All of it, with the silence before and after.
    assert_eq!(heard(&wave.samples, 8_000), "pong");
    assert!(wave.samples.len() > words.samples.len());
    recognizer.session.hang_up().await;
    until("the end of the session", || server.sessions() == 0).await;
    assert_eq!(fetched(&server, &at.uri).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn rec_049_without_room_for_the_waveform_the_recognition_succeeds_with_an_empty_header() {
    let mut config = configuration();
    config.storage.folders.bytes_max = 100;
    let server = Server::start(config).await.unwrap();
    let mut recognizer = start_client(&server).await.open_recognizer(None).await.unwrap();
    let grammar = client::GrammarBody::uri("builtin:speech/transcribe");
    let id = recognizer.recognize(&grammar, headers(&[(H::SaveWaveform, "true")])).await.unwrap();
    recognizer.send_audio(&spoken("pong", 8_000));
    let recognition = recognizer.finished(id, SOON).await.unwrap();
    assert_eq!(recognition.result.map(|result| result.input).as_deref(), Some("pong"));
    assert_eq!(recognition.headers.text(&H::WaveformUri), Some(""));
}

#[tokio::test(flavor = "multi_thread")]
async fn rec_052_audio_by_reference_is_recognized_instead_of_the_calls() {
    let folder = tempfile::tempdir().unwrap();
    let format = media::WaveformFormat::from_media_type("audio/wav;codec=alaw;rate=8000", media::ClockRate::Hz8000);
    let format = format.unwrap();
    let samples = spoken("by reference", 8_000).samples;
    let mut content = format.header(samples.len() as u64);
    format.encode(&samples, &mut content);
    content.extend(format.trailer(samples.len() as u64));
    std::fs::write(folder.path().join("a.wav"), content).unwrap();
    let mut config = configuration();
    config.fetch.file_root = Some(folder.path().to_owned());
    let server = Server::start(config).await.unwrap();
    let mut recognizer = start_client(&server).await.open_recognizer(None).await.unwrap();
    let grammar = client::GrammarBody::uri("builtin:speech/transcribe");
    let uri = format!("file://{}/a.wav", folder.path().display());
    let id = recognizer.recognize(&grammar, headers(&[(H::InputWaveformUri, &uri)])).await.unwrap();
    // What the caller says meanwhile is not heard.
    recognizer.send_audio(&spoken("on the telephone", 8_000));
    let recognition = recognizer.finished(id, SOON).await.unwrap();
    assert_eq!(recognition.result.map(|result| result.input).as_deref(), Some("by reference"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rec_052_a_waveform_of_the_session_is_recognized_again_and_one_that_is_not_there_is_009() {
    let server = start_server().await;
    let mut recognizer = start_client(&server).await.open_recognizer(None).await.unwrap();
    let grammar = client::GrammarBody::uri("builtin:speech/transcribe");
    let id = recognizer.recognize(&grammar, headers(&[(H::SaveWaveform, "true")])).await.unwrap();
    recognizer.send_audio(&spoken("once more", 8_000));
    let first = recognizer.finished(id, SOON).await.unwrap();
    let at = RecordedAt::read(first.headers.text(&H::WaveformUri).unwrap()).unwrap();
    let id = recognizer.recognize(&grammar, headers(&[(H::InputWaveformUri, &at.uri)])).await.unwrap();
    let second = recognizer.finished(id, SOON).await.unwrap();
    assert_eq!(second.result.map(|result| result.input).as_deref(), Some("once more"));
    for uri in [at.uri.replace("recordings/", "recordings/0"), "file:///etc/passwd".to_owned()] {
        let wanted =
            headers(&[(H::InputWaveformUri, &uri), (H::ContentType, "text/uri-list"), (H::CancelIfQueue, "false")]);
        let body = bytes::Bytes::from_static(b"builtin:speech/transcribe");
        let response = recognizer.session.request(Method::Recognize, wanted, body).await.unwrap();
        assert_eq!(response.status, StatusCode::METHOD_FAILED, "{uri}");
        assert_eq!(response.headers.text(&H::CompletionCause), Some("009 uri-failure"));
        assert_eq!(response.headers.text(&H::FailedUri), Some(uri.as_str()));
    }
}
