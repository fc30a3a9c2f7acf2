//! Who has the floor while the robot speaks: from the caller's sounds to a prompt that falls silent, stops, or goes on.

use std::time::Instant;

use speech::Hypothesis;

use crate::{
    backchannel::Backchannels,
    barge_in::{BargeIn, CallerSound, Certainty, Interjection, Judge, Verdict},
    conversation::{Conversation, Lead, Listener},
    output::Output,
    policy::Expects,
    reply::Voicing,
    service::ServiceCommand,
    turn::{ListenerKey, SpeakerKey},
};

/// Whose turn it is to speak, as a listener hears it.
#[derive(Debug)]
pub(crate) enum Floor {
    /// The caller is silent.
    Open,
    /// The caller makes a sound, and it is not known yet whether there is anything in it.
    Claimed(Interjection),
    /// The caller has it, until the turn is over.
    Taken,
}

impl Conversation {
    pub(crate) fn hear_sound(&mut self, now: Instant, key: ListenerKey, sound: CallerSound) {
        if !self.listener.as_ref().is_some_and(|open| open.key == key && open.is_listening()) {
            return self.count_late_input();
        }
        match &sound {
            CallerSound::Words { hypotheses } => self.judge_pause(now, key, hypotheses, None),
            CallerSound::Began | CallerSound::Resumed => self.caller_goes_on(),
            CallerSound::Partial { .. } | CallerSound::Paused { .. } | CallerSound::Keyed => {}
        }
        let Some(listener) = &mut self.listener else { return };
        match (&mut listener.floor, sound) {
            (floor @ (Floor::Open | Floor::Claimed(_)), CallerSound::Keyed) => {
                // A key is meant: whoever presses one interrupts.
                if matches!(std::mem::replace(floor, Floor::Taken), Floor::Claimed(_)) {
                    self.outputs.push_back(Output::YieldFloor { listener: key });
                }
                self.interrupt_by_key();
            }
            (Floor::Taken, CallerSound::Keyed) => self.interrupt_by_key(),
            (Floor::Open, CallerSound::Began) => listener.floor = Floor::Claimed(Interjection::new(now)),
            // A listening that began anew asks again.
            (Floor::Taken, CallerSound::Began) => self.outputs.push_back(Output::YieldFloor { listener: key }),
            (Floor::Claimed(interjection), sound) => interjection.hear(now, sound),
            (Floor::Taken, CallerSound::Words { hypotheses }) => self.confirm_interruption(&hypotheses),
            // Of a sound that was dismissed, or of a turn that goes on.
            (
                Floor::Open,
                CallerSound::Partial { .. }
                | CallerSound::Paused { .. }
                | CallerSound::Words { .. }
                | CallerSound::Resumed,
            )
            | (Floor::Taken, CallerSound::Partial { .. } | CallerSound::Paused { .. } | CallerSound::Resumed) => {}
        }
    }

    fn interrupt_by_key(&mut self) {
        match self.sounding() {
            Some((_, BargeIn::Allowed | BargeIn::DtmfOnly)) => self.interrupt(Certainty::Words),
            Some((_, BargeIn::NotAllowed)) | None => {}
        }
    }

    /// Stops the prompt that sounds, if one does.
    fn interrupt(&mut self, certainty: Certainty) {
        if self.interrupt_aside() {
            return;
        }
        let Lead::Replying(reply) = &mut self.lead else { return };
        let Some(speaker) = reply.sounding() else { return };
        match certainty {
            Certainty::Words => {
                reply.voicing = Voicing::Stopping { speaker };
                reply.cut();
                self.counters.interruptions = self.counters.interruptions.saturating_add(1);
            }
            Certainty::Length => reply.voicing = Voicing::Suspending { speaker },
        }
        self.outputs.push_back(Output::StopPlayout { speaker });
    }

    /// The words of a caller for whom the prompt was stopped are known: they settle whether it is interrupted.
    fn confirm_interruption(&mut self, hypotheses: &[Hypothesis]) {
        if !self.judged(|judge| judge.is_said(hypotheses)) {
            return;
        }
        if self.interrupt_aside() {
            return;
        }
        let Lead::Replying(reply) = &mut self.lead else { return };
        let heard = match reply.voicing {
            Voicing::Suspending { speaker } => {
                reply.voicing = Voicing::Stopping { speaker };
                None
            }
            Voicing::Suspended => {
                reply.voicing = Voicing::Over;
                reply.heard()
            }
            Voicing::Unclaimed
            | Voicing::Speaking { .. }
            | Voicing::Playing { .. }
            | Voicing::Stopping { .. }
            | Voicing::Over => return,
        };
        reply.cut();
        self.counters.interruptions = self.counters.interruptions.saturating_add(1);
        self.outputs.extend(heard.map(|heard| Output::Service(ServiceCommand::Interrupt(heard))));
    }

