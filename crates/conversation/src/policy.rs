use std::time::Duration;

use crate::barge_in::BargeIn;

/// What kind of answer a reply asks for: tells when an answer is complete.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Expects {
    /// Nothing in particular.
    #[default]
    Anything,
    /// Yes or no.
    YesNo,
    /// A number of digits.
    Digits {
        /// The least of a complete answer, when it is known.
        min: Option<u32>,
        /// The most of one, when it is known.
        max: Option<u32>,
    },
    /// A number, an amount, a score.
    Number,
    /// A date or a time.
    DateTime,
    /// A choice among few words.
    Choice,
    /// A name or an address.
    Name,
    /// A story: pauses are part of it.
    Open,
}

/// How to listen to the answer to one reply. The time-outs that the client's RECOGNIZE has are the upper bound of those here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listening {
    /// What kind of answer is expected.
    pub expects: Expects,
    /// Words that are likely to be said.
    pub hints: Vec<String>,
    /// How long the caller may say nothing; `None`: as the client says.
    pub no_input_timeout: Option<Duration>,
    /// The silence that ends a complete answer; `None`: as configured.
    pub complete_silence: Option<Duration>,
    /// The silence that ends an incomplete one; `None`: as configured.
    pub incomplete_silence: Option<Duration>,
}

/// How to hold a conversation, as the service wants it. What is absent is as configured. A later one replaces an earlier one whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallPolicy {
    /// What may interrupt what the robot says, where a clause does not say.
    pub barge_in: Option<BargeIn>,
    /// Words that are no interruption, beside those of the server.
    pub backchannels: Vec<String>,
    /// Said when a reply is late, one of them in turn; none: as configured.
    pub fillers: Vec<String>,
    /// After how long.
    pub filler_after: Option<Duration>,
    /// Said when the caller says nothing, in turn, before the service learns of it; none: as configured.
    pub silence_prompts: Vec<String>,
    /// The longest conversation.
    pub call_max: Option<Duration>,
    /// Said when it is over.
    pub time_over: Option<String>,
    /// Speculative turns are welcome.
    pub speculation: bool,
}
