//! A cheap endpointer: where speech starts and ends in a stream.

use crate::codec::ClockRate;

/// When sound counts as speech, and silence as its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EndpointerConfig {
    /// Speech must have been heard for this long, in milliseconds, to count as started.
    pub onset_ms: u32,
    /// Silence must have lasted this long, in milliseconds, for speech to count as ended.
    pub hangover_ms: u32,
    /// Score from 0 to 1 from which a frame counts as speech.
    pub threshold: f32,
    /// Frames quieter than this many dB below full scale (a negative number) are never speech.
    pub floor_dbfs: f32,
}

impl Default for EndpointerConfig {
    fn default() -> Self {
        Self { onset_ms: 96, hangover_ms: 300, threshold: 0.5, floor_dbfs: -55.0 }
    }
}

/// Where speech starts and ends, in stream time: milliseconds of audio pushed before that point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointEvent {
    /// Speech started.
    SpeechStarted {
        /// Where its first frame lies: `onset_ms` or more before the point of this event.
        at_ms: u64,
    },
    /// Speech ended.
    SpeechEnded {
        /// Where its last frame ended: `hangover_ms` before the point of this event.
        at_ms: u64,
    },
}

/// Finds speech in a stream by a small neural network, an energy floor and a test for tones.
pub struct Endpointer {
    _config: EndpointerConfig,
}

impl Endpointer {
    /// An endpointer for a stream at `clock_rate`, at its beginning.
    pub fn new(config: EndpointerConfig, _clock_rate: ClockRate) -> Self {
        Self { _config: config }
    }

    /// Takes the next samples of the stream, any number.
    pub fn push(&mut self, _samples: &[i16]) {}

    /// The next event, until `None`.
    pub fn poll_event(&mut self) -> Option<EndpointEvent> {
        None
    }

    /// Whether speech has started and not ended, as of the events so far.
    pub fn is_speech(&self) -> bool {
        false
    }
}
