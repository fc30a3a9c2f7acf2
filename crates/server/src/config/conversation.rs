//! `[conversation]`: how turns are taken, and what is said while somebody waits, where the dialog service's policy does not say.

use conversation::{EndOfTurnConfig, PatienceConfig, Phrases};
use toml::Table;

use super::reader::{Mistake, Section};

/// Sentences of one kind for one language.
const PHRASES_MAX: usize = 16;
/// Characters of one sentence.
const PHRASE_CHARS_MAX: usize = 300;

/// How conversations behave beside what their dialog service says.
#[derive(Debug, Clone)]
pub struct TurnTakingConfig {
    /// The silences that end a turn.
    pub end_of_turn: EndOfTurnConfig,
    /// Whether services that can answer turns before they are over are asked to.
    pub speculation: bool,
    /// What is said while somebody waits.
    pub patience: PatienceConfig,
}

pub(super) fn read(root: &mut Table, mistakes: &mut Vec<Mistake>) -> TurnTakingConfig {
    let mut section = Section::take(root, "conversation", mistakes);
    let patience = PatienceConfig {
        fillers: phrases(&mut section, ["fillers_english", "fillers_chinese"], [&[], &[]]),
        filler_after: section.millis("filler_after_ms", 1_200, 200..=30_000),
        silence_prompts: phrases(&mut section, ["silence_prompts_english", "silence_prompts_chinese"], [&[], &[]]),
        call_max: Some(section.seconds("call_max_s", 3_600, 0..=86_400)).filter(|longest| !longest.is_zero()),
        time_over: phrases(
            &mut section,
            ["time_over_english", "time_over_chinese"],
            [&["I'm sorry, our time is up. Goodbye."], &["很抱歉，通话时间到了。再见。"]],
        ),
    };
    let end_of_turn = EndOfTurnConfig {
        complete: section.millis("complete_silence_ms", 300, 100..=10_000),
        unsure: section.millis("unsure_silence_ms", 500, 100..=10_000),
        incomplete: section.millis("incomplete_silence_ms", 1_200, 100..=10_000),
    };
    if end_of_turn.complete > end_of_turn.unsure || end_of_turn.unsure > end_of_turn.incomplete {
        let reason = "must not be below complete_silence_ms, nor above incomplete_silence_ms";
        section.reject("unsure_silence_ms", end_of_turn.unsure.as_millis(), reason);
    }
    let speculation = section.flag("speculation", true);
    section.finish();
    TurnTakingConfig { end_of_turn, speculation, patience }
}

/// The sentences under two keys, for English and for Chinese.
fn phrases(section: &mut Section<'_>, keys: [&str; 2], defaults: [&[&str]; 2]) -> Phrases {
    let mut list = |key: &str, default: &[&str]| {
        let default = default.iter().map(|&words| words.to_owned()).collect();
        let list = section.list(key, default, |text| match text.trim() {
            "" => Err("must be words to say".to_owned()),
            words if words.chars().nth(PHRASE_CHARS_MAX).is_some() => {
                Err(format!("must have at most {PHRASE_CHARS_MAX} characters"))
            }
            words => Ok(words.to_owned()),
        });
        if list.len() > PHRASES_MAX {
            section.reject(key, list.len(), format!("must be at most {PHRASES_MAX} sentences"));
        }
        list
    };
    let ([english, chinese], [of_english, of_chinese]) = (keys, defaults);
    Phrases { english: list(english, of_english), chinese: list(chinese, of_chinese) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::config::Config;

    #[test]
    fn fillers_and_silence_prompts_are_said_where_they_are_given() {
        let silent = Config::default().conversation.patience;
        assert!(silent.fillers.english.is_empty() && silent.silence_prompts.chinese.is_empty());
        let told = Config::parse(
            "[conversation]\nfillers_english = [\"One moment.\"]\nfiller_after_ms = 800\nsilence_prompts_chinese = [\"您还在吗？\"]",
        );
        let told = told.unwrap().conversation.patience;
        assert_eq!(told.fillers.english, ["One moment."]);
        assert_eq!(told.filler_after, Duration::from_millis(800));
        assert_eq!(told.silence_prompts.chinese, ["您还在吗？"]);
    }

    #[test]
    fn the_silences_of_a_turn_are_in_order() {
        let mistakes = Config::parse("[conversation]\nunsure_silence_ms = 200").unwrap_err();
        assert!(mistakes.iter().any(|mistake| mistake.to_string().contains("conversation.unsure_silence_ms")));
        let told = Config::parse("[conversation]\nincomplete_silence_ms = 2000").unwrap().conversation.end_of_turn;
        assert_eq!(told.incomplete, Duration::from_secs(2));
    }

    #[test]
    fn a_call_may_be_without_an_end() {
        assert_eq!(Config::default().conversation.patience.call_max, Some(Duration::from_secs(3600)));
        assert_eq!(Config::parse("[conversation]\ncall_max_s = 0").unwrap().conversation.patience.call_max, None);
    }

    #[test]
    fn what_cannot_be_said_is_a_mistake() {
        let mistakes = Config::parse("[conversation]\nfillers_english = [\" \"]").unwrap_err();
        assert!(mistakes.iter().any(|mistake| mistake.to_string().contains("conversation.fillers_english")));
    }
}
