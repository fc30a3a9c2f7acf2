//! The rules R1… and S1… of `docs/ENGINES.md`, the same suite against each engine.
//!
//! The suite makes its own speech: what the engine's synthesizer says, its recognizer must hear. Against sherpa-onnx it
//! runs where the models are (`VOXGATE_MODELS`, or the cache that `voxgate models fetch` fills) and says so where they
//! are not.
#![allow(clippy::unwrap_used, reason = "a test")]

mod bench;
mod fake;
mod recognition;
#[cfg(feature = "sherpa")]
mod sherpa;
mod synthesis;

/// One test per rule, against the bench that `$bench` gives; skipped where it gives none.
macro_rules! contract {
    ($bench:path: $($module:ident { $($rule:ident),+ $(,)? })+) => {
        $(mod $module {
            $(#[test]
            fn $rule() {
                if let Some(bench) = $bench() {
                    crate::$module::$rule(&bench);
                }
            })+
        })+
    };
}

/// All rules that hold for every engine.
macro_rules! whole_contract {
    ($bench:path) => {
        crate::contract! { $bench:
            recognition {
                r1_one_permit_covers_one_listening,
                r2_events_come_from_one_thread,
                r3_times_are_of_the_stream,
                r4_speech_starts_once_and_where_it_does,
                r4_silence_and_noise_are_no_speech,
                r5_r6_a_pause_is_told_and_so_is_what_was_said_so_far,
                r7_finish_is_answered_by_one_last_event,
                r7_silence_is_an_empty_result,
                r8_r9_every_word_is_heard_and_the_confidence_is_one,
                r9_what_was_said_just_before_the_beginning_is_heard,
                r9_what_was_over_before_the_beginning_is_not_heard,
                r10_a_long_turn_is_heard_whole,
                r11_partials_come_only_if_asked_for,
                r12_nothing_is_told_after_the_listener_is_dropped,
                r13_an_overrun_fails_the_listening,
                listening_at_an_impossible_rate_is_refused,
            }
            synthesis {
                s1_more_requests_than_the_permit_covers_are_refused,
                s2_the_samples_reported_are_in_the_buffer,
                s3_audio_is_there_before_the_request_is_complete,
                s4_a_cached_prompt_is_complete_at_once,
                s5_what_changes_the_audio_misses_the_cache,
                s7_a_dropped_request_is_not_told_and_fails_its_buffer,
                s9_factors_out_of_range_are_brought_into_range,
                s9_volume_scales_the_samples,
                s10_a_text_without_anything_to_speak_is_empty_and_complete,
                s12_a_text_in_two_scripts_is_spoken,
                a_voice_that_nobody_has_is_refused,
                a_text_over_the_limit_is_refused,
                a_prepared_prompt_is_in_the_cache,
            }
        }
    };
}

pub(crate) use {contract, whole_contract};
