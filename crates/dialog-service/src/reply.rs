use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures::stream::{self, BoxStream, StreamExt as _};
use proto::v1;
use tonic::Status;

use crate::{
    dialogue::{Answer, AwaitKey, ModelFinish},
    dialogues::{Dialogues, SharedDialogue, locked},
    flow::{ForbiddenFilter, ModelRequest, Need},
    openai::{Begun, MarkerFilter, ProviderError, Providers},
    tools::ToolClient,
};

/// What replies ask outside of the service.
#[derive(Debug)]
pub(crate) struct Helpers {
    pub(crate) dialogues: Arc<Dialogues>,
    pub(crate) providers: Option<Providers>,
    /// How long the summary of a conversation may be written by a model; zero: rules write it.
    pub(crate) summary_within: Duration,
    pub(crate) tools: ToolClient,
}

/// The events of one reply as the client reads them. Nothing runs but what the client waits for, so dropping it stops the model.
pub(crate) struct Reply {
    dialogue: SharedDialogue,
    helpers: Arc<Helpers>,
    ready: VecDeque<v1::TurnEvent>,
    awaits: Option<(AwaitKey, Awaits)>,
}

/// What the rest of a reply waits for.
#[expect(clippy::large_enum_variant, reason = "a reply has one")]
enum Awaits {
    Model(Box<Model>),
    Other(Need),
}

/// A language model that writes the rest of a reply.
struct Model {
    request: ModelRequest,
    providers: Option<Providers>,
    /// Tokens that the conversation may still use.
    tokens_left: u64,
    begun: Option<Begun>,
    markers: MarkerFilter,
    forbidden: ForbiddenFilter,
    chars: usize,
}

/// What a model did next.
enum Written {
    Words(String),
    /// There may be last words.
    Finished(String),
}

impl Reply {
    pub(crate) fn new(dialogue: SharedDialogue, answer: Answer, helpers: &Arc<Helpers>) -> Self {
        let mut reply = Self { dialogue, helpers: Arc::clone(helpers), ready: VecDeque::new(), awaits: None };
        reply.take(answer);
        reply
    }

    pub(crate) fn into_stream(self) -> BoxStream<'static, Result<v1::TurnEvent, Status>> {
        stream::unfold(self, |mut reply| async move { reply.next().await.map(|event| (Ok(event), reply)) }).boxed()
    }

    fn take(&mut self, answer: Answer) {
        self.ready.extend(answer.events);
        self.awaits = answer.awaits.map(|(key, need)| match need {
            Need::Model(request) => {
                let tokens_used = locked(&self.dialogue).tokens();
                (key, Awaits::Model(Box::new(Model::new(request, self.helpers.providers.clone(), tokens_used))))
            }
            other @ (Need::Tool(_) | Need::Lookup(_)) => (key, Awaits::Other(other)),
        });
    }

    /// The rest of the reply; `None`: nobody wants it any more.
    fn take_rest(&mut self, rest: Option<Answer>) {
        self.awaits = None;
        if let Some(rest) = rest {
            self.take(rest);
        }
    }

    async fn next(&mut self) -> Option<v1::TurnEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let (key, awaits) = self.awaits.as_mut()?;
            let key = *key;
            match awaits {
                Awaits::Model(model) => {
                    let written = model.write().await;
                    let is_over = !matches!(written, Ok(Written::Words(_)));
                    self.take_written(key, written);
                    if is_over {
                        save(Arc::clone(&self.helpers), Arc::clone(&self.dialogue)).await;
                    }
                }
                Awaits::Other(Need::Tool(request)) => {
                    let request = request.clone();
                    // What cannot be taken back waits until the turn is the caller's.
                    let settling = locked(&self.dialogue).settling();
                    if let Some(mut settling) = settling {
                        // Nothing is ever sent: it ends with the attempt.
                        let _settled = settling.changed().await;
                        continue;
                    }
                    let conversation = locked(&self.dialogue).id().to_owned();
                    let (result, took) = self.helpers.tools.call(&conversation, &request).await;
                    let rest = locked(&self.dialogue).tool_answered(key, &result, took);
                    self.take_rest(rest);
                    save(Arc::clone(&self.helpers), Arc::clone(&self.dialogue)).await;
                }
                Awaits::Other(Need::Lookup(request)) => {
                    let found = locked(&self.dialogue).flow().look_up(request);
                    let rest = locked(&self.dialogue).looked_up(key, found);
                    self.take_rest(rest);
                    save(Arc::clone(&self.helpers), Arc::clone(&self.dialogue)).await;
                }
                Awaits::Other(Need::Model(_)) => self.awaits = None,
            }
        }
    }

    fn take_written(&mut self, key: AwaitKey, written: Result<Written, ProviderError>) {
        let Some((_, Awaits::Model(model))) = &self.awaits else { return };
        match written {
            Ok(Written::Words(words)) => match locked(&self.dialogue).model_wrote(key, &words) {
                Some(event) => self.ready.push_back(event),
                None => self.awaits = None,
            },
            Ok(Written::Finished(words)) => {
                let mut dialogue = locked(&self.dialogue);
                model.begun.iter().for_each(|begun| dialogue.used(begun.stream.usage()));
                if !words.is_empty() {
                    self.ready.extend(dialogue.model_wrote(key, &words));
                }
                let finish = ModelFinish::Complete { exit: model.markers.exit(), notes: model.markers.notes() };
                let rest = dialogue.model_finished(key, finish);
                drop(dialogue);
                let replaced = model.forbidden.replaced();
                if replaced > 0 {
                    metrics::counter!("dialog_forbidden_total").increment(replaced.into());
                    tracing::warn!(replaced, "a language model wrote what is forbidden; a safe sentence was said");
                }
                self.take_rest(rest);
            }
            Err(err) => {
                metrics::counter!("dialog_provider_failures_total", "kind" => err.kind()).increment(1);
                tracing::warn!(kind = err.kind(), error = %err, "the language model failed; the flow's fallback speaks");
                let mut dialogue = locked(&self.dialogue);
                if let (Some(begun), Some(providers)) = (&model.begun, &model.providers) {
                    providers.broke_off(begun, &err);
                    dialogue.used(begun.stream.usage());
                }
                let rest = dialogue.model_finished(key, ModelFinish::Failed);
                drop(dialogue);
                self.take_rest(rest);
            }
        }
    }
}

