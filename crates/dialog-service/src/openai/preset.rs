use std::fmt;

use serde_json::{Map, Value, json};

/// How a server of the chat-completions API differs from the others: what its address is, which environment variable usually holds
/// its key, and what its requests must and may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preset {
    /// Any server that does what the API's common part says.
    #[default]
    Plain,
    /// OpenAI.
    OpenAi,
    /// Qwen, by Alibaba Cloud's compatible mode.
    Qwen,
    /// ERNIE, by Baidu's Qianfan.
    Ernie,
    /// DeepSeek.
    DeepSeek,
    /// llama.cpp's server.
    LlamaCpp,
    /// vLLM.
    Vllm,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Plain, Self::OpenAi, Self::Qwen, Self::Ernie, Self::DeepSeek, Self::LlamaCpp, Self::Vllm];

    /// The preset of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// Its name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::OpenAi => "openai",
            Self::Qwen => "qwen",
            Self::Ernie => "ernie",
            Self::DeepSeek => "deepseek",
            Self::LlamaCpp => "llama.cpp",
            Self::Vllm => "vllm",
        }
    }

    /// Where it is; `None` where the operator has to say.
    pub fn base_url(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::OpenAi => Some("https://api.openai.com/v1"),
            Self::Qwen => Some("https://dashscope.aliyuncs.com/compatible-mode/v1"),
            Self::Ernie => Some("https://qianfan.baidubce.com/v2"),
            Self::DeepSeek => Some("https://api.deepseek.com/v1"),
            Self::LlamaCpp => Some("http://127.0.0.1:8080/v1"),
            Self::Vllm => Some("http://127.0.0.1:8000/v1"),
        }
    }

    /// The environment variable that usually holds its key; `None` where none is needed.
    pub fn key_variable(self) -> Option<&'static str> {
        match self {
            Self::Plain | Self::LlamaCpp | Self::Vllm => None,
            Self::OpenAi => Some("OPENAI_API_KEY"),
            Self::Qwen => Some("DASHSCOPE_API_KEY"),
            Self::Ernie => Some("QIANFAN_API_KEY"),
            Self::DeepSeek => Some("DEEPSEEK_API_KEY"),
        }
    }

    /// Makes the common request its own.
    pub(super) fn shape(self, request: &mut Map<String, Value>) {
        let mut rename = |from: &str, to: &str| {
            if let Some(value) = request.remove(from) {
                request.insert(to.to_owned(), value);
            }
        };
        match self {
            Self::Plain => {}
            Self::OpenAi => rename("max_tokens", "max_completion_tokens"),
            Self::Ernie => {
                rename("max_tokens", "max_completion_tokens");
                // 0 is refused there.
                if request.get("temperature").and_then(Value::as_f64).is_some_and(|value| value <= 0.0) {
                    request.insert("temperature".to_owned(), json!(0.01));
                } else if request.get("temperature").and_then(Value::as_f64).is_some_and(|value| value > 1.0) {
                    request.insert("temperature".to_owned(), json!(1.0));
                }
            }
            // Thinking aloud takes longer than a caller waits.
            Self::Qwen => {
                request.insert("enable_thinking".to_owned(), json!(false));
            }
            Self::Vllm => {
                request.insert("chat_template_kwargs".to_owned(), json!({"enable_thinking": false}));
            }
            Self::LlamaCpp => {
                // The beginning of a conversation is the same from turn to turn.
                request.insert("cache_prompt".to_owned(), json!(true));
            }
            Self::DeepSeek => {}
        }
        match self {
            Self::Plain => {}
            Self::OpenAi | Self::Qwen | Self::Ernie | Self::DeepSeek | Self::LlamaCpp | Self::Vllm => {
                request.insert("stream_options".to_owned(), json!({"include_usage": true}));
            }
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shaped(preset: Preset, temperature: f64) -> Value {
        let mut request = Map::new();
        request.insert("max_tokens".to_owned(), json!(200));
        request.insert("temperature".to_owned(), json!(temperature));
        preset.shape(&mut request);
        Value::Object(request)
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for preset in Preset::ALL {
            assert_eq!(Preset::from_name(&preset.to_string()), Some(preset));
        }
        assert_eq!(Preset::from_name("gpt"), None);
    }

    #[test]
    fn requests_differ_as_the_servers_do() {
        let usage = json!({"include_usage": true});
        for (preset, temperature, expected) in [
            (Preset::Plain, 0.3, json!({"max_tokens": 200, "temperature": 0.3})),
            (Preset::OpenAi, 0.3, json!({"max_completion_tokens": 200, "temperature": 0.3, "stream_options": usage})),
            (Preset::Ernie, 0.0, json!({"max_completion_tokens": 200, "temperature": 0.01, "stream_options": usage})),
            (
                Preset::Qwen,
                0.3,
                json!({"max_tokens": 200, "temperature": 0.3, "enable_thinking": false, "stream_options": usage}),
            ),
            (
                Preset::Vllm,
                0.3,
                json!({
                    "max_tokens": 200, "temperature": 0.3,
                    "chat_template_kwargs": {"enable_thinking": false}, "stream_options": usage,
                }),
            ),
            (
                Preset::LlamaCpp,
                0.3,
                json!({"max_tokens": 200, "temperature": 0.3, "cache_prompt": true, "stream_options": usage}),
            ),
        ] {
            assert_eq!(shaped(preset, temperature), expected, "{preset}");
        }
    }
}
