//! One session under load.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use mrcp::{Headers, RecognizerCause, SynthesizerCause};
use tokio::sync::watch;

use super::{LoadConfig, Shared, Tally};
use crate::client::Client;
use crate::clock::now;
use crate::error::ClientError;
use crate::media_thread::{LegHappening, LegNotice, LegReport};
use crate::session::{GrammarBody, Notice, RecogSession, Spoken, SynthSession};

/// How long one SPEAK or RECOGNIZE may take.
const WITHIN: Duration = Duration::from_secs(60);

pub(super) struct Worker {
    pub(super) client: Arc<Client>,
    pub(super) config: Arc<LoadConfig>,
    pub(super) shared: Shared,
    /// When the run ends, as soon as that is known.
    pub(super) ended: watch::Receiver<Option<Instant>>,
}

impl Worker {
    pub(super) async fn run(self, is_synthesizer: bool) {
        let start = now();
        let outcome = if is_synthesizer {
            match self.client.open_synthesizer(None).await {
                Ok(session) => {
                    self.opened(start);
                    self.synthesize(session).await
                }
                Err(error) => Err(self.not_opened(error)),
            }
        } else {
            match self.client.open_recognizer(None).await {
                Ok(session) => {
                    self.opened(start);
                    self.recognize(session).await
                }
                Err(error) => Err(self.not_opened(error)),
            }
        };
        if let Err(error) = outcome {
            self.tally(|tally| {
                tally.wrong += 1;
                tally.first_failure.get_or_insert(error);
            });
        }
    }

    async fn synthesize(&self, mut session: SynthSession) -> Result<(), String> {
        let outcome = loop {
            if self.is_over() {
                break Ok(());
            }
            match self.speak(&mut session).await {
                Ok(()) => {}
                Err(error) => break Err(error.to_string()),
            }
            // What was received is not kept.
            drop(session.take_audio());
        };
        self.leg(session.session.hang_up().await);
        outcome
    }

    async fn speak(&self, session: &mut SynthSession) -> Result<(), ClientError> {
        let start = now();
        let request = session.speak("text/plain", &self.config.text, Headers::new()).await?;
        self.tally(|tally| tally.response.add(now().saturating_duration_since(start)));
        let mut is_first = true;
        let wait = async {
            loop {
                match session.session.notice().await {
                    Notice::Event { at, event } => {
                        if let Some(spoken) = Spoken::of(at, &event, request) {
                            return Ok(spoken);
                        }
                    }
                    Notice::Leg(LegNotice { at, what: LegHappening::ReceivingStarted }) if is_first => {
                        is_first = false;
                        self.tally(|tally| tally.first_packet.add(at.saturating_duration_since(start)));
                    }
                    Notice::Leg(_) => {}
                    Notice::Ended { .. } => return Err(ClientError::EndedByServer),
                    Notice::ConnectionLost => return Err(ClientError::ConnectionLost),
                }
            }
        };
        let late = ClientError::Timeout { what: "SPEAK-COMPLETE", seconds: WITHIN.as_secs() };
        let spoken = tokio::time::timeout(WITHIN, wait).await.unwrap_or(Err(late))?;
        self.tally(|tally| {
            tally.speaks += 1;
            tally.wrong += u64::from(spoken.cause != Some(SynthesizerCause::Normal));
        });
        Ok(())
    }

    async fn recognize(&self, mut session: RecogSession) -> Result<(), String> {
        let grammar = GrammarBody::uri(&self.config.grammar);
        let outcome = loop {
            if self.is_over() {
                break Ok(());
            }
            let start = now();
            let request = match session.recognize(&grammar, Headers::new()).await {
                Ok(request) => request,
                Err(error) => break Err(error.to_string()),
            };
            self.tally(|tally| tally.response.add(now().saturating_duration_since(start)));
            session.send_audio(&self.config.audio);
            match session.finished(request, WITHIN).await {
                Ok(recognition) => self.tally(|tally| {
                    tally.recognitions += 1;
                    tally.wrong += u64::from(recognition.cause != Some(RecognizerCause::Success));
                }),
                Err(error) => break Err(error.to_string()),
            }
        };
        self.leg(session.session.hang_up().await);
        outcome
    }

    fn is_over(&self) -> bool {
        self.ended.borrow().is_some_and(|end| now() >= end)
    }

    fn opened(&self, start: Instant) {
        self.tally(|tally| {
            tally.opened += 1;
            tally.set_up.add(now().saturating_duration_since(start));
        });
    }

    fn not_opened(&self, error: ClientError) -> String {
        self.tally(|tally| tally.failed += 1);
        error.to_string()
    }

    fn leg(&self, report: Option<LegReport>) {
        if let Some(LegReport { counters, gaps, .. }) = report {
            self.tally(|tally| {
                tally.gaps.merge(&gaps);
                tally.packets_received += counters.packets_received;
                tally.packets_lost += counters.packets_lost;
                tally.packets_sent += counters.packets_sent;
            });
        }
    }

    fn tally(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
