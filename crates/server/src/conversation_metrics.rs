//! What conversations count, as metrics.

use conversation::Counters;
use metrics::{counter, describe_counter};

/// The counters of one conversation, as far as they have been told.
#[derive(Debug, Default)]
pub(crate) struct ConversationMetrics {
    told: Counters,
}

impl ConversationMetrics {
    /// Tells what was counted since the last time.
    pub(crate) fn tell(&mut self, counters: &Counters) {
        let told = std::mem::replace(&mut self.told, *counters);
        let since = |count: fn(&Counters) -> u64| count(counters).saturating_sub(count(&told));
        let add = |name: &'static str, count: fn(&Counters) -> u64| {
            let since = since(count);
            if since > 0 {
                counter!(name).increment(since);
            }
        };
        add("conversation_fillers_total", |counters| counters.fillers);
        add("conversation_silence_prompts_total", |counters| counters.silence_prompts);
        add("conversation_calls_too_long_total", |counters| counters.calls_too_long);
        add("conversation_fallbacks_total", |counters| counters.fallbacks);
        add("conversation_interruptions_total", |counters| counters.interruptions);
        let ended = |how: &'static str, count: fn(&Counters) -> u64| {
            let since = since(count);
            if since > 0 {
                counter!("conversation_turns_total", "end" => how).increment(since);
            }
        };
        ended("complete", |counters| counters.turns.complete);
        ended("unsure", |counters| counters.turns.unsure);
        ended("incomplete", |counters| counters.turns.incomplete);
        ended("unjudged", |counters| counters.turns.unjudged);
        ended("keys", |counters| counters.turns.keys);
        ended("silence", |counters| counters.turns.silence);
        ended("not-understood", |counters| counters.turns.not_understood);
        let speculated = |outcome: &'static str, count: fn(&Counters) -> u64| {
            let since = since(count);
            if since > 0 {
                counter!("conversation_speculations_total", "outcome" => outcome).increment(since);
            }
        };
        speculated("committed", |counters| counters.speculations_committed);
        speculated("withdrawn", |counters| counters.speculations_withdrawn);
        let dropped = |what: &'static str, count: fn(&Counters) -> u64| {
            let since = since(count);
            if since > 0 {
                counter!("conversation_dropped_total", "what" => what).increment(since);
            }
        };
        dropped("late-event", |counters| counters.late_events);
        dropped("late-input", |counters| counters.late_inputs);
        dropped("over-limit", |counters| counters.over_limit);
    }
}

pub(crate) fn describe() {
    describe_counter!("conversation_fillers_total", "Fillers said because a reply was late");
    describe_counter!("conversation_silence_prompts_total", "Silent callers asked whether they are there");
    describe_counter!("conversation_calls_too_long_total", "Calls ended because they took too long");
    describe_counter!("conversation_fallbacks_total", "Replies that the fallback replaced");
    describe_counter!("conversation_interruptions_total", "Replies that the caller interrupted");
    describe_counter!("conversation_turns_total", "Turns of callers, by how complete they were when they ended");
    describe_counter!("conversation_speculations_total", "Turns asked for before they were over, by outcome");
    describe_counter!("conversation_dropped_total", "What conversations dropped: late, or over a limit");
}
