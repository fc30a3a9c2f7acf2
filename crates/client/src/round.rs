//! One round of a robot call, as FreeSWITCH's play_and_detect_speech runs it: RECOGNIZE with timers off, SPEAK,
//! START-INPUT-TIMERS when the prompt has ended, the caller's turn, RECOGNITION-COMPLETE.

use std::time::{Duration, Instant};

use media::{LegEvent, UtteranceId};
use mrcp::{EventName, HeaderName, Headers, RequestId};

use crate::audio_file::CallerAudio;
use crate::clock::now;
use crate::error::ClientError;
use crate::ladder::{Ladder, Layer};
use crate::media_thread::{LegHappening, LegNotice};
use crate::session::{GrammarBody, Notice, RecogSession, Recognition, Spoken, SynthSession, playout_finished};

/// What is asked for in a round.
#[derive(Debug, Clone)]
pub struct RoundPlan {
    /// What to listen for; `None`: only the prompt is played.
    pub listen: Option<Listen>,
    /// What to speak; `None`: the caller begins at once.
    pub speak: Option<Speak>,
    /// What the caller does.
    pub act: Act,
    /// Pause between the end of the prompt and the caller's answer.
    pub reaction: Duration,
    /// What is heard of the caller while the prompt plays, before their turn.
    pub aside: Option<Aside>,
    /// The caller speaks this long after the first packet of the prompt.
    pub interrupt_after: Option<Duration>,
    /// How long the whole round may take.
    pub within: Duration,
}

/// A RECOGNIZE.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The grammar.
    pub grammar: GrammarBody,
    /// Headers beyond Content-Type, Cancel-If-Queue and Start-Input-Timers.
    pub headers: Headers,
}

/// A SPEAK.
#[derive(Debug, Clone)]
pub struct Speak {
    /// `text/plain`, `application/ssml+xml` …
    pub content_type: String,
    /// What to say.
    pub body: String,
    /// Headers beyond Content-Type.
    pub headers: Headers,
}

/// Sounds of the caller that are no turn.
#[derive(Debug, Clone)]
pub struct Aside {
    /// After the first packet of the prompt.
    pub after: Duration,
    /// What is heard.
    pub audio: CallerAudio,
}

/// What the caller does in a round.
#[derive(Debug, Clone)]
pub enum Act {
    /// Says this.
    Say(CallerAudio),
    /// Presses these keys.
    Dtmf(String),
    /// Says nothing.
    Silence,
    /// Hangs up when it is their turn.
    HangUp,
}

/// What happened in a round.
#[derive(Debug, Clone, Default)]
pub struct Round {
    /// When SPEAK was sent.
    pub speak_sent: Option<Instant>,
    /// The first RTP packet of the prompt.
    pub first_packet: Option<Instant>,
    /// How the prompt ended.
    pub spoken: Option<Spoken>,
    /// When the server noticed the caller.
    pub start_of_input: Option<Instant>,
    /// How the recognition ended.
    pub recognition: Option<Recognition>,
    /// Whether the caller's turn came.
    pub caller_acted: bool,
    /// Where the last sound of the caller lay, on the wire; for keys, the end of the last one.
    pub caller_end: Option<Instant>,
    /// The caller was still speaking when the recognition ended.
    pub cut_off: bool,
    /// The caller hung up.
    pub hung_up: bool,
}

/// What is told while a round runs.
#[derive(Debug)]
pub enum Progress<'a> {
    /// The prompt has ended.
    Spoken {
        /// How.
        spoken: &'a Spoken,
        /// When SPEAK was sent.
        speak_sent: Instant,
        /// Its first RTP packet.
        first_packet: Option<Instant>,
    },
    /// The caller begins.
    CallerActs(&'a Act),
    /// The caller was heard while the prompt was playing.
    BargeIn,
}