    /// A prompt that was stopped for nothing is said again by the next SPEAK, from the clause that it was in. Whether there was one.
    pub(crate) fn take_up_again(&mut self) -> bool {
        let Lead::Replying(reply) = &mut self.lead else { return false };
        let was_stopped = matches!(reply.voicing, Voicing::Suspending { .. } | Voicing::Suspended);
        if was_stopped {
            reply.rewind();
            self.counters.false_stops = self.counters.false_stops.saturating_add(1);
        }
        was_stopped
    }

    /// Asks the judge of what the caller says over the robot.
    pub(crate) fn judged<T>(&self, ask: impl FnOnce(Judge<'_>) -> T) -> T {
        let was_asked = match &self.lead {
            Lead::Replying(reply) => {
                let expects_little = matches!(reply.listening.expects, Expects::YesNo | Expects::Choice);
                (reply.sounding().is_none() && !reply.is_suspended())
                    || reply.is_at_its_end()
                    || (expects_little && reply.has_asked())
            }
            Lead::Fresh | Lead::GreetingAwaited { .. } | Lead::Ended { .. } | Lead::Closed => true,
        };
        let backchannels = Backchannels::new(self.language, &self.policy.backchannels);
        ask(Judge { config: &self.config.barge_in, backchannels: &backchannels, was_asked })
    }

    /// Gives the floor to a caller who claims it, or takes the sound for nothing, as soon as that is known.
    pub(crate) fn settle_floor(&mut self, now: Instant) {
        let Some(Listener { key, floor: Floor::Claimed(interjection), .. }) = &self.listener else { return };
        let key = *key;
        let verdict = self.judged(|judge| interjection.verdict(now, judge));
        let (floor, output) = match (self.sounding().map(|(_, may)| may), verdict) {
            // What is said over a protected clause counts when that has been played.
            (Some(BargeIn::NotAllowed | BargeIn::DtmfOnly), _) | (Some(BargeIn::Allowed), Verdict::Open { .. }) => {
                return;
            }
            (_, Verdict::Nothing) => {
                self.counters.backchannels = self.counters.backchannels.saturating_add(1);
                self.caller_goes_on();
                (Floor::Open, Output::Dismiss { listener: key })
            }
            (Some(BargeIn::Allowed), Verdict::Interruption(certainty)) => {
                self.interrupt(certainty);
                (Floor::Taken, Output::YieldFloor { listener: key })
            }
            (None, Verdict::Open { .. } | Verdict::Interruption(_)) => {
                (Floor::Taken, Output::YieldFloor { listener: key })
            }
        };
        self.outputs.push_back(output);
        if let Some(listener) = &mut self.listener {
            listener.floor = floor;
        }
    }

    /// The SPEAK that sounds, and what may interrupt it.
    fn sounding(&self) -> Option<(SpeakerKey, BargeIn)> {
        let reply = match &self.lead {
            Lead::Replying(reply) => reply.sounding().map(|speaker| (speaker, reply.barge_in())),
            Lead::Fresh | Lead::GreetingAwaited { .. } | Lead::Ended { .. } | Lead::Closed => None,
        };
        self.sounding_aside().or(reply)
    }

    /// The robot is silent while somebody claims the floor, and no longer.
    pub(crate) fn settle_hush(&mut self) {
        let claimed = self.listener.as_ref().is_some_and(|open| matches!(open.floor, Floor::Claimed(_)));
        let sounding = self.sounding();
        let wanted = sounding.filter(|(_, may)| claimed && *may == BargeIn::Allowed).map(|(speaker, _)| speaker);
        match (self.hushed, wanted) {
            (None, Some(speaker)) => self.outputs.push_back(Output::Hush { speaker }),
            (Some(speaker), None) if sounding.is_some_and(|(sounding, _)| sounding == speaker) => {
                self.outputs.push_back(Output::Unhush { speaker })
            }
            (None, None) | (Some(_), None | Some(_)) => {}
        }
        self.hushed = wanted;
    }

    /// When what the caller says is to be judged again.
    pub(crate) fn verdict_due(&self) -> Option<Instant> {
        let Some(Listener { floor: Floor::Claimed(interjection), .. }) = &self.listener else { return None };
        // Judged at the time of its beginning, it is open for as long as nothing more is heard.
        self.sounding().filter(|(_, may)| *may == BargeIn::Allowed)?;
        match self.judged(|judge| interjection.verdict(self.started_at, judge)) {
            Verdict::Open { until } => Some(until),
            Verdict::Interruption(_) | Verdict::Nothing => None,
        }
    }
}