impl Drop for Reply {
    /// What a model wrote for nobody was paid for all the same.
    fn drop(&mut self) {
        if let Some((_, Awaits::Model(model))) = &self.awaits
            && let Some(begun) = &model.begun
        {
            locked(&self.dialogue).used(begun.stream.usage());
        }
    }
}

/// Writes the conversation once a wait is over. Another instance that was faster has the caller's next turn already.
async fn save(helpers: Arc<Helpers>, dialogue: SharedDialogue) {
    if let Err(status) = helpers.dialogues.save(&dialogue).await {
        tracing::debug!(code = ?status.code(), "the end of a reply was not written");
    }
}

impl Model {
    fn new(request: ModelRequest, providers: Option<Providers>, tokens_used: u64) -> Self {
        let tokens_max = providers.as_ref().map_or(0, Providers::call_tokens_max);
        Self {
            markers: MarkerFilter::new(request.exits.clone()),
            forbidden: ForbiddenFilter::new(request.guard.clone()),
            request,
            providers,
            tokens_left: tokens_max.saturating_sub(tokens_used),
            begun: None,
            chars: 0,
        }
    }

    async fn write(&mut self) -> Result<Written, ProviderError> {
        let begun = match &mut self.begun {
            Some(begun) => begun,
            None => {
                let providers = self.providers.as_ref();
                let providers = providers.ok_or_else(|| ProviderError::Configuration("there is none".to_owned()))?;
                if self.tokens_left == 0 {
                    return Err(ProviderError::Budget);
                }
                self.begun.insert(providers.begin(&self.request).await?)
            }
        };
        loop {
            let Some(piece) = begun.stream.next().await? else {
                let mut words = self.forbidden.push(&self.markers.finish());
                words.push_str(&self.forbidden.finish());
                if self.chars == 0 && words.trim().is_empty() && self.markers.exit().is_none() {
                    return Err(ProviderError::Reply("it is empty"));
                }
                return Ok(Written::Finished(words));
            };
            let room = self.request.reply_chars_max.saturating_sub(self.chars);
            let piece = self.forbidden.push(&self.markers.push(&piece));
            let is_full = piece.chars().nth(room).is_some();
            let mut words = cut_at_word(piece, room);
            self.chars = self.chars.saturating_add(words.chars().count());
            if self.markers.exit().is_some() || is_full {
                if !is_full {
                    words.push_str(&self.forbidden.finish());
                }
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
