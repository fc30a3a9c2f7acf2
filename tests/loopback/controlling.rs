//! CONTROL, marks and their times, and basicsynth, end to end.

use client::{LegHappening, Notice, SynthSession};
use mrcp::{EventName, HeaderName, Headers, Message, Method, RequestState};
use speech::Language;

use crate::support::{
    BareCall, BareConnection, SOON, ask, channel, configuration, heard, next_event, now, offer, request, soon,
    start_client, start_server, status,
};

async fn wait_for(synthesizer: &mut SynthSession, wanted: LegHappening) {
    soon("the robot's audio", async {
        loop {
            if let Notice::Leg(notice) = synthesizer.session.notice().await
                && notice.what == wanted
            {
                return;
            }
        }
    })
    .await;
}

/// The NTP time of a Speech-Marker, in milliseconds, and the name of its mark.
fn marker(headers: &Headers) -> (u64, Option<String>) {
    let value = headers.text(&HeaderName::SpeechMarker).expect("a marker");
    let (time, name) = match value.split_once(';') {
        Some((time, name)) => (time, Some(name.to_owned())),
        None => (value, None),
    };
    let ntp: u64 = time.strip_prefix("timestamp=").expect("a time").parse().expect("a decimal number");
    let ms = u64::try_from((u128::from(ntp) * 1000) >> 32).unwrap();
    (ms, name)
}

/// Text in tone code: 120 ms of preamble, and 40 ms for each byte, their number and their sum.
fn tone_ms(text: &str) -> u64 {
    120 + 40 * (text.len() as u64 + 2)
}

#[tokio::test(flavor = "multi_thread")]
async fn syn_005_syn_006_syn_007_syn_008_marks_tell_when_they_sounded_on_the_clock_of_the_world() {
    let server = start_server().await;
    let client = start_client(&server).await;
    let mut synthesizer = client.open_synthesizer(None).await.unwrap();
    let body = "<speak>one<mark name='a'/>three<mark name='b'/></speak>";
    let headers = Headers::new().with(HeaderName::ContentType, "application/ssml+xml");
    let asked = now();
    let response = synthesizer.session.request(Method::Speak, headers, body.into()).await.unwrap();
    let (started, none) = marker(&response.headers);
    assert_eq!(none, None);
    // From 1900; the clock of the tests' machine is after 2020, and this program will not see 2100.
    let year_ms = 31_557_600_000;
    assert!((120 * year_ms..200 * year_ms).contains(&started), "{started}");
    let first = next_event(&mut synthesizer.session).await;
    let second = next_event(&mut synthesizer.session).await;
    let told = asked.elapsed();
    let end = next_event(&mut synthesizer.session).await;
    assert_eq!((&first.name, first.state), (&EventName::SpeechMarker, RequestState::InProgress));
    let (a, name_a) = marker(&first.headers);
    let (b, name_b) = marker(&second.headers);
    assert_eq!((name_a.as_deref(), name_b.as_deref()), (Some("a"), Some("b")));
    // The second mark is exactly the second text after the first: that is what was played between them.
    assert!((b - a).abs_diff(tone_ms("three")) <= 1, "{} ms", b - a);
    assert!(a - started >= tone_ms("one") && b - started <= told.as_millis() as u64, "{} ms, {told:?}", a - started);
    let (done, last) = marker(&end.headers);
    assert_eq!((&end.name, last.as_deref()), (&EventName::SpeakComplete, Some("b")));
    assert!(done.abs_diff(b) <= 1, "the end is that of the audio");
}

