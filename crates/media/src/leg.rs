//! One RTP leg: what a media worker drives.

use std::collections::VecDeque;
use std::time::Instant;

use crate::config::{LegConfig, LegMedia};
use crate::counters::{DropReason, LegCounters};
use crate::dtmf::DtmfDigit;
use crate::figures::LegFigures;
use crate::packet::PacketQueue;
use crate::pcm_buffer::{PcmBuffer, PcmSink};
use crate::receiver::Receiver;
use crate::rtcp::{PeerReport, Rtcp};
use crate::sender::Sender;
use crate::srtp::{Srtp, SrtpKeys};

/// Key presses that may wait to be polled. Other events are as many as the commands that caused them.
const PRESSES_MAX: usize = 32;

/// Names one utterance on a leg, chosen by whoever plays it. Late events carry it, so that they can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UtteranceId(pub u64);

/// The part of an utterance that is played, in samples from its beginning. A part that begins behind the end of the audio
/// is over at once, with nothing played, and its ending tells where that end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaySpan {
    /// The first sample.
    pub from: u64,
    /// The sample before which it ends; `None`: the end of the audio.
    pub until: Option<u64>,
}

impl PlaySpan {
    /// All of it.
    pub const ALL: Self = Self { from: 0, until: None };
}

/// Names one taker of a leg's audio, chosen by whoever captures it. One leg may feed several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CaptureId(pub u8);

/// What a leg is told to do.
pub enum LegCommand {
    /// Plays `audio` after everything that was queued before it. Starts as soon as a packet of it (or its end) is
    /// written. Always answered by one [`LegEvent::PlayoutFinished`].
    Play {
        /// Its name in events.
        utterance: UtteranceId,
        /// At the clock rate of the leg.
        audio: PcmBuffer,
        /// Which part of it.
        span: PlaySpan,
    },
    /// Ends one utterance, or all, the queued ones included. What sounds now fades out.
    Stop {
        /// Which one; `None` for all.
        utterance: Option<UtteranceId>,
        /// Length of the fade in milliseconds; 20 is inaudible as a click. 0 cuts.
        fade_ms: u32,
    },
    /// Stops sending at the next packet, keeping the position.
    Pause,
    /// Goes on where [`LegCommand::Pause`] stopped.
    Resume,
    /// Fades out what is played and keeps the position where the fade began. Goes on by itself after a while.
    Hush {
        /// Length of the fade in milliseconds; 20 is inaudible as a click. 0 cuts.
        fade_ms: u32,
        /// After so many milliseconds it goes on, whoever forgot it.
        at_most_ms: u32,
    },
    /// Goes on where [`LegCommand::Hush`] began.
    Unhush,
    /// Multiplies what is played from now on, 0.0 to 4.0, ramped over 10 ms. For ducking.
    SetGain(f32),
    /// Gives decoded audio to `sink` from now on, beside those of other names; one of the same name is dropped. Of more than
    /// four, the last is refused with [`LegEvent::CaptureOverrun`].
    Capture {
        /// Its name.
        capture: CaptureId,
        /// Where it goes.
        sink: Box<dyn PcmSink>,
    },
    /// Drops the sink of that name.
    StopCapture {
        /// Its name.
        capture: CaptureId,
    },
    /// Sends telephone events, one digit after the other, in the place of audio.
    SendDtmf {
        /// What is dialled.
        digits: Vec<DtmfDigit>,
        /// Length of each digit, in milliseconds.
        tone_ms: u32,
        /// Pause after each digit, in milliseconds.
        gap_ms: u32,
    },
    /// The media line was negotiated again (re-INVITE).
    Reconfigure(LegMedia),
    /// Keys were negotiated again: other ones, or none.
    Protect(Option<SrtpKeys>),
}

/// How playing an utterance ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlayoutOutcome {
    /// Its last sample, or the last of the part asked for, was played.
    Completed,
    /// Its writer failed, after what it had written was played; or it could not be queued.
    Failed,
    /// [`LegCommand::Stop`].
    Stopped,
}

