//! A recorder session: the caller leaves a message.

use std::time::Duration;

use bytes::Bytes;
use media::UtteranceId;
use mrcp::{Event, EventName, HeaderName, Headers, Method, RecorderCause, RequestId, RequestState, Response};

use crate::audio_file::CallerAudio;
use crate::error::ClientError;
use crate::session::{Notice, Session};

/// A recorder session.
#[derive(Debug)]
pub struct RecorderSession {
    /// The session beneath, for requests that have no method here.
    pub session: Session,
}

/// How a RECORD ended.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its cause; `None` in a response to STOP, unless storing failed.
    pub cause: Option<RecorderCause>,
    /// Where the recording is, when there is one.
    pub stored: Option<RecordedAt>,
    /// The recording itself, when it came with the message.
    pub body: Bytes,
    /// All headers of the message.
    pub headers: Headers,
}

/// A `Record-URI` or `Waveform-URI`: where a recording is, and how much of it there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedAt {
    /// The URI.
    pub uri: String,
    /// Octets.
    pub size_bytes: u64,
    /// The length of the audio.
    pub duration_ms: u64,
}

impl RecordedAt {
    /// Reads `<uri>;size=N;duration=N`; `None` for anything else, the empty value among it.
    pub fn read(value: &str) -> Option<Self> {
        let (uri, parameters) = value.trim().strip_prefix('<')?.split_once('>')?;
        let number = |name| mrcp::media_type_parameter(parameters, name)?.parse().ok();
        Some(Self { uri: uri.to_owned(), size_bytes: number("size")?, duration_ms: number("duration")? })
    }
}

impl Recorded {
    /// Reads a RECORD-COMPLETE of `request`; `None` for any other event.
    pub fn of(event: &Event, request: RequestId) -> Option<Self> {
        let is_it = event.name == EventName::RecordComplete && event.id == request;
        is_it.then(|| Self::read(event.headers.clone(), event.body.clone()))
    }

    fn read(headers: Headers, body: Bytes) -> Self {
        let stored = headers.text(&HeaderName::RecordUri).and_then(RecordedAt::read);
        Self { cause: headers.recorder_cause(), stored, body, headers }
    }
}

impl RecorderSession {
    /// Sends RECORD. When it is in progress the RTP stream starts: silence, until something is said.
    ///
    /// # Errors
    /// When the server refuses it or does not answer.
    pub async fn record(&mut self, headers: Headers) -> Result<RequestId, ClientError> {
        let response = self.session.demand(Method::Record, headers, Bytes::new()).await?;
        if response.state == RequestState::InProgress {
            self.session.send_rtp(true);
        }
        Ok(response.id)
    }

    /// Waits for the end of a RECORD, and stops the RTP stream.
    ///
    /// # Errors
    /// When it does not come in time, or the session ends.
    pub async fn finished(&mut self, request: RequestId, within: Duration) -> Result<Recorded, ClientError> {
        let wait = async {
            loop {
                match self.session.notice().await {
                    Notice::Event { event, .. } => {
                        if let Some(recorded) = Recorded::of(&event, request) {
                            return Ok(recorded);
                        }
                    }
                    Notice::Leg(_) => {}
                    Notice::Ended { .. } => return Err(ClientError::EndedByServer),
                    Notice::ConnectionLost => return Err(ClientError::ConnectionLost),
                }
            }
        };
        let late = ClientError::Timeout { what: "RECORD-COMPLETE", seconds: within.as_secs() };
        let outcome = tokio::time::timeout(within, wait).await.unwrap_or(Err(late));
        self.session.stop_playing();
        outcome
    }

    /// Ends the RECORD and gives what was recorded, without the last `trim`.
    ///
    /// # Errors
    /// When the server refuses it or does not answer.
    pub async fn stop(&mut self, trim: Duration) -> Result<Recorded, ClientError> {
        let headers = if trim.is_zero() {
            Headers::new()
        } else {
            Headers::new().with(HeaderName::TrimLength, trim.as_millis().to_string())
        };
        let Response { headers, body, .. } = self.session.demand(Method::Stop, headers, Bytes::new()).await?;
        self.session.stop_playing();
        Ok(Recorded::read(headers, body))
    }

    /// The caller speaks: the audio goes out in real time from now on.
    pub fn send_audio(&mut self, audio: &CallerAudio) -> UtteranceId {
        self.session.play(audio)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_with_its_size_and_duration() {
        let at = RecordedAt::read("<http://host/a.wav>;size=242552;duration=25645").unwrap();
        assert_eq!((at.uri.as_str(), at.size_bytes, at.duration_ms), ("http://host/a.wav", 242_552, 25_645));
        assert_eq!(RecordedAt::read(""), None);
        assert_eq!(RecordedAt::read("<http://host/a.wav>"), None);
    }
}
