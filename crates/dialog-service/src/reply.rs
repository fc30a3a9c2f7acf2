use std::collections::VecDeque;

use futures::stream::{self, BoxStream, StreamExt as _};
use proto::v1;
use tonic::Status;

use crate::{
    dialogue::{Answer, ModelFinish, WritingKey},
    dialogues::{SharedDialogue, locked},
    flow::ModelRequest,
    openai::{MarkerFilter, OpenAi, ProviderError, ReplyStream},
};

/// The events of one reply as the client reads them. Nothing runs but what the client waits for, so dropping it stops the model.
pub(crate) struct Reply {
    dialogue: SharedDialogue,
    ready: VecDeque<v1::TurnEvent>,
    model: Option<Model>,
}

/// A language model that writes the rest of a reply.
struct Model {
    key: WritingKey,
    request: ModelRequest,
    provider: Option<OpenAi>,
    stream: Option<ReplyStream>,
    filter: MarkerFilter,
    chars: usize,
}

/// What a model did next.
enum Written {
    Words(String),
    /// There may be last words.
    Finished(String),
}

impl Reply {
    pub(crate) fn new(dialogue: SharedDialogue, answer: Answer, provider: Option<&OpenAi>) -> Self {
        let model = answer.model.map(|(key, request)| Model {
            key,
            filter: MarkerFilter::new(request.exits.clone()),
            request,
            provider: provider.cloned(),
            stream: None,
            chars: 0,
        });
        Self { dialogue, ready: answer.events.into(), model }
    }

    pub(crate) fn into_stream(self) -> BoxStream<'static, Result<v1::TurnEvent, Status>> {
        stream::unfold(self, |mut reply| async move { reply.next().await.map(|event| (Ok(event), reply)) }).boxed()
    }

    async fn next(&mut self) -> Option<v1::TurnEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let model = self.model.as_mut()?;
            match model.write().await {
                Ok(Written::Words(words)) => {
                    let event = locked(&self.dialogue).model_wrote(model.key, &words);
                    match event {
                        Some(event) => self.ready.push_back(event),
                        None => self.model = None,
                    }
                }
                Ok(Written::Finished(words)) => {
                    let mut dialogue = locked(&self.dialogue);
                    if !words.is_empty() {
                        self.ready.extend(dialogue.model_wrote(model.key, &words));
                    }
                    let finish = ModelFinish::Complete { exit: model.filter.exit() };
                    self.ready.extend(dialogue.model_finished(model.key, finish).into_iter().flatten());
                    drop(dialogue);
                    self.model = None;
                }
                Err(err) => {
                    metrics::counter!("dialog_provider_failures_total", "kind" => err.kind()).increment(1);
                    tracing::warn!(kind = err.kind(), error = %err, "the language model failed; the flow's fallback speaks");
                    let rest = locked(&self.dialogue).model_finished(model.key, ModelFinish::Failed);
                    self.ready.extend(rest.into_iter().flatten());
                    self.model = None;
                }
            }
        }
    }
}

impl Model {
    async fn write(&mut self) -> Result<Written, ProviderError> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let provider = self.provider.as_ref();
                let provider = provider.ok_or_else(|| ProviderError::Configuration("there is none".to_owned()))?;
                self.stream.insert(provider.reply(&self.request).await?)
            }
        };
        loop {
            let Some(piece) = stream.next().await? else {
                let words = self.filter.finish();
                if self.chars == 0 && words.trim().is_empty() && self.filter.exit().is_none() {
                    return Err(ProviderError::Reply("it is empty"));
                }
                return Ok(Written::Finished(words));
            };
            let room = self.request.reply_chars_max.saturating_sub(self.chars);
            let piece = self.filter.push(&piece);
            let is_full = piece.chars().nth(room).is_some();
            let words = cut_at_word(piece, room);
            self.chars = self.chars.saturating_add(words.chars().count());
            if self.filter.exit().is_some() || is_full {
                return Ok(Written::Finished(words));
            }
            if !words.is_empty() {
                return Ok(Written::Words(words));
            }
        }
    }
}

/// At most `room` characters, without the beginning of a word that does not fit.
fn cut_at_word(words: String, room: usize) -> String {
    let Some((end, _)) = words.char_indices().nth(room) else { return words };
    let kept = words.get(..end).unwrap_or_default();
    match kept.rfind(char::is_whitespace) {
        Some(space) => kept.get(..space).unwrap_or_default().to_owned(),
        None => kept.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_at_a_word_or_in_chinese_at_a_character() {
        for (words, room, expected) in [
            ("one two three", 20, "one two three"),
            ("one two three", 13, "one two three"),
            ("one two three", 9, "one two"),
            ("one two", 0, ""),
            ("您好吗", 2, "您好"),
        ] {
            assert_eq!(cut_at_word(words.to_owned(), room), expected, "{words} in {room}");
        }
    }
}
