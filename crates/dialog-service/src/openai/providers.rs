use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use super::{OpenAi, OpenAiConfig, ProviderError, ReplyStream, breaker::Breaker};
use crate::flow::ModelRequest;

/// How often a provider is asked for one reply.
const ROUNDS_MAX: usize = 2;

/// Which providers there are, in the order of preference, and what all of them together may take.
#[derive(Debug, Clone)]
pub struct ProvidersConfig {
    /// The first is asked first; one that fails or is late is followed by the next.
    pub providers: Vec<OpenAiConfig>,
    /// From the caller's turn to the first words, whichever provider writes them. Then the flow's own words are said.
    pub answer_within: Duration,
    /// Tokens that a conversation may use, read and written; after that the flow goes on without a model.
    pub call_tokens_max: u64,
}

impl ProvidersConfig {
    /// These providers, with 1.8 s for the first words and 200,000 tokens for a conversation.
    pub fn new(providers: Vec<OpenAiConfig>) -> Self {
        Self { providers, answer_within: Duration::from_millis(1800), call_tokens_max: 200_000 }
    }
}

/// Providers, in the order of preference. Cheap to clone; connections and what is known of failures are shared.
#[derive(Debug, Clone)]
pub struct Providers {
    members: Arc<[Member]>,
    answer_within: Duration,
    call_tokens_max: u64,
}

#[derive(Debug)]
struct Member {
    provider: OpenAi,
    breaker: Mutex<Breaker>,
}

/// A reply that has begun, and whose it is.
#[derive(Debug)]
pub struct Begun {
    /// The reply.
    pub stream: ReplyStream,
    member: usize,
}

impl Providers {
    /// Providers as configured; nothing is sent yet. `None` when there is none.
    ///
    /// # Errors
    /// What [`OpenAi::new`] says of the first that cannot be used.
    pub fn new(config: ProvidersConfig) -> Result<Option<Self>, ProviderError> {
        let member =
            |config| OpenAi::new(config).map(|provider| Member { provider, breaker: Mutex::new(Breaker::new()) });
        let members = config.providers.into_iter().map(member).collect::<Result<Arc<[Member]>, _>>()?;
        let (answer_within, call_tokens_max) = (config.answer_within, config.call_tokens_max);
        Ok((!members.is_empty()).then_some(Self { members, answer_within, call_tokens_max }))
    }

    /// Tokens that a conversation may use.
    pub fn call_tokens_max(&self) -> u64 {
        self.call_tokens_max
    }

    /// Asks for a reply, one provider after the other until one begins to write. A provider that only refused for now is asked once more
    /// when the others have been asked, if there is time.
    ///
    /// # Errors
    /// What the last provider that was asked did, when none writes in time.
    pub async fn begin(&self, request: &ModelRequest) -> Result<Begun, ProviderError> {
        let begun = Instant::now();
        let deadline = begun.checked_add(self.answer_within).unwrap_or(begun);
        let mut last = ProviderError::Resting;
        let mut again: Vec<Option<Instant>> = vec![Some(begun); self.members.len()];
        for _ in 0..ROUNDS_MAX {
            for index in 0..self.members.len() {
                let Some(Some(at)) = again.get_mut(index).map(Option::take) else { continue };
                let Some(member) = self.members.get(index).filter(|member| at < deadline && member.admits()) else {
                    continue;
                };
                sleep_until(at).await;
                let others = again.iter().flatten().count();
                match member.provider.begin(request, member.patience(deadline, others > 0)).await {
                    Ok(stream) => {
                        member.succeeded();
                        return Ok(Begun { stream, member: index });
                    }
                    Err(error) => {
                        member.failed(&error);
                        let retry = error.retry_after().and_then(|wait| Instant::now().checked_add(wait));
                        if let Some(place) = again.get_mut(index) {
                            *place = retry;
                        }
                        last = error;
                    }
                }
            }
        }
        Err(last)
    }

    /// A reply broke off.
    pub fn broke_off(&self, begun: &Begun, error: &ProviderError) {
        if let Some(member) = self.members.get(begun.member) {
            member.failed(error);
        }
    }
}

impl Member {
    fn admits(&self) -> bool {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner).admits(Instant::now())
    }

    fn succeeded(&self) {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner).succeeded();
    }

    fn failed(&self, error: &ProviderError) {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let was_open = breaker.is_open();
        breaker.failed(Instant::now());
        let is_open = breaker.is_open();
        drop(breaker);
        let model = self.provider.model().to_owned();
        metrics::counter!("dialog_provider_errors_total", "model" => model, "kind" => error.kind()).increment(1);
        tracing::debug!(model = self.provider.model(), kind = error.kind(), "a provider failed");
        if is_open && !was_open {
            tracing::warn!(model = self.provider.model(), kind = error.kind(), "a provider is left alone for a while");
        }
    }

    /// Until when it may be silent: with others to ask after it, two thirds of the time that is left.
    fn patience(&self, deadline: Instant, others: bool) -> Instant {
        let now = Instant::now();
        let left = deadline.saturating_duration_since(now);
        let share = if others { left.saturating_mul(2) / 3 } else { left };
        now.checked_add(share.min(self.provider.first_token_timeout())).unwrap_or(now)
    }
}
