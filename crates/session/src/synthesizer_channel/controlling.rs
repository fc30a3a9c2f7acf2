//! CONTROL (RFC 6787, section 8.11), and what headers mean for a prompt.

use std::time::Instant;

use media::ClockRate;
use mrcp::synthesizer::{ControlRefused, JumpSize, SpeakLength, SpeechChange};
use mrcp::{RequestId, synthesizer};
use speech::Prosody;

use crate::commons::Commons;
use crate::prompt::{Limit, PromptChange, Target};

use super::SynthesizerChannel;

impl SynthesizerChannel {
    /// CONTROL (§8.11): one change after the other.
    pub(super) fn control(
        &mut self,
        now: Instant,
        request_id: RequestId,
        control_id: RequestId,
        change: &SpeechChange,
        parts: &mut Commons,
    ) {
        let Some((_, clock_rate)) = self.leg else { return };
        let Some(speaking) = self.speaking.as_mut().filter(|speaking| speaking.request_id == request_id) else {
            // What it says is still on its way.
            let outcome = Err(ControlRefused);
            return self.machine.handle_input(now, synthesizer::Input::Controlled { control_id, outcome });
        };
        let asked = mrcp::synthesizer::Prosody {
            rate: change.rate.clone(),
            pitch: change.pitch.clone(),
            volume: change.volume.clone(),
        };
        let is_prosody = asked != mrcp::synthesizer::Prosody::default();
        let change = PromptChange {
            target: change.jump.as_ref().map(|jump| target(jump, clock_rate)),
            limit: change.length.as_ref().map(|length| limit(length, clock_rate)),
            prosody: is_prosody.then(|| spoken(speaking.prompt.prosody(), &asked)),
        };
        speaking.controls.push_back((control_id, change));
        if speaking.controls.len() == 1 {
            self.do_control(now, parts);
        }
    }

    /// Begins with the first CONTROL that is open.
    pub(super) fn do_control(&mut self, now: Instant, parts: &mut Commons) {
        while let Some(speaking) = &mut self.speaking
            && !speaking.prompt.is_changing()
            && let Some((control_id, change)) = speaking.controls.front().cloned()
        {
            if speaking.prompt.change(change).is_err() {
                speaking.controls.pop_front();
                let outcome = Err(ControlRefused);
                self.machine.handle_input(now, synthesizer::Input::Controlled { control_id, outcome });
            } else {
                return self.drain_prompt(now, parts);
            }
        }
    }
}

/// `prosody` changed by headers: a value with a sign is relative to what holds, any other takes its place.
pub(super) fn spoken(prosody: Prosody, asked: &mrcp::synthesizer::Prosody) -> Prosody {
    let is_relative = |value: &&str| value.starts_with(['+', '-']);
    let [rate, pitch, volume] = [&asked.rate, &asked.pitch, &asked.volume].map(|value| value.as_deref());
    let given = Prosody::default().with(rate, pitch, volume);
    let kept =
        |value: Option<&str>, before: f32| if value.is_none_or(|value| is_relative(&value)) { before } else { 1.0 };
    let before = Prosody {
        rate: kept(rate, prosody.rate),
        pitch: kept(pitch, prosody.pitch),
        volume: kept(volume, prosody.volume),
    };
    before.and(given)
}

pub(super) fn samples(seconds: u64, clock_rate: ClockRate) -> u64 {
    seconds.saturating_mul(u64::from(clock_rate.hz()))
}

pub(super) fn target(jump: &JumpSize, clock_rate: ClockRate) -> Target {
    match jump {
        JumpSize::Ahead(seconds) => Target::Ahead(samples(*seconds, clock_rate)),
        JumpSize::Back(seconds) => Target::Back(samples(*seconds, clock_rate)),
        JumpSize::At(seconds) => Target::At(samples(*seconds, clock_rate)),
        JumpSize::Tag(name) => Target::Mark(name.clone()),
    }
}

pub(super) fn limit(length: &SpeakLength, clock_rate: ClockRate) -> Limit {
    match length {
        SpeakLength::Seconds(seconds) => Limit::Samples(samples(*seconds, clock_rate)),
        SpeakLength::Tag(name) => Limit::Mark(name.clone()),
    }
}