#[tokio::test(flavor = "multi_thread")]
async fn syn_020_syn_021_syn_024_jumps_are_heard_as_they_were_asked_for() {
    let server = start_server().await;
    let client = start_client(&server).await;
    let mut synthesizer = client.open_synthesizer(None).await.unwrap();
    let body = "<speak><s>alpha beta gamma</s><mark name='m'/><s>delta</s></speak>";
    for (jump, restarts, expected) in [("m Tag", false, "delta"), ("-60 Second", true, "alpha beta gamma delta")] {
        let request = synthesizer.speak("application/ssml+xml", body, Headers::new()).await.unwrap();
        wait_for(&mut synthesizer, LegHappening::ReceivingStarted).await;
        ask(&mut synthesizer.session, Method::Pause, Headers::new()).await;
        wait_for(&mut synthesizer, LegHappening::ReceivingStopped).await;
        synthesizer.take_audio();
        let headers = Headers::new().with(HeaderName::JumpSize, jump);
        let jumped = ask(&mut synthesizer.session, Method::Control, headers).await;
        assert_eq!(jumped.status.code(), 200);
        assert_eq!(jumped.headers.active_request_ids().unwrap(), Some(vec![request]));
        assert_eq!(jumped.headers.text(&HeaderName::SpeakRestart), restarts.then_some("true"));
        ask(&mut synthesizer.session, Method::Resume, Headers::new()).await;
        let spoken = synthesizer.finished(request, SOON).await.unwrap();
        assert_eq!(spoken.cause.map(|cause| cause.code()), Some(0));
        assert_eq!(heard(&synthesizer.take_audio(), 8_000), expected, "{jump}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn syn_023_a_jump_past_the_end_completes_at_once() {
    let server = start_server().await;
    let client = start_client(&server).await;
    let mut synthesizer = client.open_synthesizer(None).await.unwrap();
    let body = "<speak><s>a text of many seconds</s><break time='30s'/><s>that ends early</s></speak>";
    let request = synthesizer.speak("application/ssml+xml", body, Headers::new()).await.unwrap();
    wait_for(&mut synthesizer, LegHappening::ReceivingStarted).await;
    let headers = Headers::new().with(HeaderName::JumpSize, "+9999 Second");
    assert_eq!(ask(&mut synthesizer.session, Method::Control, headers).await.status.code(), 200);
    let spoken = synthesizer.finished(request, SOON).await.unwrap();
    assert_eq!(spoken.cause.map(|cause| cause.code()), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn syn_047_syn_049_clips_speak_without_a_place_of_the_engine() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = configuration();
    config.engine.limits.synthesis_streams_max = 1;
    let engine = engine::Synthesis::start(&config.engine).unwrap();
    server::make_clips(directory.path(), Language::English, None, &engine).unwrap();
    drop(engine);
    config.basicsynth.clips = Some(directory.path().to_owned());
    let server = server::Server::start(config).await.unwrap();
    let client = start_client(&server).await;
    let _takes_the_only_place = client.open_synthesizer(None).await.unwrap();
    let mut call = BareCall::new(server.sip_address()).await;
    let answer = call.request("INVITE", &offer("basicsynth", call.port(), "0 101")).await;
    assert_eq!(status(&answer), Some(200), "{answer}");
    let id = channel(&answer);
    assert_eq!(id.resource_name(), "basicsynth");
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    let body = "<speak><say-as interpret-as='digits'>42</say-as><mark name='m'/></speak>";
    let spoken = connection.ask(request(&id, 1, Method::Speak, "application/ssml+xml", body)).await;
    assert_eq!((spoken.status.code(), spoken.state), (200, RequestState::InProgress));
    for (name, state) in
        [(EventName::SpeechMarker, RequestState::InProgress), (EventName::SpeakComplete, RequestState::Complete)]
    {
        let Some(Message::Event(event)) = connection.next().await else { panic!("an event") };
        assert_eq!((event.name, event.state), (name, state));
    }
    let body = "<speak><prosody rate='fast'>1</prosody></speak>";
    let refused = connection.ask(request(&id, 2, Method::Speak, "application/ssml+xml", body)).await;
    assert_eq!(refused.status.code(), 407);
    assert_eq!(refused.headers.synthesizer_cause().map(|cause| cause.code()), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn syn_009_a_queued_speak_tells_its_start_to_a_client_by_the_letter() {
    let server = start_server().await;
    let mut call = BareCall::new(server.sip_address()).await;
    let answer = call.request("INVITE", &offer("speechsynth", call.port(), "0 101")).await;
    let id = channel(&answer);
    let mut connection = BareConnection::open(server.mrcp_address()).await;
    assert_eq!(
        connection.ask(request(&id, 1, Method::Speak, "text/plain", "one")).await.state,
        RequestState::InProgress
    );
    assert_eq!(connection.ask(request(&id, 2, Method::Speak, "text/plain", "two")).await.state, RequestState::Pending);
    let mut told = Vec::new();
    while told.len() < 3 {
        let Some(Message::Event(event)) = connection.next().await else { panic!("an event") };
        told.push((event.name.as_str().to_owned(), event.id.0, marker(&event.headers).1));
    }
    let event = |name: &str, id| (name.to_owned(), id, None);
    assert_eq!(told, [event("SPEAK-COMPLETE", 1), event("SPEECH-MARKER", 2), event("SPEAK-COMPLETE", 2)]);
}
