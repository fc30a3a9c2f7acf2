//! What a recorder is told at construction.

use std::time::Duration;

use crate::{HeaderName, IgnoredHeaders};

/// Settings of every recorder.
#[derive(Debug, Clone, PartialEq)]
pub struct RecorderConfig {
    /// Least time between `200 IN-PROGRESS` and RECORD-COMPLETE. Stock clients lose the event or hang when it comes within
    /// 5 ms of the response.
    pub completion_gap: Duration,
    /// How long the place for a recording may take to be made before the request fails.
    pub start_timeout: Duration,
    /// How long storing may take after [`Output::Finish`](super::Output::Finish) before the request fails; on top of
    /// `Fetch-Timeout` where the client gave one.
    pub save_timeout: Duration,
    /// The longest recording: `Max-Time` beyond it is refused, and a recording without `Max-Time` ends here.
    pub max_time_max: Duration,
    /// Most requests that wait for the session's answer about an earlier one; another is answered 407.
    pub waiting_max: usize,
    /// What a request with headers that do not apply to it is answered.
    pub ignored_headers: IgnoredHeaders,
    /// Values for what neither the request nor SET-PARAMS says.
    pub defaults: RecorderDefaults,
}

/// Values for what neither the request nor SET-PARAMS says (RFC 6787 §10.4). `Max-Time` and `Capture-On-Speech` have the
/// RFC's: 0 (no limit but the server's) and false.
#[derive(Debug, Clone, PartialEq)]
pub struct RecorderDefaults {
    /// `Sensitivity-Level`, 0.0–1.0.
    pub sensitivity_level: f32,
    /// `No-Input-Timeout`.
    pub no_input_timeout: Duration,
    /// `Final-Silence`; zero: silence never ends a recording.
    pub final_silence: Duration,
}

impl Default for RecorderConfig {
    fn default() -> Self {
        Self {
            completion_gap: Duration::from_millis(20),
            start_timeout: Duration::from_secs(5),
            save_timeout: Duration::from_secs(10),
            max_time_max: Duration::from_secs(60 * 60),
            waiting_max: 8,
            ignored_headers: IgnoredHeaders::Success,
            defaults: RecorderDefaults::default(),
        }
    }
}

impl Default for RecorderDefaults {
    fn default() -> Self {
        Self { sensitivity_level: 0.5, no_input_timeout: Duration::from_secs(7), final_silence: Duration::from_secs(3) }
    }
}

impl RecorderDefaults {
    /// The parameters as GET-PARAMS shows them.
    pub(super) fn as_headers(&self) -> Vec<(HeaderName, String)> {
        let ms = |duration: Duration| duration.as_millis().to_string();
        vec![
            (HeaderName::SensitivityLevel, self.sensitivity_level.to_string()),
            (HeaderName::NoInputTimeout, ms(self.no_input_timeout)),
            (HeaderName::MaxTime, "0".to_owned()),
            (HeaderName::FinalSilence, ms(self.final_silence)),
            (HeaderName::CaptureOnSpeech, "false".to_owned()),
        ]
    }
}