/// What happened on a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegEvent {
    /// An utterance sounds.
    PlayoutStarted {
        /// Which one.
        utterance: UtteranceId,
        /// When its first sample sounds. [`Leg::timestamp_at`] tells its RTP timestamp.
        at: Instant,
    },
    /// An utterance is over; its last sample has had the time to sound.
    PlayoutFinished {
        /// Which one.
        utterance: UtteranceId,
        /// When its last sample has sounded. [`Leg::timestamp_at`] tells the RTP timestamp.
        at: Instant,
        /// How much of it was played, in milliseconds.
        played_ms: u64,
        /// Where in its audio playing ended, in samples from the beginning of the audio.
        position_samples: u64,
        /// Why it ended.
        outcome: PlayoutOutcome,
    },
    /// A digit was pressed: reported once, when it is first heard of.
    Dtmf {
        /// Which key.
        digit: DtmfDigit,
        /// Its length so far in milliseconds: often 0, for it is reported at its start.
        duration_ms: u32,
    },
    /// A sink had no room and was dropped.
    CaptureOverrun {
        /// Which one.
        capture: CaptureId,
    },
    /// All digits of the last [`LegCommand::SendDtmf`] were sent.
    DtmfSent,
    /// Somebody listens, the peer was to send, and nothing has come for [`LegConfig::silent_after_ms`]. Reported once for each
    /// such silence.
    PeerSilent,
}

/// One RTP leg, sans-IO: packets, commands and the time go in; packets, events and audio come out.
///
/// ```text
/// every 10 ms:  for each datagram:   leg.receive(now, datagram)
///               for each command:    leg.command(now, command)
///               leg.tick(now)
///               while let Some(packet) = leg.poll_packet() { send }
///               while let Some(event) = leg.poll_event() { deliver }
/// ```
pub struct Leg {
    config: LegConfig,
    counters: LegCounters,
    receiver: Receiver,
    sender: Sender,
    rtcp: Rtcp,
    srtp: Option<Srtp>,
    packets: PacketQueue,
    events: VecDeque<LegEvent>,
}

impl Leg {
    /// A leg born at `now`, which is also the zero of its outgoing timestamps.
    pub fn new(config: LegConfig, now: Instant) -> Self {
        Self {
            receiver: Receiver::new(&config, now),
            sender: Sender::new(&config, now),
            rtcp: Rtcp::new(config.ssrc, config.first_timestamp, config.ntp_at_birth, now),
            srtp: config.protection.clone().map(Srtp::new),
            config,
            counters: LegCounters::default(),
            packets: PacketQueue::new(),
            events: VecDeque::new(),
        }
    }

    /// Takes a datagram that came from the peer. Anything may be in it.
    pub fn receive(&mut self, now: Instant, datagram: &[u8]) {
        let datagram = match self.srtp.as_mut().map_or(Ok(datagram), |srtp| srtp.unprotect(datagram)) {
            Ok(packet) => packet,
            Err(reason) => return self.counters.dropped.add(reason),
        };
        if let Some(event) = self.receiver.receive(now, datagram, &mut self.counters) {
            self.pressed(event);
        }
        self.heard_keys(now);
    }

    fn heard_keys(&mut self, now: Instant) {
        while let Some(event) = self.receiver.poll_tone(now, &mut self.counters) {
            self.pressed(event);
        }
    }

    fn pressed(&mut self, event: LegEvent) {
        if self.events.len() < PRESSES_MAX {
            self.events.push_back(event);
        } else {
            self.counters.dropped.add(DropReason::EventQueue);
        }
    }

