//! `[dialog.llm]`: the language models of the embedded dialog service.

use std::path::PathBuf;
use std::time::Duration;

use dialog_service::{OpenAiConfig, Preset};
use toml::{Table, Value};

use super::reader::{Mistake, Section};

/// `[dialog.llm]`
#[derive(Debug, Clone)]
pub struct LlmConfig {
    /// From the caller's turn to the first words, whichever provider writes them.
    pub answer_within: Duration,
    /// Tokens that one conversation may use.
    pub call_tokens_max: u64,
    /// Time for the summary of a conversation; zero: rules write it.
    pub summary_within: Duration,
    /// In the order of preference.
    pub providers: Vec<ProviderConfig>,
}

/// One of `[[dialog.llm.providers]]`
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Everything but the key.
    pub settings: OpenAiConfig,
    /// Environment variable that holds the key.
    pub key_variable: Option<String>,
    /// File that holds it.
    pub key_file: Option<PathBuf>,
}

/// `table` is `[dialog.llm]`.
pub(super) fn read(mut table: Table, mistakes: &mut Vec<Mistake>) -> LlmConfig {
    let providers = match table.remove("providers") {
        None => Vec::new(),
        Some(Value::Array(providers)) => providers,
        Some(other) => vec![other],
    };
    let mut wrapped = Table::from_iter([("dialog.llm".to_owned(), Value::Table(table))]);
    let mut section = Section::take(&mut wrapped, "dialog.llm", mistakes);
    let mut config = LlmConfig {
        answer_within: section.millis("answer_within_ms", 1_800, 100..=60_000),
        call_tokens_max: u64::try_from(section.integer("call_tokens_max", 200_000, 1..=100_000_000)).unwrap_or(0),
        summary_within: section.millis("summary_within_ms", 4_000, 0..=60_000),
        providers: Vec::new(),
    };
    if providers.is_empty() {
        section.reject("providers", "[]", "at least one [[dialog.llm.providers]] is needed");
    }
    section.finish();
    config.providers =
        providers.into_iter().enumerate().map(|(index, value)| provider(index, value, mistakes)).collect();
    config
}

fn provider(index: usize, value: Value, mistakes: &mut Vec<Mistake>) -> ProviderConfig {
    let name = format!("dialog.llm.providers[{index}]");
    let mut wrapped = Table::from_iter([(name.clone(), value)]);
    let mut section = Section::take(&mut wrapped, &name, mistakes);
    let known = || Preset::ALL.map(Preset::name).join(", ");
    let preset = section.parsed("preset", Preset::Plain, |text| {
        Preset::from_name(text).ok_or_else(|| format!("must be one of {}", known()))
    });
    let base_url = section.text("base_url").or_else(|| preset.base_url().map(str::to_owned)).unwrap_or_default();
    let model = section.text("model").unwrap_or_default();
    let key_file = section.text("key_file").map(PathBuf::from);
    let key_variable = section.text("key_variable").filter(|name| !name.is_empty());
    let defaults = OpenAiConfig::new("", "");
    let count = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    let settings = OpenAiConfig {
        preset,
        connect_timeout: section.millis("connect_timeout_ms", 1_000, 10..=60_000),
        first_token_timeout: section.millis("first_token_timeout_ms", 1_800, 50..=60_000),
        next_token_timeout: section.millis("next_token_timeout_ms", 1_800, 50..=60_000),
        total_timeout: section.seconds("total_timeout_s", 20, 1..=600),
        tokens_max: count(section.count("tokens_max", 200, 1..=100_000)),
        context_tokens_max: section.count("context_tokens_max", defaults.context_tokens_max, 1..=1_000_000),
        temperature: section.fraction("temperature", defaults.temperature),
        ..OpenAiConfig::new(&base_url, &model)
    };
    if base_url.is_empty() {
        section.reject("base_url", "\"\"", "is needed where the preset has none");
    }
    if model.is_empty() {
        section.reject("model", "\"\"", "is needed");
    }
    if key_file.is_some() && key_variable.is_some() {
        section.reject("key_file", "", "and key_variable cannot both be given");
    }
    section.finish();
    let key_variable = key_variable.or_else(|| match key_file {
        Some(_) => None,
        None => preset.key_variable().map(str::to_owned),
    });
    ProviderConfig { settings, key_variable, key_file }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn presets_bring_what_is_not_said() {
        let text = "[[dialog.llm.providers]]\npreset = \"deepseek\"\nmodel = \"deepseek-chat\"\n\
            [[dialog.llm.providers]]\npreset = \"llama.cpp\"\nmodel = \"local\"\nbase_url = \"http://127.0.0.1:9999/v1\"\n";
        let llm = Config::parse(text).unwrap().dialog.llm.unwrap();
        assert_eq!(llm.providers[0].settings.base_url, "https://api.deepseek.com/v1");
        assert_eq!(llm.providers[0].key_variable.as_deref(), Some("DEEPSEEK_API_KEY"));
        assert_eq!(llm.providers[1].settings.base_url, "http://127.0.0.1:9999/v1");
        assert_eq!(llm.providers[1].key_variable, None);
    }

    #[test]
    fn mistakes_name_the_provider() {
        let text = "[[dialog.llm.providers]]\nmodel = \"m\"\nbase_url = \"http://x/v1\"\n\
            [[dialog.llm.providers]]\npreset = \"gpt\"\ncolour = 3\n[dialog.llm]\n";
        let keys = |text: &str| -> Vec<String> {
            Config::parse(text).unwrap_err().into_iter().map(|mistake| mistake.key).collect()
        };
        let text = text.replace("[dialog.llm]\n", "");
        let provider = "dialog.llm.providers[1]";
        let expected = ["preset", "base_url", "model", "colour"].map(|key| format!("{provider}.{key}"));
        assert_eq!(keys(&text), expected);
        assert_eq!(keys("[dialog.llm]\n"), ["dialog.llm.providers"]);
    }
}
