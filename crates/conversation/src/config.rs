use std::time::Duration;

use speech::Language;

use crate::{Action, barge_in::BargeInConfig, end_of_turn::EndOfTurnConfig, patience::PatienceConfig};

/// How conversations behave; shared by all of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationConfig {
    /// The language of a call that names none.
    pub language: Language,
    /// How long the service may take from a request to the first event of the reply. After that the fallback is spoken.
    pub first_event_timeout: Duration,
    /// How long the service may be silent between two events of a reply.
    pub next_event_timeout: Duration,
    /// How long a conversation waits for its greeting to be asked for when a RECOGNIZE arrives before the SPEAK, so that the SPEAK
    /// can bring the flow and the call variables.
    pub greeting_grace: Duration,
    /// How long a conversation outlives the last session that took part in it.
    pub linger: Duration,
    /// The silences that end a turn.
    pub end_of_turn: EndOfTurnConfig,
    /// Whether a service that can answer speculative turns, and welcomes them, is sent some.
    pub speculation: bool,
    /// What is said while somebody waits.
    pub patience: PatienceConfig,
    /// When the caller interrupts.
    pub barge_in: BargeInConfig,
    /// What is said and done when the service fails.
    pub fallback: Fallback,
    /// What one conversation may hold.
    pub limits: ConversationLimits,
}

impl Default for ConversationConfig {
    fn default() -> Self {
        Self {
            language: Language::English,
            first_event_timeout: Duration::from_secs(4),
            next_event_timeout: Duration::from_secs(4),
            greeting_grace: Duration::from_millis(300),
            linger: Duration::from_secs(10),
            end_of_turn: EndOfTurnConfig::default(),
            speculation: true,
            patience: PatienceConfig::default(),
            barge_in: BargeInConfig::default(),
            fallback: Fallback::default(),
            limits: ConversationLimits::default(),
        }
    }
}

/// What is said and done when the dialog service is late, fails or breaks the protocol.
#[derive(Debug, Clone, PartialEq)]
pub struct Fallback {
    /// The sentence for English calls.
    pub english: String,
    /// The sentence for Chinese calls.
    pub chinese: String,
    /// What happens after the sentence: a hang-up or a transfer.
    pub action: Action,
}

impl Fallback {
    /// The sentence for a call in `language`.
    pub fn sentence(&self, language: Language) -> &str {
        match language {
            Language::English => &self.english,
            Language::Chinese => &self.chinese,
        }
    }
}

impl Default for Fallback {
    fn default() -> Self {
        Self {
            english: "Sorry, we have a technical problem. Please call again later. Goodbye.".to_owned(),
            chinese: "抱歉，系统暂时出现问题，请您稍后再拨。再见。".to_owned(),
            action: Action::Hangup { reason: "service-failed".to_owned() },
        }
    }
}

/// What one conversation may hold. What goes beyond is dropped and counted in [`Counters`](crate::Counters).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationLimits {
    /// Text of one reply.
    pub reply_bytes_max: usize,
    /// Clauses of one reply.
    pub reply_clauses_max: usize,
    /// The form, as JSON text.
    pub form_bytes_max: usize,
    /// Hypotheses passed on per turn.
    pub hypotheses_max: usize,
    /// Call variables.
    pub variables_max: usize,
    /// Name and value of one call variable, together.
    pub variable_bytes_max: usize,
}

impl Default for ConversationLimits {
    fn default() -> Self {
        Self {
            reply_bytes_max: 16 * 1024,
            reply_clauses_max: 256,
            form_bytes_max: 64 * 1024,
            hypotheses_max: 8,
            variables_max: 64,
            variable_bytes_max: 2048,
        }
    }
}