    /// Takes a command.
    pub fn command(&mut self, now: Instant, command: LegCommand) {
        match command {
            LegCommand::Play { utterance, audio, span } => {
                self.events.extend(self.sender.play(now, utterance, audio, span, &mut self.counters));
            }
            LegCommand::Stop { utterance, fade_ms } => self.sender.stop(now, utterance, fade_ms, &mut self.events),
            LegCommand::Pause => self.sender.pause(),
            LegCommand::Resume => self.sender.resume(),
            LegCommand::Hush { fade_ms, at_most_ms } => self.sender.hush(now, fade_ms, at_most_ms),
            LegCommand::Unhush => self.sender.unhush(),
            LegCommand::SetGain(gain) => self.sender.set_gain(gain),
            LegCommand::Capture { capture, sink } => self.receiver.capture(now, capture, sink),
            LegCommand::StopCapture { capture } => self.receiver.stop_capture(capture),
            LegCommand::SendDtmf { digits, tone_ms, gap_ms } => {
                self.sender.dial(&digits, tone_ms, gap_ms, &mut self.events, &mut self.counters);
            }
            LegCommand::Reconfigure(media) => {
                self.config.media = media;
                self.receiver.reconfigure(now, media, &mut self.counters);
                self.sender.reconfigure(now, media);
            }
            LegCommand::Protect(keys) => {
                match (&mut self.srtp, keys.clone()) {
                    (Some(srtp), Some(keys)) => srtp.rekey(keys),
                    (_, keys) => self.srtp = keys.map(Srtp::new),
                }
                self.config.protection = keys;
            }
        }
    }

    /// Advances the leg. Call it every 10 ms; a late call catches up by at most one packet beyond the one due.
    pub fn tick(&mut self, now: Instant) {
        self.receiver.tick(now, &mut self.counters);
        self.heard_keys(now);
        while let Some(capture) = self.receiver.poll_overrun() {
            self.events.push_back(LegEvent::CaptureOverrun { capture });
        }
        if self.receiver.fell_silent(now) {
            self.events.push_back(LegEvent::PeerSilent);
        }
        self.sender.tick(now, &mut self.packets, &mut self.events, &mut self.counters);
        let (reception, jitter) = self.receiver.reception();
        self.rtcp.tick(now, self.sender.timestamp_at(now), self.sender.sent(), reception, jitter);
    }

    /// Takes a datagram that came from the peer's RTCP port. Anything may be in it.
    pub fn receive_rtcp(&mut self, now: Instant, datagram: &[u8]) {
        match self.srtp.as_mut().map_or(Ok(datagram), |srtp| srtp.unprotect_rtcp(datagram)) {
            Ok(packet) => self.rtcp.receive(now, packet),
            Err(reason) => self.counters.dropped.add(reason),
        }
    }

    /// The report to send from the RTCP port, if one is due; ask after each tick (RFC 3550, section 6).
    pub fn poll_rtcp(&mut self) -> Option<&[u8]> {
        let report = self.rtcp.poll()?;
        match &mut self.srtp {
            Some(srtp) => srtp.protect_rtcp(report),
            None => Some(report),
        }
    }

    /// Makes the last report, which says goodbye; [`Self::poll_rtcp`] gives it.
    pub fn say_goodbye(&mut self, now: Instant) {
        let (reception, jitter) = self.receiver.reception();
        self.rtcp.bye(now, self.sender.timestamp_at(now), self.sender.sent(), reception, jitter);
    }

    /// How both streams fared until now.
    pub fn figures(&self) -> LegFigures {
        LegFigures::of(self)
    }

    /// What the peer reported of our stream.
    pub fn peer_report(&self) -> &PeerReport {
        self.rtcp.peer()
    }

    /// The next packet to send, until `None`. At most two come of one tick.
    pub fn poll_packet(&mut self) -> Option<&[u8]> {
        let packet = self.packets.pop()?;
        match &mut self.srtp {
            Some(srtp) => srtp.protect(packet),
            None => Some(packet),
        }
    }

    /// The next event, until `None`.
    pub fn poll_event(&mut self) -> Option<LegEvent> {
        self.events.pop_front()
    }

    /// The utterance that is playing, or paused, and how much of it was sent, in milliseconds.
    pub fn position(&self) -> Option<(UtteranceId, u64)> {
        self.sender.position()
    }

    /// The RTP timestamp of what sounds at `at`: what ties an instant of the sender's clock, and with it NTP time, to the
    /// stream (RFC 3550, section 6.4.1).
    pub fn timestamp_at(&self, at: Instant) -> u32 {
        self.sender.timestamp_at(at)
    }

    /// Numbers since the leg's birth.
    pub fn counters(&self) -> &LegCounters {
        &self.counters
    }

    /// What it runs with.
    pub fn config(&self) -> &LegConfig {
        &self.config
    }
}
