use super::*;

fn defaults() -> VoiceDefaults {
    VoiceDefaults {
        language: Language::English,
        voice: None,
        prosody: Prosody::default(),
        voices: Vec::new(),
        has_clips: false,
    }
}

fn text(words: &str) -> Segment {
    Segment::Text { text: words.to_owned(), language: None, voice: None, gender: None, prosody: Prosody::default() }
}

fn drain(prompt: &mut Prompt) -> Vec<PromptOutput> {
    std::iter::from_fn(|| prompt.poll_output()).collect()
}

fn begun(segments: Vec<Segment>, first_utterance: u64) -> Prompt {
    let mut prompt = Prompt::new(segments, &Recordings::default(), defaults(), 8000, PromptChange::default()).unwrap();
    prompt.begin(first_utterance);
    prompt
}

fn finished(utterance: u64, played_ms: u64) -> LegEvent {
    ended(utterance, played_ms, played_ms * 8, PlayoutOutcome::Completed)
}

fn ended(utterance: u64, played_ms: u64, position_samples: u64, outcome: PlayoutOutcome) -> LegEvent {
    LegEvent::PlayoutFinished { utterance: UtteranceId(utterance), at: instant(), played_ms, position_samples, outcome }
}

fn begins(utterance: u64) -> LegEvent {
    LegEvent::PlayoutStarted { utterance: UtteranceId(utterance), at: instant() }
}

fn instant() -> Instant {
    static INSTANT: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(testkit::epoch);
    *INSTANT
}

fn started(outputs: &[PromptOutput]) -> Vec<u64> {
    outputs
        .iter()
        .filter_map(|output| match output {
            PromptOutput::Synthesize { utterance, .. } | PromptOutput::Silence { utterance, .. } => Some(utterance.0),
            _ => None,
        })
        .collect()
}

fn said(text: &str) -> Said {
    Said { text: text.to_owned(), language: Language::English, voice: None, cacheable: true }
}

#[test]
fn two_utterances_are_under_way_and_the_next_starts_when_one_has_been_played() {
    let mut prompt = begun(vec![text("One."), text("Two."), text("Three.")], 7);
    assert_eq!(started(&drain(&mut prompt)), [7, 8]);
    prompt.played(finished(7, 500));
    assert_eq!(started(&drain(&mut prompt)), [9]);
    prompt.played(finished(8, 500));
    assert_eq!(drain(&mut prompt), []);
    prompt.played(finished(9, 500));
    assert_eq!(drain(&mut prompt), [PromptOutput::Finished { at: Some(instant()) }]);
}

#[test]
fn nothing_to_say_is_finished_at_once() {
    let mut prompt = begun(Vec::new(), 0);
    assert_eq!(drain(&mut prompt), [PromptOutput::Finished { at: None }]);
}

#[test]
fn a_mark_is_passed_when_what_stands_behind_it_begins() {
    let mark = Segment::Mark { name: "here".to_owned() };
    let mut prompt = begun(vec![text("One."), mark, text("Two.")], 0);
    assert_eq!(started(&drain(&mut prompt)), [0, 1]);
    prompt.played(begins(0));
    prompt.played(finished(0, 10));
    assert_eq!(drain(&mut prompt), []);
    prompt.played(begins(1));
    assert_eq!(drain(&mut prompt), [PromptOutput::Mark { name: "here".to_owned(), at: Some(instant()) }]);
}

#[test]
fn clauses_of_a_reply_are_spoken_as_they_come_and_what_follows_waits_for_its_end() {
    let reply = Segment::DialogReply(DialogReplyUri::default());
    let mut prompt = begun(vec![reply, text("After.")], 0);
    assert_eq!(drain(&mut prompt), [PromptOutput::Attach(DialogReplyUri::default())]);
    prompt.say(&said("Hello."), None);
    assert_eq!(started(&drain(&mut prompt)), [0]);
    prompt.played(finished(0, 700));
    let outputs = drain(&mut prompt);
    assert_eq!(
        outputs,
        [PromptOutput::Played(Progress { clauses: 1, partial_ms: 0, partial_of_ms: None, played_ms: 700 })]
    );
    prompt.reply_ended();
    assert_eq!(started(&drain(&mut prompt)), [1]);
    prompt.played(finished(1, 10));
    assert_eq!(drain(&mut prompt), [PromptOutput::Finished { at: Some(instant()) }]);
}

#[test]
fn an_interruption_knows_how_much_of_the_clause_was_heard() {
    let mut prompt = begun(vec![Segment::DialogReply(DialogReplyUri::default())], 0);
    prompt.say(&said("First."), None);
    prompt.say(&said("Second."), None);
    prompt.played(finished(0, 700));
    prompt.synthesized(UtteranceId(1), Ok(7200));
    assert_eq!(
        prompt.progress(Some((UtteranceId(1), 300))),
        Progress { clauses: 1, partial_ms: 300, partial_of_ms: Some(900), played_ms: 1000 }
    );
}

#[test]
fn a_failed_synthesis_fails_the_prompt_once_and_a_late_one_does_not() {
    let mut prompt = begun(vec![text("One."), text("Two.")], 0);
    drain(&mut prompt);
    prompt.synthesized(UtteranceId(5), Err("not mine".to_owned()));
    assert_eq!(drain(&mut prompt), []);
    prompt.synthesized(UtteranceId(0), Err("no voice".to_owned()));
    prompt.synthesized(UtteranceId(1), Err("no voice".to_owned()));
    assert_eq!(drain(&mut prompt), [PromptOutput::Failed { reason: "no voice".to_owned() }]);
}

#[test]
fn audio_without_text_in_its_place_fails_and_with_text_is_spoken() {
    let audio = |fallback| Segment::Audio { src: "http://x/a.wav".to_owned(), fallback };
    let mut prompt = begun(vec![audio(Vec::new())], 0);
    assert!(matches!(drain(&mut prompt).as_slice(), [PromptOutput::Failed { .. }]));
    let mut prompt = begun(vec![audio(vec![text("Instead.")])], 0);
    assert_eq!(started(&drain(&mut prompt)), [0]);
}