/// Runs one round.
///
/// # Errors
/// When a request is refused, something does not come in time, or a session ends.
pub async fn run_round(
    mut synthesizer: Option<&mut SynthSession>,
    mut recognizer: Option<&mut RecogSession>,
    plan: &RoundPlan,
    ladder: &Ladder,
    mut progress: impl FnMut(Progress<'_>),
) -> Result<Round, ClientError> {
    let mut run = Running {
        round: Round::default(),
        recognize: None,
        speak: None,
        caller_at: None,
        aside_at: None,
        utterance: None,
        utterance_done: false,
    };
    let deadline = now() + plan.within;
    if let (Some(recognizer), Some(listen)) = (recognizer.as_deref_mut(), &plan.listen) {
        let mut headers = Headers::new();
        if plan.speak.is_some() {
            headers.push(HeaderName::StartInputTimers, "false");
        }
        listen.headers.iter().for_each(|header| headers.push(header.name.clone(), header.value.clone()));
        run.recognize = Some(recognizer.recognize(&listen.grammar, headers).await?);
    }
    match (synthesizer.as_deref_mut(), &plan.speak) {
        (Some(synthesizer), Some(speak)) => {
            run.round.speak_sent = Some(now());
            let request = synthesizer.speak(&speak.content_type, &speak.body, speak.headers.clone()).await?;
            run.speak = Some(request);
        }
        (None, _) | (_, None) => run.caller_at = Some(now() + plan.reaction),
    }
    while !run.is_over() {
        let wake = run.caller_at.into_iter().chain(run.aside_at).fold(deadline, Instant::min);
        tokio::select! {
            notice = notice_of_synthesizer(&mut synthesizer) => {
                if run.synthesizer_notice(notice, plan, ladder)?
                    && let Some(spoken) = &run.round.spoken
                {
                    let Round { speak_sent, first_packet, .. } = run.round;
                    progress(Progress::Spoken { spoken, speak_sent: speak_sent.unwrap_or(spoken.at), first_packet });
                    if let (Some(recognizer), true) = (recognizer.as_deref_mut(), run.round.recognition.is_none()) {
                        // The server may have completed the request a moment ago and then refuses this; it does not matter.
                        _ = recognizer.start_input_timers().await?;
                    }
                }
            }
            notice = notice_of_recognizer(&mut recognizer) => {
                if run.recognizer_notice(notice, plan, ladder)? {
                    progress(Progress::BargeIn);
                }
                if run.round.recognition.is_some() && let Some(recognizer) = recognizer.as_deref_mut() {
                    run.round.cut_off = run.utterance.is_some() && !run.utterance_done;
                    recognizer.stop_audio();
                    run.utterance_done = true;
                    (run.caller_at, run.aside_at) = (None, None);
                }
            }
            () = tokio::time::sleep_until(wake.into()) => {
                if now() >= deadline {
                    return Err(run.late(plan.within));
                }
                if run.aside_at.take_if(|at| *at <= now()).is_some() {
                    ladder.note(now(), Layer::Rtp, "the caller is heard, not taking a turn");
                    if let (Some(aside), Some(recognizer)) = (&plan.aside, recognizer.as_deref_mut()) {
                        recognizer.send_audio(&aside.audio);
                    }
                }
                if run.caller_at.take_if(|at| *at <= now()).is_some() && !run.round.caller_acted {
                    run.round.caller_acted = true;
                    progress(Progress::CallerActs(&plan.act));
                    run.act(plan, recognizer.as_deref_mut(), ladder);
                }
            }
        }
    }
    Ok(run.round)
}

struct Running {
    round: Round,
    recognize: Option<RequestId>,
    speak: Option<RequestId>,
    /// When it is the caller's turn.
    caller_at: Option<Instant>,
    /// When the caller is heard before it.
    aside_at: Option<Instant>,
    utterance: Option<UtteranceId>,
    utterance_done: bool,
}

impl Running {
    fn is_over(&self) -> bool {
        let spoken = self.speak.is_none() || self.round.spoken.is_some();
        let recognized = self.recognize.is_none() || self.round.recognition.is_some();
        self.round.hung_up || (spoken && recognized)
    }

    /// `true` when the prompt has ended.
    fn synthesizer_notice(&mut self, notice: Notice, plan: &RoundPlan, ladder: &Ladder) -> Result<bool, ClientError> {
        match notice {
            Notice::Event { at, event } => {
                let Some(request) = self.speak else { return Ok(false) };
                if let Some(spoken) = Spoken::of(at, &event, request) {
                    self.round.spoken = Some(spoken);
                    if !self.round.caller_acted && self.round.recognition.is_none() {
                        self.caller_at = Some(at + plan.reaction);
                    }
                    return Ok(true);
                }
                Ok(false)
            }
            Notice::Leg(LegNotice { at, what: LegHappening::ReceivingStarted }) => {
                ladder.note(at, Layer::Rtp, "the robot's first packet");
                if self.speak.is_some() && self.round.spoken.is_none() && self.round.first_packet.is_none() {
                    self.round.first_packet = Some(at);
                    self.aside_at = plan.aside.as_ref().map(|aside| at + aside.after);
                    if let Some(after) = plan.interrupt_after {
                        self.caller_at = Some(at + after);
                    }
                }
                Ok(false)
            }
            Notice::Leg(LegNotice { at, what: LegHappening::ReceivingStopped }) => {
                ladder.note(at, Layer::Rtp, "the robot's last packet");
                Ok(false)
            }
            Notice::Leg(LegNotice { what: LegHappening::Event(_), .. }) => Ok(false),
            Notice::Ended { .. } => Err(ClientError::EndedByServer),
            Notice::ConnectionLost => Err(ClientError::ConnectionLost),
        }
    }

    /// `true` when the caller was heard while the prompt was playing.
    fn recognizer_notice(&mut self, notice: Notice, plan: &RoundPlan, ladder: &Ladder) -> Result<bool, ClientError> {
        match notice {
            Notice::Event { at, event } => {
                let Some(request) = self.recognize else { return Ok(false) };
                if let Some(recognition) = Recognition::of(at, &event, request) {
                    self.round.recognition = Some(recognition);
                } else if event.name == EventName::StartOfInput && event.id == request {
                    self.round.start_of_input = Some(at);
                    return Ok(self.speak.is_some() && self.round.spoken.is_none());
                }
                Ok(false)
            }
            Notice::Leg(notice) => {
                self.caller_notice(&notice, plan, ladder);
                Ok(false)
            }
            Notice::Ended { .. } => Err(ClientError::EndedByServer),
            Notice::ConnectionLost => Err(ClientError::ConnectionLost),
        }
    }

    fn caller_notice(&mut self, notice: &LegNotice, plan: &RoundPlan, ladder: &Ladder) {
        match notice.what {
            LegHappening::Event(LegEvent::PlayoutStarted { utterance, .. }) if Some(utterance) == self.utterance => {
                ladder.note(notice.at, Layer::Rtp, "the caller begins to speak");
                if let Act::Say(audio) = &plan.act {
                    let spoken = audio.speech();
                    self.round.caller_end = Some(notice.at + spoken);
                    ladder.note(notice.at + spoken, Layer::Rtp, "the caller's last sound");
                }
            }
            LegHappening::Event(LegEvent::DtmfSent) => {
                ladder.note(notice.at, Layer::Rtp, "the caller's last key");
                self.round.caller_end = Some(notice.at);
            }
            LegHappening::Event(_) | LegHappening::ReceivingStarted | LegHappening::ReceivingStopped => {
                if playout_finished(notice).is_some_and(|(utterance, _)| Some(utterance) == self.utterance) {
                    self.utterance_done = true;
                }
            }
        }
    }

    fn act(&mut self, plan: &RoundPlan, recognizer: Option<&mut RecogSession>, ladder: &Ladder) {
        match (&plan.act, recognizer) {
            (Act::Say(audio), Some(recognizer)) => self.utterance = Some(recognizer.send_audio(audio)),
            (Act::Dtmf(digits), Some(recognizer)) => recognizer.send_dtmf(digits),
            (Act::HangUp, _) => {
                ladder.note(now(), Layer::Call, "the caller hangs up");
                self.round.hung_up = true;
            }
            (Act::Silence, _) | (Act::Say(_) | Act::Dtmf(_), None) => {}
        }
    }

    fn late(&self, within: Duration) -> ClientError {
        let what =
            if self.speak.is_some() && self.round.spoken.is_none() { "SPEAK-COMPLETE" } else { "RECOGNITION-COMPLETE" };
        ClientError::Timeout { what, seconds: within.as_secs() }
    }
}

async fn notice_of_synthesizer(session: &mut Option<&mut SynthSession>) -> Notice {
    match session {
        Some(session) => session.session.notice().await,
        None => std::future::pending().await,
    }
}

async fn notice_of_recognizer(session: &mut Option<&mut RecogSession>) -> Notice {
    match session {
        Some(session) => session.session.notice().await,
        None => std::future::pending().await,
    }
}
