//! Entry points of the fuzz targets: bytes in, and no panic. They check laws that hold for any input.

use std::time::{Duration, Instant};

use crate::codec::{ClockRate, Codec, Decoder};
use crate::config::{IdleSending, InbandDtmf, LegConfig, LegMedia, Ptime};
use crate::dtmf::DtmfDigit;
use crate::leg::{CaptureId, Leg, LegCommand, LegEvent, PlaySpan, UtteranceId};
use crate::packet;
use crate::pcm_buffer::{PcmBuffer, PcmOverrun, PcmSink};

/// Reads a datagram.
pub fn rtp_packet(data: &[u8]) {
    if let Some((_, payload)) = packet::parse(data) {
        assert!(payload.len() + 12 <= data.len(), "the payload is a part of the datagram after its header");
        let mut samples = Vec::new();
        for codec in Codec::ALL {
            samples.clear();
            Decoder::new(codec, ClockRate::Hz16000).decode(payload, &mut samples);
            assert_eq!(samples.len(), codec.samples_in(payload, ClockRate::Hz16000), "the time line holds");
        }
    }
}

/// Runs a leg through the operations that `data` spells: the first four octets choose the configuration, then each
/// operation is an octet and its arguments. `start` is the zero of virtual time.
///
/// Laws: no tick sends more than two packets; each utterance ends at most once, and never plays more than it has.
pub fn media_leg(start: Instant, data: &[u8]) {
    let mut octets = data.iter().copied();
    let mut next = || octets.next();
    let (Some(codec), Some(rate), Some(ptime), Some(flags)) = (next(), next(), next(), next()) else { return };
    let codec = Codec::ALL.get(usize::from(codec) % Codec::ALL.len()).copied().unwrap_or(Codec::L16);
    let clock_rate = match codec {
        Codec::Pcmu | Codec::Pcma | Codec::L16 if rate % 2 == 0 => ClockRate::Hz8000,
        Codec::Pcmu | Codec::Pcma | Codec::L16 | Codec::G722 | Codec::Opus => ClockRate::Hz16000,
    };
    let mut media = LegMedia::new(codec, 0);
    media.ptime = Ptime::from_ms(10 + u32::from(ptime % 51)).unwrap_or_default();
    media.telephone_event = (flags & 1 != 0).then_some(101);
    let mut config = LegConfig::new(media, clock_rate, 1);
    config.idle_sending = match flags & 6 {
        0 | 4 => IdleSending::Nothing,
        2 => IdleSending::Silence,
        _ => IdleSending::ComfortNoise,
    };
    config.media.comfort_noise = (flags & 8 != 0).then_some(13);
    config.inband_dtmf = if flags & 16 != 0 { InbandDtmf::Auto } else { InbandDtmf::Off };

    let mut now = start;
    let mut leg = Leg::new(config, now);
    let mut played = Vec::new();
    while let Some(operation) = next() {
        match operation % 12 {
            0..=3 => {
                let length = usize::from(next().unwrap_or(0));
                let datagram: Vec<u8> = std::iter::from_fn(&mut next).take(length).collect();
                leg.receive(now, &datagram);
            }
            4 => now += Duration::from_millis(u64::from(next().unwrap_or(0))),
            5 => {
                let samples = usize::from(next().unwrap_or(0)) * 7;
                let audio = PcmBuffer::new(clock_rate.hz(), samples);
                _ = audio.push(&vec![1000; samples]);
                match next().unwrap_or(0) % 3 {
                    0 => audio.finish(),
                    1 => audio.fail(),
                    _ => {}
                }
                let utterance = UtteranceId(played.len() as u64);
                let from = u64::from(next().unwrap_or(0)) * 3;
                let until = next().filter(|byte| byte % 2 == 1).map(|byte| u64::from(byte) * 5);
                let span = PlaySpan { from, until };
                played.push((samples, false));
                leg.command(now, LegCommand::Play { utterance, audio, span });
            }
            6 => {
                let utterance = next().filter(|id| *id < 128).map(|id| UtteranceId(u64::from(id)));
                let fade_ms = u32::from(next().unwrap_or(0));
                leg.command(now, LegCommand::Stop { utterance, fade_ms });
            }
            7 => {
                let command = match next().unwrap_or(0) % 4 {
                    0 => LegCommand::Pause,
                    1 => LegCommand::Resume,
                    2 => LegCommand::StopCapture { capture: CaptureId(0) },
                    _ => LegCommand::SetGain(f32::from(next().unwrap_or(0)) / 64.0),
                };
                leg.command(now, command);
            }
            8 => {
                let room = usize::from(next().unwrap_or(0)) * 200;
                leg.command(now, LegCommand::Capture { capture: CaptureId(0), sink: Box::new(Room(room)) });
            }
            9 => {
                let digits = DtmfDigit::from_event_code(next().unwrap_or(0) % 16).into_iter().collect();
                let (tone_ms, gap_ms) = (u32::from(next().unwrap_or(0)), u32::from(next().unwrap_or(0)));
                leg.command(now, LegCommand::SendDtmf { digits, tone_ms, gap_ms });
            }
            10 => {
                media.ptime = Ptime::from_ms(10 + u32::from(next().unwrap_or(0) % 51)).unwrap_or_default();
                leg.command(now, LegCommand::Reconfigure(media));
            }
            _ => {}
        }
        leg.tick(now);
        let mut sent = 0;
        while leg.poll_packet().is_some() {
            sent += 1;
        }
        assert!(sent <= 2, "a tick sends two packets at most");
        while let Some(event) = leg.poll_event() {
            if let LegEvent::PlayoutFinished { utterance, played_ms, .. } = event
                && let Some((samples, has_ended)) = played.get_mut(utterance.0 as usize)
            {
                assert!(!*has_ended, "an utterance ends once");
                *has_ended = true;
                assert!(played_ms <= *samples as u64 / u64::from(clock_rate.samples_per_ms()), "played what was there");
            }
        }
    }
}

/// A sink with room for so many samples.
struct Room(usize);

impl PcmSink for Room {
    fn push(&mut self, samples: &[i16]) -> Result<(), PcmOverrun> {
        self.0 = self.0.checked_sub(samples.len()).ok_or(PcmOverrun)?;
        Ok(())
    }
}

/// Bytes as stored audio: what can be read is one channel of a sane rate, and can be stored again.
pub fn waveform(data: &[u8]) {
    for media_type in [None, Some("audio/basic"), Some("audio/wav"), Some("audio/l16;rate=16000")] {
        let Ok(read) = crate::Waveform::read(data, media_type) else { continue };
        assert!(read.sample_rate_hz > 0, "a rate of nothing");
        assert!(read.samples.len() <= data.len(), "more samples than octets");
        let Some(format) = crate::WaveformFormat::from_media_type("audio/wav", ClockRate::Hz8000) else { continue };
        let mut stored = format.header(read.samples.len() as u64);
        format.encode(&read.samples, &mut stored);
        let again = crate::Waveform::read(&stored, None).map(|again| again.samples);
        assert_eq!(again, Ok(read.samples), "what is stored can be read");
    }
}
