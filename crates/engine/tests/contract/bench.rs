//! Engines under test, and what is said to them.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::ThreadId;
use std::time::Duration;

use engine::{
    EngineConfig, EngineError, ListenEvent, ListenSpec, Listener, Recognition, RecognitionPermit, Synthesis,
    SynthesisSpec,
};
use media::PcmSink;
use speech::Language;

/// Long enough for real models on a loaded machine; reached only when a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The rate of a telephone line.
pub(crate) const LINE_HZ: u32 = 8_000;

/// Two engines, and how exactly their recognizer hears.
pub(crate) struct Bench {
    pub(crate) recognition: Recognition,
    pub(crate) synthesis: Synthesis,
    /// Words wrong per word said, at most.
    pub(crate) word_errors_max: f64,
}

impl Bench {
    /// The suite pushes whole recordings at once, so streams must hold them.
    pub(crate) fn start(mut config: EngineConfig, word_errors_max: f64) -> Result<Self, EngineError> {
        config.listening.stream_buffer_ms = 60_000;
        let recognition = Recognition::start(&config)?;
        let synthesis = Synthesis::start(&config)?;
        Ok(Self { recognition, synthesis, word_errors_max })
    }

    /// `text` as audio on a line.
    pub(crate) fn said(&self, text: &str) -> Vec<i16> {
        engine::say(&self.synthesis, SynthesisSpec::new(text, Language::English, LINE_HZ)).unwrap()
    }

    pub(crate) fn listen(&self, partials: bool) -> Session {
        Session::start(self, ListenSpec { partials, ..ListenSpec::new(Language::English, LINE_HZ) }).unwrap()
    }

    /// Fails unless `heard` is what was said, as exactly as this engine can.
    pub(crate) fn assert_heard(&self, heard: &str, said: &str) {
        let errors = word_errors(heard, said);
        assert!(errors <= self.word_errors_max, "said {said:?}, heard {heard:?}: {:.0} % wrong", errors * 100.0);
    }
}

/// One listening under test.
pub(crate) struct Session {
    pub(crate) sink: Box<dyn PcmSink>,
    pub(crate) listener: Option<Listener>,
    events: Receiver<(ThreadId, ListenEvent)>,
    _permit: RecognitionPermit,
}

impl Session {
    pub(crate) fn start(bench: &Bench, spec: ListenSpec) -> Result<Self, EngineError> {
        Self::with(&bench.recognition, spec)
    }

    pub(crate) fn with(recognition: &Recognition, spec: ListenSpec) -> Result<Self, EngineError> {
        let permit = recognition.try_reserve()?;
        let (tell, events) = sync_channel(10_000);
        let deliver = Box::new(move |event| tell.try_send((std::thread::current().id(), event)).unwrap());
        let (sink, listener) = recognition.listen(&permit, spec, deliver)?;
        Ok(Self { sink, listener: Some(listener), events, _permit: permit })
    }

    pub(crate) fn push(&mut self, samples: &[i16]) {
        for packet in samples.chunks(160) {
            self.sink.push(packet).unwrap();
        }
    }

    pub(crate) fn silence(&mut self, ms: usize) {
        self.push(&vec![0; ms * 8]);
    }

    pub(crate) fn finish(&self) {
        self.listener.as_ref().unwrap().finish();
    }

    pub(crate) fn next(&self) -> ListenEvent {
        self.next_with_thread().1
    }

    pub(crate) fn next_with_thread(&self) -> (ThreadId, ListenEvent) {
        self.events.recv_timeout(PATIENCE).expect("an event")
    }

    /// Waits for an event of a kind; gives all up to it.
    pub(crate) fn until(&self, wanted: impl Fn(&ListenEvent) -> bool) -> Vec<ListenEvent> {
        let mut events = Vec::new();
        loop {
            let event = self.next();
            let is_wanted = wanted(&event);
            events.push(event);
            if is_wanted {
                return events;
            }
        }
    }

    /// Whether an event of a kind comes before long; events before it are passed over.
    pub(crate) fn tells_soon(&self, wanted: impl Fn(&ListenEvent) -> bool) -> bool {
        while let Ok((_, event)) = self.events.recv_timeout(Duration::from_secs(1)) {
            if wanted(&event) {
                return true;
            }
        }
        false
    }

    /// All events up to the last one. After it there are none: the engine has dropped its end.
    pub(crate) fn to_the_end(&self) -> Vec<ListenEvent> {
        let events = self.until(is_last);
        assert_eq!(
            self.events.recv_timeout(PATIENCE),
            Err(RecvTimeoutError::Disconnected),
            "nothing follows the last event"
        );
        events
    }

    /// Whether the engine will tell nothing more.
    pub(crate) fn is_over(&self) -> bool {
        self.events.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Disconnected)
    }
}

pub(crate) fn is_last(event: &ListenEvent) -> bool {
    matches!(event, ListenEvent::Hypotheses { is_final: true, .. } | ListenEvent::Failed(_))
}

/// The best text of the last event.
pub(crate) fn final_text(events: &[ListenEvent]) -> &str {
    match events.last() {
        Some(ListenEvent::Hypotheses { hypotheses, is_final: true }) => {
            hypotheses.first().map_or("", |best| best.text.as_str())
        }
        other => panic!("no final result but {other:?}"),
    }
}

/// Words inserted, left out and changed, per word said.
pub(crate) fn word_errors(heard: &str, said: &str) -> f64 {
    let (heard, said) = (speech::normalize(heard), speech::normalize(said));
    let heard: Vec<&str> = heard.split_whitespace().collect();
    let said: Vec<&str> = said.split_whitespace().collect();
    let mut row: Vec<usize> = (0..=said.len()).collect();
    for (above, left) in heard.iter().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for at in 0..said.len() {
            let best = (diagonal + usize::from(*left != said[at])).min(row[at] + 1).min(row[at + 1] + 1);
            diagonal = row[at + 1];
            row[at + 1] = best;
        }
    }
    row[said.len()] as f64 / said.len().max(1) as f64
}
