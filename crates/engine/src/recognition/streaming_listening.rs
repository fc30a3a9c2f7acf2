//! The core of one listening with a recognizer whose text grows with the audio. Sans-IO, as [`super::listening`].
//!
//! All audio from shortly before the onset is fed, silence too: such models need what follows a word to be sure of it.
//! One feed is in flight at a time; what comes meanwhile waits for the next.

use std::collections::VecDeque;
use std::sync::Arc;

use speech::Language;

use super::audio_window::AudioWindow;
use super::decode::{Decoded, to_ms, to_samples};
use super::transcript::join;
use super::voice::VoiceEvent;
use crate::{EngineError, ListenEvent, ListenSpec, ListeningConfig};

/// What happens to a streaming listening.
pub(crate) enum Input<'a> {
    /// The next samples, at the recognizer's rate.
    Audio(&'a [i16]),
    /// What the detector found in the samples so far.
    Voice(VoiceEvent),
    /// The outcome of the feed in flight.
    Fed(Result<Decoded, EngineError>),
    /// The turn is over.
    Finish,
}

/// What a streaming listening asks for.
#[derive(Debug)]
pub(crate) enum Output {
    /// Tell the session.
    Event(ListenEvent),
    /// Give the decoder these samples; the outcome comes back as [`Input::Fed`].
    Feed {
        /// At the recognizer's rate.
        samples: Arc<[i16]>,
        /// Whether the outcome is awaited as the final result.
        is_last: bool,
    },
    /// The listening is over.
    Ended,
}

/// One listening with a streaming recognizer.
pub(crate) struct StreamingListening {
    config: Arc<ListeningConfig>,
    language: Language,
    partials: bool,
    audio: AudioWindow,
    phase: Phase,
    feed: Feed,
    /// What was heard as of the last feed.
    heard: Decoded,
    outputs: VecDeque<Output>,
}

enum Phase {
    Quiet,
    Speaking,
    /// `told` is the text of the last hypotheses given in this pause.
    Paused {
        speech_end: u64,
        told: Option<String>,
    },
    Finishing,
    Ended,
}

/// Where feeding stands; positions are of the stream.
enum Feed {
    /// Audio before `from` was fed, or is not wanted.
    Idle {
        from: u64,
    },
    InFlight {
        until: u64,
    },
    /// All audio was given.
    Last,
}

impl StreamingListening {
    /// A listening at the beginning of its stream.
    pub(crate) fn new(config: Arc<ListeningConfig>, spec: &ListenSpec) -> Self {
        Self {
            config,
            language: spec.language,
            partials: spec.partials,
            audio: AudioWindow::default(),
            phase: Phase::Quiet,
            feed: Feed::Idle { from: 0 },
            heard: Decoded::default(),
            outputs: VecDeque::new(),
        }
    }

