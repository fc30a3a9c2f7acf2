//! The synthesizer resource, end to end.

use client::{LegHappening, Notice, SynthSession};
use media::ClockRate;
use mrcp::{EventName, HeaderName, Headers, Method, RequestState};
use sdp::Codec;

use crate::support::{SOON, ask, heard, next_event, now, soon, start_client, start_server};

/// Waits for the first or the last packet of what the robot says.
async fn packets(synthesizer: &mut SynthSession, wanted: LegHappening) -> std::time::Instant {
    soon("the robot's audio", async {
        loop {
            if let Notice::Leg(notice) = synthesizer.session.notice().await
                && notice.what == wanted
            {
                return notice.at;
            }
        }
    })
    .await
}

async fn say(synthesizer: &mut SynthSession, text: &str) -> mrcp::RequestId {
    synthesizer.speak("text/plain", text, Headers::new()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn speech_comes_paced_and_whole_and_is_completed_after_its_last_packet() {
    let server = start_server().await;
    let client = start_client(&server).await;
    let mut synthesizer = client.open_synthesizer(None).await.unwrap();
    let request = say(&mut synthesizer, "good morning").await;
    let first = packets(&mut synthesizer, LegHappening::ReceivingStarted).await;
    let spoken = synthesizer.finished(request, SOON).await.unwrap();
    assert_eq!(spoken.cause.map(|cause| cause.to_string()).as_deref(), Some("000 normal"));
    // 120 ms of preamble, and 40 ms for each byte, their number and their sum.
    let length_ms = 120 + 40 * ("good morning".len() + 2);
    let took = spoken.at.duration_since(first).as_millis();
    let most = length_ms as u128 + 1_000;
    assert!((length_ms as u128 - 40..most).contains(&took), "{length_ms} ms of audio took {took} ms");
    let audio = synthesizer.take_audio();
    assert_eq!(heard(&audio, 8_000), "good morning");
    let sound = audio.iter().rposition(|sample| sample.unsigned_abs() > 200).unwrap()
        - audio.iter().position(|sample| sample.unsigned_abs() > 200).unwrap();
    assert!((length_ms * 8 - 320..=length_ms * 8 + 320).contains(&sound), "{sound} samples");
    assert!(synthesizer.session.hang_up().await.unwrap().counters.packets_received >= length_ms as u64 / 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_speak_waits_for_the_first_and_follows_it() {
    let server = start_server().await;
    let client = start_client(&server).await;
    let mut synthesizer = client.open_synthesizer(None).await.unwrap();
    let first = say(&mut synthesizer, "one").await;
    let headers = Headers::new().with(HeaderName::ContentType, "text/plain");
    let second = synthesizer.session.request(Method::Speak, headers, "two".into()).await.unwrap();
    assert_eq!(second.state, RequestState::Pending);
    let events = [next_event(&mut synthesizer.session).await, next_event(&mut synthesizer.session).await];
    assert_eq!(events.each_ref().map(|event| event.id), [first, second.id]);
    for event in &events {
        assert_eq!(event.name, EventName::SpeakComplete);
        assert_eq!(event.headers.synthesizer_cause().map(|cause| cause.code()), Some(0));
    }
    assert_eq!(heard(&synthesizer.take_audio(), 8_000), "one two");
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_ends_all_speech_and_says_which() {
    let server = start_server().await;
    let client = start_client(&server).await;
    let mut synthesizer = client.open_synthesizer(None).await.unwrap();
    let request = say(&mut synthesizer, "this is a sentence of several seconds that nobody hears").await;
    packets(&mut synthesizer, LegHappening::ReceivingStarted).await;
    let stopped = synthesizer.stop().await.unwrap();
    assert_eq!(stopped.headers.active_request_ids().unwrap(), Some(vec![request]));
    let asked = now();
    packets(&mut synthesizer, LegHappening::ReceivingStopped).await;
    assert!(asked.elapsed().as_millis() < 1_500, "silent soon after");
    // The channel is free again, and the stopped request has no event: the next one is the new request's.
    synthesizer.take_audio();
    let next = say(&mut synthesizer, "next").await;
    assert_eq!(next_event(&mut synthesizer.session).await.id, next);
    assert_eq!(heard(&synthesizer.take_audio(), 8_000), "next");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_keeps_the_rest_until_it_is_resumed() {
    let server = start_server().await;
    let client = start_client(&server).await;
    let mut synthesizer = client.open_synthesizer(None).await.unwrap();
    let request = say(&mut synthesizer, "one two three four").await;
    packets(&mut synthesizer, LegHappening::ReceivingStarted).await;
    let paused = ask(&mut synthesizer.session, Method::Pause, Headers::new()).await;
    assert!(paused.status.is_success());
    assert_eq!(paused.headers.active_request_ids().unwrap(), Some(vec![request]));
    packets(&mut synthesizer, LegHappening::ReceivingStopped).await;
    let before = synthesizer.take_audio();
    let resumed = ask(&mut synthesizer.session, Method::Resume, Headers::new()).await;
    assert_eq!(resumed.headers.active_request_ids().unwrap(), Some(vec![request]));
    let spoken = synthesizer.finished(request, SOON).await.unwrap();
    assert_eq!(spoken.cause.map(|cause| cause.code()), Some(0));
    let sound = |audio: &[i16]| audio.iter().filter(|sample| sample.unsigned_abs() > 200).count();
    let after = synthesizer.take_audio();
    assert!(sound(&after) > 0, "the rest was spoken");
    let whole = (120 + 40 * ("one two three four".len() + 2)) * 8;
    let heard = sound(&before) + sound(&after);
    assert!(heard > whole * 8 / 10 && heard <= whole + 320, "{heard} of {whole} samples");
}

#[tokio::test(flavor = "multi_thread")]
async fn barge_in_ends_speech_that_may_be_interrupted() {
    let server = start_server().await;
    let client = start_client(&server).await;
    let mut synthesizer = client.open_synthesizer(None).await.unwrap();
    let request = say(&mut synthesizer, "a sentence that the caller interrupts").await;
    packets(&mut synthesizer, LegHappening::ReceivingStarted).await;
    let answer = ask(&mut synthesizer.session, Method::BargeInOccurred, Headers::new()).await;
    assert!(answer.status.is_success());
    assert_eq!(answer.headers.active_request_ids().unwrap(), Some(vec![request]));
    let headers = Headers::new().with(HeaderName::KillOnBargeIn, "false");
    let kept = synthesizer.speak("text/plain", "kept", headers).await.unwrap();
    let answer = ask(&mut synthesizer.session, Method::BargeInOccurred, Headers::new()).await;
    assert!(answer.status.is_success());
    let spoken = synthesizer.finished(kept, SOON).await.unwrap();
    assert_eq!(spoken.cause.map(|cause| cause.code()), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rtp_002_wideband_speech_goes_both_ways_in_every_codec() {
    for (offered, codec) in
        [(Codec::L16_16000, media::Codec::L16), (Codec::G722, media::Codec::G722), (Codec::OPUS, media::Codec::Opus)]
    {
        wideband_call(offered, codec).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rtp_006_every_codec_speaks_and_hears_in_every_packet_time() {
    let server = start_server().await;
    let every = [Codec::PCMU, Codec::PCMA, Codec::L16_8000, Codec::L16_16000, Codec::G722, Codec::OPUS];
    let mut calls = tokio::task::JoinSet::new();
    for codec in every {
        calls.spawn(every_packet_time(server.sip_address(), codec));
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
}

async fn every_packet_time(server: std::net::SocketAddr, codec: Codec) {
    for ptime_ms in [10, 20, 30, 40, 60] {
        let mut config = client::ClientConfig::new(server);
        config.codecs = vec![codec];
        config.ptime = media::Ptime::from_ms(ptime_ms).unwrap();
        let client = client::Client::start(config, client::Ladder::off(now())).await.unwrap();
        let mut synthesizer = client.open_synthesizer(None).await.unwrap();
        let rate_hz = synthesizer.session.clock_rate().hz();
        assert_eq!(synthesizer.session.media().ptime.ms(), codec.packet_ms(ptime_ms));
        let request = say(&mut synthesizer, "a").await;
        synthesizer.finished(request, SOON).await.unwrap();
        assert_eq!(heard(&synthesizer.take_audio(), rate_hz), "a", "{codec:?} {ptime_ms} ms");
        let mut recognizer = client.open_recognizer(None).await.unwrap();
        // Keys count at the clock rate of the codec: 8, 16 or 48 kHz.
        assert!(recognizer.session.media().telephone_event.is_some());
        let digits = client::GrammarBody::uri("builtin:dtmf/digits?length=1");
        let request = recognizer.recognize(&digits, Headers::new()).await.unwrap();
        recognizer.send_dtmf("7");
        let recognition = recognizer.finished(request, SOON).await.unwrap();
        let instance = recognition.result.map(|result| result.instance);
        assert_eq!(instance, Some(serde_json::json!("7")), "{codec:?} {ptime_ms} ms");
    }
}

async fn wideband_call(offered: Codec, codec: media::Codec) {
    let server = start_server().await;
    let mut config = client::ClientConfig::new(server.sip_address());
    config.codecs = vec![offered];
    let client = client::Client::start(config, client::Ladder::off(now())).await.unwrap();
    let mut synthesizer = client.open_synthesizer(None).await.unwrap();
    assert_eq!(synthesizer.session.clock_rate(), ClockRate::Hz16000);
    assert_eq!(synthesizer.session.media().codec, codec);
    let request = say(&mut synthesizer, "wide").await;
    synthesizer.finished(request, SOON).await.unwrap();
    assert_eq!(heard(&synthesizer.take_audio(), 16_000), "wide", "{codec:?}");
    let mut recognizer = client.open_recognizer(None).await.unwrap();
    let grammar = client::GrammarBody::uri("builtin:speech/transcribe");
    let request = recognizer.recognize(&grammar, Headers::new()).await.unwrap();
    recognizer.send_audio(&crate::support::spoken("band", 16_000));
    let recognition = recognizer.finished(request, SOON).await.unwrap();
    assert_eq!(recognition.result.map(|result| result.input).as_deref(), Some("band"), "{codec:?}");
}