    pub(crate) fn handle_input(&mut self, input: Input<'_>) {
        match input {
            Input::Audio(samples) => self.audio(samples),
            Input::Voice(VoiceEvent::Started { at }) => self.voice_started(at),
            Input::Voice(VoiceEvent::Ended { at }) => self.voice_ended(at),
            Input::Fed(outcome) => self.fed(outcome),
            Input::Finish => self.finish(),
        }
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn audio(&mut self, samples: &[i16]) {
        match &self.phase {
            Phase::Quiet => {
                self.audio.push(samples);
                let look_back = self.config.pre_roll_ms.saturating_add(self.config.min_speech_ms).saturating_add(500);
                self.audio.forget_before(self.audio.end().saturating_sub(to_samples(look_back)));
            }
            Phase::Speaking | Phase::Paused { .. } => {
                self.audio.push(samples);
                self.feed();
            }
            Phase::Finishing | Phase::Ended => {}
        }
    }

    fn voice_started(&mut self, at: u64) {
        match &self.phase {
            Phase::Quiet => {
                let onset = at.saturating_sub(to_samples(self.config.pre_roll_ms)).max(self.audio.start());
                self.feed = Feed::Idle { from: onset };
                self.phase = Phase::Speaking;
                self.event(ListenEvent::SpeechStarted { at_ms: to_ms(at) });
                self.feed();
            }
            Phase::Paused { .. } => {
                self.phase = Phase::Speaking;
                self.event(ListenEvent::SpeechResumed);
            }
            Phase::Speaking | Phase::Finishing | Phase::Ended => {}
        }
    }

    fn voice_ended(&mut self, at: u64) {
        match &self.phase {
            Phase::Speaking => {
                self.phase = Phase::Paused { speech_end: at, told: None };
                let silence_ms = to_ms(self.audio.end().saturating_sub(at));
                self.event(ListenEvent::SpeechEnded { at_ms: to_ms(at), silence_ms });
            }
            Phase::Quiet | Phase::Paused { .. } | Phase::Finishing | Phase::Ended => {}
        }
    }

    fn fed(&mut self, outcome: Result<Decoded, EngineError>) {
        let decoded = match outcome {
            Ok(decoded) => decoded,
            Err(error) => {
                if !matches!(self.phase, Phase::Ended) {
                    self.event(ListenEvent::Failed(error));
                    self.end();
                }
                return;
            }
        };
        let is_new = decoded.best_text() != self.heard.best_text();
        self.heard = decoded;
        let fed_until = match self.feed {
            Feed::InFlight { until } => {
                self.feed = Feed::Idle { from: until };
                self.audio.forget_before(until);
                until
            }
            Feed::Idle { from } => from,
            Feed::Last => self.audio.end(),
        };
        match &mut self.phase {
            Phase::Speaking if is_new && self.partials => {
                let text = self.heard.best_text().to_owned();
                self.event(ListenEvent::Partial { text });
            }
            Phase::Paused { speech_end, told } if fed_until >= *speech_end => {
                if told.as_deref() != Some(self.heard.best_text()) {
                    *told = Some(self.heard.best_text().to_owned());
                    self.hypotheses(false);
                }
            }
            Phase::Finishing if matches!(self.feed, Feed::Last) => {
                self.hypotheses(true);
                self.end();
                return;
            }
            Phase::Quiet | Phase::Speaking | Phase::Paused { .. } | Phase::Finishing | Phase::Ended => {}
        }
        self.feed();
    }

    fn finish(&mut self) {
        match &self.phase {
            Phase::Quiet => {
                self.hypotheses(true);
                self.end();
            }
            Phase::Speaking | Phase::Paused { .. } => {
                self.phase = Phase::Finishing;
                self.feed();
            }
            Phase::Finishing | Phase::Ended => {}
        }
    }

    /// Feeds what waits, if enough of it does.
    fn feed(&mut self) {
        let Feed::Idle { from } = self.feed else { return };
        let is_last = match &self.phase {
            Phase::Speaking | Phase::Paused { .. } => false,
            Phase::Finishing => true,
            Phase::Quiet | Phase::Ended => return,
        };
        let until = self.audio.end();
        if !is_last && until.saturating_sub(from) < to_samples(FEED_MS) {
            return;
        }
        let samples = self.audio.copy(from, until);
        self.feed = if is_last { Feed::Last } else { Feed::InFlight { until } };
        self.outputs.push_back(Output::Feed { samples, is_last });
    }

    fn hypotheses(&mut self, is_final: bool) {
        let hypotheses = join(&[&self.heard], self.language);
        self.event(ListenEvent::Hypotheses { hypotheses, is_final });
    }

    fn end(&mut self) {
        self.phase = Phase::Ended;
        self.outputs.push_back(Output::Ended);
    }

    fn event(&mut self, event: ListenEvent) {
        self.outputs.push_back(Output::Event(event));
    }
}

/// Audio per feed, at least. Models work in chunks of 160–640 ms; smaller feeds only cost.
const FEED_MS: u32 = 160;

#[cfg(test)]
mod tests {
    use speech::Hypothesis;

    use super::*;
    use crate::EngineErrorKind;

    struct Bench {
        listening: StreamingListening,
        heard: u64,
        feeds: Vec<(usize, bool)>,
        log: Vec<String>,
    }

    impl Bench {
        fn new() -> Self {
            let spec = ListenSpec { partials: true, ..ListenSpec::new(Language::Chinese, 16_000) };
            let config = ListeningConfig { pre_roll_ms: 300, ..ListeningConfig::default() };
            let listening = StreamingListening::new(Arc::new(config), &spec);
            Self { listening, heard: 0, feeds: Vec::new(), log: Vec::new() }
        }

        fn input(&mut self, input: Input<'_>) {
            self.listening.handle_input(input);
            while let Some(output) = self.listening.poll_output() {
                match output {
                    Output::Event(ListenEvent::Hypotheses { hypotheses, is_final }) => {
                        let text = hypotheses.first().map(|best| best.text.clone()).unwrap_or_default();
                        self.log.push(format!("{} {text}", if is_final { "final" } else { "so far" }));
                    }
                    Output::Event(ListenEvent::Partial { text }) => self.log.push(format!("partial {text}")),
                    Output::Event(event) => self.log.push(format!("{event:?}").split(' ').next().unwrap().to_owned()),
                    Output::Feed { samples, is_last } => self.feeds.push((samples.len() / 16, is_last)),
                    Output::Ended => self.log.push("ended".into()),
                }
            }
        }

        fn audio(&mut self, ms: u64) {
            for _ in 0..ms / 20 {
                self.heard += 320;
                self.input(Input::Audio(&[100; 320]));
            }
        }

        fn fed(&mut self, text: &str) {
            let hypotheses = vec![Hypothesis::new(text, 0.5, Language::Chinese)];
            self.input(Input::Fed(Ok(Decoded { hypotheses })));
        }

        fn log(&mut self) -> Vec<String> {
            std::mem::take(&mut self.log)
        }
    }

    fn spoken() -> Bench {
        let mut bench = Bench::new();
        bench.audio(1000);
        bench.input(Input::Voice(VoiceEvent::Started { at: bench.heard - 1920 }));
        bench
    }

    #[test]
    fn feeding_begins_before_the_onset_and_goes_on_one_feed_at_a_time() {
        let mut bench = spoken();
        assert_eq!(bench.feeds, [(420, false)], "300 ms before the onset, 120 ms since");
        bench.audio(500);
        assert_eq!(bench.feeds.len(), 1);
        bench.fed("你");
        assert_eq!(bench.feeds, [(420, false), (500, false)], "all that waited");
        bench.fed("你");
        assert_eq!(bench.log(), ["SpeechStarted", "partial 你"], "an unchanged text is not told again");
    }

    #[test]
    fn hypotheses_come_once_all_speech_was_fed_and_again_when_they_change() {
        let mut bench = spoken();
        bench.audio(400);
        bench.input(Input::Voice(VoiceEvent::Ended { at: bench.heard - 2880 }));
        bench.log();
        bench.fed("你");
        assert_eq!(bench.log(), Vec::<String>::new(), "the end of speech is still in flight");
        bench.fed("你好");
        bench.audio(200);
        bench.fed("你好");
        bench.audio(200);
        bench.fed("你好吗");
        assert_eq!(bench.log(), ["so far 你好", "so far 你好吗"]);
    }

    #[test]
    fn finish_feeds_the_rest_and_waits_for_it() {
        let mut bench = spoken();
        bench.audio(100);
        bench.input(Input::Finish);
        bench.log();
        bench.fed("你");
        assert_eq!(bench.feeds, [(420, false), (100, true)]);
        assert_eq!(bench.log(), Vec::<String>::new());
        bench.fed("你好");
        bench.input(Input::Finish);
        assert_eq!(bench.log(), ["final 你好", "ended"]);
    }

    #[test]
    fn silence_is_an_empty_final_without_any_feed() {
        let mut bench = Bench::new();
        bench.audio(3000);
        bench.input(Input::Finish);
        assert_eq!(bench.log(), ["final ", "ended"]);
        assert_eq!(bench.feeds, []);
    }

    #[test]
    fn a_failed_feed_ends_the_listening() {
        let mut bench = spoken();
        bench.log();
        bench.input(Input::Fed(Err(EngineError::new(EngineErrorKind::Timeout, "test"))));
        bench.audio(500);
        bench.input(Input::Finish);
        assert_eq!(bench.log().len(), 2, "failed and ended");
        assert_eq!(bench.feeds.len(), 1);
    }
}
